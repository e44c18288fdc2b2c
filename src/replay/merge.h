/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Merge: tapes of several sentinels as one story. Their clocks have nothing to
 * do with each other; how far they are apart is taken from their wall clocks,
 * and corrected by what they said to each other, since nothing is heard before
 * it is said. Who has no tape is a lane all the same, and what such a one did
 * is drawn between the two instants that bound it.
 */
#ifndef VD_REPLAY_MERGE_H
#define VD_REPLAY_MERGE_H

#include "replay/tape.h"

/* Microseconds to add to each tape's instants, so that the first begins at 0. */
void vd_merge_clocks(const struct vd_tape *tapes, size_t count, int64_t *shifts);

/* `from` and `to`: only what happened then, in microseconds of the story; 0 and INT64_MAX: all. */
void vd_merge_tapes(struct vd_tape *tapes, size_t count, int64_t from, int64_t to,
                    struct vd_story *story);

#endif
