/* SPDX-License-Identifier: BSD-3-Clause */
/* Candidate: see candidate.h. PROTOCOL facts: select_slave. */
#include "core/candidate.h"

#include "core/health.h"
#include "core/lineage.h"

#define REPLY_VALID_PERIODS 5
#define REFUSED_MS 5000

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
    bool is_ours = vd_lineage_is_ours(node);

    /* It waits for the empty data set of the primary, and holds the full one until it comes. */
    if (group->primary->empty_restart && is_ours && node->keys > 0)
        return true;
    if (node->sync_in_progress || node->offset < 0 || node->offset == 1)
        return false;
    return node->offset != 0 || is_ours;
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
    if (!vd_node_has_told(node) || core->now - node->info_at > info_valid_ms)
        return VD_UNFIT_UNKNOWN;
    if (node->role != VD_ROLE_REPLICA)
        return VD_UNFIT_NOT_REPLICA;
    if (node->loading)
        return VD_UNFIT_LOADING;
    if (!is_complete(node))
        return VD_UNFIT_SYNCING;
    if (!vd_lineage_is_related(node) || vd_lineage_is_foreign(core, node))
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
           (!best->current || vd_lineage_carries(node, &node->group->lineage));
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
            vd_candidate_fit(core, node) == VD_FIT && vd_lineage_carries(node, &group->lineage);
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

bool vd_candidate_best_offset(const struct vd_core *core, const struct vd_group *group,
                              int64_t *offset)
{
    struct bounds best = {.offset = -1};
    bool any = find_bounds(core, group, &best);

    *offset = best.offset;
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
        /* A named primary that is a replica by its own word may be the one. */
        if (vd_node_is_primary(node) ? node->role != VD_ROLE_REPLICA || !node->command.up
                                     : node->s_down_at != VD_NEVER)
            continue;
        /* A promotion cuts the links of all others to it: one just lost will be back. */
        if (!node->command.up && !vd_health_just_lost(core, node))
            continue;
        if (node->info_at == VD_NEVER || node->info_at < since ||
            (node->command.up && !vd_node_has_told(node)))
            return false;
    }
    return true;
}

bool vd_candidate_will_return(const struct vd_core *core, const struct vd_group *group)
{
    const struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        if (!vd_node_is_primary(node) && node->s_down_at == VD_NEVER &&
            vd_health_just_lost(core, node))
            return true;
    }
    return false;
}
