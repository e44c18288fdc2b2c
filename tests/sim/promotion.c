/* SPDX-License-Identifier: BSD-3-Clause */
/* Promotion: see promotion.h. */
#include "promotion.h"

#include <string.h>

#include "core/view.h"

/* Why a node should not be promoted, by its last INFO; NULL: nothing speaks against it. */
static const char *objection(const struct sim_heard *heard)
{
    if (!heard->known)
        return "of which it knows nothing";
    if (heard->loading)
        return "which is loading";
    if (heard->priority == 0)
        return "which has priority 0";
    if (heard->role == VD_ROLE_PRIMARY)
        return heard->was_promoted ? NULL : "which is a primary of its own";
    if (heard->syncing)
        return "which is in the middle of a full resync";
    if (!heard->link_up && (heard->offset == 1 || heard->offset < 0))
        return "which does not know where it stands";
    return NULL;
}

/* It waits for the data of a primary that came back empty, and holds its own until that comes. */
static bool is_rescue(const struct sim_heard *heard, const struct sim_heard *primary, bool rebooted)
{
    return heard->known && heard->role == VD_ROLE_REPLICA && !heard->loading &&
           heard->priority != 0 && heard->keys > 0 &&
           (rebooted || (primary->known && primary->role == VD_ROLE_PRIMARY &&
                         primary->keys < heard->keys - primary->keys));
}

/* The named primary follows one that follows it, and holds something still. */
static bool is_circle(const struct sim *sim, const struct sim_sentinel *s,
                      const struct sim_host *named)
{
    const struct sim_node *primary = named != NULL ? sim_node_of(sim, named) : NULL;
    const struct sim_heard *above = primary != NULL ? &s->heard[primary->index] : NULL;
    const struct sim_node *other;

    if (above == NULL || above->role != VD_ROLE_REPLICA || above->follows == NULL)
        return false;
    other = sim_node_of(sim, above->follows);
    return other != NULL && s->heard[other->index].role == VD_ROLE_REPLICA &&
           s->heard[other->index].follows == named && s->heard[other->index].keys > 0;
}

/* All say that they are replicas, the named primary too: somebody must be made one. */
static bool is_last_resort(const struct sim *sim, const struct sim_sentinel *s,
                           const struct sim_node *node, const struct sim_host *named)
{
    bool circle = is_circle(sim, s, named);

    if (s->heard[node->index].role != VD_ROLE_REPLICA || s->heard[node->index].loading)
        return false;
    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_heard *heard = &s->heard[i];

        if (sim->nodes[i]->group != node->group)
            continue;
        if (!sim_sentinel_knows(s, node->group, sim->nodes[i]->host))
            continue;
        if (!heard->known || heard->role != VD_ROLE_REPLICA || heard->loading) {
            if (!circle || sim->nodes[i]->host == named)
                return false;
            continue;
        }
        if (sim->nodes[i]->host != named && heard->priority != 0 &&
            heard->keys > s->heard[node->index].keys)
            return false;
    }
    return true;
}

/* So long ago was what has been of no use for failover-timeout, as this one has it. */
static sim_us long_ago(const struct sim *sim, const struct sim_sentinel *s, unsigned group)
{
    struct vd_view_group view;

    if (!vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), &view))
        return sim->now;
    return sim->now - view.options->failover_timeout_ms * SIM_MS;
}

/*
 * A full resync that began and was cut off has taken nothing from it yet, and
 * the primary has not been heard for as long as a failover may take.
 */
static bool is_stranded(const struct sim_heard *heard, const struct sim_heard *primary,
                        sim_us long_ago)
{
    return heard->known && heard->role == VD_ROLE_REPLICA && !heard->loading && !heard->syncing &&
           !heard->link_up && heard->priority != 0 && heard->keys > 0 &&
           (!primary->known || primary->at <= long_ago);
}

/* A replica cut off with what was written to it while it was a primary of its own: not the group's.
 */
static bool holds_its_own(const struct sim_sentinel *s, const struct sim_heard *heard,
                          unsigned group)
{
    const struct sim_saved_group *saved = sim_saved_find(&s->disk.platter, sim_group_name(group));

    return heard->role == VD_ROLE_REPLICA && !heard->link_up && saved != NULL &&
           strcmp(heard->replid.hex, saved->image.lineage.hex) != 0 &&
           strcmp(heard->replid.hex, saved->image.lineage_before.hex) != 0;
}

/*
 * The primary has been of no use for as long as a failover may take, and so has
 * whoever is known to hold more, or says that it would not be promoted.
 */
static bool is_remnant(const struct sim *sim, const struct sim_sentinel *s,
                       const struct sim_node *node, const struct sim_heard *primary,
                       sim_us long_ago)
{
    const struct sim_heard *heard = &s->heard[node->index];

    if (!heard->known || heard->loading || heard->syncing || heard->priority == 0 ||
        (primary->known && primary->role == VD_ROLE_PRIMARY && primary->at > long_ago))
        return false;
    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_heard *other = &s->heard[i];

        if (sim->nodes[i]->group == node->group && other->known && other->priority != 0 &&
            other->keys > heard->keys && other->at > long_ago &&
            !holds_its_own(s, other, node->group))
            return false;
    }
    return true;
}

/* At the very beginning of a stream, and nobody is known to hold more: there is nothing to lack. */
static bool is_at_start(const struct sim *sim, const struct sim_sentinel *s,
                        const struct sim_node *node)
{
    const struct sim_heard *heard = &s->heard[node->index];

    for (unsigned i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i]->group == node->group && s->heard[i].known &&
            s->heard[i].keys > heard->keys)
            return false;
    }
    return heard->known && heard->role == VD_ROLE_REPLICA && !heard->loading && !heard->syncing &&
           heard->priority != 0 && heard->offset == 0;
}

/* It follows the node, or one that follows it. */
static bool is_headed_by(const struct sim *sim, const struct sim_sentinel *s,
                         const struct sim_heard *heard, const struct sim_node *node)
{
    for (unsigned steps = 0; steps < sim->node_count; steps++) {
        const struct sim_node *above;

        if (heard->role != VD_ROLE_REPLICA || heard->follows == NULL)
            return false;
        if (heard->follows == node->host)
            return true;
        above = sim_node_of(sim, heard->follows);
        if (above == NULL)
            return false;
        heard = &s->heard[above->index];
    }
    return false;
}

const char *sim_promotion_objection(const struct sim *sim, const struct sim_sentinel *s,
                                    const struct sim_node *node, bool was_ours, bool rebooted)
{
    static const struct sim_heard nothing;
    const struct sim_heard *heard = &s->heard[node->index];
    const struct sim_host *named = sim_sentinel_names(s, node->group);
    const struct sim_node *primary = named != NULL ? sim_node_of(sim, named) : NULL;
    const struct sim_heard *above = primary != NULL ? &s->heard[primary->index] : &nothing;
    const char *why = objection(heard);
    sim_us then = long_ago(sim, s, node->group);

    if (why == NULL || is_at_start(sim, s, node) || is_rescue(heard, above, rebooted) ||
        is_stranded(heard, above, then) || is_last_resort(sim, s, node, named) ||
        is_remnant(sim, s, node, above, then))
        return NULL;
    if (!heard->known || heard->role != VD_ROLE_PRIMARY || heard->loading)
        return why;
    if (was_ours)
        return NULL; /* taken back */
    if (is_headed_by(sim, s, above, node))
        return NULL; /* adopted: it is followed by the very node that should be the primary */
    return why;
}
