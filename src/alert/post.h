/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Post: HTTP requests that carry a body, by libcurl inside the daemon's loop.
 * Never waits: names are looked up by the resolver beside the loop and given
 * to libcurl as addresses, so that it starts no thread that it would have to
 * wait for at the end. Redirects, proxies of the environment and other
 * protocols are not followed. Of the answer only the status counts, also where
 * the rest of it is endless or never comes; nothing of it is kept.
 */
#ifndef VD_ALERT_POST_H
#define VD_ALERT_POST_H

#include <ev.h>

#include "shell/resolver.h"

struct vd_post;

struct vd_post_request {
    const char *url;
    const char *token; /* NULL: none; sent as "Authorization: Bearer" */
    const char *body;
    size_t len;
    const char *ca_file; /* NULL: the system's */
    vd_ms timeout_ms;    /* for all of it, the look-up included */
};

/* `status` is the answer's; 0: there was none, and `why` says why. The request is gone by then. */
typedef void vd_post_done(void *self, uint64_t id, long status, const char *why);

/* Borrowed; must outlive it. NULL with the reason. */
struct vd_post *vd_post_new(struct ev_loop *loop, struct vd_resolver *resolver, vd_post_done *done,
                            void *self, struct vd_err *err);
/* What is under way is given up, silently. NULL is fine. */
void vd_post_free(struct vd_post *post);

/* Was libcurl built with what the url begins with? */
bool vd_post_speaks(const char *url);

/* All is copied. Returns its id; `done` is called once, from the loop, never from here. */
uint64_t vd_post_send(struct vd_post *post, const struct vd_post_request *request);

#endif
