/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Check: what must be true of the state after every step, whatever happened.
 * The simulator calls it after each; a debug build of the daemon may. An
 * invariant that fails is a mistake in the core and ends the process.
 */
#include "core/model.h"

#include "core/election.h"

static void check_wire(const struct vd_core *core, const struct vd_wire *wire)
{
    if (wire->link.n == 0) {
        VD_ASSERT(!wire->up);
        VD_ASSERT(wire->pending == 0);
        return;
    }
    VD_ASSERT(vd_handles_find(&core->wires, wire->link.n) == wire);
}

static void check_node(const struct vd_core *core, const struct vd_node *node)
{
    check_wire(core, &node->command);
    check_wire(core, &node->subscribe);
    VD_ASSERT(node->o_down_at == VD_NEVER || vd_node_is_primary(node));
    VD_ASSERT(!node->empty_restart || vd_node_is_primary(node));
    VD_ASSERT(node->turn_ticket.n == 0 || node->command.up);
    VD_ASSERT(node->info_ticket.n == 0 || node->command.up);
}

static void check_failover(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_failover *failover = &group->failover;

    VD_ASSERT(failover->state != VD_FO_UPDATE_CONFIG); /* passed through within one step */
    if (failover->state == VD_FO_NONE)
        return;
    VD_ASSERT(failover->epoch <= core->epoch);
    if (failover->state < VD_FO_RECONF_SLAVES) {
        /* Whoever leads has voted for itself in this epoch, and for nobody since. */
        VD_ASSERT(vd_id_equal(&group->vote, &core->self));
        VD_ASSERT(group->vote_epoch == failover->epoch);
        VD_ASSERT(failover->epoch > group->config_epoch);
    }
    if (failover->state == VD_FO_WAIT_PROMOTION && failover->chosen != NULL)
        VD_ASSERT(failover->chosen->promoted);
}

static void check_group(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_node *node;
    const struct vd_opinion *opinion;
    unsigned nodes = 0;
    unsigned opinions = 0;
    bool has_primary = false;

    DL_FOREACH (group->nodes, node) {
        VD_ASSERT(node->group == group);
        check_node(core, node);
        has_primary |= node == group->primary;
        nodes++;
    }
    DL_FOREACH (group->opinions, opinion) {
        VD_ASSERT(!vd_id_equal(&opinion->peer->id, &core->self));
        opinions++;
    }
    VD_ASSERT(has_primary);
    VD_ASSERT(nodes == group->node_count);
    VD_ASSERT(opinions == group->opinion_count);
    VD_ASSERT(group->config_epoch <= core->epoch);
    VD_ASSERT(group->vote_epoch <= core->epoch);
    VD_ASSERT(!group->touched);
    check_failover(core, group);
}

static unsigned count_lost(const struct vd_core *core)
{
    const struct vd_peer *peer;
    const struct vd_node *node;
    unsigned count = 0;

    for (size_t i = 0; i < HASH_COUNT(core->groups); i++) {
        DL_FOREACH (core->by_index[i]->nodes, node) {
            count += node->command.is_lost ? 1U : 0U;
        }
    }
    for (peer = core->peers; peer != NULL; peer = peer->hh.next)
        count += peer->wire.is_lost ? 1U : 0U;
    return count;
}

/* Returns how many of its groups it has said nothing in so far. */
static size_t check_peer(const struct vd_core *core, const struct vd_peer *peer)
{
    const struct vd_opinion *opinion;
    vd_ms least = INT64_MAX;
    size_t unheard = 0;

    VD_ASSERT(peer->opinions != NULL);
    check_wire(core, &peer->wire);
    DL_FOREACH2 (peer->opinions, opinion, peer_next) {
        least = vd_min_ms(least, opinion->group->options.down_after_ms);
        unheard += opinion->heard ? 0U : 1U;
    }
    VD_ASSERT(peer->down_after_ms == least);
    return unheard;
}

/* Who is not wanted any more has left the row. */
static void check_places(const struct vd_core *core)
{
    const struct vd_wire *wire;

    DL_FOREACH2 (core->places.first, wire, place_next) {
        VD_ASSERT(wire->place == VD_PLACE_WAITING);
        VD_ASSERT(wire->link.n == 0);
    }
}

void vd_core_check(const struct vd_core *core)
{
    const struct vd_peer *peer;
    size_t unheard = 0;

    VD_ASSERT(core->lost_wires == count_lost(core));
    VD_ASSERT(core->epoch <= VD_EPOCH_MAX);
    VD_ASSERT(core->scripts_running <= core->scripts_count);
    for (size_t i = 0; i < HASH_COUNT(core->groups); i++)
        check_group(core, core->by_index[i]);
    for (peer = core->peers; peer != NULL; peer = peer->hh.next)
        unheard += check_peer(core, peer);
    VD_ASSERT(core->unheard == unheard);
    check_places(core);
}
