/* SPDX-License-Identifier: BSD-3-Clause */
/* Health: see health.h. */
#include "http/health.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "http/json.h"
#include "http/lookup.h"
#include "shell/survey.h"

void vd_http_healthz(const struct vd_http_world *world, const struct vd_http_request *request,
                     struct vd_http_reply *reply)
{
    (void)world;
    (void)request;
    vd_http_say(reply, 200, json_pack("{s:s}", "status", "up"));
}

/* The first reason why this vedette could not take its part; false: there is none. */
static bool find_hindrance(const struct vd_http_world *world, struct vd_text *why)
{
    struct vd_view_group group;

    if (world->drive->mute)
        vd_text_printf(why, "the state cannot be saved: %s", world->drive->error.text);
    for (size_t i = 0; why->len == 0 && vd_view_group_at(world->drive->core, world->now, i, &group);
         i++)
        if (group.abstains)
            vd_text_printf(why,
                           "of group %s it gives no votes yet: it was started without its state, "
                           "and abstains for a while and until it has heard a majority",
                           group.name);
        else if (!vd_survey_can_act(&group))
            vd_text_printf(why, "of group %s only %u of %u sentinels are within reach", group.name,
                           group.usable, group.peer_count + 1);
    if (why->len == 0 && vd_view_abstains(world->drive->core, world->now))
        vd_text_puts(why, "it was started without its state and gives no votes yet");
    return why->len != 0;
}

void vd_http_readyz(const struct vd_http_world *world, const struct vd_http_request *request,
                    struct vd_http_reply *reply)
{
    struct vd_text why = {0};

    (void)request;
    if (find_hindrance(world, &why))
        vd_http_refuse(reply, 503, "%s", vd_text_cstr(&why));
    else
        vd_http_say(reply, 200, json_pack("{s:s}", "status", "ready"));
    vd_text_free(&why);
}

/* 503 without a majority: what we think may be what we were left with. */
static bool check_majority(const struct vd_view_group *group, struct vd_http_reply *reply)
{
    if (group->usable >= vd_survey_majority(group))
        return true;
    vd_http_refuse(reply, 503, "no majority: %u of %u sentinels are within reach", group->usable,
                   group->peer_count + 1);
    return false;
}

/* These pages are open to everybody, and tell no more than they must. */
static json_t *brief(const struct vd_http_world *world, const struct vd_view_group *group,
                     const struct vd_view_node *node)
{
    struct vd_text name = {0};
    json_t *value;

    vd_http_name(world, &node->addr, &name);
    value = json_pack("{s:o, s:o}", "group", vd_json_text(group->name), "node",
                      vd_json_text(vd_text_cstr(&name)));
    vd_text_free(&name);
    return value;
}

void vd_http_primary(const struct vd_http_world *world, const struct vd_http_request *request,
                     struct vd_http_reply *reply)
{
    const char *node = vd_http_query(request, "node");
    struct vd_view_group group;
    const struct vd_view_node *primary = &group.primary;

    if (!vd_http_group(world, request, &group, reply) || !check_majority(&group, reply))
        return;
    if (node != NULL && !vd_http_is_called(&primary->addr, node))
        vd_http_refuse(reply, 503, "%.300s is not the primary of %s", node, group.name);
    else if (!vd_survey_is_up(primary))
        vd_http_refuse(reply, 503, "the primary of %s is %s", group.name,
                       primary->s_down ? "down" : vd_survey_health_word(primary->health));
    else
        vd_http_say(reply, 200, brief(world, &group, primary));
}

/* May it be read from? */
static bool is_fresh(const struct vd_http_world *world, const struct vd_view_group *group,
                     const struct vd_view_node *replica, int64_t max_lag_ms)
{
    int64_t lag_us;

    if (!vd_survey_serves(replica))
        return false;
    if (max_lag_ms < 0)
        return true;
    lag_us = vd_lag_us(world->lag, &group->primary, replica);
    return lag_us >= 0 && lag_us <= max_lag_ms * 1000;
}

void vd_http_replica(const struct vd_http_world *world, const struct vd_http_request *request,
                     struct vd_http_reply *reply)
{
    const char *node = vd_http_query(request, "node");
    struct vd_view_group group;
    struct vd_view_node replica;
    int64_t max_lag_ms = -1;
    json_t *list;

    if (!vd_http_query_count(request, "max_lag_ms", 1000000000, &max_lag_ms, reply) ||
        !vd_http_group(world, request, &group, reply) || !check_majority(&group, reply))
        return;
    list = json_array();
    for (size_t i = 0; vd_view_replica(world->drive->core, world->now, group.name, i, &replica);
         i++) {
        if (node != NULL && !vd_http_is_called(&replica.addr, node))
            continue;
        if (is_fresh(world, &group, &replica, max_lag_ms))
            json_array_append_new(list, brief(world, &group, &replica));
    }
    if (json_array_size(list) > 0) {
        vd_http_say(reply, 200, list);
        return;
    }
    json_decref(list);
    if (node != NULL)
        vd_http_refuse(reply, 503, "%.300s is no replica of %s that could be read from now", node,
                       group.name);
    else
        vd_http_refuse(reply, 503, "no replica of %s could be read from now", group.name);
}
