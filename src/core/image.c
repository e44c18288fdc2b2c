/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Image: what must survive a crash, and nothing else. Down states, roles,
 * offsets, votes of others and a failover in progress do not: they are
 * learned again, or found half made and completed.
 */
#include "core/model.h"

static void fill_members(const struct vd_group *group, struct vd_image_group *out,
                         struct vd_arena *arena)
{
    struct vd_addr *replicas = vd_arena_alloc(arena, group->node_count * sizeof(*replicas));
    struct vd_image_peer *peers = vd_arena_alloc(arena, group->opinion_count * sizeof(*peers));
    const struct vd_node *node;
    const struct vd_opinion *opinion;

    DL_FOREACH (group->nodes, node) {
        if (!vd_node_is_primary(node))
            replicas[out->replica_count++] = node->addr;
    }
    DL_FOREACH (group->opinions, opinion) {
        peers[out->peer_count].id = opinion->peer->id;
        peers[out->peer_count++].addr = opinion->peer->addr;
    }
    out->replicas = replicas;
    out->peers = peers;
}

static void fill_group(const struct vd_group *group, struct vd_image_group *out,
                       struct vd_arena *arena)
{
    out->name = group->name;
    out->from_config = group->from_config;
    out->primary = group->primary->addr;
    out->config_epoch = group->config_epoch;
    out->vote_epoch = group->vote_epoch;
    out->vote = group->vote;
    out->lineage = group->lineage;
    out->lineage_before = group->lineage_before;
    out->options = &group->options;
    out->set_at_runtime = group->set_at_runtime;
    fill_members(group, out, arena);
}

/* The groups that changed, or all of them, in the arena. */
static void fill_groups(const struct vd_core *core, struct vd_image *image, struct vd_arena *arena,
                        bool all)
{
    size_t count = HASH_COUNT(core->groups);
    struct vd_image_group *groups;
    const struct vd_group *group;
    size_t changed = 0;

    for (group = core->dirty_groups; group != NULL; group = group->dirty_next)
        changed++;
    groups = vd_arena_alloc(arena, (all ? count : changed) * sizeof(*groups));
    if (all) {
        for (size_t i = 0; i < count; i++)
            fill_group(core->by_index[i], &groups[image->group_count++], arena);
    } else {
        for (group = core->dirty_groups; group != NULL; group = group->dirty_next)
            fill_group(group, &groups[image->group_count++], arena);
    }
    image->groups = groups;
}

static const struct vd_image *make(const struct vd_core *core, struct vd_arena *arena, bool all)
{
    struct vd_image *image = vd_arena_alloc(arena, sizeof(*image));
    const struct vd_removed *removed;
    const char **names;
    size_t count = 0;

    for (removed = core->removed; removed != NULL; removed = removed->next)
        count++;
    names = vd_arena_alloc(arena, count * sizeof(*names));
    for (removed = core->removed; removed != NULL; removed = removed->next)
        names[image->removed_count++] = removed->name;
    image->removed = names;
    image->self = core->self;
    image->epoch = core->epoch;
    image->globals = &core->globals;
    image->set_at_runtime = core->set_at_runtime;
    fill_groups(core, image, arena, all);
    return image;
}

bool vd_core_is_dirty(const struct vd_core *core)
{
    return core->dirty;
}

const struct vd_image *vd_core_image(const struct vd_core *core, struct vd_arena *arena)
{
    return make(core, arena, false);
}

const struct vd_image *vd_core_image_all(const struct vd_core *core, struct vd_arena *arena)
{
    return make(core, arena, true);
}

void vd_core_saved(struct vd_core *core)
{
    while (core->dirty_groups != NULL) {
        core->dirty_groups->dirty = false;
        core->dirty_groups = core->dirty_groups->dirty_next;
    }
    while (core->removed != NULL) {
        struct vd_removed *next = core->removed->next;

        vd_free(core->removed->name);
        vd_free(core->removed);
        core->removed = next;
    }
    core->dirty = false;
}
