/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Renderers: every field and flag in its place, from views that this test
 * makes up. It stands in for core/view.c, so that states which are hard to
 * reach in a core are as easy to show as any other.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/render.h"
#include "proto/render_info.h"
#include "suite.h"

#define ID "5e1f000000000000000000000000000000000000"

/* Views -------------------------------------------------------------------------------- */

static struct vd_globals globals;
static struct vd_options options;
static struct vd_view_core core_view;
static struct vd_view_group groups[2];
static struct vd_view_node replicas[3];
static size_t replica_count;
static struct vd_view_peer peers[2];
static struct vd_view_script scripts[2];
static size_t script_count;
static bool show_hosts;

void vd_view_core(const struct vd_core *core, struct vd_view_core *out)
{
    (void)core;
    *out = core_view;
}

bool vd_view_abstains(const struct vd_core *core, vd_ms now)
{
    (void)core;
    (void)now;
    return false;
}

bool vd_view_group_at(const struct vd_core *core, vd_ms now, size_t index,
                      struct vd_view_group *out)
{
    (void)core;
    (void)now;
    if (index >= core_view.group_count)
        return false;
    *out = groups[index];
    return true;
}

bool vd_view_group(const struct vd_core *core, vd_ms now, const char *name,
                   struct vd_view_group *out)
{
    for (size_t i = 0; vd_view_group_at(core, now, i, out); i++) {
        if (strcmp(out->name, name) == 0)
            return true;
    }
    return false;
}

const struct vd_addr *vd_view_address(const struct vd_core *core, const char *name)
{
    (void)core;
    for (size_t i = 0; i < core_view.group_count; i++) {
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i].address;
    }
    return NULL;
}

bool vd_view_replica(const struct vd_core *core, vd_ms now, const char *group, size_t index,
                     struct vd_view_node *out)
{
    (void)core;
    (void)now;
    if (strcmp(group, "m") != 0 || index >= replica_count)
        return false;
    *out = replicas[index];
    return true;
}

bool vd_view_peer(const struct vd_core *core, vd_ms now, const char *group, size_t index,
                  struct vd_view_peer *out)
{
    (void)core;
    (void)now;
    if (strcmp(group, "m") != 0 || index >= sizeof(peers) / sizeof(peers[0]))
        return false;
    *out = peers[index];
    return true;
}

bool vd_view_script(const struct vd_core *core, vd_ms now, size_t index, struct vd_view_script *out)
{
    (void)core;
    (void)now;
    if (index >= script_count)
        return false;
    *out = scripts[index];
    return true;
}

const char *vd_view_shown(const struct vd_core *core, const struct vd_addr *addr)
{
    (void)core;
    return show_hosts ? addr->host : addr->ip;
}

/* Fixture -------------------------------------------------------------------------------- */

static struct vd_text text;
static struct vd_resp resp;

static struct vd_view_node make_node(const char *ip, uint16_t port, bool is_primary)
{
    struct vd_view_node node = {
        .run_id = "",
        .is_primary = is_primary,
        .info_ms = VD_NEVER,
        .s_down_ms = VD_NEVER,
        .o_down_ms = VD_NEVER,
        .priority = 100,
        .announced = true,
        .down_after_ms = 30000,
    };

    ck_assert(vd_copy(node.addr.ip, sizeof(node.addr.ip), ip));
    ck_assert(vd_copy(node.addr.host, sizeof(node.addr.host), "host"));
    node.addr.port = port;
    return node;
}

static void set_up(void)
{
    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    options.quorum = 2;
    show_hosts = false;
    replica_count = 0;
    script_count = 0;
    resp = (struct vd_resp){.to = &text, .version = 2};
    core_view = (struct vd_view_core){
        .self = {ID}, .globals = &globals, .group_count = 2, .last_stall_ms = 70};
    for (size_t i = 0; i < 2; i++) {
        groups[i] = (struct vd_view_group){.name = i == 0 ? "m" : "n",
                                           .options = &options,
                                           .config_epoch = 4,
                                           .replica_count = 3,
                                           .peer_count = 2,
                                           .usable = 3,
                                           .primary = make_node("10.0.0.1", 6379, true)};
        groups[i].address = groups[i].primary.addr;
    }
}

static void tear_down(void)
{
    vd_options_free(&options);
    vd_globals_free(&globals);
    vd_text_free(&text);
}

/* What was written, line ends as blanks. */
static const char *written(void)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] != '\r')
            text.bytes[len++] = text.bytes[i] == '\n' ? ' ' : text.bytes[i];
    }
    text.bytes[len] = '\0';
    text.len = 0;
    return text.bytes;
}

START_TEST(healthy_primary)
{
    vd_render_group(NULL, &groups[0], &resp);
    ck_assert_str_eq(written(),
                     "*40 $4 name $1 m $2 ip $8 10.0.0.1 $4 port $4 6379 $5 runid $0  $5 flags $6 "
                     "master $21 link-pending-commands $1 0 $13 link-refcount $1 1 $14 "
                     "last-ping-sent $1 0 $18 last-ok-ping-reply $1 0 $15 last-ping-reply $1 0 $23 "
                     "down-after-milliseconds $5 30000 $12 info-refresh $1 0 $13 role-reported $6 "
                     "master $18 role-reported-time $1 0 $12 config-epoch $1 4 $10 num-slaves $1 3 "
                     "$19 num-other-sentinels $1 2 $6 quorum $1 2 $16 failover-timeout $6 180000 "
                     "$14 parallel-syncs $1 1 ");
}
END_TEST

/* A suite reads element 33 of MASTER. */
START_TEST(place_of_num_other_sentinels)
{
    const char *at;
    char *save = NULL;
    int element = -1;

    vd_render_group(NULL, &groups[0], &resp);
    for (at = strtok_r(text.bytes, "\r\n", &save); at != NULL; at = strtok_r(NULL, "\r\n", &save)) {
        element += at[0] == '$';
        if (strcmp(at, "num-other-sentinels") == 0)
            break;
    }
    ck_assert_int_eq(element, 32);
}
END_TEST

START_TEST(primary_in_trouble)
{
    struct vd_view_node *primary = &groups[0].primary;
    char script[] = "/s";

    options.notification_script = vd_strdup(script);
    options.client_reconfig_script = vd_strdup(script);
    show_hosts = true;
    primary->run_id = "r";
    primary->s_down = primary->o_down = primary->disconnected = true;
    primary->script_kill_sent = primary->rebooted = true;
    primary->s_down_ms = 11;
    primary->o_down_ms = 12;
    primary->pending = 3;
    primary->ping_pending_ms = 13;
    primary->last_ok_pong_ms = 14;
    primary->last_pong_ms = 15;
    primary->info_ms = 16;
    primary->role_reported = VD_ROLE_REPLICA;
    primary->role_reported_ms = 17;
    groups[0].failover_in_progress = groups[0].forced = true;
    groups[0].failover_state = VD_FO_WAIT_PROMOTION;
    resp.version = 3;
    vd_render_group(NULL, &groups[0], &resp);
    ck_assert_str_eq(
        written(),
        "%25 $4 name $1 m $2 ip $4 host $4 port $4 6379 $5 runid $1 r $5 flags $100 "
        "s_down,o_down,master,disconnected,failover_in_progress,force_failover,script_kill_sent,"
        "master_reboot $21 link-pending-commands $1 3 $13 link-refcount $1 1 $14 failover-state "
        "$14 wait_promotion $14 last-ping-sent $2 13 $18 last-ok-ping-reply $2 14 $15 "
        "last-ping-reply $2 15 $11 s-down-time $2 11 $11 o-down-time $2 12 $23 "
        "down-after-milliseconds $5 30000 $12 info-refresh $2 16 $13 role-reported $5 slave $18 "
        "role-reported-time $2 17 $12 config-epoch $1 4 $10 num-slaves $1 3 $19 "
        "num-other-sentinels $1 2 $6 quorum $1 2 $16 failover-timeout $6 180000 $14 parallel-syncs "
        "$1 1 $19 notification-script $2 /s $22 client-reconfig-script $2 /s ");
}
END_TEST

START_TEST(all_replicas)
{
    replica_count = 3;
    replicas[0] = make_node("10.0.0.2", 6380, false);
    replicas[1] = make_node("10.0.0.3", 6380, false);
    replicas[1].announced = false;
    replicas[2] = make_node("2001:db8::1", 6380, false);
    replicas[2].s_down = replicas[2].promoted = true;
    replicas[2].s_down_ms = 5;
    replicas[2].reconf = VD_RECONF_INPROG;
    replicas[2].link_ok = true;
    replicas[2].link_down_ms = 6;
    replicas[2].follows = groups[0].primary.addr;
    replicas[2].priority = 7;
    replicas[2].offset = 8;
    vd_render_replicas(NULL, 0, "m", &resp);
    ck_assert_str_eq(
        written(),
        "*2 *42 $4 name $13 10.0.0.2:6380 $2 ip $8 10.0.0.2 $4 port $4 6380 $5 runid $0  $5 flags "
        "$5 slave $21 link-pending-commands $1 0 $13 link-refcount $1 1 $14 last-ping-sent $1 0 "
        "$18 last-ok-ping-reply $1 0 $15 last-ping-reply $1 0 $23 down-after-milliseconds $5 30000 "
        "$12 info-refresh $1 0 $13 role-reported $5 slave $18 role-reported-time $1 0 $21 "
        "master-link-down-time $1 0 $18 master-link-status $3 err $11 master-host $1 ? $11 "
        "master-port $1 0 $14 slave-priority $3 100 $17 slave-repl-offset $1 0 $17 "
        "replica-announced $1 1 "
        "*44 $4 name $18 [2001:db8::1]:6380 $2 ip $11 2001:db8::1 $4 port $4 6380 $5 runid $0  $5 "
        "flags $35 s_down,slave,promoted,reconf_inprog $21 link-pending-commands $1 0 $13 "
        "link-refcount $1 1 $14 last-ping-sent $1 0 $18 last-ok-ping-reply $1 0 $15 "
        "last-ping-reply $1 0 $11 s-down-time $1 5 $23 down-after-milliseconds $5 30000 $12 "
        "info-refresh $1 0 $13 role-reported $5 slave $18 role-reported-time $1 0 $21 "
        "master-link-down-time $1 6 $18 master-link-status $2 ok $11 master-host $4 host $11 "
        "master-port $4 6379 $14 slave-priority $1 7 $17 slave-repl-offset $1 8 $17 "
        "replica-announced $1 1 ");
}
END_TEST

START_TEST(all_peers)
{
    peers[0] = (struct vd_view_peer){
        .id = {ID}, .s_down_ms = VD_NEVER, .last_hello_ms = 9, .groups = 2, .down_after_ms = 5000};
    peers[0].addr = groups[0].primary.addr;
    peers[1] = peers[0];
    peers[1].s_down = peers[1].disconnected = peers[1].primary_down = true;
    peers[1].s_down_ms = 3;
    peers[1].voted_for = (struct vd_id){"voted"};
    peers[1].voted_epoch = 6;
    vd_render_peers(NULL, 0, "m", &resp);
    ck_assert_str_eq(
        written(),
        "*2 *28 $4 name $40 " ID " $2 ip $8 10.0.0.1 $4 port $4 6379 $5 runid $40 " ID
        " $5 flags $8 sentinel $21 link-pending-commands $1 0 $13 link-refcount $1 2 $14 "
        "last-ping-sent $1 0 $18 last-ok-ping-reply $1 0 $15 last-ping-reply $1 0 $23 "
        "down-after-milliseconds $4 5000 $18 last-hello-message $1 9 $12 voted-leader $1 ? $18 "
        "voted-leader-epoch $1 0 "
        "*30 $4 name $40 " ID " $2 ip $8 10.0.0.1 $4 port $4 6379 $5 runid $40 " ID
        " $5 flags $40 s_down,sentinel,disconnected,master_down $21 link-pending-commands $1 0 $13 "
        "link-refcount $1 2 $14 last-ping-sent $1 0 $18 last-ok-ping-reply $1 0 $15 "
        "last-ping-reply $1 0 $11 s-down-time $1 3 $23 down-after-milliseconds $4 5000 $18 "
        "last-hello-message $1 9 $12 voted-leader $5 voted $18 voted-leader-epoch $1 6 ");
}
END_TEST

START_TEST(quorum)
{
    static const struct {
        unsigned usable;
        unsigned quorum;
        const char *reply;
    } cases[] = {
        {3, 2, "+OK 3 usable Sentinels. Quorum and failover authorization can be reached "},
        {2, 2, "+OK 2 usable Sentinels. Quorum and failover authorization can be reached "},
        {2, 3,
         "-NOQUORUM 2 usable Sentinels. Not enough available Sentinels to reach the specified "
         "quorum for this master "},
        {1, 1,
         "-NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the majority and "
         "authorize a failover "},
        {1, 2,
         "-NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the specified "
         "quorum for this master. Not enough available Sentinels to reach the majority and "
         "authorize a failover "},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        groups[0].usable = cases[i].usable;
        options.quorum = cases[i].quorum;
        vd_render_quorum(&groups[0], &resp);
        ck_assert_str_eq(written(), cases[i].reply);
    }
    /* Four voters need three. */
    groups[0].peer_count = 3;
    groups[0].usable = 2;
    options.quorum = 2;
    vd_render_quorum(&groups[0], &resp);
    ck_assert_int_eq(written()[0], '-');
}
END_TEST

START_TEST(info_cache)
{
    static const struct vd_word names[] = {{"n", 1}, {"x", 1}, {"m", 1}};

    static const struct vd_text no_model = {0};
    struct vd_delta *info = vd_delta_new(&no_model, "# a\r\n", 5);

    groups[0].primary.info = info;
    groups[0].primary.info_ms = 40;
    replica_count = 1;
    replicas[0] = make_node("10.0.0.2", 6380, false);
    vd_render_info_cache(NULL, 0, names, 3, &resp);
    ck_assert_str_eq(written(), "*4 $1 n *1 *2 :0 $-1 $1 m *2 *2 :40 $5 # a  *2 :0 $-1 ");
    vd_render_info_cache(NULL, 0, names + 1, 1, &resp);
    ck_assert_str_eq(written(), "*0 ");
    vd_free(info);
}
END_TEST

static long pid_of(void *self, vd_job job)
{
    ck_assert_ptr_eq(self, &scripts);
    return (long)job.n * 10;
}

START_TEST(pending_scripts)
{
    static const char *const argv[] = {"/s", "+odown", "master m", NULL};

    script_count = 2;
    scripts[0] =
        (struct vd_view_script){.argv = argv, .running = true, .job = {5}, .run_ms = 6, .runs = 1};
    scripts[1] = (struct vd_view_script){.argv = argv, .delay_ms = 70, .runs = 2};
    resp.version = 3;
    vd_render_scripts(NULL, 0, pid_of, &scripts, &resp);
    ck_assert_str_eq(
        written(), "*2 %5 $4 argv *3 $2 /s $6 +odown $8 master m $5 flags $7 running $3 pid $2 50 "
                   "$8 run-time $1 6 $9 retry-num $1 1 "
                   "%5 $4 argv *3 $2 /s $6 +odown $8 master m $5 flags $9 scheduled $3 pid $1 0 "
                   "$9 run-delay $2 70 $9 retry-num $1 2 ");
}
END_TEST

START_TEST(addresses_and_role)
{
    static const struct vd_word m = {"m", 1};
    static const struct vd_word cut = {"m\0x", 3};

    /* Past promotion clients are told the new address, while MASTER has the old one. */
    ck_assert(vd_copy(groups[0].address.ip, sizeof(groups[0].address.ip), "10.0.0.2"));
    vd_render_address(NULL, &m, &resp);
    vd_render_address(NULL, &cut, &resp);
    vd_render_role(NULL, 0, &resp);
    ck_assert_str_eq(written(), "*2 $8 10.0.0.2 $4 6379 *-1 *2 $8 sentinel *2 $1 m $1 n ");
}
END_TEST

START_TEST(config)
{
    static const struct vd_word patterns[] = {{"*-USER", 6}, {"*", 1}};

    globals.sentinel_user = vd_strdup("u");
    resp.version = 3;
    vd_render_config(&globals, VD_LOG_WARNING, patterns, 2, &resp);
    ck_assert_str_eq(written(), "%7 $13 sentinel-user $1 u $17 resolve-hostnames $2 no $18 "
                                "announce-hostnames $2 no $11 announce-ip $0  $13 announce-port $1 "
                                "0 $13 sentinel-pass $0  $8 loglevel $7 warning ");
}
END_TEST

/* INFO ------------------------------------------------------------------------------------------
 */

static const char *info(const char *first, const char *second)
{
    static const char *const bind[] = {"*", "-::*"};
    struct vd_server_facts facts = {.version = "1.2",
                                    .redis_version = VD_REDIS_VERSION,
                                    .os = "Linux",
                                    .run_id = ID,
                                    .executable = "/x",
                                    .config_file = "/c",
                                    .compiler = "gcc",
                                    .backend = "epoll",
                                    .pid = 42,
                                    .port = 26379,
                                    .uptime_s = 90000,
                                    .wall_us = 16777217000000,
                                    .bind = bind,
                                    .bind_count = 2,
                                    .clients = 3,
                                    .commands = 5,
                                    .in_per_second = 1536,
                                    .cpu_user_us = 2000030};
    struct vd_word wanted[] = {{first, first == NULL ? 0 : strlen(first)},
                               {second, second == NULL ? 0 : strlen(second)}};

    vd_text_clear(&text);
    vd_render_info(NULL, 0, &facts, wanted, first == NULL ? 0 : (second == NULL ? 1 : 2), &text);
    return vd_text_cstr(&text);
}

START_TEST(info_sections)
{
    static const char *const titles[] = {"# Server\r\n",           "\r\n\r\n# Clients\r\n",
                                         "\r\n\r\n# Stats\r\n",    "\r\n\r\n# CPU\r\n",
                                         "\r\n\r\n# Sentinel\r\n", "\r\n\r\n# Vedette\r\n"};
    static const char *const absent[] = {"used_memory", "rdb_last_bgsave", "master_repl_offset",
                                         "cluster_enabled", NULL};
    const char *at = info(NULL, NULL);

    ck_assert_int_eq(strncmp(at, titles[0], strlen(titles[0])), 0);
    for (size_t i = 1; i < sizeof(titles) / sizeof(titles[0]); i++) {
        at = strstr(at, titles[i]);
        ck_assert_msg(at != NULL, "%s", titles[i]);
    }
    for (const char *const *word = absent; *word != NULL; word++)
        ck_assert_ptr_null(strstr(text.bytes, *word));
    ck_assert_str_eq(text.bytes + text.len - 2, "\r\n");
    ck_assert_str_eq(info("nope", "memory"), "");
    ck_assert_ptr_null(strstr(info("CPU", "sentinel"), "# Server"));
    ck_assert_ptr_nonnull(strstr(text.bytes, "# CPU"));
    ck_assert_ptr_nonnull(strstr(text.bytes, "# Sentinel"));
    ck_assert_ptr_nonnull(strstr(info("nope", "everything"), "# Server"));
}
END_TEST

START_TEST(info_fields)
{
    ck_assert_str_eq(info("cpu", NULL),
                     "# CPU\r\nused_cpu_sys:0.000000\r\nused_cpu_user:2.000030\r\n"
                     "used_cpu_sys_children:0.000000\r\nused_cpu_user_children:0.000000\r\n"
                     "used_cpu_sys_main_thread:0.000000\r\nused_cpu_user_main_thread:0.000000\r\n");
    info("server", NULL);
    ck_assert_ptr_nonnull(strstr(text.bytes, "redis_version:" VD_REDIS_VERSION "\r\n"));
    ck_assert_ptr_nonnull(strstr(text.bytes, "\r\nredis_mode:sentinel\r\n"));
    ck_assert_ptr_nonnull(strstr(text.bytes, "\r\nuptime_in_days:1\r\n"));
    ck_assert_ptr_nonnull(strstr(text.bytes, "\r\nlru_clock:1\r\n"));
    ck_assert_ptr_nonnull(
        strstr(text.bytes, "\r\nlistener0:name=tcp,bind=*,bind=-::*,port=26379\r\n"));
    info("stats", NULL);
    ck_assert_ptr_nonnull(strstr(text.bytes, "\r\ntotal_commands_processed:5\r\n"));
    ck_assert_ptr_nonnull(strstr(text.bytes, "\r\ninstantaneous_input_kbps:1.50\r\n"));
    groups[0].primary.s_down = true;
    groups[1].primary.s_down = groups[1].primary.o_down = true;
    core_view.scripts_running = 1;
    core_view.scripts_queued = 3;
    core_view.simulate_failure = 2;
    ck_assert_str_eq(info("sentinel", "SENTINEL"),
                     "# Sentinel\r\nsentinel_masters:2\r\nsentinel_tilt:0\r\n"
                     "sentinel_tilt_since_seconds:-1\r\nsentinel_running_scripts:1\r\n"
                     "sentinel_scripts_queue_length:3\r\nsentinel_simulate_failure_flags:2\r\n"
                     "master0:name=m,status=sdown,address=10.0.0.1:6379,slaves=3,sentinels=3\r\n"
                     "master1:name=n,status=odown,address=10.0.0.1:6379,slaves=3,sentinels=3\r\n");
    ck_assert_str_eq(info("vedette", NULL),
                     "# Vedette\r\nvedette_version:1.2\r\ncurrent_epoch:0\r\nvotes:yes\r\n"
                     "save_error:\r\nstalls:0\r\nlast_stall_ms:70\r\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("render");
    TCase *tcase = tcase_create("render");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, healthy_primary);
    tcase_add_test(tcase, place_of_num_other_sentinels);
    tcase_add_test(tcase, primary_in_trouble);
    tcase_add_test(tcase, all_replicas);
    tcase_add_test(tcase, all_peers);
    tcase_add_test(tcase, quorum);
    tcase_add_test(tcase, info_cache);
    tcase_add_test(tcase, pending_scripts);
    tcase_add_test(tcase, addresses_and_role);
    tcase_add_test(tcase, config);
    tcase_add_test(tcase, info_sections);
    tcase_add_test(tcase, info_fields);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
