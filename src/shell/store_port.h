/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store's port, for those that keep a format (store_sqlite.c,
 * store_classic.c) and for store.c, which holds what is the same in all of
 * them; nobody else includes this.
 */
#ifndef VD_SHELL_STORE_PORT_H
#define VD_SHELL_STORE_PORT_H

#include "shell/store.h"

struct vd_store_ops {
    bool whole; /* every save must be of all groups */
    /* Durable on return, or nothing has changed. */
    bool (*save)(struct vd_store *store, const struct vd_image *image, struct vd_err *err);
    /* What is on disk is sound from now on. */
    bool (*settle)(struct vd_store *store, struct vd_err *err);
    bool (*load)(struct vd_store *store, struct vd_saved *saved, bool *found, struct vd_err *err);
    /* Ids are 0 before. */
    bool (*record)(struct vd_store *store, struct vd_history_entry *entries, size_t count,
                   struct vd_err *err);
    /* NULL: there is no history. */
    bool (*witness)(struct vd_store *store, struct vd_history_entry *entries, size_t count,
                    struct vd_err *err);
    /* Those kept, oldest first; NULL: none are. */
    bool (*history)(struct vd_store *store,
                    void (*each)(void *self, const struct vd_history_entry *entry), void *self,
                    struct vd_err *err);
    /* The alerts that were told; NULL, both: they are not kept. */
    bool (*put_alerts)(struct vd_store *store, const struct vd_store_alert *alerts, size_t count,
                       struct vd_err *err);
    bool (*alerts)(struct vd_store *store,
                   void (*each)(void *self, const struct vd_store_alert *alert), void *self,
                   struct vd_err *err);
    void (*close)(struct vd_store *store);
};

/* Comes first in the struct of each format. */
struct vd_store {
    const struct vd_store_ops *ops;
    const struct vd_config *config; /* in force; NULL: none told */
    const struct vd_acl *users;     /* NULL: none told */
    bool unsound;                   /* what is saved from now on */
    bool unsound_on_disk;           /* what was saved, or loaded */
    bool behind;                    /* saves were missed, and receipted all the same */
};

#endif
