/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events: the words that operators, scripts and clients parse. Method: the
 * whole list of Sentinel's events, with the level of each and whether a
 * notification script hears of it, is written here a second time, from the
 * protocol; every row of the core must be in it, and every one of it in the
 * core, but those that are told elsewhere.
 */
#include <check.h>

#include "core/notice.h"
#include "puppet.h"
#include "suite.h"

static const struct {
    const char *event;
    enum vd_notice_level level;
    bool script;
} sentinels[] = {
    {"+monitor", VD_NOTICE_WARNING, true},
    {"-monitor", VD_NOTICE_WARNING, true},
    {"+set", VD_NOTICE_WARNING, true},
    {"+reset-master", VD_NOTICE_WARNING, true},
    {"+slave", VD_NOTICE_NOTICE, false},
    {"+sentinel", VD_NOTICE_NOTICE, false},
    {"+sentinel-address-switch", VD_NOTICE_NOTICE, false},
    {"+sentinel-address-update", VD_NOTICE_NOTICE, false},
    {"+sentinel-invalid-addr", VD_NOTICE_NOTICE, false},
    {"+reboot", VD_NOTICE_NOTICE, false},
    {"+role-change", VD_NOTICE_VERBOSE, false},
    {"-role-change", VD_NOTICE_VERBOSE, false},
    {"+sdown", VD_NOTICE_WARNING, true},
    {"-sdown", VD_NOTICE_WARNING, true},
    {"+odown", VD_NOTICE_WARNING, true},
    {"-odown", VD_NOTICE_WARNING, true},
    {"+new-epoch", VD_NOTICE_WARNING, false},
    {"+vote-for-leader", VD_NOTICE_WARNING, false},
    {"+try-failover", VD_NOTICE_WARNING, true},
    {"+elected-leader", VD_NOTICE_WARNING, true},
    {"-failover-abort-not-elected", VD_NOTICE_WARNING, true},
    {"+failover-state-select-slave", VD_NOTICE_WARNING, true},
    {"-failover-abort-no-good-slave", VD_NOTICE_WARNING, true},
    {"+selected-slave", VD_NOTICE_WARNING, true},
    {"+failover-state-send-slaveof-noone", VD_NOTICE_NOTICE, false},
    {"+failover-state-wait-promotion", VD_NOTICE_NOTICE, false},
    {"-failover-abort-slave-timeout", VD_NOTICE_WARNING, true},
    {"-failover-abort-master-timeout", VD_NOTICE_WARNING, true},
    {"+promoted-slave", VD_NOTICE_WARNING, true},
    {"+failover-state-reconf-slaves", VD_NOTICE_WARNING, true},
    {"+slave-reconf-sent", VD_NOTICE_NOTICE, false},
    {"+slave-reconf-inprog", VD_NOTICE_NOTICE, false},
    {"+slave-reconf-done", VD_NOTICE_NOTICE, false},
    {"-slave-reconf-sent-timeout", VD_NOTICE_NOTICE, false},
    {"+slave-reconf-sent-be", VD_NOTICE_NOTICE, false},
    {"+failover-end-for-timeout", VD_NOTICE_WARNING, true},
    {"+failover-end", VD_NOTICE_WARNING, true},
    {"+config-update-from", VD_NOTICE_WARNING, true},
    {"+switch-master", VD_NOTICE_WARNING, true},
    {"+convert-to-slave", VD_NOTICE_NOTICE, false},
    {"+fix-slave-config", VD_NOTICE_NOTICE, false},
    {"-script-error", VD_NOTICE_WARNING, false},
    {"-script-timeout", VD_NOTICE_WARNING, false},
    {"-cmd-link-reconnection", VD_NOTICE_DEBUG, false},
    {"-pubsub-link-reconnection", VD_NOTICE_DEBUG, false},
    /* Not here: +script-child and -script-child are the shell's; +tilt and -tilt never happen. */
};
#define SENTINELS (sizeof(sentinels) / sizeof(sentinels[0]))

static const char *const ours[] = {"-slave",  "-sentinel", "+paused",           "-paused",
                                   "+fenced", "-fenced",   "-foreign-instance", "vedette"};
#define OURS (sizeof(ours) / sizeof(ours[0]))

static struct puppet puppet;

static void set_up(void)
{
    puppet_init(&puppet, 2, 2, 2);
    puppet_settle(&puppet);
    puppet_group(&puppet)->options.notification_script = vd_strdup("/bin/notify");
    puppet.effects.count = 0;
    puppet.core->out = &puppet.effects;
}

static void tear_down(void)
{
    puppet.core->out = NULL;
    puppet_free(&puppet);
}

/* The last notice; the scripts that it queued are counted and forgotten. */
static const struct vd_effect *tell(enum vd_notice notice, unsigned *scripts)
{
    unsigned before = puppet.core->scripts_count;

    vd_notice_group(puppet.core, notice, puppet_group(&puppet), "%s", "");
    *scripts = puppet.core->scripts_count - before;
    return &puppet.effects.list[puppet.effects.count - 1];
}

START_TEST(every_event_is_as_sentinel_has_it)
{
    bool found[SENTINELS] = {false};

    for (unsigned n = 0; n < VD_N_COUNT; n++) {
        unsigned scripts;
        const struct vd_effect *effect = tell((enum vd_notice)n, &scripts);
        size_t i = 0;
        size_t own = 0;

        ck_assert_int_eq(effect->type, VD_EF_NOTICE);
        while (i < SENTINELS && strcmp(sentinels[i].event, effect->notice.event) != 0)
            i++;
        while (own < OURS && strcmp(ours[own], effect->notice.event) != 0)
            own++;
        ck_assert_msg(i < SENTINELS || own < OURS, "%s is nobody's event", effect->notice.event);
        if (i == SENTINELS)
            continue;
        ck_assert_msg(!found[i], "%s is there twice", effect->notice.event);
        found[i] = true;
        ck_assert_msg(effect->notice.level == sentinels[i].level, "%s is of level %d",
                      effect->notice.event, effect->notice.level);
        ck_assert_msg((scripts != 0) == sentinels[i].script, "%s: %u scripts", effect->notice.event,
                      scripts);
    }
    for (size_t i = 0; i < SENTINELS; i++)
        ck_assert_msg(found[i], "%s is missing", sentinels[i].event);
}
END_TEST

START_TEST(payloads)
{
    struct vd_core *core = puppet.core;
    struct vd_addr v6 = puppet_addr("::1", 6379);
    struct vd_node *six = vd_node_add(core, puppet_group(&puppet), &v6);
    const struct {
        const char *payload;
    } expected[] = {
        {"master m 10.0.0.1 6379"},
        {"master m 10.0.0.1 6379 quorum 2"},
        {"master m 10.0.0.1 6379 new reported role is slave"},
        {"slave 10.0.0.2:6379 10.0.0.2 6379 @ m 10.0.0.1 6379"},
        {"slave [::1]:6379 ::1 6379 @ m 10.0.0.1 6379"},
        {"sentinel 0000000100000000000000000000000000000001 10.0.1.1 26379 @ m 10.0.0.1 6379"},
        {"m 10.0.0.1 6379 10.0.0.2 6379"},
        {"7"},
        {"/bin/notify"},
    };
    struct vd_group *group = puppet_group(&puppet);
    size_t seen = 0;

    core->scripts_due = INT64_MAX;
    vd_free(group->options.notification_script);
    group->options.notification_script = NULL;
    vd_notice_group(core, VD_N_SDOWN, group, "%s", "");
    vd_notice_group(core, VD_N_MONITOR, group, "quorum %u", 2U);
    vd_notice_node(core, VD_N_ROLE_BAD, group->primary, "new reported role is %s", "slave");
    vd_notice_node(core, VD_N_REPLICA, puppet_node(&puppet, 2), "%s", "");
    vd_notice_node(core, VD_N_REPLICA, six, "%s", "");
    vd_notice_peer(core, VD_N_PEER, puppet_opinion(&puppet, 1), "%s", "");
    vd_notice_switch(core, group, &group->primary->addr, &puppet_node(&puppet, 2)->addr);
    vd_notice_plain(core, VD_N_NEW_EPOCH, "%u", 7U);
    vd_notice_script(core, VD_N_SCRIPT_TIMEOUT, (vd_job){3}, "/bin/notify");
    for (size_t i = 0; i < puppet.effects.count; i++) {
        const struct vd_effect *effect = &puppet.effects.list[i];

        ck_assert_uint_lt(seen, sizeof(expected) / sizeof(expected[0]));
        ck_assert_str_eq(effect->notice.payload, expected[seen++].payload);
    }
    ck_assert_uint_eq(seen, sizeof(expected) / sizeof(expected[0]));
    ck_assert_uint_eq(puppet.effects.list[seen - 1].notice.job.n, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("events");
    TCase *tcase = tcase_create("events");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_event_is_as_sentinel_has_it);
    tcase_add_test(tcase, payloads);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
