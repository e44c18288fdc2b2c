/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of CLIENT LIST and INFO, and the filters of LIST and KILL. The facts
 * come from the shell, which alone knows the connections.
 */
#ifndef VD_PROTO_CLIENT_INFO_H
#define VD_PROTO_CLIENT_INFO_H

#include "proto/session.h"

struct vd_client_facts {
    const struct vd_session *session;
    const char *addr;  /* "ip:port", "[ip6]:port" or "path:0" */
    const char *laddr; /* our end */
    int fd;
    int64_t age_s;
    int64_t idle_s;
    size_t input;      /* bytes that wait to be understood */
    size_t input_free; /* room behind them */
    size_t output;     /* bytes that wait to be sent */
    bool watches_write;
};

enum vd_client_type {
    VD_CLIENT_ANY,
    VD_CLIENT_NORMAL,
    VD_CLIENT_PUBSUB,
    VD_CLIENT_NONE, /* master, replica: a sentinel has none of them */
};

/* All that is set must agree. Texts and words are borrowed from the request. */
struct vd_client_filter {
    const struct vd_word *ids; /* any of these */
    size_t id_count;
    const struct vd_word *addr;
    const struct vd_word *laddr;
    enum vd_client_type type;
    int64_t max_age_s; /* older than this; -1: not asked */
    bool skip_me;
    bool one; /* CLIENT KILL addr: the reply is OK or an error instead of a number */
};

/* Append one line, with its line end. */
void vd_client_line(const struct vd_client_facts *facts, struct vd_text *to);

/* `me`: is it the client that asks? */
bool vd_client_filter_takes(const struct vd_client_filter *filter,
                            const struct vd_client_facts *facts, bool me);

#endif
