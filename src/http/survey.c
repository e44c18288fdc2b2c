/* SPDX-License-Identifier: BSD-3-Clause */
/* Survey: see survey.h. */
#include "http/survey.h"

#include <string.h>
#include <strings.h>

#include "proto/addr.h"

unsigned vd_survey_majority(const struct vd_view_group *group)
{
    return (group->peer_count + 1) / 2 + 1;
}

bool vd_survey_can_act(const struct vd_view_group *group)
{
    return group->usable >= vd_survey_majority(group) && group->usable >= group->options->quorum;
}

bool vd_survey_is_up(const struct vd_view_node *node)
{
    return !node->s_down && !node->disconnected &&
           (node->health == VD_HEALTH_UP || node->health == VD_HEALTH_SLOW);
}

bool vd_survey_serves(const struct vd_view_node *node)
{
    return vd_survey_is_up(node) && node->role_reported == VD_ROLE_REPLICA && node->link_ok;
}

int64_t vd_survey_lag_bytes(const struct vd_view_node *primary, const struct vd_view_node *replica)
{
    if (primary->info_ms == VD_NEVER || replica->info_ms == VD_NEVER)
        return -1;
    return primary->offset > replica->offset ? primary->offset - replica->offset : 0;
}

void vd_survey_name(const struct vd_http_world *world, const struct vd_addr *addr,
                    struct vd_text *to)
{
    vd_addr_print(vd_view_shown(world->drive->core, addr), addr->port, to);
}

bool vd_survey_is_called(const struct vd_addr *addr, const char *text)
{
    struct vd_addr called;
    struct vd_err err;

    if (!vd_addr_parse(&called, text, strlen(text), &err) || called.port != addr->port)
        return false;
    return strcasecmp(called.host, addr->host) == 0 ||
           (addr->ip[0] != '\0' && strcmp(called.ip, addr->ip) == 0);
}

bool vd_survey_group(const struct vd_http_world *world, const struct vd_http_request *request,
                     struct vd_view_group *out, struct vd_http_reply *reply)
{
    const char *name = vd_http_query(request, "group");
    const struct vd_core *core = world->drive->core;
    struct vd_view_core all;

    if (name != NULL) {
        if (vd_view_group(core, world->now, name, out))
            return true;
        vd_http_refuse(reply, 404, "there is no group '%.255s'", name);
        return false;
    }
    vd_view_core(core, world->now, &all);
    if (all.group_count == 1)
        return vd_view_group_at(core, world->now, 0, out);
    vd_http_refuse(reply, 400, "%zu groups are watched: say which by ?group=NAME", all.group_count);
    return false;
}

const char *vd_survey_health_word(enum vd_health health)
{
    static const char *const words[VD_HEALTH_COUNT] = {
        "unknown", "up", "slow", "refused", "silent", "auth", "loading", "busy", "rebooted",
    };

    return words[health];
}
