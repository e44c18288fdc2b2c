/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State directory: made if missing, locked by the one daemon that uses it, and
 * with a reserve of disk space that is given up when the disk is full, so that
 * votes can still be saved. Knows nothing of what is kept in it.
 */
#ifndef VD_SHELL_STATE_DIR_H
#define VD_SHELL_STATE_DIR_H

#include "base/err.h"

#define VD_RESERVE_BYTES (256 * 1024)

struct vd_state_dir {
    char *path;
    char *reserve; /* path of the reserve */
    int lock;      /* descriptor; -1: not locked */
    bool has_reserve;
};

/* Make, lock, reserve. False with the reason and the remedy; *dir is then empty. */
bool vd_state_dir_open(struct vd_state_dir *dir, const char *path, struct vd_err *err) VD_MUSTCHECK;
void vd_state_dir_close(struct vd_state_dir *dir);

/* New files in it are there for certain from now on. */
void vd_state_dir_sync(const struct vd_state_dir *dir);

/* Give the reserve up; false: there was none left. */
bool vd_state_dir_release(struct vd_state_dir *dir);

/* Make the reserve again if it was given up and there is plenty of room. */
void vd_state_dir_refill(struct vd_state_dir *dir);

/* A path in the directory, owned by the caller. */
char *vd_state_dir_join(const char *dir, const char *name);

#endif
