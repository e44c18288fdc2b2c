/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Coming in: the listening sockets, who may enter, and the TLS handshake of
 * those who must. What is said afterwards is in client.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shell/client.h"
#include "shell/log.h"

/* Most connections that are accepted at once, so that those who are in are served as well. */
#define ACCEPT_BATCH 256
/* How long nobody is accepted when there are no descriptors left. */
#define ACCEPT_RETRY_S 0.1

/* Who may enter ------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *addr)
{
    const struct sockaddr_in *v4 = (const void *)addr;
    const struct sockaddr_in6 *v6 = (const void *)addr;

    if (addr->sa_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    if (addr->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    return true;
}

static const char *refuse_number(const struct vd_clients *clients)
{
    return HASH_COUNT(clients->table) < clients->config->server.maxclients
               ? NULL
               : "-ERR max number of clients reached\r\n";
}

/* Why somebody from there may not come in; NULL: it may. */
static const char *refuse_origin(const struct vd_clients *clients, const struct sockaddr *addr)
{
    const struct vd_server_options *server = &clients->config->server;
    const struct vd_acl_user *user = vd_acl_default(clients->acl);
    bool open = vd_acl_is_open(user) && vd_acl_is_on(user);

    if (server->protected_mode && open && !is_loopback(addr))
        return "-DENIED protected mode is on and no password is set, so that only connections "
               "from the loopback interface are accepted. Set requirepass, or protected-mode "
               "no.\r\n";
    return NULL;
}

static void tell_refusal(struct vd_clients *clients, const char *refusal)
{
    clients->stats.connections_rejected++;
    vd_log_limited("rejected", VD_LOG_WARNING, "a connection was refused: %.*s",
                   (int)strcspn(refusal + 1, "\r"), refusal + 1);
}

static void admit(struct vd_clients *clients, const struct vd_listener *door, int fd,
                  const struct sockaddr *addr, socklen_t len)
{
    const char *refusal = refuse_number(clients);

    /* Who speaks TLS hears it when there is TLS. */
    if (refusal == NULL && !door->tls)
        refusal = refuse_origin(clients, addr);
    if (refusal == NULL) {
        clients->stats.connections_received++;
        vd_conn_new(clients, fd, addr, len, door->tls);
        return;
    }
    /* A socket that was just opened takes a line; if it does not, it is not worth waiting. */
    if (!door->tls)
        (void)!send(fd, refusal, strlen(refusal), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)close(fd);
    tell_refusal(clients, refusal);
}

/* TLS ------------------------------------------------------------------------------- */

void vd_conn_opened(struct vd_conn *conn)
{
    const char *refusal = refuse_origin(conn->home, &conn->peer.any);

    if (refusal == NULL)
        return;
    tell_refusal(conn->home, refusal);
    vd_text_puts(vd_conn_out(conn), refusal);
    conn->closing = true;
    vd_conn_owe(conn);
}

/* Each host has its own line a second, but not each of its ports. */
static void tell_tls(const struct vd_conn *conn, const char *what, const char *why)
{
    char address[VD_CLIENT_ADDRESS_SIZE];
    char key[VD_CLIENT_ADDRESS_SIZE];

    vd_client_address(&conn->peer.any, "a Unix socket", address);
    (void)snprintf(key, sizeof(key), "tls %.*s", (int)(strrchr(address, ':') - address), address);
    vd_log_limited(key, VD_LOG_WARNING, "client %s %s: %s", address, what, why);
}

void vd_conn_failed(struct vd_conn *conn, const char *why)
{
    conn->home->stats.tls_refused += why != NULL;
    if (why != NULL)
        tell_tls(conn, "is refused", why);
    else
        vd_log(VD_LOG_VERBOSE, "a client went away before its TLS handshake was over");
    vd_conn_end(conn);
}

void vd_conn_broken(struct vd_conn *conn, int error)
{
    if (error == EPROTO)
        tell_tls(conn, "is gone", vd_stream_why(&conn->stream, error));
    vd_conn_end(conn);
}

bool vd_conn_begins_tls(const struct vd_conn *conn, const char *bytes, size_t len)
{
    const struct vd_server_options *server = &conn->home->config->server;

    /* A handshake's record and its version: no request begins so. */
    if (conn->stream.tls != NULL || len < 3 || bytes[0] != 0x16 || bytes[1] != 3)
        return false;
    tell_tls(
        conn, "is refused",
        server->tls.port == 0
            ? "it speaks TLS to the plain port, and there is no other; set tls-port, or let it "
              "speak plain text"
            : "it speaks TLS to the plain port; give it the tls-port");
    return true;
}

/* Accepting --------------------------------------------------------------------------- */

static void pause_accepting(struct vd_clients *clients, int error)
{
    vd_log_limited("accept", VD_LOG_WARNING, "cannot accept connections for now: %s%s",
                   strerror(error),
                   error == EMFILE ? "; raise the limit of open files (ulimit -n)" : "");
    for (size_t i = 0; i < clients->listen.count; i++)
        ev_io_stop(clients->loop, &clients->acceptors[i]);
    ev_timer_set(&clients->retry_accept, ACCEPT_RETRY_S, 0.);
    ev_timer_start(clients->loop, &clients->retry_accept);
}

static void on_retry_accept(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_clients *clients = timer->data;

    (void)events;
    for (size_t i = 0; i < clients->listen.count; i++)
        ev_io_start(loop, &clients->acceptors[i]);
}

static void on_acceptable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct vd_clients *clients = watcher->data;
    const struct vd_listener *door = &clients->listen.list[watcher - clients->acceptors];

    (void)loop;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage addr = {0};
        socklen_t len = sizeof(addr);
        int fd = accept4(watcher->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            admit(clients, door, fd, (const struct sockaddr *)&addr, len);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(clients, errno);
        /* All else is about one connection that went away, or there is none any more. */
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

bool vd_clients_listen(struct vd_clients *clients, struct vd_err *err)
{
    VD_ASSERT(clients->acceptors == NULL);
    if (!vd_listen_open(&clients->listen, &clients->config->server, err))
        return false;
    ev_timer_init(&clients->retry_accept, on_retry_accept, 0., 0.);
    clients->retry_accept.data = clients;
    clients->acceptors = vd_calloc(clients->listen.count, sizeof(clients->acceptors[0]));
    for (size_t i = 0; i < clients->listen.count; i++) {
        ev_io_init(&clients->acceptors[i], on_acceptable, clients->listen.list[i].fd, EV_READ);
        clients->acceptors[i].data = clients;
        ev_io_start(clients->loop, &clients->acceptors[i]);
    }
    return true;
}

void vd_clients_unlisten(struct vd_clients *clients)
{
    if (clients->acceptors == NULL)
        return;
    for (size_t i = 0; i < clients->listen.count; i++)
        ev_io_stop(clients->loop, &clients->acceptors[i]);
    ev_timer_stop(clients->loop, &clients->retry_accept);
    vd_free(clients->acceptors);
    clients->acceptors = NULL;
    vd_listen_close(&clients->listen);
}
