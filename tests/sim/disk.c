/* SPDX-License-Identifier: BSD-3-Clause */
/* Disk: see disk.h. */
#include "disk.h"

#include <string.h>
#include <utlist.h>

static void free_group(struct sim_saved_group *group)
{
    union { /* what was allocated here may be freed, though the image calls it const */
        const void *is_const;
        void *is_not;
    } replicas = {.is_const = group->image.replicas}, peers = {.is_const = group->image.peers},
      name = {.is_const = group->image.name};

    vd_options_free(&group->options);
    vd_free(replicas.is_not);
    vd_free(peers.is_not);
    vd_free(name.is_not);
    vd_free(group);
}

static struct sim_saved_group *copy_group(const struct vd_image_group *image)
{
    struct sim_saved_group *group = vd_alloc(sizeof(*group));

    group->image = *image;
    group->image.name = vd_strdup(image->name);
    vd_options_copy(&group->options, image->options);
    group->image.options = &group->options;
    group->image.replicas = NULL;
    group->image.peers = NULL;
    if (image->replica_count != 0)
        group->image.replicas =
            (void *)vd_memdup(image->replicas, image->replica_count * sizeof(struct vd_addr));
    if (image->peer_count != 0)
        group->image.peers =
            (void *)vd_memdup(image->peers, image->peer_count * sizeof(struct vd_image_peer));
    return group;
}

const struct sim_saved_group *sim_saved_find(const struct sim_saved *saved, const char *name)
{
    const struct sim_saved_group *group;

    DL_FOREACH (saved->groups, group) {
        if (strcmp(group->image.name, name) == 0)
            return group;
    }
    return NULL;
}

static void remove_group(struct sim_saved *saved, const char *name)
{
    struct sim_saved_group *group;
    struct sim_saved_group *next;

    DL_FOREACH_SAFE (saved->groups, group, next) {
        if (strcmp(group->image.name, name) != 0)
            continue;
        DL_DELETE(saved->groups, group);
        free_group(group);
    }
}

static void put_group(struct sim_saved *saved, const struct vd_image_group *image)
{
    struct sim_saved_group *fresh = copy_group(image);
    struct sim_saved_group *group;

    DL_FOREACH (saved->groups, group) {
        if (strcmp(group->image.name, image->name) == 0)
            break;
    }
    if (group == NULL) {
        DL_APPEND(saved->groups, fresh);
        return;
    }
    DL_REPLACE_ELEM(saved->groups, group, fresh); /* in its place: order is part of the state */
    free_group(group);
}

void sim_saved_merge(struct sim_saved *saved, const struct vd_image *image)
{
    if (saved->exists)
        vd_globals_free(&saved->globals);
    saved->exists = true;
    saved->self = image->self;
    saved->epoch = image->epoch;
    saved->set_at_runtime = image->set_at_runtime;
    vd_globals_copy(&saved->globals, image->globals);
    for (size_t i = 0; i < image->removed_count; i++)
        remove_group(saved, image->removed[i]);
    for (size_t i = 0; i < image->group_count; i++)
        put_group(saved, &image->groups[i]);
}

void sim_saved_free(struct sim_saved *saved)
{
    struct sim_saved_group *group;
    struct sim_saved_group *next;

    DL_FOREACH_SAFE (saved->groups, group, next) {
        DL_DELETE(saved->groups, group);
        free_group(group);
    }
    if (saved->exists)
        vd_globals_free(&saved->globals);
    memset(saved, 0, sizeof(*saved));
}

void sim_saved_copy(struct sim_saved *to, const struct sim_saved *from)
{
    struct vd_arena arena = {0};

    sim_saved_free(to);
    if (!from->exists)
        return;
    sim_saved_merge(to, sim_saved_image(from, &arena));
    to->unsound = from->unsound;
    vd_arena_free(&arena);
}

const struct vd_image *sim_saved_image(const struct sim_saved *saved, struct vd_arena *arena)
{
    struct vd_image *image = vd_arena_alloc(arena, sizeof(*image));
    const struct sim_saved_group *group;
    struct vd_image_group *list;
    size_t count = 0;

    DL_FOREACH (saved->groups, group) {
        count++;
    }
    list = vd_arena_alloc(arena, (count + 1) * sizeof(*list));
    image->self = saved->self;
    image->epoch = saved->epoch;
    image->globals = &saved->globals;
    image->set_at_runtime = saved->set_at_runtime;
    image->groups = list;
    DL_FOREACH (saved->groups, group) {
        list[image->group_count++] = group->image;
    }
    return image;
}

void sim_disk_free(struct sim_disk *disk)
{
    sim_saved_free(&disk->platter);
    sim_saved_free(&disk->older);
    sim_saved_free(&disk->cached);
}
