/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Session: what is known of a client by what it said: protocol version, who
 * it is, its names. Changed by its own commands only; the connection under it
 * belongs to the shell.
 */
#ifndef VD_PROTO_SESSION_H
#define VD_PROTO_SESSION_H

#include "core/value.h"
#include "proto/words.h"

struct vd_command;

struct vd_session {
    vd_client id;
    unsigned version; /* RESP 2 or 3 */
    bool authenticated;
    unsigned channels; /* subscriptions, kept by the shell */
    unsigned patterns;
    char *name; /* owned texts; NULL: none */
    char *lib_name;
    char *lib_ver;
    const struct vd_command *last; /* the command it sent last; NULL: none */
    const struct vd_command *last_parent;
};

/* A new connection; without a password set everybody is authenticated. */
void vd_session_init(struct vd_session *session, vd_client id, const char *requirepass);
void vd_session_free(struct vd_session *session);

/* Is it the password? Takes the same time whatever is wrong about it. */
bool vd_secret_is(const char *secret, const struct vd_word *guess);

/*
 * The first 8 digits of the asking sentinel's id, from the name that sentinels
 * give their connections: "sentinel-<8 hex>-cmd"; else "".
 */
void vd_session_asker(const struct vd_session *session, char out[9]);

#endif
