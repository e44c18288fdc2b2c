/* SPDX-License-Identifier: BSD-3-Clause */
/* Lineage: see lineage.h. */
#include "core/lineage.h"

bool vd_lineage_carries(const struct vd_node *node, const struct vd_id *lineage)
{
    return vd_id_known(lineage) &&
           (vd_id_equal(&node->replid, lineage) || vd_id_equal(&node->replid2, lineage));
}

bool vd_lineage_is_ours(const struct vd_node *node)
{
    return vd_lineage_carries(node, &node->group->lineage) ||
           vd_lineage_carries(node, &node->group->lineage_before);
}

bool vd_lineage_is_related(const struct vd_node *node)
{
    const struct vd_group *group = node->group;

    if (!vd_id_known(&group->lineage) || !vd_id_known(&node->replid))
        return true;
    /* It was seen in step with the named primary, or was it: what it holds is the group's. */
    if (vd_id_equal(&node->replid, &node->synced))
        return true;
    return vd_lineage_is_ours(node);
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
           (!vd_lineage_is_related(node) || vd_lineage_carries(node, &other->lineage));
}

bool vd_lineage_is_foreign(const struct vd_core *core, const struct vd_node *node)
{
    const struct vd_group *group = node->group;
    const struct vd_group *other;

    if (node->role == VD_ROLE_PRIMARY) {
        /* Named by another group that is watched: whatever we know of it is older. */
        other = vd_group_find_address(core, &node->addr);
        if (other != NULL && other != group && other->primary->role == VD_ROLE_PRIMARY)
            return true;
        return !vd_lineage_is_related(node) && node->keys > 0 && node->connected_replicas > 0;
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
    return !vd_lineage_is_related(node) && node->keys > 0 && (node->link_up || other != NULL);
}

/* ROLE says no more than that: an INFO of its life as a replica stands until the next. */
static bool is_told_as_primary(const struct vd_node *node)
{
    return node->role == VD_ROLE_PRIMARY && node->follows.port == 0;
}

bool vd_lineage_holds_newer(const struct vd_node *node, const struct vd_node *than)
{
    return is_told_as_primary(node) && is_told_as_primary(than) && vd_id_known(&than->replid) &&
           vd_id_equal(&node->replid2, &than->replid) &&
           !vd_id_equal(&than->replid2, &node->replid) && node->offset > than->offset &&
           (node->keys > than->keys || node->connected_replicas > 0);
}

/*
 * The primary's own word, or that of a replica in step with it: a primary
 * takes a new id when its first replica attaches, and its INFO may be ten
 * seconds old when it dies.
 */
static bool tells_lineage(const struct vd_node *node)
{
    const struct vd_node *primary = node->group->primary;

    if (primary->reboot_review || primary->empty_restart || node->loading)
        return false;
    if (vd_node_is_primary(node))
        return node->role == VD_ROLE_PRIMARY;
    return node->role == VD_ROLE_REPLICA && node->link_up && primary->role == VD_ROLE_PRIMARY &&
           vd_addr_equal(&node->follows, &primary->addr);
}

void vd_lineage_learn(struct vd_core *core, struct vd_node *node)
{
    struct vd_group *group = node->group;

    if (!tells_lineage(node) || !vd_id_known(&node->replid))
        return;
    if (vd_node_is_primary(node))
        node->synced = node->replid;
    if (vd_id_equal(&group->lineage, &node->replid))
        return;
    group->lineage_before = group->lineage;
    group->lineage = node->replid;
    vd_group_dirty(core, group);
}
