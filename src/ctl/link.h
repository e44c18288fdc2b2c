/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link: one connection to a sentinel or a server, plain or in TLS, on which
 * questions are asked one after the other. Every wait has an end (that for a
 * name's address is the resolver's). hiredis reads replies; the socket is ours,
 * because its waits and its TLS are.
 */
#ifndef VD_CTL_LINK_H
#define VD_CTL_LINK_H

#include <hiredis/hiredis.h>

#include "base/err.h"
#include "shell/tls_keys.h"

/* How to speak to them. Texts are borrowed. */
struct vd_ctl_access {
    const char *user;               /* NULL: the default user */
    const char *pass;               /* NULL: none is given */
    const struct vd_tls_keys *keys; /* with `outgoing`; NULL: plain */
    int timeout_ms;                 /* for connecting, and for every reply */
};

struct vd_ctl_link;

/*
 * Connect, and authenticate if there is a password. NULL with the address, the
 * reason and the remedy; *refused tells that somebody is there who does not let
 * us in.
 */
struct vd_ctl_link *vd_ctl_link_open(const struct vd_ctl_access *access, const char *host,
                                     uint16_t port, bool *refused, struct vd_err *err);
/* NULL is fine. */
void vd_ctl_link_close(struct vd_ctl_link *link);

/*
 * Ask, and await the reply, which may be an error reply; the caller frees it
 * (freeReplyObject). NULL with the reason: the link is of no use any more.
 */
redisReply *vd_ctl_link_ask(struct vd_ctl_link *link, size_t count, const char *const *words,
                            struct vd_err *err) VD_MUSTCHECK;

/* The same in two halves: questions may be sent one after another, and are answered in that order.
 */
bool vd_ctl_link_send(struct vd_ctl_link *link, size_t count, const char *const *words,
                      struct vd_err *err) VD_MUSTCHECK;
redisReply *vd_ctl_link_reply(struct vd_ctl_link *link, struct vd_err *err) VD_MUSTCHECK;

/*
 * The next message that comes by itself (pub/sub), within that time. NULL with
 * an empty reason: none came; with a reason: the link is of no use any more.
 */
redisReply *vd_ctl_link_read(struct vd_ctl_link *link, int timeout_ms,
                             struct vd_err *err) VD_MUSTCHECK;

/* To wait for several at once. */
int vd_ctl_link_fd(const struct vd_ctl_link *link);

/* A steady clock, in milliseconds. */
int64_t vd_ctl_now(void);
/* Wall clock, in microseconds. */
int64_t vd_ctl_wall_us(void);

#endif
