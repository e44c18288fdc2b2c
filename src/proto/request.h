/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Request: the words of a client's command become an immediate reply from the
 * views, or something for the core (an order, a question, a hello), or
 * something to do with the connection. Nothing acts here: the outcome says
 * what the shell has to do.
 */
#ifndef VD_PROTO_REQUEST_H
#define VD_PROTO_REQUEST_H

#include "core/core.h"
#include "proto/acl.h"
#include "proto/client_info.h"
#include "proto/config.h"
#include "proto/resp.h"
#include "proto/session.h"
#include "proto/words.h"

struct vd_server_facts; /* render_info.h */

/* What stands behind the counter: where commands look things up. */
struct vd_desk {
    const struct vd_core *core;
    const struct vd_server_options *server;
    enum vd_log_level (*log_level)(void);
    bool (*is_executable)(const char *path);
    /* Figures for INFO; called only when INFO asks. */
    void (*facts)(void *self, struct vd_server_facts *out);
    /* The process of a script that runs; 0: gone. */
    long (*pid_of)(void *self, vd_job job);
    struct vd_acl *acl;
    bool is_valkey; /* in the place of a valkey-sentinel */
    /* The ACL file: read whole, or written so that it is never half. */
    bool (*read_file)(const char *path, struct vd_text *to, struct vd_err *err);
    bool (*write_file)(const char *path, const struct vd_text *text, struct vd_err *err);
    /* Bytes that nobody can guess. */
    void (*random)(void *bytes, size_t len);
    int64_t (*wall_ms)(void);
    bool (*is_connected)(void *self, vd_client client);
    /*
     * SENTINEL SHOW: a page as JSON, asked by names and values by turns. False with the refusal
     * as the text. NULL: nothing is shown here.
     */
    bool (*show)(void *self, const char *page, const struct vd_word *query, size_t count,
                 struct vd_text *to);
    void *self;
};

enum vd_outcome_type {
    VD_OUT_REPLIED, /* the reply is written; nothing else to do */
    VD_OUT_EVENT,   /* push `event`; its REPLY is the reply, until then nothing else runs */
    VD_OUT_TOLD,    /* push `event`; the reply is written already */
    VD_OUT_WORD,    /* `words` has what another vedette tells; the reply is written already */
    VD_OUT_RESOLVE, /* as EVENT, when `order.addr.host` was resolved into its ip ("": unresolvable)
                     */
    VD_OUT_SUBSCRIBE,   /* to the channels in `words`; the shell replies; so the next three */
    VD_OUT_UNSUBSCRIBE, /* no words: from all */
    VD_OUT_PSUBSCRIBE,
    VD_OUT_PUNSUBSCRIBE,
    VD_OUT_CLIENT_LIST, /* of those that `filter` takes; the shell replies; so the next two */
    VD_OUT_CLIENT_INFO,
    VD_OUT_CLIENT_KILL,
    VD_OUT_PAUSE,    /* `pause_ms`, 0: no more; the reply is written, so the next */
    VD_OUT_USERS,    /* users changed: who is gone, or may not listen any more, has to go */
    VD_OUT_CLOSE,    /* the connection, when what is written has been sent */
    VD_OUT_SHUTDOWN, /* the process; no reply */
};

struct vd_outcome {
    enum vd_outcome_type type;
    struct vd_event event; /* what it points to is in the call's arena or below */
    struct vd_order order;
    struct vd_hello hello;
    struct vd_client_filter filter;
    const struct vd_word *words;
    size_t count;
    int log_level;           /* to be set, whatever the type: enum vd_log_level; -1: as it is */
    struct vd_denial denial; /* texts live as the arena */
    vd_ms pause_ms;
    const char *complaint; /* to be logged, a line a second at most; NULL: none */
};

/*
 * Run one request (count > 0). Replies go to `to`. The arena must live until
 * the outcome was dealt with, and the words as well.
 */
void vd_request_run(const struct vd_desk *desk, struct vd_session *session,
                    const struct vd_word *words, size_t count, vd_ms now, struct vd_arena *arena,
                    struct vd_text *to, struct vd_outcome *out);

/* The reply that an effect REPLY brings. */
void vd_request_reply(const struct vd_effect *effect, struct vd_resp *resp);

#endif
