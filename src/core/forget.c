/* SPDX-License-Identifier: BSD-3-Clause */
/* Forget: see forget.h. */
#include "core/forget.h"

#include "core/emit.h"
#include "core/health.h"
#include "core/link.h"
#include "core/notice.h"

#define LATE_MS 30000 /* hellos and INFO of before have been heard by then */

static void remember(struct vd_core *core, struct vd_group *group, const struct vd_id *id,
                     const struct vd_addr *addr)
{
    struct vd_forgotten *oldest;

    if (group->forgotten == NULL) {
        group->forgotten = vd_calloc(VD_FORGOTTEN_KEPT, sizeof(*group->forgotten));
        for (size_t i = 0; i < VD_FORGOTTEN_KEPT; i++)
            group->forgotten[i].until = VD_NEVER;
    }
    oldest = &group->forgotten[0];
    for (size_t i = 1; i < VD_FORGOTTEN_KEPT; i++) {
        if (group->forgotten[i].until < oldest->until)
            oldest = &group->forgotten[i];
    }
    *oldest = (struct vd_forgotten){.until = core->now + LATE_MS};
    if (id != NULL)
        oldest->id = *id;
    if (addr != NULL)
        oldest->addr = *addr;
}

bool vd_forget_has_peer(const struct vd_core *core, const struct vd_group *group,
                        const struct vd_id *id)
{
    for (size_t i = 0; group->forgotten != NULL && i < VD_FORGOTTEN_KEPT; i++) {
        if (group->forgotten[i].until > core->now && vd_id_equal(&group->forgotten[i].id, id))
            return true;
    }
    return false;
}

bool vd_forget_has_node(const struct vd_core *core, const struct vd_group *group,
                        const struct vd_addr *addr)
{
    for (size_t i = 0; group->forgotten != NULL && i < VD_FORGOTTEN_KEPT; i++) {
        if (group->forgotten[i].until > core->now && group->forgotten[i].addr.port != 0 &&
            vd_addr_equal(&group->forgotten[i].addr, addr))
            return true;
    }
    return false;
}

static void drop_node(struct vd_core *core, struct vd_node *node)
{
    vd_notice_node(core, VD_N_REPLICA_GONE, node, "%s", "");
    vd_group_dirty(core, node->group);
    vd_group_touch(core, node->group);
    vd_node_forget(core, node);
}

static const char *forget_peer(struct vd_core *core, struct vd_group *group, const struct vd_id *id)
{
    struct vd_opinion *opinion = vd_opinion_find(group, id);

    if (opinion == NULL)
        return "ERR No such sentinel is known of that master";
    if (vd_opinion_is_usable(opinion))
        return "ERR The sentinel is alive: stop it first";
    remember(core, group, id, NULL);
    vd_notice_peer(core, VD_N_PEER_GONE, opinion, "%s", "");
    vd_group_dirty(core, group);
    vd_group_touch(core, group);
    vd_opinion_forget(core, opinion);
    return NULL;
}

static const char *forget_node(struct vd_core *core, struct vd_group *group,
                               const struct vd_addr *addr)
{
    struct vd_node *node = vd_node_find(group, addr);
    struct vd_addr known;

    if (node == NULL)
        return "ERR No such replica is known of that master";
    if (vd_node_is_primary(node))
        return "ERR The primary is not forgotten: see SENTINEL REMOVE and FAILOVER";
    if (node->s_down_at == VD_NEVER && node->command.up && !node->foreign)
        return "ERR The replica is alive: stop it first, or let it follow nobody";
    known = node->addr;
    remember(core, group, NULL, &known);
    drop_node(core, node);
    return NULL;
}

void vd_forget_on_order(struct vd_core *core, struct vd_group *group, const struct vd_order *order,
                        vd_client client)
{
    const char *error;

    if (group->failover.state != VD_FO_NONE)
        error = "INPROG Failover already in progress";
    else if (order->addr.port != 0)
        error = forget_node(core, group, &order->addr);
    else
        error = forget_peer(core, group, &order->id);
    if (error != NULL)
        vd_emit_error(core, client, error);
    else
        vd_emit_ok(core, client);
}

/* differs: Sentinel keeps addresses that died for ever, until RESET. */
vd_ms vd_forget_expired(struct vd_core *core, struct vd_group *group)
{
    const struct vd_node *primary = group->primary;
    vd_ms expiry_ms = group->options.replica_expiry_ms;
    struct vd_node *node;
    struct vd_node *later;
    vd_ms next = INT64_MAX;

    if (expiry_ms == 0 || group->failover.state != VD_FO_NONE || primary->role != VD_ROLE_PRIMARY ||
        !vd_health_reaches(core, primary) || primary->info_at == VD_NEVER)
        return INT64_MAX;
    DL_FOREACH_SAFE (group->nodes, node, later) {
        vd_ms gone_at;

        if (vd_node_is_primary(node) || node->s_down_at == VD_NEVER)
            continue;
        gone_at = vd_max_ms(node->s_down_at, core->awake_since);
        if (node->listed_at != VD_NEVER)
            gone_at = vd_max_ms(gone_at, node->listed_at);
        /* The primary must have had its say since. */
        if (core->now - gone_at < expiry_ms || !core->time_counts)
            next = vd_min_ms(next, vd_max_ms(gone_at + expiry_ms, core->now + 1));
        else if (primary->info_at > gone_at)
            drop_node(core, node);
    }
    return next;
}
