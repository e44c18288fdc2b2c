/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replay: a recording fed to a core, through the same drive as in the daemon,
 * and what comes out compared turn by turn with the digests of what came out
 * then. It opens no file and prints nothing: bytes come in by a function, and
 * whoever watches is told of every turn.
 */
#ifndef VD_REPLAY_REPLAY_H
#define VD_REPLAY_REPLAY_H

#include "proto/recording.h"

struct vd_replay_source {
    /* Up to `len` bytes; fewer only at the end. */
    size_t (*read)(void *self, void *to, size_t len);
    void *self;
};

/* Told of what is fed and what comes of it; valid during the call. */
struct vd_replay_watch {
    void (*origin)(void *self, const struct vd_origin *origin, const struct vd_image *image);
    void (*turn)(void *self, uint64_t number, const struct vd_turn_input *input,
                 const struct vd_turn_output *output);
    void *self;
};

enum vd_replay_verdict {
    VD_REPLAY_SAME,    /* every turn made what it had made */
    VD_REPLAY_DIFFERS, /* `text` names the first difference */
    VD_REPLAY_REFUSED, /* it is no recording, or a damaged one: `text` */
};

enum vd_replay_end {
    VD_REPLAY_CLOSED,  /* the daemon has left */
    VD_REPLAY_AMID,    /* its process ended by itself in the last turn */
    VD_REPLAY_KILLED,  /* no end was written: it was killed, or still runs */
    VD_REPLAY_UNKNOWN, /* not reached */
};

struct vd_replay_result {
    uint64_t turns; /* gone through */
    uint64_t events;
    uint64_t effects;
    vd_ms lasted_ms;
    enum vd_replay_end end;
    char version[32]; /* of the program that recorded; "" unknown */
    char text[2048];
};

/*
 * `watch` may be NULL. An assertion of the core fails here as it did then: the
 * panic hook tells.
 */
enum vd_replay_verdict vd_replay_run(const struct vd_replay_source *source,
                                     const struct vd_replay_watch *watch,
                                     struct vd_replay_result *result);

#endif
