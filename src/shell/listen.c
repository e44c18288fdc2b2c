/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening of listening sockets, see listen.h. */
#include "shell/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shell/log.h"

/* Everywhere; a host without IPv6 is fine. */
static const char *const everywhere[] = {"*", "-::*"};

const char *const *vd_listen_addresses(const struct vd_server_options *server, size_t *count)
{
    if (server->bind_count == 0) {
        *count = sizeof(everywhere) / sizeof(everywhere[0]);
        return everywhere;
    }
    *count = server->bind_count;
    return (const char *const *)server->bind;
}

static void add(struct vd_listen *listen, int fd, bool tls)
{
    listen->list = vd_realloc(listen->list, (listen->count + 1) * sizeof(listen->list[0]));
    listen->list[listen->count++] = (struct vd_listener){fd, tls};
}

static bool set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* What accepted connections inherit, so that it costs nothing with each of them. */
static void tune(int fd, int keepalive_s)
{
    (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (keepalive_s <= 0)
        return;
    (void)set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    (void)set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_s);
    (void)set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_s < 3 ? 1 : keepalive_s / 3);
    (void)set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t len;
};

static bool read_address(const char *text, uint16_t port, struct address *out)
{
    memset(out, 0, sizeof(*out));
    if (strcmp(text, "*") == 0 || inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        out->len = sizeof(out->v4);
        return true;
    }
    if (strcmp(text, "::*") == 0 || inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        out->len = sizeof(out->v6);
        return true;
    }
    return false;
}

static bool explain(const char *address, uint16_t port, int error, struct vd_err *err)
{
    switch (error) {
    case EADDRINUSE:
        return vd_err_set(err,
                          "port %u is in use: another process listens on %s; stop it, or set "
                          "another port",
                          (unsigned)port, address);
    case EADDRNOTAVAIL:
        return vd_err_set(err,
                          "bind %s: this host has no such address; correct bind, or put a - before "
                          "it if it may be missing",
                          address);
    case EACCES:
        return vd_err_set(err, "port %u on %s: permission denied; ports below 1024 need privileges",
                          (unsigned)port, address);
    default:
        return vd_err_set(err, "cannot listen on %s port %u: %s", address, (unsigned)port,
                          strerror(error));
    }
}

/* -1 with errno. */
static int open_tcp(const struct address *address, const struct vd_server_options *server)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return -1;
    (void)set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->any.sa_family == AF_INET6)
        (void)set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    tune(fd, server->tcp_keepalive_s);
    if (bind(fd, &address->any, address->len) == 0 &&
        listen(fd, server->tcp_backlog > 0 ? server->tcp_backlog : 511) == 0)
        return fd;
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static bool listen_tcp(struct vd_listen *listen, const struct vd_server_options *server,
                       const char *text, bool tls, struct vd_err *err)
{
    uint16_t port = tls ? server->tls.port : server->port;
    bool forgiven = text[0] == '-';
    const char *name = forgiven ? text + 1 : text;
    struct address address;
    int fd;

    if (!read_address(name, port, &address))
        return vd_err_set(err, "bind %s: not an IP address; write one, or * for all", name);
    fd = open_tcp(&address, server);
    if (fd >= 0) {
        add(listen, fd, tls);
        return true;
    }
    /* A missing address or family may be forgiven, a port that is taken may not. */
    if (forgiven && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT || errno == ENOPROTOOPT ||
                     errno == EPROTONOSUPPORT))
        return true;
    return explain(name, port, errno, err);
}

/* Does somebody answer at the path? Then it is not ours to replace. */
static bool is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

    if (fd >= 0)
        (void)close(fd);
    return alive;
}

static bool listen_unix(struct vd_listen *out, const struct vd_server_options *server,
                        struct vd_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat there;
    int fd;

    if (!vd_copy(address.sun_path, sizeof(address.sun_path), server->unixsocket))
        return vd_err_set(err, "unixsocket %s: the path is longer than %zu bytes",
                          server->unixsocket, sizeof(address.sun_path) - 1);
    if (lstat(server->unixsocket, &there) == 0) {
        if (!S_ISSOCK(there.st_mode))
            return vd_err_set(err, "unixsocket %s: there is something else of that name",
                              server->unixsocket);
        if (is_alive(&address))
            return vd_err_set(err, "unixsocket %s is in use: another process listens there",
                              server->unixsocket);
        (void)unlink(server->unixsocket);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        add(out, fd, false); /* closed with the others if it fails */
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return vd_err_set(err, "unixsocket %s: %s", server->unixsocket, strerror(errno));
    out->unixsocket = vd_strdup(server->unixsocket);
    if (server->unixsocketperm != 0 &&
        chmod(server->unixsocket, (mode_t)server->unixsocketperm) != 0)
        return vd_err_set(err, "unixsocketperm %o of %s: %s", server->unixsocketperm,
                          server->unixsocket, strerror(errno));
    if (listen(fd, server->tcp_backlog > 0 ? server->tcp_backlog : 511) != 0)
        return vd_err_set(err, "unixsocket %s: %s", server->unixsocket, strerror(errno));
    return true;
}

bool vd_listen_open(struct vd_listen *listen, const struct vd_server_options *server,
                    struct vd_err *err)
{
    size_t count;
    const char *const *addresses = vd_listen_addresses(server, &count);
    bool ok = true;

    *listen = (struct vd_listen){0};
    for (size_t i = 0; ok && server->port != 0 && i < count; i++)
        ok = listen_tcp(listen, server, addresses[i], false, err);
    for (size_t i = 0; ok && server->tls.port != 0 && i < count; i++)
        ok = listen_tcp(listen, server, addresses[i], true, err);
    if (ok && (server->port != 0 || server->tls.port != 0) && listen->count == 0)
        ok = vd_err_set(err, "bind: none of the addresses exists on this host");
    if (ok && server->unixsocket != NULL && server->unixsocket[0] != '\0')
        ok = listen_unix(listen, server, err);
    if (!ok)
        vd_listen_close(listen);
    return ok;
}

void vd_listen_close(struct vd_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++)
        (void)close(listen->list[i].fd);
    if (listen->unixsocket != NULL)
        (void)unlink(listen->unixsocket);
    vd_free(listen->list);
    vd_free(listen->unixsocket);
    *listen = (struct vd_listen){0};
}
