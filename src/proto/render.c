/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Instances and what else SENTINEL shows, see render.h. Wire words (master,
 * slave) are at home here.
 */
#include "proto/render.h"

#include <stdio.h>
#include <string.h>

#include "proto/addr.h"

/* Maps of fields ------------------------------------------------------------- */

struct map {
    struct vd_resp *resp;
    size_t mark;
    size_t pairs;
};

static struct map open_map(struct vd_resp *resp)
{
    return (struct map){.resp = resp, .mark = vd_resp_mark(resp)};
}

static void close_map(struct map *map)
{
    vd_resp_map_at(map->resp, map->mark, map->pairs);
}

static void put_text(struct map *map, const char *name, const char *value)
{
    vd_resp_bulk_cstr(map->resp, name);
    vd_resp_bulk_cstr(map->resp, value);
    map->pairs++;
}

static void put_number(struct map *map, const char *name, int64_t value)
{
    vd_resp_bulk_cstr(map->resp, name);
    vd_resp_bulk_int(map->resp, value);
    map->pairs++;
}

/* An age; 0 is never. */
static void put_age(struct map *map, const char *name, vd_ms age)
{
    put_number(map, name, age == VD_NEVER ? 0 : age);
}

/* Flags: names of what is true, in the order of the calls. */
struct flags {
    char text[256];
};

static void add_flag(struct flags *flags, bool is_set, const char *name)
{
    size_t used = strlen(flags->text);

    if (is_set)
        (void)snprintf(flags->text + used, sizeof(flags->text) - used, "%s%s", used > 0 ? "," : "",
                       name);
}

/* Nodes ------------------------------------------------------------------------ */

static void add_node_flags(const struct vd_view_node *node, const struct vd_view_group *group,
                           struct flags *flags)
{
    add_flag(flags, node->s_down, "s_down");
    add_flag(flags, node->o_down, "o_down");
    add_flag(flags, true, group != NULL ? "master" : "slave");
    add_flag(flags, node->disconnected, "disconnected");
    add_flag(flags, group != NULL && group->failover_in_progress, "failover_in_progress");
    add_flag(flags, node->promoted, "promoted");
    add_flag(flags, node->reconf == VD_RECONF_SENT, "reconf_sent");
    add_flag(flags, node->reconf == VD_RECONF_INPROG, "reconf_inprog");
    add_flag(flags, node->reconf == VD_RECONF_DONE, "reconf_done");
    add_flag(flags, group != NULL && group->forced, "force_failover");
    add_flag(flags, node->script_kill_sent, "script_kill_sent");
    add_flag(flags, node->rebooted, "master_reboot");
    add_flag(flags, group != NULL && group->coordinated, "coordinated_failover");
    add_flag(flags, group != NULL && group->paused_ms != 0, "paused"); /* these are ours */
    add_flag(flags, group != NULL && group->fenced, "fenced");
}

static const char *role_name(enum vd_role role, bool is_primary)
{
    switch (role) {
    case VD_ROLE_PRIMARY:
        return "master";
    case VD_ROLE_REPLICA:
        return "slave";
    case VD_ROLE_UNKNOWN:
        break;
    }
    /* compat: until it says otherwise it is what we take it for. */
    return is_primary ? "master" : "slave";
}

/* The fields that primaries and replicas have in common; `group` is NULL for a replica. */
static void put_node(const struct vd_core *core, const struct vd_view_node *node,
                     const struct vd_view_group *group, struct map *map)
{
    const char *shown = vd_view_shown(core, &node->addr);
    struct flags flags = {""};
    struct vd_text name = {0};

    add_node_flags(node, group, &flags);
    if (group == NULL)
        vd_addr_print(shown, node->addr.port, &name);
    put_text(map, "name", group != NULL ? group->name : vd_text_cstr(&name));
    vd_text_free(&name);
    put_text(map, "ip", shown);
    put_number(map, "port", node->addr.port);
    put_text(map, "runid", node->run_id);
    put_text(map, "flags", flags.text);
    put_number(map, "link-pending-commands", node->pending);
    put_number(map, "link-refcount", 1);
    if (group != NULL && group->failover_in_progress)
        put_text(map, "failover-state", vd_failover_state_name(group->failover_state));
    put_age(map, "last-ping-sent", node->ping_pending_ms);
    put_age(map, "last-ok-ping-reply", node->last_ok_pong_ms);
    put_age(map, "last-ping-reply", node->last_pong_ms);
    if (node->s_down)
        put_age(map, "s-down-time", node->s_down_ms);
    if (node->o_down)
        put_age(map, "o-down-time", node->o_down_ms);
    put_number(map, "down-after-milliseconds", node->down_after_ms);
    put_age(map, "info-refresh", node->info_ms);
    put_text(map, "role-reported", role_name(node->role_reported, group != NULL));
    put_age(map, "role-reported-time", node->role_reported_ms);
}

void vd_render_group(const struct vd_core *core, const struct vd_view_group *group,
                     struct vd_resp *resp)
{
    const struct vd_options *options = group->options;
    struct map map = open_map(resp);

    put_node(core, &group->primary, group, &map);
    put_number(&map, "config-epoch", (int64_t)group->config_epoch);
    put_number(&map, "num-slaves", group->replica_count);
    put_number(&map, "num-other-sentinels", group->peer_count);
    put_number(&map, "quorum", options->quorum);
    put_number(&map, "failover-timeout", options->failover_timeout_ms);
    put_number(&map, "parallel-syncs", options->parallel_syncs);
    if (options->notification_script != NULL)
        put_text(&map, "notification-script", options->notification_script);
    if (options->client_reconfig_script != NULL)
        put_text(&map, "client-reconfig-script", options->client_reconfig_script);
    if (group->paused_ms != 0)
        put_number(&map, "paused-for", group->paused_ms);
    close_map(&map);
}

void vd_render_groups(const struct vd_core *core, vd_ms now, struct vd_resp *resp)
{
    size_t mark = vd_resp_mark(resp);
    struct vd_view_group group;
    size_t count = 0;

    while (vd_view_group_at(core, now, count, &group)) {
        vd_render_group(core, &group, resp);
        count++;
    }
    vd_resp_array_at(resp, mark, count);
}

static void put_replica(const struct vd_core *core, const struct vd_view_node *node,
                        struct vd_resp *resp)
{
    bool follows = node->follows.port != 0;
    struct map map = open_map(resp);

    put_node(core, node, NULL, &map);
    put_number(&map, "master-link-down-time", node->link_down_ms);
    put_text(&map, "master-link-status", node->link_ok ? "ok" : "err");
    put_text(&map, "master-host", follows ? node->follows.host : "?");
    put_number(&map, "master-port", node->follows.port);
    put_number(&map, "slave-priority", node->priority);
    put_number(&map, "slave-repl-offset", node->offset < 0 ? 0 : node->offset);
    put_number(&map, "replica-announced", node->announced ? 1 : 0);
    close_map(&map);
}

void vd_render_replicas(const struct vd_core *core, vd_ms now, const char *group,
                        struct vd_resp *resp)
{
    size_t mark = vd_resp_mark(resp);
    struct vd_view_node node;
    size_t shown = 0;

    for (size_t i = 0; vd_view_replica(core, now, group, i, &node); i++) {
        if (!node.announced)
            continue;
        put_replica(core, &node, resp);
        shown++;
    }
    vd_resp_array_at(resp, mark, shown);
}

/* Peers --------------------------------------------------------------------------- */

static void put_peer(const struct vd_core *core, const struct vd_view_peer *peer,
                     struct vd_resp *resp)
{
    struct flags flags = {""};
    struct map map = open_map(resp);

    add_flag(&flags, peer->s_down, "s_down");
    add_flag(&flags, true, "sentinel");
    add_flag(&flags, peer->disconnected, "disconnected");
    add_flag(&flags, peer->primary_down, "master_down");
    put_text(&map, "name", peer->id.hex);
    put_text(&map, "ip", vd_view_shown(core, &peer->addr));
    put_number(&map, "port", peer->addr.port);
    put_text(&map, "runid", peer->id.hex);
    put_text(&map, "flags", flags.text);
    put_number(&map, "link-pending-commands", peer->pending);
    put_number(&map, "link-refcount", peer->groups);
    put_age(&map, "last-ping-sent", peer->ping_pending_ms);
    put_age(&map, "last-ok-ping-reply", peer->last_ok_pong_ms);
    put_age(&map, "last-ping-reply", peer->last_pong_ms);
    if (peer->s_down)
        put_age(&map, "s-down-time", peer->s_down_ms);
    put_number(&map, "down-after-milliseconds", peer->down_after_ms);
    put_age(&map, "last-hello-message", peer->last_hello_ms);
    put_text(&map, "voted-leader", peer->voted_for.hex[0] != '\0' ? peer->voted_for.hex : "?");
    put_number(&map, "voted-leader-epoch", (int64_t)peer->voted_epoch);
    close_map(&map);
}

void vd_render_peers(const struct vd_core *core, vd_ms now, const char *group, struct vd_resp *resp)
{
    size_t mark = vd_resp_mark(resp);
    struct vd_view_peer peer;
    size_t count = 0;

    while (vd_view_peer(core, now, group, count, &peer)) {
        put_peer(core, &peer, resp);
        count++;
    }
    vd_resp_array_at(resp, mark, count);
}

/* The rest ------------------------------------------------------------------------- */

void vd_render_address(const struct vd_core *core, const struct vd_word *name, struct vd_resp *resp)
{
    const struct vd_addr *addr =
        strlen(name->bytes) == name->len ? vd_view_address(core, name->bytes) : NULL;

    if (addr == NULL) {
        vd_resp_null_array(resp);
        return;
    }
    vd_resp_array(resp, 2);
    vd_resp_bulk_cstr(resp, vd_view_shown(core, addr));
    vd_resp_bulk_int(resp, addr->port);
}

void vd_render_quorum(const struct vd_view_group *group, struct vd_resp *resp)
{
    bool quorum = group->usable >= group->options->quorum;
    bool majority = group->usable >= (1 + group->peer_count) / 2 + 1;

    if (quorum && majority) {
        struct vd_text text = {0};

        vd_text_printf(&text,
                       "OK %u usable Sentinels. Quorum and failover authorization can be "
                       "reached",
                       group->usable);
        vd_resp_status(resp, text.bytes);
        vd_text_free(&text);
        return;
    }
    vd_resp_error(resp, "NOQUORUM %u usable Sentinels. %s%s%s", group->usable,
                  quorum ? ""
                         : "Not enough available Sentinels to reach the specified quorum for this "
                           "master",
                  quorum || majority ? "" : ". ",
                  majority ? ""
                           : "Not enough available Sentinels to reach the majority and authorize "
                             "a failover");
}

static void put_cached(const struct vd_view_node *node, struct vd_resp *resp)
{
    struct vd_text text = {0};

    vd_resp_array(resp, 2);
    vd_resp_int(resp, node->info_ms == VD_NEVER ? 0 : node->info_ms);
    if (node->info == NULL) {
        vd_resp_null(resp);
        return;
    }
    vd_delta_read(node->info, &text);
    vd_resp_bulk(resp, vd_text_cstr(&text), text.len);
    vd_text_free(&text);
}

void vd_render_info_cache(const struct vd_core *core, vd_ms now, const struct vd_word *names,
                          size_t count, struct vd_resp *resp)
{
    size_t mark = vd_resp_mark(resp);
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        struct vd_view_group group;
        struct vd_view_node node;
        size_t inner;
        size_t replicas = 0;

        if (!vd_view_group(core, now, names[i].bytes, &group))
            continue;
        vd_resp_bulk_cstr(resp, group.name);
        inner = vd_resp_mark(resp);
        put_cached(&group.primary, resp);
        while (vd_view_replica(core, now, group.name, replicas, &node)) {
            put_cached(&node, resp);
            replicas++;
        }
        vd_resp_array_at(resp, inner, 1 + replicas);
        found++;
    }
    vd_resp_array_at(resp, mark, 2 * found);
}

void vd_render_scripts(const struct vd_core *core, vd_ms now, long (*pid_of)(void *self, vd_job),
                       void *self, struct vd_resp *resp)
{
    size_t mark = vd_resp_mark(resp);
    struct vd_view_script script;
    size_t count = 0;

    while (vd_view_script(core, now, count, &script)) {
        struct map map = open_map(resp);
        size_t words = 0;

        while (script.argv[words] != NULL)
            words++;
        vd_resp_bulk_cstr(resp, "argv");
        vd_resp_array(resp, words);
        for (size_t i = 0; i < words; i++)
            vd_resp_bulk_cstr(resp, script.argv[i]);
        map.pairs++;
        put_text(&map, "flags", script.running ? "running" : "scheduled");
        put_number(&map, "pid", script.running ? pid_of(self, script.job) : 0);
        if (script.running)
            put_age(&map, "run-time", script.run_ms);
        else
            put_age(&map, "run-delay", script.delay_ms);
        put_number(&map, "retry-num", script.runs);
        close_map(&map);
        count++;
    }
    vd_resp_array_at(resp, mark, count);
}

void vd_render_role(const struct vd_core *core, vd_ms now, struct vd_resp *resp)
{
    struct vd_view_group group;
    size_t count = 0;
    size_t mark;

    vd_resp_array(resp, 2);
    vd_resp_bulk_cstr(resp, "sentinel");
    mark = vd_resp_mark(resp);
    while (vd_view_group_at(core, now, count, &group)) {
        vd_resp_bulk_cstr(resp, group.name);
        count++;
    }
    vd_resp_array_at(resp, mark, count);
}
