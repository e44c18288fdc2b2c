/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dial: one connection to any of several addresses of the same server. They
 * are tried in turn, the next one when the last has failed or 250 ms have gone
 * by (RFC 8305); the first that answers wins. Knows TCP and nothing above it.
 * There is no deadline: who waits no longer cancels.
 */
#ifndef VD_SHELL_DIAL_H
#define VD_SHELL_DIAL_H

#include <ev.h>

#include "core/core.h"

struct vd_dial;

struct vd_dial_options {
    uint16_t port;
    const char *source_ip; /* bind to it where the family fits; NULL or "": any */
    int keepalive_s;       /* 0: none */
};

/*
 * Ends the dial, which is gone when this is called. fd is connected,
 * non-blocking, close-on-exec and the receiver's; or it is -1, and reason and
 * why say what was wrong with the address that came nearest.
 */
typedef void vd_dial_done(void *self, int fd, const char *ip, enum vd_down_reason reason,
                          const char *why);

/*
 * Begin. *slot holds the dial until it ends, and NULL from then on; `done` may
 * be called before this returns. There must be an address.
 */
void vd_dial_start(struct vd_dial **slot, struct ev_loop *loop, const char (*ips)[VD_IP_SIZE],
                   size_t count, const struct vd_dial_options *options, vd_dial_done *done,
                   void *self);

/* Forget it: `done` is not called. NULL in the slot is fine. */
void vd_dial_cancel(struct vd_dial **slot);

/* What an errno of a socket means for a link. */
enum vd_down_reason vd_dial_reason(int error);

#endif
