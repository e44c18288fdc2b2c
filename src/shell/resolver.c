/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resolver: see resolver.h. One entry a name: its last good answer, and those
 * who wait for the query that is under way. c-ares brings no threads and no
 * blocking calls: its sockets and its timer are watched by the loop.
 */
#include "shell/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <uthash.h>
#include <utlist.h>

#include "base/text.h"
#include "shell/clock.h"
#include "shell/log.h"

#define FRESH_MS 1000   /* an answer is not asked for again for so long */
#define FAILED_MS 200   /* ... nor is a failure */
#define PATIENCE_MS 250 /* who waits longer gets the last good answer, if there is one */
#define QUERY_TIMEOUT_MS 1000
#define QUERY_TRIES 2
#define ENTRIES_MAX 20000 /* names; above it those that nobody waits for are forgotten */

struct waiter {
    vd_resolver_answer *answer;
    void *self;
    uint64_t token;
    struct waiter *prev;
    struct waiter *next;
};

struct name {
    struct vd_resolver *resolver;
    char *host; /* key */
    char ips[VD_RESOLVER_MAX][VD_IP_SIZE];
    size_t count;
    char preferred[VD_IP_SIZE];
    vd_ms good_at; /* of the answer; VD_NEVER: there is none */
    vd_ms failed_at;
    bool asking;
    struct waiter *waiters;
    ev_timer patience;
    UT_hash_handle hh;
};

struct socket_watch {
    struct vd_resolver *resolver;
    ev_io io;
    struct socket_watch *prev;
    struct socket_watch *next;
};

struct vd_resolver {
    struct ev_loop *loop;
    char *servers; /* NULL: the system's */
    ares_channel channel;
    struct stat configuration; /* of the system's resolver, when the channel was opened */
    size_t under_way;          /* queries */
    struct name *names;
    struct socket_watch *sockets;
    ev_timer timeout;
    bool closing;
};

/* c-ares on the loop ------------------------------------------------------------ */

static void set_timeout(struct vd_resolver *resolver)
{
    struct timeval room;
    struct timeval *left = ares_timeout(resolver->channel, NULL, &room);

    ev_timer_stop(resolver->loop, &resolver->timeout);
    if (left == NULL)
        return;
    ev_now_update(resolver->loop);
    ev_timer_set(&resolver->timeout, (double)left->tv_sec + (double)left->tv_usec * 1e-6, 0.);
    ev_timer_start(resolver->loop, &resolver->timeout);
}

static void on_socket(struct ev_loop *loop, ev_io *io, int events)
{
    struct socket_watch *watch = io->data;
    struct vd_resolver *resolver = watch->resolver;
    int fd = io->fd;

    (void)loop;
    ares_process_fd(resolver->channel, events & EV_READ ? fd : ARES_SOCKET_BAD,
                    events & EV_WRITE ? fd : ARES_SOCKET_BAD);
    set_timeout(resolver);
}

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_resolver *resolver = timer->data;

    (void)loop;
    (void)events;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timeout(resolver);
}

static void on_socket_state(void *self, ares_socket_t fd, int readable, int writable)
{
    struct vd_resolver *resolver = self;
    struct socket_watch *watch;

    DL_FOREACH (resolver->sockets, watch) {
        if (watch->io.fd == fd)
            break;
    }
    if (watch != NULL)
        ev_io_stop(resolver->loop, &watch->io);
    if (!readable && !writable) {
        if (watch != NULL) {
            DL_DELETE(resolver->sockets, watch);
            vd_free(watch);
        }
        return;
    }
    if (watch == NULL) {
        watch = vd_alloc(sizeof(*watch));
        watch->resolver = resolver;
        watch->io.data = watch;
        DL_APPEND(resolver->sockets, watch);
    }
    ev_io_init(&watch->io, on_socket, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    watch->io.data = watch;
    ev_io_start(resolver->loop, &watch->io);
}

/* Names ------------------------------------------------------------------------- */

static void drop_name(struct vd_resolver *resolver, struct name *name)
{
    struct waiter *waiter;
    struct waiter *next;

    ev_timer_stop(resolver->loop, &name->patience);
    HASH_DEL(resolver->names, name);
    DL_FOREACH_SAFE (name->waiters, waiter, next)
        vd_free(waiter);
    vd_free(name->host);
    vd_free(name);
}

/* All who wait now; an answer may lead to new questions, or to others being forgotten. */
static void answer_all(struct name *name, const char *why)
{
    struct waiter *waiter;
    int left;

    DL_COUNT(name->waiters, waiter, left);
    ev_timer_stop(name->resolver->loop, &name->patience);
    while (left-- > 0 && name->waiters != NULL) {
        waiter = name->waiters;
        DL_DELETE(name->waiters, waiter);
        waiter->answer(waiter->self, waiter->token, name->host,
                       (const char(*)[VD_IP_SIZE])name->ips, name->count, why);
        vd_free(waiter);
    }
}

static void put_preferred_first(struct name *name)
{
    for (size_t i = 1; i < name->count; i++) {
        if (strcmp(name->ips[i], name->preferred) == 0) {
            memmove(name->ips[1], name->ips[0], i * VD_IP_SIZE);
            memcpy(name->ips[0], name->preferred, VD_IP_SIZE);
            return;
        }
    }
}

static void take_answer(struct name *name, const struct ares_addrinfo *found)
{
    const struct ares_addrinfo_node *node;

    name->count = 0;
    for (node = found->nodes; node != NULL && name->count < VD_RESOLVER_MAX; node = node->ai_next) {
        char *ip = name->ips[name->count];
        const void *bytes = NULL;

        if (node->ai_family == AF_INET)
            bytes = &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr;
        if (node->ai_family == AF_INET6)
            bytes = &((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr;
        if (bytes != NULL && inet_ntop(node->ai_family, bytes, ip, VD_IP_SIZE) != NULL)
            name->count++;
    }
    put_preferred_first(name);
    name->good_at = vd_clock_now();
}

static void take_failure(struct name *name, const char *why)
{
    name->failed_at = vd_clock_now();
    vd_log_limited(name->host, VD_LOG_WARNING, "cannot resolve %s: %s%s", name->host, why,
                   name->count != 0 ? "; its last known address is used" : "");
}

static void on_answer(void *self, int status, int timeouts, struct ares_addrinfo *found)
{
    struct name *name = self;

    (void)timeouts;
    name->asking = false;
    name->resolver->under_way--;
    if (name->resolver->closing) {
        ares_freeaddrinfo(found);
        return;
    }
    if (status == ARES_SUCCESS && (found == NULL || found->nodes == NULL))
        status = ARES_ENODATA;
    if (status == ARES_SUCCESS)
        take_answer(name, found);
    else
        take_failure(name, ares_strerror(status));
    ares_freeaddrinfo(found);
    answer_all(name, ares_strerror(status));
}

static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct name *name = timer->data;

    (void)loop;
    (void)events;
    if (name->count != 0)
        answer_all(name, NULL);
}

static void forget_idle(struct vd_resolver *resolver)
{
    struct name *name;
    struct name *next;

    HASH_ITER (hh, resolver->names, name, next) {
        if (!name->asking && name->waiters == NULL)
            drop_name(resolver, name);
    }
}

static struct name *get_name(struct vd_resolver *resolver, const char *host)
{
    struct name *name;

    HASH_FIND_STR(resolver->names, host, name);
    if (name != NULL)
        return name;
    if (HASH_COUNT(resolver->names) >= ENTRIES_MAX)
        forget_idle(resolver);
    name = vd_alloc(sizeof(*name));
    name->resolver = resolver;
    name->host = vd_strdup(host);
    name->good_at = VD_NEVER;
    name->failed_at = VD_NEVER;
    ev_init(&name->patience, on_patience);
    name->patience.data = name;
    HASH_ADD_KEYPTR(hh, resolver->names, name->host, strlen(name->host), name);
    return name;
}

/* Opening and asking ------------------------------------------------------------- */

static void look_at_configuration(struct stat *out)
{
    memset(out, 0, sizeof(*out));
    (void)stat("/etc/resolv.conf", out);
}

static bool open_channel(struct vd_resolver *resolver, struct vd_err *err)
{
    char lookups[] = "fb"; /* /etc/hosts, then the name server */
    struct ares_options options = {.timeout = QUERY_TIMEOUT_MS,
                                   .tries = QUERY_TRIES,
                                   .lookups = lookups,
                                   .sock_state_cb = on_socket_state,
                                   .sock_state_cb_data = resolver};
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    int status;

#ifdef ARES_OPT_QUERY_CACHE
    /* c-ares 1.31 and newer keep answers for their time to live: a name that moved must be seen. */
    options.qcache_max_ttl = 0;
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    status = ares_init_options(&resolver->channel, &options, mask);
    look_at_configuration(&resolver->configuration);
    if (status != ARES_SUCCESS) {
        resolver->channel = NULL;
        return vd_err_set(err, "cannot start the resolver of names: %s; look at /etc/resolv.conf",
                          ares_strerror(status));
    }
    if (resolver->servers == NULL)
        return true;
    status = ares_set_servers_ports_csv(resolver->channel, resolver->servers);
    if (status == ARES_SUCCESS)
        return true;
    ares_destroy(resolver->channel);
    resolver->channel = NULL;
    return vd_err_set(err, "bad name servers %s: %s", resolver->servers, ares_strerror(status));
}

/*
 * The first name opens the channel: who is configured by addresses alone does
 * not need what it takes. c-ares reads the system's configuration once;
 * containers may get theirs late.
 */
static void follow_configuration(struct vd_resolver *resolver)
{
    struct stat now;
    ares_channel before = resolver->channel;
    struct vd_err err;

    if (resolver->under_way != 0)
        return;
    look_at_configuration(&now);
    if (before != NULL && now.st_ino == resolver->configuration.st_ino &&
        now.st_size == resolver->configuration.st_size &&
        now.st_mtim.tv_sec == resolver->configuration.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == resolver->configuration.st_mtim.tv_nsec)
        return;
    if (open_channel(resolver, &err)) {
        if (before == NULL)
            return;
        ares_destroy(before);
        vd_log(VD_LOG_NOTICE, "the name servers of /etc/resolv.conf were read anew");
    } else {
        resolver->channel = before;
        vd_log_limited("resolver", VD_LOG_WARNING, "%s", err.text);
    }
}

static void query(struct vd_resolver *resolver, struct name *name)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

    follow_configuration(resolver);
    name->asking = true;
    resolver->under_way++;
    if (resolver->channel == NULL) {
        on_answer(name, ARES_ENOTINITIALIZED, 0, NULL);
        return;
    }
    /* May answer before it returns, as /etc/hosts does. */
    ares_getaddrinfo(resolver->channel, name->host, NULL, &hints, on_answer, name);
    set_timeout(resolver);
}

static bool is_literal(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool is_fresh(const struct name *name)
{
    vd_ms now = vd_clock_now();

    return (name->count != 0 && now - name->good_at < FRESH_MS) ||
           (name->failed_at != VD_NEVER && now - name->failed_at < FAILED_MS);
}

void vd_resolver_ask(struct vd_resolver *resolver, const char *host, vd_resolver_answer *answer,
                     void *self, uint64_t token)
{
    struct name *name;
    struct waiter *waiter;

    if (is_literal(host)) {
        char ip[1][VD_IP_SIZE];

        VD_ASSERT(vd_copy(ip[0], sizeof(ip[0]), host));
        answer(self, token, host, (const char(*)[VD_IP_SIZE])ip, 1, NULL);
        return;
    }
    name = get_name(resolver, host);
    if (is_fresh(name)) {
        answer(self, token, name->host, (const char(*)[VD_IP_SIZE])name->ips, name->count,
               "asked a moment ago, in vain");
        return;
    }
    waiter = vd_alloc(sizeof(*waiter));
    waiter->answer = answer;
    waiter->self = self;
    waiter->token = token;
    DL_APPEND(name->waiters, waiter);
    if (name->count != 0 && !ev_is_active(&name->patience)) {
        ev_now_update(resolver->loop);
        ev_timer_set(&name->patience, PATIENCE_MS * 1e-3, 0.);
        ev_timer_start(resolver->loop, &name->patience);
    }
    if (!name->asking)
        query(resolver, name);
}

void vd_resolver_forget(struct vd_resolver *resolver, const char *host, void *self, uint64_t token)
{
    struct name *name;
    struct waiter *waiter;
    struct waiter *next;

    HASH_FIND_STR(resolver->names, host, name);
    if (name == NULL)
        return;
    DL_FOREACH_SAFE (name->waiters, waiter, next) {
        if (waiter->self == self && waiter->token == token) {
            DL_DELETE(name->waiters, waiter);
            vd_free(waiter);
        }
    }
}

void vd_resolver_prefer(struct vd_resolver *resolver, const char *host, const char *ip)
{
    struct name *name;

    HASH_FIND_STR(resolver->names, host, name);
    if (name != NULL && vd_copy(name->preferred, sizeof(name->preferred), ip))
        put_preferred_first(name);
}

/* Life -------------------------------------------------------------------------- */

struct vd_resolver *vd_resolver_new(struct ev_loop *loop, const char *servers, struct vd_err *err)
{
    struct vd_resolver *resolver = vd_alloc(sizeof(*resolver));

    resolver->loop = loop;
    resolver->servers = vd_strdup(servers);
    ev_init(&resolver->timeout, on_timeout);
    resolver->timeout.data = resolver;
    if (ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS &&
        (servers == NULL || open_channel(resolver, err)))
        return resolver;
    vd_free(resolver->servers);
    vd_free(resolver);
    return NULL;
}

void vd_resolver_free(struct vd_resolver *resolver)
{
    if (resolver == NULL)
        return;
    resolver->closing = true;
    if (resolver->channel != NULL)
        ares_destroy(resolver->channel); /* ends all queries and closes all sockets */
    ares_library_cleanup();
    ev_timer_stop(resolver->loop, &resolver->timeout);
    while (resolver->names != NULL)
        drop_name(resolver, resolver->names);
    vd_free(resolver->servers);
    vd_free(resolver);
}
