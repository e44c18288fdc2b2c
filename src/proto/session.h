/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Session: what is known of a client by what it said: protocol version, who
 * it is, its names. Changed by its own commands only; the connection under it
 * belongs to the shell.
 */
#ifndef VD_PROTO_SESSION_H
#define VD_PROTO_SESSION_H

#include "core/value.h"
#include "proto/acl.h"
#include "proto/words.h"

/* What CLIENT TRACKING asked for. There are no keys here, so that it is only told. */
struct vd_tracking {
    bool on;
    bool bcast;
    bool optin;
    bool optout;
    bool noloop;
    bool caching;      /* CLIENT CACHING was said for the next command */
    uint64_t redirect; /* a client; 0: itself */
    char **prefixes;   /* owned */
    size_t prefix_count;
};

enum vd_reply_mode {
    VD_REPLY_ON,
    VD_REPLY_OFF,
    VD_REPLY_SKIP, /* not the next command */
};

struct vd_session {
    vd_client id;
    unsigned version; /* RESP 2 or 3 */
    bool authenticated;
    struct vd_acl_user *user; /* held; until AUTH the default one */
    unsigned channels;        /* subscriptions, kept by the shell */
    unsigned patterns;
    char *name; /* owned texts; NULL: none */
    char *lib_name;
    char *lib_ver;
    const struct vd_command *last; /* the command it sent last; NULL: none */
    const struct vd_command *last_parent;
    bool no_evict;
    enum vd_reply_mode reply;
    bool muted; /* the request under way gets no reply */
    struct vd_tracking tracking;
};

/* A new connection: the default user, who is let in at once when nobody need give a password. */
void vd_session_init(struct vd_session *session, vd_client id, const struct vd_acl *acl);
void vd_session_free(struct vd_session *session);

/* It is this user from now on. */
void vd_session_become(struct vd_session *session, struct vd_acl_user *user);

void vd_session_stop_tracking(struct vd_session *session);

/*
 * The first 8 digits of the asking sentinel's id, from the name that sentinels
 * give their connections: "sentinel-<8 hex>-cmd"; else "".
 */
void vd_session_asker(const struct vd_session *session, char out[9]);

#endif
