/* SPDX-License-Identifier: BSD-3-Clause */
/* API: see api.h. */
#include "http/api.h"

#include <jansson.h>
#include <string.h>

#include "http/json.h"
#include "http/list.h"
#include "http/lookup.h"

/* On a page: a group is as much work as a dozen events. */
#define GROUPS_MAX 100
#define MEMBERS_MAX 300

/* Members -------------------------------------------------------------------------- */

static json_t *nodes_of(const struct vd_http_world *world, const struct vd_view_group *group)
{
    json_t *nodes = json_array();
    struct vd_view_node replica;

    json_array_append_new(nodes, vd_json_node(world, group->name, &group->primary, NULL));
    for (size_t i = 0; vd_view_replica(world->drive->core, world->now, group->name, i, &replica);
         i++)
        json_array_append_new(nodes, vd_json_node(world, group->name, &replica, &group->primary));
    return nodes;
}

static json_t *peers_of(const struct vd_http_world *world, const struct vd_view_group *group)
{
    json_t *peers = json_array();
    struct vd_view_peer peer;

    for (size_t i = 0; vd_view_peer(world->drive->core, world->now, group->name, i, &peer); i++)
        json_array_append_new(peers, vd_json_peer(world, &peer));
    return peers;
}

static json_t *whole_group(const struct vd_http_world *world, const struct vd_view_group *group)
{
    json_t *value = vd_json_group(world, group);

    json_object_set_new(value, "nodes", nodes_of(world, group));
    json_object_set_new(value, "peers", peers_of(world, group));
    return value;
}

void vd_http_groups(const struct vd_http_world *world, const struct vd_http_request *request,
                    struct vd_http_reply *reply)
{
    const char *name = vd_http_query(request, "name");
    struct vd_view_group group;
    struct vd_http_list list;

    if (name != NULL && !vd_view_group(world->drive->core, world->now, name, &group)) {
        vd_http_refuse(reply, 404, "there is no group '%.255s'", name);
        return;
    }
    if (!vd_http_list_begin(&list, request, GROUPS_MAX, reply))
        return;
    for (size_t i = 0; name == NULL && vd_view_group_at(world->drive->core, world->now, i, &group);
         i++)
        if (vd_http_list_wants(&list))
            json_array_append_new(list.items, whole_group(world, &group));
    if (name != NULL && vd_http_list_wants(&list))
        json_array_append_new(list.items, whole_group(world, &group));
    vd_http_say(reply, 200, vd_http_list_value(&list, "groups"));
}

/* Appends a member, with the name of its group. */
static void add_member(struct vd_http_list *list, json_t *member, const char *group)
{
    json_object_set_new(member, "group", vd_json_text(group));
    json_array_append_new(list->items, member);
}

static void add_nodes(struct vd_http_list *list, const struct vd_http_world *world,
                      const struct vd_view_group *group)
{
    struct vd_view_node replica;

    if (vd_http_list_wants(list))
        add_member(list, vd_json_node(world, group->name, &group->primary, NULL), group->name);
    for (size_t i = 0; vd_view_replica(world->drive->core, world->now, group->name, i, &replica);
         i++)
        if (vd_http_list_wants(list))
            add_member(list, vd_json_node(world, group->name, &replica, &group->primary),
                       group->name);
}

static void add_peers(struct vd_http_list *list, const struct vd_http_world *world,
                      const struct vd_view_group *group)
{
    struct vd_view_peer peer;

    for (size_t i = 0; vd_view_peer(world->drive->core, world->now, group->name, i, &peer); i++)
        if (vd_http_list_wants(list))
            add_member(list, vd_json_peer(world, &peer), group->name);
}

typedef void add_members(struct vd_http_list *list, const struct vd_http_world *world,
                         const struct vd_view_group *group);

static void list_members(const struct vd_http_world *world, const struct vd_http_request *request,
                         add_members *add, const char *name, struct vd_http_reply *reply)
{
    struct vd_view_group group;
    struct vd_http_list list;

    if (vd_http_query(request, "group") != NULL && !vd_http_group(world, request, &group, reply))
        return;
    if (!vd_http_list_begin(&list, request, MEMBERS_MAX, reply))
        return;
    for (size_t i = 0; vd_view_group_at(world->drive->core, world->now, i, &group); i++)
        if (vd_http_list_is_asked(request, group.name))
            add(&list, world, &group);
    vd_http_say(reply, 200, vd_http_list_value(&list, name));
}

void vd_http_nodes(const struct vd_http_world *world, const struct vd_http_request *request,
                   struct vd_http_reply *reply)
{
    list_members(world, request, add_nodes, "nodes", reply);
}

void vd_http_peers(const struct vd_http_world *world, const struct vd_http_request *request,
                   struct vd_http_reply *reply)
{
    list_members(world, request, add_peers, "peers", reply);
}

/* What happened ---------------------------------------------------------------------- */

void vd_http_failovers(const struct vd_http_world *world, const struct vd_http_request *request,
                       struct vd_http_reply *reply)
{
    const struct vd_watch *watch = world->watch;
    struct vd_http_list list;

    if (!vd_http_list_begin(&list, request, VD_HTTP_LIST_MAX, reply))
        return;
    for (size_t i = watch->failover_count; i > 0; i--) {
        const struct vd_history_entry *failover = &watch->failovers[i - 1];

        if (vd_http_list_is_asked(request, failover->group) && vd_http_list_wants(&list))
            json_array_append_new(list.items, vd_json_failover(world, failover));
    }
    vd_http_say(reply, 200, vd_http_list_value(&list, "failovers"));
}

void vd_http_events(const struct vd_http_world *world, const struct vd_http_request *request,
                    struct vd_http_reply *reply)
{
    const struct vd_watch *watch = world->watch;
    uint64_t oldest =
        watch->last_event > VD_WATCH_EVENTS ? watch->last_event - VD_WATCH_EVENTS + 1 : 1;
    int64_t after = 0;
    struct vd_http_list list;

    if (!vd_http_query_count(request, "after", INT64_MAX, &after, reply) ||
        !vd_http_list_begin(&list, request, VD_HTTP_LIST_MAX, reply))
        return;
    if ((uint64_t)after >= oldest)
        oldest = (uint64_t)after + 1;
    for (uint64_t id = oldest; id <= watch->last_event; id++) {
        const struct vd_watch_event *event = vd_watch_find(watch, id);

        if (event != NULL && vd_http_list_is_asked(request, event->group) &&
            vd_http_list_wants(&list))
            json_array_append_new(list.items, vd_json_event(event));
    }
    vd_http_say(reply, 200, vd_http_list_value(&list, "events"));
}

static json_t *times(const struct vd_histogram *histogram)
{
    return json_pack("{s:I, s:f, s:f, s:f}", "count", (json_int_t)histogram->count, "p50",
                     (double)vd_histogram_quantile_us(histogram, 0.5) / 1000., "p99",
                     (double)vd_histogram_quantile_us(histogram, 0.99) / 1000., "max",
                     (double)histogram->max_us / 1000.);
}

void vd_http_self(const struct vd_http_world *world, const struct vd_http_request *request,
                  struct vd_http_reply *reply)
{
    const struct vd_watch *watch = world->watch;
    struct vd_view_core view;
    json_t *value;

    (void)request;
    vd_view_core(world->drive->core, &view);
    value = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:I}", "id", view.self.hex,
                      "version", VD_VERSION, "started_at_ms", (json_int_t)watch->started_at_ms,
                      "now_ms", (json_int_t)world->wall_ms, "epoch", (json_int_t)view.epoch,
                      "groups", (json_int_t)view.group_count, "abstains",
                      vd_view_abstains(world->drive->core, world->now), "mute", world->drive->mute,
                      "clients", (json_int_t)world->clients, "stalls", (json_int_t)view.stalls);
    json_object_set_new(value, "mute_reason",
                        world->drive->mute ? vd_json_text(world->drive->error.text) : json_null());
    json_object_set_new(value, "loop_late_ms", times(&watch->late));
    json_object_set_new(value, "turn_ms", times(&watch->turn));
    json_object_set_new(value, "save_ms", times(&watch->save));
    json_object_set_new(value, "lookup_ms", times(&watch->lookup));
    vd_http_say(reply, 200, value);
}
