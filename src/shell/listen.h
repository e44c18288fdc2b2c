/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listening sockets: TCP on every address that is configured, plain and for
 * TLS, and a Unix socket. All or none are opened, and what stands in the way is said with the
 * address and the remedy. Accepting is not done here.
 */
#ifndef VD_SHELL_LISTEN_H
#define VD_SHELL_LISTEN_H

#include "base/err.h"
#include "proto/config.h"

struct vd_listener {
    int fd;
    bool tls; /* those who come this way speak TLS */
};

struct vd_listen {
    struct vd_listener *list; /* owned */
    size_t count;
    char *unixsocket; /* path to remove at the end; NULL: none */
};

bool vd_listen_open(struct vd_listen *listen, const struct vd_server_options *server,
                    struct vd_err *err) VD_MUSTCHECK;
void vd_listen_close(struct vd_listen *listen);

/* The addresses to listen on: as configured, or all. */
const char *const *vd_listen_addresses(const struct vd_server_options *server, size_t *count);

#endif
