/* SPDX-License-Identifier: BSD-3-Clause */
/* Candidate: see candidate.h. PROTOCOL facts: select_slave. */
#include "core/candidate.h"

#include "core/health.h"

#define REPLY_VALID_PERIODS 5
#define REFUSED_MS 5000
#define RESORT_HEARD_MS 5000
#define CHAIN_MOST 8

const char *vd_unfit_text(enum vd_unfit unfit)
{
    switch (unfit) {
    case VD_FIT:
        return "fit";
    case VD_UNFIT_PRIMARY:
        return "is the primary";
    case VD_UNFIT_DOWN:
        return "is down";
    case VD_UNFIT_DISCONNECTED:
        return "does not answer";
    case VD_UNFIT_NEVER:
        return "has priority 0";
    case VD_UNFIT_UNKNOWN:
        return "has not told its state lately";
    case VD_UNFIT_NOT_REPLICA:
        return "is no replica by its own word";
    case VD_UNFIT_LOADING:
        return "is loading its data";
    case VD_UNFIT_SYNCING:
        return "has no complete data: a full resynchronisation is under way or never ended";
    case VD_UNFIT_FOREIGN:
        return "holds the data of another lineage";
    case VD_UNFIT_UNLINKED:
        return "has no link to the primary, which works";
    case VD_UNFIT_REFUSED:
        return "refused to be promoted";
    }
    VD_ASSERT(false);
    return "";
}

bool vd_candidate_carries(const struct vd_node *node, const struct vd_id *lineage)
{
    return vd_id_known(lineage) &&
           (vd_id_equal(&node->replid, lineage) || vd_id_equal(&node->replid2, lineage));
}

bool vd_candidate_is_related(const struct vd_node *node)
{
    const struct vd_group *group = node->group;

    if (!vd_id_known(&group->lineage) || !vd_id_known(&node->replid))
        return true;
    /* It was seen in step with the named primary, or was it: what it holds is the group's. */
    if (vd_id_equal(&node->replid, &node->synced))
        return true;
    return vd_candidate_carries(node, &group->lineage) ||
           vd_candidate_carries(node, &group->lineage_before);
}

/* It follows the primary of `other`. */
static bool is_member_of(const struct vd_node *node, const struct vd_group *other)
{
    if (other == NULL || other == node->group)
        return false;
    /* Two groups that claim one address would turn it to and fro: it stays where it is. */
    if (vd_node_find(other, &node->addr) != NULL)
        return true;
    return node->link_up &&
           (!vd_candidate_is_related(node) || vd_candidate_carries(node, &other->lineage));
}

bool vd_candidate_is_foreign(const struct vd_core *core, const struct vd_node *node)
{
    const struct vd_group *group = node->group;
    const struct vd_group *other;

    if (node->role == VD_ROLE_PRIMARY) {
        /* Named by another group that is watched: whatever we know of it is older. */
        other = vd_group_find_address(core, &node->addr);
        if (other != NULL && other != group && other->primary->role == VD_ROLE_PRIMARY)
            return true;
        return !vd_candidate_is_related(node) && node->keys > 0 && node->connected_replicas > 0;
    }
    if (node->role != VD_ROLE_REPLICA || node->follows.port == 0 ||
        vd_addr_equal(&node->follows, &group->primary->addr))
        return false;
    other = vd_group_find_address(core, &node->follows);
    /* A member of ours above it settles it, unless that one is another group's primary now. */
    if (vd_node_find(group, &node->follows) != NULL && (other == NULL || other == group))
        return false;
    if (is_member_of(node, other))
        return true; /* empty, too: others count on it */
    return !vd_candidate_is_related(node) && node->keys > 0 && (node->link_up || other != NULL);
}

/*
 * Has it a complete data set? INFO says offset 1 where there is no primary,
 * not even a former one to resume from: a full resynchronisation began and
 * did not end. Offset 0 is right where nothing came after the data set, and
 * then the replication id is the group's: a server takes it over when it has
 * loaded the data, not before.
 */
static bool is_complete(const struct vd_node *node)
{
    const struct vd_group *group = node->group;
    bool carries_any = vd_candidate_carries(node, &group->lineage) ||
                       vd_candidate_carries(node, &group->lineage_before);

    /* It waits for the empty data set of the primary, and holds the full one until it comes. */
    if (group->primary->empty_restart && carries_any && node->keys > 0)
        return true;
    if (node->sync_in_progress || node->offset < 0 || node->offset == 1)
        return false;
    return node->offset != 0 || carries_any;
}

/* On the present link: what it said on the one before may be of a former life. */
static bool has_told(const struct vd_node *node)
{
    return node->command.up && node->info_at != VD_NEVER && node->info_at >= node->command.since;
}

bool vd_candidate_has_refused(const struct vd_core *core, const struct vd_node *node)
{
    return vd_elapsed(core->now, node->refused_turn_at, INT64_MAX) < REFUSED_MS;
}

enum vd_unfit vd_candidate_fit(const struct vd_core *core, const struct vd_node *node)
{
    vd_ms valid_ms =
        REPLY_VALID_PERIODS * vd_max_ms(core->globals.ping_period_ms, VD_PING_LEAST_MS);
    vd_ms info_valid_ms = valid_ms;

    if (node->group->primary->s_down_at == VD_NEVER)
        info_valid_ms = 3 * core->globals.info_period_ms;
    if (vd_node_is_primary(node))
        return VD_UNFIT_PRIMARY;
    if (node->s_down_at != VD_NEVER)
        return VD_UNFIT_DOWN;
    if (!node->command.up || core->now - node->pulse.ok_at > valid_ms)
        return VD_UNFIT_DISCONNECTED;
    if (node->priority == 0)
        return VD_UNFIT_NEVER;
    if (!has_told(node) || core->now - node->info_at > info_valid_ms)
        return VD_UNFIT_UNKNOWN;
    if (node->role != VD_ROLE_REPLICA)
        return VD_UNFIT_NOT_REPLICA;
    if (node->loading)
        return VD_UNFIT_LOADING;
    if (!is_complete(node))
        return VD_UNFIT_SYNCING;
    if (!vd_candidate_is_related(node) || vd_candidate_is_foreign(core, node))
        return VD_UNFIT_FOREIGN;
    /* By order, with a primary that works: only one that follows it loses nothing. */
    if (node->group->primary->s_down_at == VD_NEVER && !node->link_up)
        return VD_UNFIT_UNLINKED;
    if (vd_candidate_has_refused(core, node))
        return VD_UNFIT_REFUSED;
    return VD_FIT;
}

/* What the best of them holds: the measure for all. */
struct bounds {
    int64_t offset;
    vd_ms link_down_ms;
    bool current; /* one of them carries the present lineage, not only the one before */
};

/* Where one carries the present lineage, only such may be chosen. */
static bool is_standing(const struct vd_core *core, const struct vd_node *node,
                        const struct bounds *best)
{
    return vd_candidate_fit(core, node) == VD_FIT &&
           (!best->current || vd_candidate_carries(node, &node->group->lineage));
}

static bool is_inside(const struct vd_node *node, const struct bounds *best)
{
    const struct vd_options *options = &node->group->options;

    /* differs: relative to the best replica, not to when we began to watch. */
    return best->offset - node->offset <= options->candidate_max_lag_bytes &&
           node->link_down_ms - best->link_down_ms <= options->candidate_max_lag_ms;
}

static bool is_better(const struct vd_node *a, const struct vd_node *b)
{
    int order;

    if (a->priority != b->priority)
        return a->priority < b->priority;
    if (a->offset != b->offset)
        return a->offset > b->offset;
    if (vd_id_known(&a->run_id) != vd_id_known(&b->run_id))
        return vd_id_known(&a->run_id);
    order = strcmp(a->run_id.hex, b->run_id.hex);
    return order < 0;
}

static bool find_bounds(const struct vd_core *core, const struct vd_group *group,
                        struct bounds *best)
{
    const struct vd_node *node;
    bool any = false;

    /* Offsets of another lineage, be it the one before, measure nothing. */
    DL_FOREACH (group->nodes, node) {
        best->current |=
            vd_candidate_fit(core, node) == VD_FIT && vd_candidate_carries(node, &group->lineage);
    }
    DL_FOREACH (group->nodes, node) {
        if (!is_standing(core, node, best))
            continue;
        best->offset = !any || node->offset > best->offset ? node->offset : best->offset;
        best->link_down_ms =
            any ? vd_min_ms(best->link_down_ms, node->link_down_ms) : node->link_down_ms;
        any = true;
    }
    return any;
}

struct vd_node *vd_candidate_select(const struct vd_core *core, const struct vd_group *group,
                                    int64_t *loss_bytes)
{
    struct bounds best = {.offset = -1};
    struct vd_node *node;
    struct vd_node *chosen = NULL;
    int64_t most = group->primary->offset;

    if (loss_bytes != NULL)
        *loss_bytes = -1;
    if (!find_bounds(core, group, &best))
        return NULL;
    for (int inside = 1; inside >= 0 && chosen == NULL; inside--) {
        DL_FOREACH (group->nodes, node) {
            if (!is_standing(core, node, &best) || (inside == 1 && !is_inside(node, &best)))
                continue;
            if (chosen == NULL || is_better(node, chosen))
                chosen = node;
        }
    }
    most = best.offset > most ? best.offset : most;
    if (loss_bytes != NULL && chosen != NULL && most >= 0)
        *loss_bytes = most - chosen->offset;
    return chosen;
}

bool vd_candidate_all_fresh(const struct vd_core *core, const struct vd_group *group, vd_ms since)
{
    const struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        if (vd_node_is_primary(node) || node->s_down_at != VD_NEVER)
            continue;
        /* A promotion cuts the links of all others to it: one just lost will be back. */
        if (!node->command.up && !vd_health_just_lost(core, node))
            continue;
        if (node->info_at == VD_NEVER || node->info_at < since ||
            (node->command.up && !has_told(node)))
            return false;
    }
    return true;
}

/* A primary under an id that was the group's: it was ours, and has not been told that it is not. */
static bool is_former_primary(const struct vd_node *node)
{
    const struct vd_group *group = node->group;

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
    struct bounds best = {.offset = -1};

    if (!is_former_primary(node) && vd_id_known(&node->replid2) &&
        (vd_id_equal(&node->replid2, &group->lineage) ||
         vd_id_equal(&node->replid2, &group->lineage_before))) {
        /* Not one that was detached by hand long ago, while others went on. */
        return !find_bounds(core, group, &best) ||
               best.offset - node->replid2_offset <= group->options.candidate_max_lag_bytes;
    }
    return says_it_is_replica(group) && heads_the_chain(group, node);
}

/* ROLE says no more than that: an INFO of its life as a replica stands until the next. */
static bool is_told_as_primary(const struct vd_node *node)
{
    return node->role == VD_ROLE_PRIMARY && node->follows.port == 0;
}

bool vd_candidate_holds_newer(const struct vd_node *node, const struct vd_node *than)
{
    return is_told_as_primary(node) && is_told_as_primary(than) && vd_id_known(&than->replid) &&
           vd_id_equal(&node->replid2, &than->replid) &&
           !vd_id_equal(&than->replid2, &node->replid) && node->offset > than->offset &&
           (node->keys > than->keys || node->connected_replicas > 0);
}

/* A primary that could be named in the place of the one that is. */
static bool is_standing_primary(const struct vd_node *node)
{
    return !vd_node_is_primary(node) && node->role == VD_ROLE_PRIMARY &&
           node->s_down_at == VD_NEVER && has_told(node) && !node->loading && node->priority != 0;
}

/* Who succeeded it, and whoever succeeded that one: each holds more than the one before. */
static struct vd_node *last_successor(const struct vd_core *core, const struct vd_group *group,
                                      struct vd_node *first)
{
    struct vd_node *last = first;
    struct vd_node *node;

    for (unsigned steps = 0; steps < CHAIN_MOST; steps++) {
        DL_FOREACH (group->nodes, node) {
            if (is_standing_primary(node) && !vd_candidate_is_foreign(core, node) &&
                vd_candidate_holds_newer(node, last))
                break;
        }
        if (node == NULL)
            break;
        last = node;
    }
    return last;
}

struct vd_node *vd_candidate_half_promoted(const struct vd_core *core, const struct vd_group *group)
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
    return !vd_node_is_primary(node) && node->s_down_at == VD_NEVER && has_told(node) &&
           !node->loading && node->priority != 0 && !vd_candidate_has_refused(core, node) &&
           core->now - node->info_at <= 2 * core->globals.info_period_ms;
}

struct vd_node *vd_candidate_former(const struct vd_core *core, const struct vd_group *group)
{
    struct vd_node *node;
    struct vd_node *best = NULL;

    if (!is_bereft(core, group))
        return NULL;
    DL_FOREACH (group->nodes, node) {
        if (!is_willing(core, node) || !is_former_primary(node))
            continue;
        if (best == NULL || node->keys > best->keys)
            best = node;
    }
    return best;
}

/*
 * A full resynchronisation began and will not end. Until a server loads the
 * new data set it holds the one before, under the id of that; one that let go
 * of it for the load, and did not get through, has no keys.
 */
static bool is_stranded(const struct vd_core *core, const struct vd_node *node)
{
    const struct vd_group *group = node->group;

    return node->role == VD_ROLE_REPLICA && !node->link_up && !node->sync_in_progress &&
           node->keys > 0 &&
           (vd_candidate_carries(node, &group->lineage) ||
            vd_candidate_carries(node, &group->lineage_before)) &&
           !vd_candidate_is_foreign(core, node);
}

struct vd_node *vd_candidate_stranded(const struct vd_core *core, const struct vd_group *group)
{
    struct vd_node *node;
    struct vd_node *best = NULL;

    if (!is_bereft(core, group))
        return NULL;
    DL_FOREACH (group->nodes, node) {
        if (!is_willing(core, node) || !is_stranded(core, node))
            continue;
        if (best == NULL || node->keys > best->keys)
            best = node;
    }
    return best;
}

static bool is_heard(const struct vd_core *core, const struct vd_node *node)
{
    return has_told(node) && core->now - node->pulse.ok_at <= RESORT_HEARD_MS &&
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

struct vd_node *vd_candidate_last_resort(const struct vd_core *core, const struct vd_group *group)
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
        if (vd_node_is_primary(node) || node->priority == 0 || node->keys < 0 ||
            vd_candidate_is_foreign(core, node))
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
