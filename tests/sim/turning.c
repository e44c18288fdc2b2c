/* SPDX-License-Identifier: BSD-3-Clause */
/* Turning: see turning.h. */
#include "turning.h"

#include <string.h>

static bool leads_strangers(const struct sim_sentinel *s, uint64_t followers, unsigned group)
{
    const struct sim_net *net = s->sim->net;

    for (unsigned i = 0; i < net->host_count; i++) {
        if ((followers >> i & 1U) != 0 && !sim_sentinel_knows(s, group, net->hosts[i]))
            return true;
    }
    return false;
}

/* It follows the primary of a group, in step: empty or not, that counts on it. */
static bool follows_primary(const struct sim_sentinel *s, const struct sim_heard *heard)
{
    for (unsigned g = 0; g < s->sim->setup.groups; g++) {
        if (heard->follows != NULL && sim_sentinel_names(s, g) == heard->follows)
            return true;
    }
    return false;
}

/*
 * Does its last INFO tell that it belongs to others? A server that came back
 * alone, or is followed by members only, with a replication id of its own,
 * looks like any that came back. One that follows a member of this group, or
 * holds what its new primary holds, is this group's, whatever its address.
 */
static const char *why_foreign(const struct sim_sentinel *s, const struct sim_heard *heard,
                               const struct sim_heard *above, unsigned group)
{
    if (heard->role == VD_ROLE_REPLICA && heard->follows != NULL &&
        sim_sentinel_group(s, heard->follows) == group)
        return NULL;
    if (above != NULL && strcmp(above->replid.hex, heard->replid.hex) == 0)
        return NULL;
    if (heard->role == VD_ROLE_REPLICA)
        return heard->link_up && (heard->keys > 0 || follows_primary(s, heard))
                   ? "which follows others"
                   : NULL;
    return heard->keys > 0 && leads_strangers(s, heard->followers, group) ? "which leads others"
                                                                          : NULL;
}

/* It left the lineage of the other after the other was there, and went on: that one is the old. */
static bool is_newer(const struct sim_heard *heard, const struct sim_heard *above)
{
    return heard->role == VD_ROLE_PRIMARY && above->role == VD_ROLE_PRIMARY &&
           heard->replid2.hex[0] != '\0' && strcmp(heard->replid2.hex, above->replid.hex) == 0 &&
           strcmp(above->replid2.hex, heard->replid.hex) != 0 &&
           heard->primary_offset > above->primary_offset && heard->keys > above->keys;
}

static const struct sim_heard *heard_of(const struct sim_sentinel *s, const struct sim_node *node)
{
    const struct sim_heard *heard = node != NULL ? &s->heard[node->index] : NULL;

    return heard != NULL && heard->known && heard->where == node->host ? heard : NULL;
}

const char *sim_turning_objection(const struct sim *sim, const struct sim_sentinel *s,
                                  const struct sim_node *node, const struct sim_host *target)
{
    const struct sim_heard *heard = heard_of(s, node);
    const struct sim_heard *above;
    unsigned group;

    if (target == NULL || target == node->host)
        return "which it may not,";
    above = heard_of(s, sim_node_of(sim, target));
    /* A server that took another's address may be named by two groups: by its own, too. */
    group =
        sim_sentinel_names(s, node->group) == target ? node->group : sim_sentinel_group(s, target);
    if (heard == NULL)
        return NULL;
    if (above != NULL && is_newer(heard, above))
        return "which holds newer data";
    return group != node->group ? why_foreign(s, heard, above, group) : NULL;
}
