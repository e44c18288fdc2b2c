/* SPDX-License-Identifier: BSD-3-Clause */
/* Excuse: see excuse.h. */
#include "excuse.h"

#include <string.h>

#include "client.h"
#include "core/view.h"
#include "faults.h"
#include "live.h"
#include "original.h"

/* No sentinel knows it: operators made them forget it while it was away, or it never met one. */
static bool is_unknown(const struct sim *sim, const struct sim_node *node)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (sim->sentinels[i]->running && sim_live_knows(sim, sim->sentinels[i], node))
            return false;
    }
    return true;
}

/*
 * A primary that follows nobody is found on no list. Whoever made it one knew
 * it, and is dead; originals, who ask for a list every ten seconds, never had
 * it on theirs, and no vedette is left that should have.
 */
static bool was_known_to_the_dead(const struct sim *sim, const struct sim_node *node)
{
    if (!sim_node_is_primary(node))
        return false;
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (sim->sentinels[i]->running)
            return false;
    }
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        const struct sim_original *o = sim->originals[i];

        if (o->running && sim_original_knows(o, node->group, node->host))
            return false;
    }
    return true;
}

/* It left its primary before anybody had looked at that one's list, and is on none since. */
static bool was_never_met(const struct sim_node *node)
{
    return node->unmet && sim_node_is_primary(node);
}

/* It follows a replica, which follows ... the primary. Sentinels leave such chains alone. */
static bool is_chained(const struct sim *sim, const struct sim_node *node,
                       const struct sim_node *head)
{
    for (unsigned steps = 0; node != NULL && node != head && steps < sim->node_count; steps++) {
        if (node->primary == NULL || node->upstream != SIM_UP_STREAMING)
            return false;
        node = sim_node_of(sim, node->primary);
    }
    return node == head;
}

/*
 * A primary with data of its own, followed by somebody whom no sentinel has
 * met: another cluster's, for all that can be known. It is left alone.
 */
static bool passes_for_foreign(const struct sim *sim, const struct sim_node *node,
                               const struct sim_node *head)
{
    if (!sim_node_is_primary(node) || node->at.replid2.hex[0] != '\0' ||
        strcmp(node->at.replid.hex, head->at.replid2.hex) == 0)
        return false;
    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_node *other = sim->nodes[i];

        if (other->running && other->primary == node->host && other->upstream == SIM_UP_STREAMING &&
            is_unknown(sim, other))
            return true;
    }
    return false;
}

/* In step, by whatever steps, with the primary of another group. */
static bool belongs_elsewhere(const struct sim *sim, const struct sim_node *node, unsigned group)
{
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        const struct sim_node *primary = g != group ? sim_named_primary(sim, g) : NULL;

        if (primary != NULL && is_chained(sim, node, primary))
            return true;
    }
    return false;
}

/* Nobody knows it, and nobody can: it is on no list of a primary that is looked at. */
static bool is_out_of_reach(const struct sim *sim, const struct sim_node *node,
                            const struct sim_node *head)
{
    const struct sim_node *above = node->primary != NULL ? sim_node_of(sim, node->primary) : NULL;

    if (!is_unknown(sim, node))
        return false;
    if (sim->forgetful || node->moved || was_never_met(node) || was_known_to_the_dead(sim, node) ||
        is_chained(sim, node, head) || belongs_elsewhere(sim, node, node->group))
        return true;
    return above != NULL && (!above->running || passes_for_foreign(sim, above, head));
}

/*
 * A primary that left the lineage of the named one later than that, and went
 * on: it was promoted and given up for dead while it was cut off. Nobody is
 * made to forget what it holds; an operator has to decide.
 */
static bool holds_newer(const struct sim_node *node, const struct sim_node *head)
{
    return sim_node_is_primary(node) && node->at.replid2.hex[0] != '\0' &&
           strcmp(node->at.replid2.hex, head->at.replid.hex) == 0 &&
           strcmp(head->at.replid2.hex, node->at.replid.hex) != 0 &&
           node->at.offset > head->at.offset;
}

/*
 * In step with a primary that operators made all forget while it was away: by
 * its data it is that one's, who passes for another cluster's.
 */
static bool follows_the_forgotten(const struct sim *sim, const struct sim_node *node)
{
    const struct sim_node *above = node->primary != NULL ? sim_node_of(sim, node->primary) : NULL;

    return sim->forgetful && above != NULL && above->running && sim_node_is_primary(above) &&
           node->upstream == SIM_UP_STREAMING && is_unknown(sim, above);
}

bool sim_excuse_node(const struct sim *sim, const struct sim_node *node,
                     const struct sim_node *head)
{
    return is_out_of_reach(sim, node, head) || passes_for_foreign(sim, node, head) ||
           follows_the_forgotten(sim, node) || holds_newer(node, head) ||
           (node->moved && belongs_elsewhere(sim, node, node->group));
}

static bool has_peer(const struct sim_sentinel *s, unsigned group, const struct sim_sentinel *other)
{
    struct vd_view_peer peer;

    for (size_t i = 0;
         vd_view_peer(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), i, &peer); i++) {
        if (other == NULL || strcmp(peer.id.hex, other->id.hex) == 0)
            return true;
    }
    return false;
}

bool sim_excuse_sentinel(const struct sim *sim, const struct sim_sentinel *s, unsigned group)
{
    if (!sim->forgetful || sim->setup.originals != 0 || has_peer(s, group, NULL))
        return false;
    for (unsigned i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i]->running && sim_sentinel_knows(s, group, sim->nodes[i]->host))
            return false;
    }
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        const struct sim_sentinel *other = sim->sentinels[i];

        if (other != s && other->running && has_peer(other, group, s))
            return false;
    }
    return true;
}

static bool is_listed(const struct sim *sim, unsigned group, const struct sim_host *host)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (sim->sentinels[i]->running && sim_sentinel_knows(sim->sentinels[i], group, host))
            return true;
    }
    return false;
}

/* What it holds is known for the group's: nobody else is made its primary. */
static bool is_of_lineage(const struct sim *sim, const struct sim_node *node, unsigned group)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        const struct sim_saved_group *saved =
            sim_saved_find(&sim->sentinels[i]->disk.platter, sim_group_name(group));

        if (saved == NULL || !sim->sentinels[i]->running)
            continue;
        if (strcmp(node->at.replid.hex, saved->image.lineage.hex) == 0 ||
            strcmp(node->at.replid.hex, saved->image.lineage_before.hex) == 0)
            return true;
    }
    return false;
}

/* Who is named already and follows others cannot be chosen. */
static bool could_lead(const struct sim *sim, const struct sim_node *node, unsigned group)
{
    if (node == sim_named_primary(sim, group) && !sim_node_is_primary(node))
        return false;
    return node->running && node->at.data != NULL && node->at.data->writes != 0 &&
           !belongs_elsewhere(sim, node, group) && is_of_lineage(sim, node, group);
}

/*
 * No vedette is left, and of the servers that live none is a primary, and none
 * has a link to one: replicas that follow the dead, or one another. Sentinel
 * chooses nobody whose link has been down for long.
 */
static bool is_left_to_originals(const struct sim *sim, unsigned group)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (sim->sentinels[i]->running)
            return false;
    }
    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = sim->nodes[i];

        if (node->group == group && node->running &&
            (sim_node_is_primary(node) || node->upstream == SIM_UP_STREAMING))
            return false;
    }
    return true;
}

bool sim_excuse_group(const struct sim *sim, unsigned group)
{
    bool scattered = sim->forgetful; /* those who could lead may be on nobody's list */

    if (is_left_to_originals(sim, group))
        return true;
    for (unsigned i = 0; i < sim->net->host_count; i++) {
        const struct sim_host *host = sim->net->hosts[i];
        const struct sim_node *node = sim_node_of(sim, host);

        if (!is_listed(sim, group, host))
            continue;
        scattered |= node == NULL || node->group != group || belongs_elsewhere(sim, node, group);
        if (node != NULL && could_lead(sim, node, group))
            return false;
    }
    return scattered;
}
