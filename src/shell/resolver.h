/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resolver: names to addresses by c-ares, beside the loop and never on it.
 * Asks again when an answer is older than a second, asks once for all who
 * wait, and gives the last good answer while the name server is slow or gone.
 * Literals are answered as they are.
 */
#ifndef VD_SHELL_RESOLVER_H
#define VD_SHELL_RESOLVER_H

#include <ev.h>

#include "base/err.h"
#include "core/value.h"

#define VD_RESOLVER_MAX 8 /* addresses of one name; more are left out */

struct vd_resolver;

/* `count` 0: no address is known; `why` says so then. Addresses as getaddrinfo would order them. */
typedef void vd_resolver_answer(void *self, uint64_t token, const char *host,
                                const char (*ips)[VD_IP_SIZE], size_t count, const char *why);

/*
 * `servers`: name servers as "ip:port,...", for tests; NULL: those of the
 * system, whose changes are followed. NULL with the reason.
 */
struct vd_resolver *vd_resolver_new(struct ev_loop *loop, const char *servers, struct vd_err *err);
void vd_resolver_free(struct vd_resolver *resolver);

/*
 * Ask. The answer is called once, at once if it is known; (self, token) tells
 * whom it is for. vd_resolver_forget makes sure that it is not called any more.
 */
void vd_resolver_ask(struct vd_resolver *resolver, const char *host, vd_resolver_answer *answer,
                     void *self, uint64_t token);
void vd_resolver_forget(struct vd_resolver *resolver, const char *host, void *self, uint64_t token);

/* A connection to this address of the name worked: it is the first in answers as long as the name
 * has it. */
void vd_resolver_prefer(struct vd_resolver *resolver, const char *host, const char *ip);

#endif
