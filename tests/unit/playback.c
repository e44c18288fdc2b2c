/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback: a recording in memory, see playback.h. */
#include "playback.h"

#include <string.h>

struct vd_replay_result playback;

struct bytes {
    const unsigned char *at;
    size_t left;
};

static size_t read_bytes(void *self, void *to, size_t len)
{
    struct bytes *bytes = self;

    if (len > bytes->left)
        len = bytes->left;
    memcpy(to, bytes->at, len);
    bytes->at += len;
    bytes->left -= len;
    return len;
}

enum vd_replay_verdict playback_run(const void *at, size_t len)
{
    struct bytes bytes = {at, len};
    const struct vd_replay_source source = {read_bytes, &bytes};

    return vd_replay_run(&source, NULL, &playback);
}
