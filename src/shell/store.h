/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Store: what must survive a crash, and the history of failovers, in the state
 * directory, or in a classic file. The port behind which a format lives: save
 * an image, give a receipt; only a receipt opens promises. Configuration is
 * never written in the state directory; what is kept of it are the texts of the lines that a
 * runtime value has overruled, so that the next start can tell whether the operator changed them.
 */
#ifndef VD_SHELL_STORE_H
#define VD_SHELL_STORE_H

#include <stdio.h>

#include "base/err.h"
#include "core/drive.h"
#include "proto/config.h"
#include "shell/history.h"

/* What goes with a saved group besides its image. */
struct vd_saved_group {
    /* Its address in the configuration when it was saved; port 0: it was not there. */
    struct vd_addr configured;
    /*
     * By enum vd_option, for those of image.set_at_runtime: the option's value
     * in the configuration when it was saved (vd_option_print_group); NULL: the
     * configuration did not name it.
     */
    const char *configured_text[VD_OPT_GROUP_COUNT];
};

/* A group of the configuration that SENTINEL REMOVE took away. */
struct vd_tombstone {
    const char *name;
    struct vd_addr configured; /* its address in the configuration then */
};

/* The saved state. Owns all it points to (vd_saved_free). A zeroed struct is empty. */
struct vd_saved {
    /*
     * All groups. Options hold their saved values where set_at_runtime has the
     * bit, and all of them where from_config is false; else defaults. The same
     * for the globals. `removed` is empty.
     */
    struct vd_image image;
    const struct vd_saved_group *groups; /* beside image.groups */
    /* By enum vd_option - VD_OPT_GROUP_COUNT, as configured_text above. */
    const char *configured_global[VD_OPT_COUNT - VD_OPT_GROUP_COUNT];
    const struct vd_tombstone *tombstones;
    size_t tombstone_count;
    bool unsound; /* votes may be missing: to be treated as if there were no state, see below */
    struct vd_options *options; /* those that image.groups point to, one each; owned */
    struct vd_globals *globals; /* that image.globals points to; owned */
    struct vd_arena arena;
};

void vd_saved_free(struct vd_saved *saved);

struct vd_store;

/*
 * Open the state directory, made (0700) if missing, and lock it: a second
 * daemon on it is refused, with the pid of the first. The state is checked
 * whole; if it is corrupt, of a newer version, or cannot be written, nothing
 * is changed. NULL with the reason and the remedy.
 */
struct vd_store *vd_store_open(const char *state_dir, struct vd_err *err);

/*
 * Open a classic file, which is configuration and state in one: the store of a
 * vedette that runs in another's place. It must be there, be writable and not
 * be another vedette's; a link to it is followed. It is rewritten by every
 * save, as Sentinel would, but on disk before a receipt is given. What Sentinel
 * has no lines for stands in remarks (proto/classic_remark.c). Nothing is ever
 * found by vd_store_load: it has been read as the configuration. There is no
 * history. NULL with the reason and the remedy.
 */
struct vd_store *vd_store_open_classic(const char *path, struct vd_err *err);

/* Is there a state in the directory? Nothing is made. */
bool vd_store_exists(const char *state_dir);

/* NULL is fine. The lock is given up. */
void vd_store_close(struct vd_store *store);

/* The configuration in force, whose texts are kept beside runtime values; borrowed until the next.
 */
void vd_store_configured(struct vd_store *store, const struct vd_config *config);

/*
 * The users there are, who are part of a classic file unless they have a file
 * of their own; borrowed for the store's life.
 */
void vd_store_use_users(struct vd_store *store, const struct vd_acl *users);

/*
 * Whether what is saved from now on may lack votes that were given: while the
 * process abstains for having lost its state, and wherever votes are given
 * without the disk (on_save_failure of the configuration: volatile). Whoever
 * starts from such a state must abstain as well.
 */
void vd_store_set_unsound(struct vd_store *store, bool unsound);

/* Does the state on disk say that it may lack votes? */
bool vd_store_is_unsound(const struct vd_store *store);

/*
 * The process does not abstain: what is saved is sound, and says so from now
 * on. Where votes are given without the disk that is so only when leaving.
 */
bool vd_store_settle(struct vd_store *store, bool leaving, struct vd_err *err) VD_MUSTCHECK;

/*
 * Read all state into *saved. *found is false when there is none yet. False
 * with the reason when what is there makes no sense.
 */
bool vd_store_load(struct vd_store *store, struct vd_saved *saved, bool *found,
                   struct vd_err *err) VD_MUSTCHECK;

/*
 * Make the image durable: one transaction, on disk on return. `removed` first,
 * then the groups; groups not in the image stay as they are. When the disk is
 * full, room is made from what the store itself holds, and the save is tried
 * once more.
 *
 * With on_save_failure volatile a failed save gets its receipt all the same,
 * and is logged; the store is behind from then on.
 */
bool vd_store_save(struct vd_store *store, const struct vd_image *image, struct vd_receipt *receipt,
                   struct vd_err *err) VD_MUSTCHECK;

/*
 * The next save must be of the whole core (vd_core_image_all): saves were
 * missed, or the format is written as one.
 */
bool vd_store_wants_all(const struct vd_store *store);

/*
 * Failovers for the history, all in one transaction; the last 1000 are kept.
 * Their ids are filled in: 0 where there is no history, and when it failed.
 */
bool vd_store_record(struct vd_store *store, struct vd_history_entry *entries, size_t count,
                     struct vd_err *err) VD_MUSTCHECK;

/*
 * The same for those that others led, but an entry with an id is written over
 * that one; and it is not on disk on return, as nothing rests on it.
 */
bool vd_store_witness(struct vd_store *store, struct vd_history_entry *entries, size_t count,
                      struct vd_err *err) VD_MUSTCHECK;

/* Tell every failover that is kept, oldest first; texts are valid during the call only. */
bool vd_store_history(struct vd_store *store,
                      void (*each)(void *self, const struct vd_history_entry *entry), void *self,
                      struct vd_err *err) VD_MUSTCHECK;

/* An alert that was told and has not been told to have ended. Texts are borrowed. */
struct vd_store_alert {
    const char *rule;
    const char *group; /* "": none */
    const char *target;
    const char *channels; /* names with commas between them; "": it is not kept any more */
    int64_t since_ms;     /* wall clock */
};

/*
 * Keep these, or forget them, in one transaction. It is not on disk on return,
 * unlike all else here: what a crash of the machine takes away is told again.
 * A classic file keeps none.
 */
bool vd_store_put_alerts(struct vd_store *store, const struct vd_store_alert *alerts, size_t count,
                         struct vd_err *err) VD_MUSTCHECK;

/* Tell every one that is kept; texts are valid during the call only. */
bool vd_store_alerts(struct vd_store *store,
                     void (*each)(void *self, const struct vd_store_alert *alert), void *self,
                     struct vd_err *err) VD_MUSTCHECK;

/* Print the history of a state directory, whose daemon may be running, oldest first. */
bool vd_store_print_history(const char *state_dir, FILE *out, struct vd_err *err) VD_MUSTCHECK;

#endif
