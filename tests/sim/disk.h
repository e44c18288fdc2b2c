/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Disk: what a sentinel has saved, as a deep copy that owns all it holds. One
 * disk has two of them: what is on the platter and survives a crash, and what
 * the process was told is there. An honest disk keeps them equal.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "core/drive.h"
#include "world.h"

struct sim_saved_group {
    struct vd_image_group image; /* its pointers are owned here */
    struct vd_options options;
    struct sim_saved_group *prev;
    struct sim_saved_group *next;
};

struct sim_saved {
    bool exists;
    struct vd_id self;
    uint64_t epoch;
    struct vd_globals globals;
    uint64_t set_at_runtime;
    struct sim_saved_group *groups;
    bool unsound; /* by its own word: who wrote it abstained, and votes may be missing */
};

struct sim_disk {
    struct sim_saved platter;
    struct sim_saved older;  /* the platter one save ago */
    struct sim_saved cached; /* with a lying disk: acknowledged, not yet durable */
    bool failing;
    bool behind;       /* saves were missed, and passed for durable (on-save-failure volatile) */
    bool failing_late; /* the error comes although the save is durable */
    sim_us slow;       /* a save takes up to so long */
};

/* Take a save over: changed groups replace theirs, removed ones go. Whether it is sound stays. */
void sim_saved_merge(struct sim_saved *saved, const struct vd_image *image);
void sim_saved_copy(struct sim_saved *to, const struct sim_saved *from);
void sim_saved_free(struct sim_saved *saved);
const struct sim_saved_group *sim_saved_find(const struct sim_saved *saved, const char *name);

/* The image to restore a core from, in the arena; texts borrowed. */
const struct vd_image *sim_saved_image(const struct sim_saved *saved, struct vd_arena *arena);

void sim_disk_free(struct sim_disk *disk);

#endif
