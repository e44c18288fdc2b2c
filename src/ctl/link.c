/* SPDX-License-Identifier: BSD-3-Clause */
/* Link: see link.h. */
#include "ctl/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "proto/addr.h"

#define REPLY_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define REPLY_ELEMENTS_MAX 1000000
#define REPLY_DEPTH_MAX 16

struct vd_ctl_link {
    int fd;
    int timeout_ms;
    SSL *ssl; /* NULL: plain */
    redisReader *reader;
    char name[300]; /* "host:port", for messages */
};

static int64_t clock_us(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t vd_ctl_now(void)
{
    return clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t vd_ctl_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int vd_ctl_link_fd(const struct vd_ctl_link *link)
{
    return link->fd;
}

/* Waiting ------------------------------------------------------------------------------ */

/* 1: ready; 0: the time is over; -1: errno. */
static int await(int fd, short events, int64_t until)
{
    for (;;) {
        struct pollfd one = {.fd = fd, .events = events};
        int64_t left = until - vd_ctl_now();
        int ready = poll(&one, 1, left > 0 ? (int)left : 0);

        if (ready >= 0)
            return ready;
        if (errno != EINTR)
            return -1;
    }
}

static bool fail_late(const struct vd_ctl_link *link, const char *what, struct vd_err *err)
{
    return vd_err_set(err,
                      "%s: %s within %d ms; does it hang, or is a firewall between (--timeout)?",
                      link->name, what, link->timeout_ms);
}

/* Connecting ----------------------------------------------------------------------------- */

static int connect_one(const struct addrinfo *info, int64_t until)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    int error = 0;
    socklen_t size = sizeof(error);
    int ready;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, info->ai_addr, info->ai_addrlen) == 0)
        return fd;
    if (errno == EINPROGRESS) {
        ready = await(fd, POLLOUT, until);
        if (ready > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
            return fd;
        errno = ready == 0 ? ETIMEDOUT : error != 0 ? error : errno;
    }
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static bool dial(struct vd_ctl_link *link, const char *host, uint16_t port, struct vd_err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int64_t until = vd_ctl_now() + link->timeout_ms;
    struct addrinfo *found = NULL;
    char service[8];
    int status;

    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    status = getaddrinfo(host, service, &hints, &found);
    if (status != 0)
        return vd_err_set(err, "%s: no address is known for that name: %s", link->name,
                          gai_strerror(status));
    for (const struct addrinfo *one = found; one != NULL && link->fd < 0; one = one->ai_next)
        link->fd = connect_one(one, until);
    status = errno;
    freeaddrinfo(found);
    if (link->fd >= 0)
        return true;
    if (status == ETIMEDOUT)
        return fail_late(link, "no connection", err);
    return vd_err_set(err, "%s: %s%s", link->name, strerror(status),
                      status == ECONNREFUSED ? "; nobody listens there" : "");
}

/* TLS -------------------------------------------------------------------------------------- */

/* After an SSL call that has not succeeded: wait for what it wants. False: it has failed, or the
 * time is over (*late). */
static bool await_tls(const struct vd_ctl_link *link, int result, int64_t until, bool *late)
{
    int why = SSL_get_error(link->ssl, result);
    int ready;

    *late = false;
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return false;
    ready = await(link->fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until);
    *late = ready == 0;
    return ready > 0;
}

static bool begin_tls(struct vd_ctl_link *link, const struct vd_tls_keys *keys, const char *host,
                      struct vd_err *err)
{
    int64_t until = vd_ctl_now() + link->timeout_ms;
    bool late;

    link->ssl = SSL_new(keys->outgoing);
    if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1 ||
        !vd_tls_name_peer(link->ssl, host, keys->verify_names))
        return vd_err_set(err, "%s: cannot begin TLS: %s", link->name, vd_tls_reason());
    for (;;) {
        long verified;
        int result;

        ERR_clear_error();
        result = SSL_connect(link->ssl);
        if (result == 1)
            return true;
        if (await_tls(link, result, until, &late))
            continue;
        if (late)
            return fail_late(link, "no end of the TLS handshake", err);
        verified = SSL_get_verify_result(link->ssl);
        if (verified != X509_V_OK)
            return vd_err_set(err, "%s: its certificate is refused: %s; see --tls-ca-cert-file",
                              link->name, X509_verify_cert_error_string(verified));
        return vd_err_set(err, "%s: no TLS: %s; is that its TLS port?", link->name,
                          vd_tls_reason());
    }
}

/* Bytes -------------------------------------------------------------------------------------- */

static bool send_all(struct vd_ctl_link *link, const char *bytes, size_t len, struct vd_err *err)
{
    int64_t until = vd_ctl_now() + link->timeout_ms;

    while (len > 0) {
        ssize_t sent;
        bool late = false;

        ERR_clear_error(); /* what another link has left there would be taken for ours */
        sent = link->ssl != NULL ? SSL_write(link->ssl, bytes, (int)len)
                                 : send(link->fd, bytes, len, MSG_NOSIGNAL);

        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
        } else if (link->ssl != NULL) {
            if (!await_tls(link, (int)sent, until, &late))
                return late ? fail_late(link, "it takes no request", err)
                            : vd_err_set(err, "%s: it has closed the connection", link->name);
        } else if (errno != EAGAIN && errno != EINTR) {
            return vd_err_set(err, "%s: %s", link->name, strerror(errno));
        } else if (await(link->fd, POLLOUT, until) <= 0) {
            return fail_late(link, "it takes no request", err);
        }
    }
    return true;
}

/* As many bytes as there are, awaited until then. 0: the time is over. -1: with the reason. */
static ssize_t receive(struct vd_ctl_link *link, char *to, size_t size, int64_t until,
                       struct vd_err *err)
{
    for (;;) {
        ssize_t got;
        bool late = false;

        ERR_clear_error();
        got = link->ssl != NULL ? SSL_read(link->ssl, to, (int)size) : recv(link->fd, to, size, 0);

        if (got > 0)
            return got;
        if (link->ssl != NULL) {
            if (await_tls(link, (int)got, until, &late))
                continue;
            if (late)
                return 0;
        } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (await(link->fd, POLLIN, until) > 0)
                continue;
            return 0;
        }
        (void)vd_err_set(err, "%s: it has closed the connection", link->name);
        return -1;
    }
}

/* hiredis takes any depth and any number of elements, and frees replies by recursion. */
static void *(*make_any_array)(const redisReadTask *task, size_t count);

static void *make_array(const redisReadTask *task, size_t count)
{
    unsigned depth = 0;

    for (const redisReadTask *one = task->parent; one != NULL; one = one->parent)
        depth++;
    return depth > REPLY_DEPTH_MAX || count > REPLY_ELEMENTS_MAX ? NULL
                                                                 : make_any_array(task, count);
}

static redisReader *make_reader(void)
{
    static redisReplyObjectFunctions functions;
    redisReader *reader = redisReaderCreate();

    VD_ASSERT(reader != NULL); /* out of memory */
    if (make_any_array == NULL) {
        functions = *reader->fn;
        make_any_array = functions.createArray;
        functions.createArray = make_array;
    }
    reader->fn = &functions;
    return reader;
}

/* The next reply. NULL without a reason: none until then. */
static redisReply *next_reply(struct vd_ctl_link *link, int64_t until, struct vd_err *err)
{
    char bytes[16384];
    size_t sum = 0;
    void *reply = NULL;

    err->text[0] = '\0';
    for (;;) {
        ssize_t got;

        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
            (void)vd_err_set(err, "%s: it does not speak RESP: %.100s; is that a sentinel's port?",
                             link->name,
                             link->reader->err == REDIS_ERR_OOM ? "a reply is too long or too deep"
                                                                : link->reader->errstr);
            return NULL;
        }
        if (reply != NULL)
            return reply;
        got = receive(link, bytes, sizeof(bytes), until, err);
        if (got <= 0)
            return NULL;
        sum += (size_t)got;
        if (sum > REPLY_BYTES_MAX) {
            (void)vd_err_set(err, "%s: a reply of more than %zu bytes", link->name,
                             REPLY_BYTES_MAX);
            return NULL;
        }
        (void)redisReaderFeed(link->reader, bytes, (size_t)got);
    }
}

redisReply *vd_ctl_link_read(struct vd_ctl_link *link, int timeout_ms, struct vd_err *err)
{
    return next_reply(link, vd_ctl_now() + timeout_ms, err);
}

bool vd_ctl_link_send(struct vd_ctl_link *link, size_t count, const char *const *words,
                      struct vd_err *err)
{
    struct vd_text request = {0};
    bool good;

    vd_text_printf(&request, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++)
        vd_text_printf(&request, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
    good = send_all(link, request.bytes, request.len, err);
    vd_text_free(&request);
    return good;
}

redisReply *vd_ctl_link_reply(struct vd_ctl_link *link, struct vd_err *err)
{
    redisReply *reply = next_reply(link, vd_ctl_now() + link->timeout_ms, err);

    if (reply == NULL && err->text[0] == '\0')
        (void)fail_late(link, "no reply", err);
    return reply;
}

redisReply *vd_ctl_link_ask(struct vd_ctl_link *link, size_t count, const char *const *words,
                            struct vd_err *err)
{
    return vd_ctl_link_send(link, count, words, err) ? vd_ctl_link_reply(link, err) : NULL;
}

/* Life ------------------------------------------------------------------------------------------
 */

static bool authenticate(struct vd_ctl_link *link, const struct vd_ctl_access *access,
                         bool *refused, struct vd_err *err)
{
    const char *with_user[] = {"AUTH", access->user, access->pass};
    const char *plain[] = {"AUTH", access->pass};
    redisReply *reply;
    bool good;

    if (access->pass == NULL)
        return true;
    reply = access->user != NULL ? vd_ctl_link_ask(link, 3, with_user, err)
                                 : vd_ctl_link_ask(link, 2, plain, err);
    if (reply == NULL)
        return false;
    /* Who wants no password is told one for nothing, and says so. */
    good = reply->type != REDIS_REPLY_ERROR || strstr(reply->str, "without any password") != NULL;
    *refused = !good;
    if (!good)
        (void)vd_err_set(err, "%s: it does not let us in: %.200s", link->name, reply->str);
    freeReplyObject(reply);
    return good;
}

struct vd_ctl_link *vd_ctl_link_open(const struct vd_ctl_access *access, const char *host,
                                     uint16_t port, bool *refused, struct vd_err *err)
{
    struct vd_ctl_link *link = vd_alloc(sizeof(*link));
    struct vd_text name = {0};

    *refused = false;
    link->fd = -1;
    link->timeout_ms = access->timeout_ms;
    link->reader = make_reader();
    vd_addr_print(host, port, &name);
    (void)snprintf(link->name, sizeof(link->name), "%s", vd_text_cstr(&name));
    vd_text_free(&name);
    if (dial(link, host, port, err) &&
        (access->keys == NULL || begin_tls(link, access->keys, host, err)) &&
        authenticate(link, access, refused, err))
        return link;
    vd_ctl_link_close(link);
    return NULL;
}

void vd_ctl_link_close(struct vd_ctl_link *link)
{
    if (link == NULL)
        return;
    SSL_free(link->ssl);
    redisReaderFree(link->reader);
    if (link->fd >= 0)
        (void)close(link->fd);
    vd_free(link);
}
