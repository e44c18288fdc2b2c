/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Depot: a state directory of the test's own with a store in it, and a state
 * worth saving, for unit tests of shell/store. There is one, since Check's
 * fixtures take no argument.
 */
#ifndef VD_TESTS_DEPOT_H
#define VD_TESTS_DEPOT_H

#include <check.h>

#include "proto/config.h"
#include "scratch.h"
#include "shell/store.h"

#define ID1 "1111111111111111111111111111111111111111"
#define ID2 "2222222222222222222222222222222222222222"

/* The state directory, below scratch_dir; nobody has made it yet. */
extern char depot_dir[128];

/* A case whose tests each have a depot of their own. */
TCase *depot_case(const char *name);

/* The path of a file in the state directory; of the caller. */
char *depot_path(const char *name);
/* Of the caller, who closes it. */
struct vd_store *depot_open(void);
/* Whether it was saved; then, and only then, there is a receipt. */
bool depot_try_save(struct vd_store *store, const struct vd_image *image, struct vd_err *err);
void depot_save(struct vd_store *store, const struct vd_image *image);
/* Opens, loads what must be there, and closes. */
void depot_load(struct vd_saved *saved);

/* Change the database behind the back of whoever has it open. */
void depot_alter(const char *sql);
/* How the store's connection waits for the disk: PRAGMA synchronous, 2 is FULL. */
int depot_synchronous(const struct vd_store *store);

/* An image with one group that has everything, my:group, and another that an order made. */
struct depot_sample {
    struct vd_globals globals;
    struct vd_options options;
    struct vd_addr replicas[2];
    struct vd_image_peer peers[2];
    struct vd_image_group groups[2];
    struct vd_image image;
};

void depot_make_sample(struct depot_sample *sample);
void depot_free_sample(struct depot_sample *sample);

/* A configuration that knows my:group, at another address and with another down-after. */
struct vd_config *depot_make_config(void);
void depot_free_config(struct vd_config *config);

#endif
