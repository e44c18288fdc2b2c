/* SPDX-License-Identifier: BSD-3-Clause */
/* Order: see order.h. PROTOCOL facts: SENTINEL MONITOR, REMOVE, RESET, SET, FAILOVER ... */
#include "core/order.h"

#include "base/text.h"
#include "core/candidate.h"
#include "core/election.h"
#include "core/emit.h"
#include "core/failover.h"
#include "core/forget.h"
#include "core/link.h"
#include "core/maintenance.h"
#include "core/notice.h"
#include "core/probe.h"
#include "core/reconf.h"

/* May the one that the operator named be promoted? Else the error is told. */
static bool is_fit_by_name(struct vd_core *core, const struct vd_group *group,
                           const struct vd_addr *wanted, vd_client client)
{
    const struct vd_node *node = vd_node_find(group, wanted);
    enum vd_unfit unfit = node != NULL ? vd_candidate_fit(core, node) : VD_FIT;

    if (node == NULL)
        vd_emit_error(core, client, "NOGOODSLAVE No replica with that address is known");
    else if (unfit != VD_FIT)
        vd_emit_error(
            core, client,
            vd_arena_printf(&core->out->arena, "NOGOODSLAVE The replica %s", vd_unfit_text(unfit)));
    return node != NULL && unfit == VD_FIT;
}

static void order_failover(struct vd_core *core, struct vd_group *group,
                           const struct vd_order *order, vd_client client)
{
    bool coordinated = (order->flags & VD_FAILOVER_COORDINATED) != 0;

    if (group->failover.state != VD_FO_NONE) {
        vd_emit_error(core, client, "INPROG Failover already in progress");
        return;
    }
    if (vd_candidate_select(core, group, NULL) == NULL) {
        vd_emit_error(core, client, "NOGOODSLAVE No suitable replica to promote");
        return;
    }
    if (coordinated && !group->primary->can_hand_over) {
        vd_emit_error(core, client, "NOGOODPRIMARY Primary does not support FAILOVER command");
        return;
    }
    if (order->addr.port != 0 && !is_fit_by_name(core, group, &order->addr, client))
        return;
    if (vd_election_abstains(core, group)) {
        /* It would take an epoch that it may have given to somebody else. */
        vd_emit_error(core, client,
                      "ERR this sentinel has lost its state and abstains for a few seconds: try "
                      "again, or ask another");
        return;
    }
    vd_failover_order(core, group, coordinated, &order->addr);
    vd_emit_ok(core, client);
}

/*
 * differs: Sentinel forgets a group in the middle of anything. A primary that
 * holds its clients back, or is one no more, is not left like that.
 */
static bool is_handing_over(const struct vd_group *group)
{
    return group->failover.state != VD_FO_NONE && group->failover.handover > VD_HO_NEARING;
}

static void reset_group(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *primary = group->primary;
    struct vd_node *node;
    struct vd_node *next;

    vd_failover_yield(core, group);
    while (group->opinions != NULL)
        vd_opinion_forget(core, group->opinions);
    DL_FOREACH_SAFE (group->nodes, node, next) {
        if (!vd_node_is_primary(node))
            vd_node_forget(core, node);
    }
    vd_node_close(core, primary);
    primary->s_down_at = VD_NEVER;
    primary->o_down_at = VD_NEVER;
    /* An order must not touch the evidence: a dead primary's silence keeps its age. */
    if (primary->pulse.silent_since == VD_NEVER)
        primary->pulse.ok_at = core->now;
    primary->reboot_at = VD_NEVER;
    primary->empty_restart = false;
    primary->reboot_review = false;
    primary->run_id.hex[0] = '\0';
    primary->role_at = core->now;
    primary->follow_pending = true; /* it begins anew, as with a server just configured */
    group->learned = false;
    group->asking = false;
    group->stand_at = VD_NEVER;
    group->fruitless = 0;
    group->switch_count = 0;
    group->following.hex[0] = '\0';
    vd_group_dirty(core, group);
    vd_group_touch(core, group);
    vd_notice_group(core, VD_N_RESET, group, "%s", "");
}

static void order_reset(struct vd_core *core, const struct vd_order *order, vd_client client)
{
    size_t count = HASH_COUNT(core->groups);
    int64_t matched = 0;

    for (size_t i = 0; i < count; i++) {
        struct vd_group *group = core->by_index[i];

        if (!vd_glob(order->name, strlen(order->name), group->name, strlen(group->name), false))
            continue;
        if (is_handing_over(group)) {
            vd_notice_group(core, VD_N_REMARK, group, "is not reset while it is switched over");
            continue;
        }
        reset_group(core, group);
        matched++;
    }
    vd_emit_integer(core, client, matched);
}

static void order_monitor(struct vd_core *core, const struct vd_order *order, vd_client client)
{
    struct vd_options options;
    struct vd_group *group;

    if (vd_group_find(core, order->name) != NULL) {
        vd_emit_error(core, client, "ERR Duplicate master name.");
        return;
    }
    if (HASH_COUNT(core->groups) >= core->globals.max_groups) {
        vd_emit_error(core, client, "ERR max-groups reached: raise it in the configuration");
        return;
    }
    vd_options_init(&options, &core->globals);
    options.quorum = order->quorum;
    group = vd_group_add(core, order->name, &order->addr, &options);
    vd_options_free(&options);
    /* A group of this name may have been removed before: no vote of this epoch is given twice. */
    group->vote_epoch = core->epoch;
    group->set_at_runtime = (uint64_t)1 << VD_OPT_QUORUM;
    vd_group_dirty(core, group);
    vd_group_touch(core, group);
    vd_notice_group(core, VD_N_MONITOR, group, "quorum %u", order->quorum);
    vd_emit_ok(core, client);
}

static void order_remove(struct vd_core *core, struct vd_group *group, vd_client client)
{
    struct vd_removed *removed;

    if (is_handing_over(group)) {
        vd_emit_error(core, client, "INPROG Failover already in progress");
        return;
    }
    removed = vd_alloc(sizeof(*removed));
    vd_notice_group(core, VD_N_UNMONITOR, group, "%s", "");
    removed->name = vd_strdup(group->name);
    removed->next = core->removed;
    core->removed = removed;
    core->dirty = true;
    vd_failover_yield(core, group);
    vd_group_forget(core, group);
    vd_emit_ok(core, client);
}

/* What else changes with an option of a group. */
static void after_setting(struct vd_core *core, struct vd_group *group, enum vd_option option)
{
    struct vd_node *node;
    struct vd_opinion *opinion;

    if (option == VD_OPT_AUTH_USER || option == VD_OPT_AUTH_PASS ||
        option == VD_OPT_RENAME_COMMAND) {
        DL_FOREACH (group->nodes, node) {
            vd_node_close(core, node);
        }
    }
    if (option == VD_OPT_DOWN_AFTER) {
        DL_FOREACH (group->opinions, opinion) {
            vd_peer_refresh(opinion->peer, group);
        }
    }
}

static void order_set(struct vd_core *core, struct vd_group *group, const struct vd_order *order,
                      vd_client client)
{
    for (size_t i = 0; i < order->setting_count; i++) {
        const struct vd_setting *setting = &order->settings[i];

        VD_ASSERT(setting->option < VD_OPT_GROUP_COUNT);
        vd_options_apply(&group->options, setting);
        group->set_at_runtime |= (uint64_t)1 << setting->option;
        after_setting(core, group, setting->option);
        vd_group_dirty(core, group);
        vd_notice_group(core, VD_N_SET, group, "%s %s", setting->word != NULL ? setting->word : "",
                        setting->shown != NULL ? setting->shown : "");
    }
    vd_group_touch(core, group);
    if (order->error != NULL)
        vd_emit_error(core, client, order->error);
    else
        vd_emit_ok(core, client);
}

static void order_configure(struct vd_core *core, const struct vd_order *order, vd_client client)
{
    struct vd_peer *peer;
    struct vd_peer *next;
    bool peers_anew = false;

    for (size_t i = 0; i < order->setting_count; i++) {
        const struct vd_setting *setting = &order->settings[i];

        VD_ASSERT(setting->option >= VD_OPT_GROUP_COUNT && setting->option < VD_OPT_COUNT);
        vd_globals_apply(&core->globals, setting);
        peers_anew |=
            setting->option == VD_OPT_SENTINEL_USER || setting->option == VD_OPT_SENTINEL_PASS;
        if (setting->option < VD_OPT_INFO_PERIOD) { /* DEBUG's are not saved */
            core->set_at_runtime |= (uint64_t)1 << (setting->option - VD_OPT_GROUP_COUNT);
            core->dirty = true;
        }
    }
    /* Periods and announced addresses count from now: all deadlines are looked at anew. */
    HASH_ITER (hh, core->peers, peer, next) {
        if (peers_anew)
            vd_wire_close(core, &peer->wire);
        vd_heap_set(&core->peer_due, &peer->due, core->now);
    }
    for (size_t i = 0; i < HASH_COUNT(core->groups); i++)
        vd_probe_want_hello(core, core->by_index[i]);
    if (order->error != NULL)
        vd_emit_error(core, client, order->error);
    else
        vd_emit_ok(core, client);
}

static void order_flush(struct vd_core *core, vd_client client)
{
    for (size_t i = 0; i < HASH_COUNT(core->groups); i++)
        vd_group_dirty(core, core->by_index[i]);
    core->dirty = true;
    vd_emit_ok(core, client);
}

static bool is_about_group(enum vd_order_type type)
{
    return type == VD_ORDER_FAILOVER || type == VD_ORDER_REMOVE || type == VD_ORDER_SET ||
           type == VD_ORDER_FORGET || type == VD_ORDER_PAUSE || type == VD_ORDER_RESUME;
}

void vd_order_on_order(struct vd_core *core, const struct vd_event *event)
{
    const struct vd_order *order = event->order.order;
    vd_client client = event->order.client;
    struct vd_group *group = NULL;

    if (is_about_group(order->type)) {
        group = vd_group_find(core, order->name);
        if (group == NULL) {
            vd_emit_error(core, client, "ERR No such master with that name");
            return;
        }
    }
    switch (order->type) {
    case VD_ORDER_FAILOVER:
        order_failover(core, group, order, client);
        return;
    case VD_ORDER_RESET:
        order_reset(core, order, client);
        return;
    case VD_ORDER_MONITOR:
        order_monitor(core, order, client);
        return;
    case VD_ORDER_REMOVE:
        order_remove(core, group, client);
        return;
    case VD_ORDER_SET:
        order_set(core, group, order, client);
        return;
    case VD_ORDER_CONFIGURE:
        order_configure(core, order, client);
        return;
    case VD_ORDER_FLUSH:
        order_flush(core, client);
        return;
    case VD_ORDER_FORGET:
        vd_forget_on_order(core, group, order, client);
        return;
    case VD_ORDER_PAUSE:
    case VD_ORDER_RESUME:
        vd_maintenance_on_order(core, group, order, client);
        return;
    case VD_ORDER_COUNT:
        break;
    case VD_ORDER_SIMULATE_FAILURE:
        core->simulate_failure = order->flags;
        vd_emit_ok(core, client);
        return;
    }
    VD_ASSERT(false);
}
