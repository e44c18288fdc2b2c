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

/* What connections may have in common. NULL, ANY: not asked. Borrowed from the request. */
struct vd_client_traits {
    const struct vd_word *ids; /* any of these */
    size_t id_count;
    const struct vd_word *addr;
    const struct vd_word *laddr;
    const struct vd_word *ip;
    const struct vd_word *user;
    const struct vd_word *name;
    const struct vd_word *lib_name;
    const struct vd_word *lib_ver;
    const struct vd_word *flags; /* all of these letters */
    const struct vd_word *db;
    const struct vd_word *capa; /* all of these capabilities, a letter each */
    enum vd_client_type type;
};

/* All that is wanted must agree, and nothing that is not wanted. */
struct vd_client_filter {
    struct vd_client_traits wanted;
    struct vd_client_traits unwanted;
    int64_t max_age_s; /* at least as old; -1: not asked */
    int64_t idle_s;    /* idle for at least so long; -1: not asked */
    bool skip_me;
    bool one; /* CLIENT KILL addr: the reply is OK or an error instead of a number */
};

/* Append one line, with its line end. */
void vd_client_line(const struct vd_client_facts *facts, struct vd_text *to);

/* `me`: is it the client that asks? */
bool vd_client_filter_takes(const struct vd_client_filter *filter,
                            const struct vd_client_facts *facts, bool me);

#endif
