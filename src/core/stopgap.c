/* SPDX-License-Identifier: BSD-3-Clause */
/* Stopgap: see stopgap.h. */
#include "core/stopgap.h"

#include "core/candidate.h"
#include "core/lineage.h"

#define RESORT_HEARD_MS 5000
#define CHAIN_MOST 8

/* A primary under an id that was the group's: it was ours, and has not been told that it is not. */
static bool is_former_primary(const struct vd_core *core, const struct vd_node *node)
{
    const struct vd_group *group = node->group;

    (void)core;
    return node->role == VD_ROLE_PRIMARY && vd_id_known(&node->replid) &&
           (vd_id_equal(&node->replid, &group->lineage) ||
            vd_id_equal(&node->replid, &group->lineage_before));
}

/* What the named primary said before it was named is about its life as a replica. */
static bool says_it_is_replica(const struct vd_group *group)
{
    const struct vd_node *primary = group->primary;

    return primary->role == VD_ROLE_REPLICA && primary->info_at != VD_NEVER &&
           (group->switch_count == 0 || primary->info_at >= group->switches[0]);
}

/* The named primary follows it, or one that follows it, by the word of all between. */
static bool heads_the_chain(const struct vd_group *group, const struct vd_node *node)
{
    const struct vd_addr *next = &group->primary->follows;

    for (unsigned steps = 0; steps < CHAIN_MOST; steps++) {
        const struct vd_node *above = vd_node_find(group, next);

        if (above == node)
            return true;
        if (above == NULL || above->role != VD_ROLE_REPLICA)
            return false;
        next = &above->follows;
    }
    return false;
}

/*
 * Promoted out of the group's lineage: its own replication id is new, the one
 * before is the group's; REPLICAOF NO ONE does that. Or the named primary
 * itself says that it follows this one: it is primary in all but name.
 */
static bool is_half_promoted(const struct vd_core *core, const struct vd_node *node)
{
    const struct vd_group *group = node->group;
    int64_t best;

    if (!is_former_primary(core, node) && vd_id_known(&node->replid2) &&
        (vd_id_equal(&node->replid2, &group->lineage) ||
         vd_id_equal(&node->replid2, &group->lineage_before))) {
        /* Not one that was detached by hand long ago, while others went on. */
        return !vd_candidate_best_offset(core, group, &best) ||
               best - node->replid2_offset <= group->options.candidate_max_lag_bytes;
    }
    return says_it_is_replica(group) && heads_the_chain(group, node);
}

/* A primary that could be named in the place of the one that is. */
static bool is_standing_primary(const struct vd_node *node)
{
    return !vd_node_is_primary(node) && node->role == VD_ROLE_PRIMARY &&
           node->s_down_at == VD_NEVER && vd_node_has_told(node) && !node->loading &&
           node->priority != 0;
}

/* Who succeeded it, and whoever succeeded that one: each holds more than the one before. */
static struct vd_node *last_successor(const struct vd_core *core, const struct vd_group *group,
                                      struct vd_node *first)
{
    struct vd_node *last = first;
    struct vd_node *node;

    for (unsigned steps = 0; steps < CHAIN_MOST; steps++) {
        DL_FOREACH (group->nodes, node) {
            if (is_standing_primary(node) && !vd_lineage_is_foreign(core, node) &&
                vd_lineage_holds_newer(node, last))
                break;
        }
        if (node == NULL)
            break;
        last = node;
    }
    return last;
}

struct vd_node *vd_stopgap_half_promoted(const struct vd_core *core, const struct vd_group *group)
{
    struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        if (is_standing_primary(node) && is_half_promoted(core, node))
            return last_successor(core, group, node);
    }
    return NULL;
}

/* For failover-timeout the group has had no primary: one that died holding more would be back. */
static bool is_bereft(const struct vd_core *core, const struct vd_group *group)
{
    vd_ms since = group->primary->s_down_at;

    if (since != VD_NEVER && group->switch_count != 0)
        since = vd_max_ms(since, group->switches[0]);
    return vd_elapsed(core->now, since, 0) >= group->options.failover_timeout_ms;
}

/* It lives, told its state lately, and would let itself be promoted. */
static bool is_willing(const struct vd_core *core, const struct vd_node *node)
{
    return !vd_node_is_primary(node) && node->s_down_at == VD_NEVER && vd_node_has_told(node) &&
           !node->loading && node->priority != 0 && !vd_candidate_has_refused(core, node) &&
           core->now - node->info_at <= 2 * core->globals.info_period_ms;
}

/* Of those of the kind `is_one` that are willing the one with most keys, when the primary had its
 * time. */
static struct vd_node *find_fullest(const struct vd_core *core, const struct vd_group *group,
                                    bool (*is_one)(const struct vd_core *, const struct vd_node *))
{
    struct vd_node *node;
    struct vd_node *best = NULL;

    if (!is_bereft(core, group))
        return NULL;
    DL_FOREACH (group->nodes, node) {
        if (is_willing(core, node) && is_one(core, node) &&
            (best == NULL || node->keys > best->keys))
            best = node;
    }
    return best;
}

struct vd_node *vd_stopgap_former(const struct vd_core *core, const struct vd_group *group)
{
    return find_fullest(core, group, is_former_primary);
}

/*
 * A full resynchronisation began and will not end. Until a server loads the
 * new data set it holds the one before, under the id of that; one that let go
 * of it for the load, and did not get through, has no keys.
 */
static bool is_stranded(const struct vd_core *core, const struct vd_node *node)
{
    return node->role == VD_ROLE_REPLICA && !node->link_up && !node->sync_in_progress &&
           node->keys > 0 && vd_lineage_is_ours(node) && !vd_lineage_is_foreign(core, node);
}

struct vd_node *vd_stopgap_stranded(const struct vd_core *core, const struct vd_group *group)
{
    return find_fullest(core, group, is_stranded);
}

/* Nobody takes its place: only one that no other feeds is made primary again. */
static bool may_be_reinstated(const struct vd_group *group)
{
    return says_it_is_replica(group) && !group->primary->link_up;
}

static bool is_heard(const struct vd_core *core, const struct vd_node *node)
{
    return vd_node_has_told(node) && core->now - node->pulse.ok_at <= RESORT_HEARD_MS &&
           core->now - node->info_at <= 2 * core->globals.info_period_ms;
}

/*
 * The named primary follows one that follows it: two leaders have turned each
 * other's. Neither gets anything from the other, and whoever is away, or never
 * heard of it, holds what the group had before.
 */
static bool is_circle(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_node *other = vd_node_find(group, &group->primary->follows);

    return other != NULL && other->role == VD_ROLE_REPLICA && !other->loading &&
           is_heard(core, other) && other->keys > 0 &&
           vd_addr_equal(&other->follows, &group->primary->addr);
}

struct vd_node *vd_stopgap_last_resort(const struct vd_core *core, const struct vd_group *group)
{
    struct vd_node *node;
    struct vd_node *best = NULL;
    int64_t held_back = -1; /* keys of those who refused a moment ago: they may obey in the next */
    bool circle;

    if (!says_it_is_replica(group))
        return NULL;
    circle = is_circle(core, group);
    DL_FOREACH (group->nodes, node) {
        /* Somebody is away who may hold the data, or is a primary: no resort is the last yet. */
        if (!is_heard(core, node) || node->role != VD_ROLE_REPLICA || node->loading) {
            if (!circle || vd_node_is_primary(node))
                return NULL;
            continue;
        }
        if ((vd_node_is_primary(node) && !may_be_reinstated(group)) || node->priority == 0 ||
            node->keys < 0 || vd_lineage_is_foreign(core, node))
            continue;
        if (vd_candidate_has_refused(core, node)) {
            held_back = node->keys > held_back ? node->keys : held_back;
            continue;
        }
        if (best == NULL || node->keys > best->keys ||
            (node->keys == best->keys && node->offset > best->offset))
            best = node;
    }
    return best != NULL && best->keys >= held_back ? best : NULL;
}

/* It may be back with more, or is about to tell how much it holds. */
static bool is_worth_waiting(const struct vd_core *core, const struct vd_node *node)
{
    vd_ms away_ms = vd_elapsed(core->now, node->s_down_at, 0);

    /* Who came back a moment ago may not be the only one. */
    if (is_heard(core, node))
        return node->loading || node->sync_in_progress || vd_candidate_has_refused(core, node) ||
               core->now - node->command.since < RESORT_HEARD_MS;
    return away_ms < node->group->options.failover_timeout_ms;
}

static bool holds_ours(const struct vd_node *node)
{
    return node->keys > 0 && vd_lineage_is_related(node);
}

/* All who follow it are of this group, and no other group names it: it takes nobody's with it. */
static bool leads_members_only(const struct vd_core *core, const struct vd_node *node)
{
    const struct vd_group *other = vd_group_find_address(core, &node->addr);
    const struct vd_node *member;
    int64_t members = 0;

    DL_FOREACH (node->group->nodes, member) {
        members += member->role == VD_ROLE_REPLICA && member->link_up &&
                   vd_addr_equal(&member->follows, &node->addr);
    }
    return (other == NULL || other == node->group) && node->connected_replicas <= members;
}

/*
 * Of what remains: the group's data, or nothing. Or what was written since to
 * one that came back empty, while it was a primary by its own word only.
 */
static bool is_remnant(const struct vd_core *core, const struct vd_node *node)
{
    if ((vd_node_is_primary(node) && !may_be_reinstated(node->group)) || !is_heard(core, node) ||
        node->priority == 0 || node->keys < 0)
        return false;
    if (node->keys == 0 || vd_lineage_is_related(node))
        return !vd_lineage_is_foreign(core, node);
    return node->role == VD_ROLE_PRIMARY && leads_members_only(core, node);
}

static bool is_better_remnant(const struct vd_node *a, const struct vd_node *b)
{
    if (holds_ours(a) != holds_ours(b))
        return holds_ours(a);
    if (a->keys != b->keys)
        return a->keys > b->keys;
    /* A primary: others follow it already. */
    return a->role == VD_ROLE_PRIMARY && b->role != VD_ROLE_PRIMARY;
}

struct vd_node *vd_stopgap_remaining(const struct vd_core *core, const struct vd_group *group)
{
    struct vd_node *node;
    struct vd_node *best = NULL;

    if (!is_bereft(core, group))
        return NULL;
    DL_FOREACH (group->nodes, node) {
        if (is_worth_waiting(core, node))
            return NULL;
        if (is_remnant(core, node) && (best == NULL || is_better_remnant(node, best)))
            best = node;
    }
    return best;
}
