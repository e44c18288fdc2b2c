/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback: a recording in memory is replayed, for unit tests of recordings. */
#ifndef VD_TESTS_PLAYBACK_H
#define VD_TESTS_PLAYBACK_H

#include "replay/replay.h"

/* What the last run came to. */
extern struct vd_replay_result playback;

enum vd_replay_verdict playback_run(const void *at, size_t len);

#endif
