/* SPDX-License-Identifier: BSD-3-Clause */
/* Outpost: a server in the test's own loop, see outpost.h. */
#include "outpost.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "shell/clock.h"
#include "shell/connection.h"

#define DEADLINE_MS 10000

struct outpost outpost;

static void start_listening(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    outpost.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(outpost.listener, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(outpost.listener, 8), 0);
    ck_assert_int_eq(getsockname(outpost.listener, (struct sockaddr *)&address, &len), 0);
    outpost.port = ntohs(address.sin_port);
}

void outpost_stop_listening(void)
{
    if (outpost.listener >= 0)
        (void)close(outpost.listener);
    outpost.listener = -1;
}

void outpost_hang_up(void)
{
    if (outpost.peer >= 0)
        (void)close(outpost.peer);
    outpost.peer = -1;
}

static void begin(void)
{
    struct vd_server_options server = {.tcp_keepalive_s = 60};
    struct vd_err err;

    (void)signal(SIGPIPE, SIG_IGN);
    outpost = (struct outpost){.peer = -1};
    outpost.loop = ev_default_loop(0);
    outpost.resolver = vd_resolver_new(outpost.loop, NULL, &err);
    ck_assert_msg(outpost.resolver != NULL, "%s", err.text);
    outpost.links = vd_links_new(outpost.loop, &outpost.inbox, outpost.resolver, &server);
    start_listening();
}

static void finish(void)
{
    vd_links_free(outpost.links);
    vd_resolver_free(outpost.resolver);
    vd_inbox_free(&outpost.inbox);
    vd_text_free(&outpost.heard);
    outpost_hang_up();
    outpost_stop_listening();
    ev_loop_destroy(outpost.loop);
}

TCase *outpost_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, begin, finish);
    tcase_set_timeout(tests, 60);
    return tests;
}

/* The loop ------------------------------------------------------------------------ */

static void on_tick(struct ev_loop *on, ev_timer *timer, int events)
{
    (void)on;
    (void)timer;
    (void)events;
}

/* Turn the loop until the condition is met; the tick is only so that the deadline is looked at. */
bool outpost_turn_until(bool (*is_met)(size_t), size_t argument)
{
    vd_ms end_at = vd_clock_now() + DEADLINE_MS;
    ev_timer tick;
    bool met;

    ev_timer_init(&tick, on_tick, 0.01, 0.01);
    ev_timer_start(outpost.loop, &tick);
    while (!(met = is_met(argument)) && vd_clock_now() < end_at) {
        vd_links_flush(outpost.links);
        ev_run(outpost.loop, EVRUN_ONCE);
    }
    ev_timer_stop(outpost.loop, &tick);
    return met;
}

static bool has_events(size_t count)
{
    return outpost.inbox.count >= count;
}

bool outpost_hears(size_t count)
{
    char bytes[65536];
    ssize_t got = recv(outpost.peer, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (got > 0)
        vd_text_add(&outpost.heard, bytes, (size_t)got);
    return outpost.heard.len >= count;
}

bool outpost_hears_end(size_t ignored)
{
    char bytes[65536];
    ssize_t got = recv(outpost.peer, bytes, sizeof(bytes), MSG_DONTWAIT);

    (void)ignored;
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

const struct vd_event *outpost_wait_events(size_t count)
{
    ck_assert_msg(outpost_turn_until(has_events, count), "%zu events instead of %zu",
                  outpost.inbox.count, count);
    ck_assert_uint_eq(outpost.inbox.count, count);
    return &outpost.inbox.events[count - 1];
}

/* Nothing more than these events comes while the loop turns a few times. */
void outpost_expect_quiet(size_t count)
{
    for (int i = 0; i < 20; i++) {
        vd_links_flush(outpost.links);
        ev_run(outpost.loop, EVRUN_NOWAIT);
    }
    ck_assert_uint_eq(outpost.inbox.count, count);
}

void outpost_forget_events(void)
{
    vd_inbox_clear(&outpost.inbox);
}

/* The server says this. */
void outpost_say(const char *text)
{
    size_t len = strlen(text);

    ck_assert_int_eq(send(outpost.peer, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

void outpost_expect_heard(const char *text)
{
    ck_assert_msg(outpost_turn_until(outpost_hears, strlen(text)), "heard only: %s",
                  vd_text_cstr(&outpost.heard));
    ck_assert_str_eq(vd_text_cstr(&outpost.heard), text);
    vd_text_clear(&outpost.heard);
}

/* Effects ------------------------------------------------------------------------- */

struct vd_effect outpost_connect_effect(uint64_t id, enum vd_link_kind kind, const char *host,
                                        uint16_t at)
{
    struct vd_effect effect = {.type = VD_EF_CONNECT};

    effect.connect.link.n = id;
    effect.connect.kind = kind;
    effect.connect.addr.port = at;
    effect.connect.client_name = "n";
    ck_assert(vd_copy(effect.connect.addr.host, VD_HOST_SIZE, host));
    return effect;
}

void outpost_perform_connect(uint64_t id, enum vd_link_kind kind, const char *host, uint16_t at)
{
    struct vd_effect effect = outpost_connect_effect(id, kind, host, at);

    vd_links_perform(outpost.links, &effect);
}

uint64_t outpost_perform_send(uint64_t id, enum vd_request request)
{
    struct vd_effect effect = {.type = VD_EF_SEND};

    effect.send.link.n = id;
    effect.send.ticket.n = ++outpost.tickets;
    effect.send.request = request;
    effect.send.addr = (struct vd_addr){.host = "10.0.0.9", .port = 6379};
    vd_links_perform(outpost.links, &effect);
    return outpost.tickets;
}

void outpost_perform_close(uint64_t id)
{
    struct vd_effect effect = {.type = VD_EF_CLOSE};

    effect.close.link.n = id;
    vd_links_perform(outpost.links, &effect);
}

static bool accepts(size_t ignored)
{
    (void)ignored;
    if (outpost.peer < 0)
        outpost.peer = accept4(outpost.listener, NULL, NULL, SOCK_NONBLOCK);
    return outpost.peer >= 0;
}

void outpost_accept(void)
{
    ck_assert(outpost_turn_until(accepts, 0));
    ck_assert_int_eq(fcntl(outpost.peer, F_SETFL, 0), 0);
}

size_t outpost_connections(void)
{
    const struct vd_connection *connection;
    size_t count = 0;

    DL_FOREACH (outpost.links->connections, connection)
        count += connection->asleep ? 0 : 1;
    return count;
}

void outpost_greet(enum vd_link_kind kind)
{
    outpost_perform_connect(1, kind, "127.0.0.1", outpost.port);
    outpost_accept();
    if (kind == VD_LINK_SUBSCRIBE) {
        outpost_expect_heard(SETNAME SUBSCRIBE);
        outpost_say("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n");
    } else if (kind == VD_LINK_COMMAND) {
        outpost_expect_heard(SETNAME HELLO3);
        outpost_say("+OK\r\n-ERR unknown command `HELLO`\r\n");
    } else {
        outpost_expect_heard(SETNAME);
        outpost_say("+OK\r\n");
    }
    ck_assert_int_eq(outpost_wait_events(1)->type, VD_EV_LINK_UP);
    outpost_forget_events();
}

void outpost_expect_down(size_t count, uint64_t id, enum vd_down_reason reason)
{
    const struct vd_event *event = outpost_wait_events(count);

    ck_assert_int_eq(event->type, VD_EV_LINK_DOWN);
    ck_assert_uint_eq(event->down.link.n, id);
    ck_assert_msg(event->down.reason == reason, "down for %d: %s", (int)event->down.reason,
                  event->down.text);
    ck_assert_ptr_nonnull(event->down.text);
    ck_assert_uint_eq(outpost_connections(), 0);
}
