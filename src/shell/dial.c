/* SPDX-License-Identifier: BSD-3-Clause */
/* Dial: see dial.h. */
#include "shell/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "shell/resolver.h"

#define STAGGER_S 0.25
#define USER_TIMEOUT_MS 30000U /* unacknowledged data; our own deadlines are shorter */

struct attempt {
    struct vd_dial *dial;
    char ip[VD_IP_SIZE];
    int fd; /* -1: not under way */
    ev_io io;
};

struct vd_dial {
    struct vd_dial **slot;
    struct ev_loop *loop;
    struct vd_dial_options options;
    char source_ip[VD_IP_SIZE];
    size_t next; /* not begun yet, from here on */
    ev_timer stagger;
    vd_dial_done *done;
    void *self;
    int error; /* of the attempt that came nearest; 0: none failed yet */
    size_t count;
    struct attempt attempts[];
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

enum vd_down_reason vd_dial_reason(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return VD_DOWN_REFUSED;
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
        return VD_DOWN_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
        return VD_DOWN_LIMIT;
    default:
        return VD_DOWN_RESET;
    }
}

/* A refusal tells more than a host that is out of reach: something answered. */
static int nearness(int error)
{
    enum vd_down_reason reason = vd_dial_reason(error);

    return reason == VD_DOWN_REFUSED ? 3 : reason == VD_DOWN_RESET ? 2 : 1;
}

static bool is_ipv6(const char *ip)
{
    return strchr(ip, ':') != NULL;
}

static socklen_t fill_address(union address *to, const char *ip, uint16_t port)
{
    memset(to, 0, sizeof(*to));
    if (is_ipv6(ip)) {
        to->v6.sin6_family = AF_INET6;
        to->v6.sin6_port = htons(port);
        return inet_pton(AF_INET6, ip, &to->v6.sin6_addr) == 1 ? sizeof(to->v6) : 0;
    }
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons(port);
    return inet_pton(AF_INET, ip, &to->v4.sin_addr) == 1 ? sizeof(to->v4) : 0;
}

static void set_option(int fd, int level, int option, int value)
{
    /* None of them is needed; a socket without is a worse socket, not a wrong one. */
    (void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void set_options(int fd, int keepalive_s)
{
    unsigned timeout = USER_TIMEOUT_MS;

    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
    if (keepalive_s <= 0)
        return;
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_s);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_s < 3 ? 1 : keepalive_s / 3);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static bool bind_source(const struct vd_dial *dial, int fd, bool ipv6)
{
    union address source;
    socklen_t len;

    if (dial->source_ip[0] == '\0' || is_ipv6(dial->source_ip) != ipv6)
        return true;
    len = fill_address(&source, dial->source_ip, 0);
    return len == 0 || bind(fd, &source.any, len) == 0;
}

/* Open and connect. 0: under way or done; else the errno. */
static int begin(struct vd_dial *dial, struct attempt *attempt)
{
    union address address;
    socklen_t len = fill_address(&address, attempt->ip, dial->options.port);
    int error = 0;

    if (len == 0)
        return EADDRNOTAVAIL;
    attempt->fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (attempt->fd < 0)
        return errno;
    set_options(attempt->fd, dial->options.keepalive_s);
    if (!bind_source(dial, attempt->fd, is_ipv6(attempt->ip)) ||
        (connect(attempt->fd, &address.any, len) != 0 && errno != EINPROGRESS))
        error = errno;
    if (error != 0) {
        (void)close(attempt->fd);
        attempt->fd = -1;
    }
    return error;
}

static void stop(struct vd_dial *dial, struct attempt *attempt)
{
    if (attempt->fd < 0)
        return;
    ev_io_stop(dial->loop, &attempt->io);
    (void)close(attempt->fd);
    attempt->fd = -1;
}

static void release(struct vd_dial *dial)
{
    for (size_t i = 0; i < dial->count; i++)
        stop(dial, &dial->attempts[i]);
    ev_timer_stop(dial->loop, &dial->stagger);
    *dial->slot = NULL;
    vd_free(dial);
}

void vd_dial_cancel(struct vd_dial **slot)
{
    if (*slot != NULL)
        release(*slot);
}

static void finish(struct vd_dial *dial, int fd, const char *ip)
{
    struct vd_dial copy = {.done = dial->done, .self = dial->self, .error = dial->error};
    char winner[VD_IP_SIZE];

    VD_ASSERT(vd_copy(winner, sizeof(winner), ip));
    release(dial);
    copy.done(copy.self, fd, winner, vd_dial_reason(copy.error),
              fd < 0 ? strerror(copy.error) : "");
}

static void note_error(struct vd_dial *dial, int error)
{
    if (dial->error == 0 || nearness(error) > nearness(dial->error))
        dial->error = error;
}

static bool is_idle(const struct vd_dial *dial)
{
    for (size_t i = 0; i < dial->count; i++) {
        if (dial->attempts[i].fd >= 0)
            return false;
    }
    return true;
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events);

/* The next address that can be tried at all. May end the dial. */
static void try_next(struct vd_dial *dial)
{
    while (dial->next < dial->count) {
        struct attempt *attempt = &dial->attempts[dial->next++];
        int error = begin(dial, attempt);

        if (error != 0) {
            note_error(dial, error);
            continue;
        }
        ev_io_init(&attempt->io, on_writable, attempt->fd, EV_WRITE);
        attempt->io.data = attempt;
        ev_io_start(dial->loop, &attempt->io);
        ev_timer_stop(dial->loop, &dial->stagger);
        if (dial->next < dial->count) {
            ev_now_update(dial->loop);
            ev_timer_set(&dial->stagger, STAGGER_S, 0.);
            ev_timer_start(dial->loop, &dial->stagger);
        }
        return;
    }
    if (is_idle(dial))
        finish(dial, -1, "");
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
    struct attempt *attempt = io->data;
    struct vd_dial *dial = attempt->dial;
    int error = 0;
    socklen_t len = sizeof(error);

    (void)events;
    if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0) {
        int fd = attempt->fd;

        ev_io_stop(loop, &attempt->io);
        attempt->fd = -1;
        finish(dial, fd, attempt->ip);
        return;
    }
    stop(dial, attempt);
    note_error(dial, error);
    try_next(dial);
}

static void on_stagger(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    try_next(timer->data);
}

/* The order given, but families in turn, so that one that is dead costs one wait only. */
static void order_addresses(struct vd_dial *dial, const char (*ips)[VD_IP_SIZE], size_t count)
{
    bool used[VD_RESOLVER_MAX] = {false};
    bool ipv6 = is_ipv6(ips[0]);

    while (dial->count < count) {
        size_t pick = count;

        for (size_t i = count; i-- > 0;) {
            if (!used[i] &&
                (pick == count || is_ipv6(ips[i]) == ipv6 || is_ipv6(ips[pick]) != ipv6))
                pick = i;
        }
        used[pick] = true;
        memcpy(dial->attempts[dial->count].ip, ips[pick], VD_IP_SIZE);
        dial->attempts[dial->count].dial = dial;
        dial->attempts[dial->count].fd = -1;
        dial->count++;
        ipv6 = !is_ipv6(ips[pick]);
    }
}

void vd_dial_start(struct vd_dial **slot, struct ev_loop *loop, const char (*ips)[VD_IP_SIZE],
                   size_t count, const struct vd_dial_options *options, vd_dial_done *done,
                   void *self)
{
    struct vd_dial *dial;

    if (count > VD_RESOLVER_MAX)
        count = VD_RESOLVER_MAX;
    dial = vd_alloc(sizeof(*dial) + count * sizeof(dial->attempts[0]));
    VD_ASSERT(count > 0);
    VD_ASSERT(*slot == NULL);
    *slot = dial;
    dial->slot = slot;
    dial->loop = loop;
    dial->options = *options;
    if (options->source_ip != NULL && !vd_copy(dial->source_ip, VD_IP_SIZE, options->source_ip))
        dial->source_ip[0] = '\0';
    dial->done = done;
    dial->self = self;
    ev_init(&dial->stagger, on_stagger);
    dial->stagger.data = dial;
    order_addresses(dial, ips, count);
    try_next(dial);
}
