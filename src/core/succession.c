/* SPDX-License-Identifier: BSD-3-Clause */
/* Succession: see succession.h. PROTOCOL facts: the switch. */
#include "core/succession.h"

#include "core/link.h"
#include "core/notice.h"
#include "core/probe.h"

static void remember_switch(struct vd_core *core, struct vd_group *group)
{
    memmove(group->switches + 1, group->switches, (VD_SWITCHES_KEPT - 1) * sizeof(vd_ms));
    group->switches[0] = core->now;
    group->switch_count++;
}

unsigned vd_succession_recent(const struct vd_core *core, const struct vd_group *group)
{
    unsigned kept = group->switch_count < VD_SWITCHES_KEPT ? group->switch_count : VD_SWITCHES_KEPT;
    unsigned recent = 0;

    while (recent < kept &&
           core->now - group->switches[recent] <= group->options.failover_timeout_ms)
        recent++;
    return recent;
}

/*
 * What only a primary, or only a replica, is asked about. differs: run id and
 * role are kept, where Sentinel makes all servers anew at a switch.
 */
static void reset_node(const struct vd_core *core, struct vd_node *node)
{
    node->role_at = core->now; /* what it said it was, it said about another configuration */
    node->o_down_at = VD_NEVER;
    node->promoted = false;
    node->reboot_at = VD_NEVER;
    node->reboot_review = false;
    node->empty_restart = false;
    node->info_wanted = true;
}

static void announce_replicas(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        if (vd_node_is_primary(node))
            continue;
        vd_notice_node(core, VD_N_REPLICA, node, "%s", "");
        /* Clients that had it as primary must hear that it is down in its new role, too. */
        if (node->s_down_at != VD_NEVER)
            vd_notice_node(core, VD_N_SDOWN, node, "%s", "");
    }
}

/* More than max-replicas would be known: one that is not linked makes room. */
static void make_room(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;

    if (group->node_count <= core->globals.max_replicas)
        return;
    DL_FOREACH (group->nodes, node) {
        if (!vd_node_is_primary(node) && !node->command.up && node->turn_ticket.n == 0) {
            vd_node_forget(core, node);
            return;
        }
    }
}

void vd_succession_by_address(struct vd_core *core, struct vd_group *group,
                              const struct vd_addr *addr, uint64_t config_epoch)
{
    struct vd_node *node = vd_node_find(group, addr);

    if (node == NULL) {
        make_room(core, group);
        node = vd_node_add(core, group, addr);
    }
    vd_succession(core, group, node, config_epoch);
}

void vd_succession(struct vd_core *core, struct vd_group *group, struct vd_node *node,
                   uint64_t config_epoch)
{
    struct vd_addr from = group->primary->addr;

    VD_ASSERT(config_epoch >= group->config_epoch);
    VD_ASSERT(!vd_node_is_primary(node));
    reset_node(core, group->primary);
    reset_node(core, node);
    vd_group_set_primary(core, group, node);
    group->config_epoch = config_epoch;
    group->asking = false;
    group->stand_at = VD_NEVER;
    group->fruitless = 0;
    group->learned = true;
    if (vd_id_known(&group->lineage))
        group->lineage_before = group->lineage;
    vd_opinions_reset(core, group);
    remember_switch(core, group);
    vd_group_dirty(core, group);
    /* differs: told at promotion, on every sentinel; Sentinel's leader waits for the replicas. */
    vd_notice_switch(core, group, &from, &node->addr);
    announce_replicas(core, group);
    vd_probe_want_hello(core, group);
}
