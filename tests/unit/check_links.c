/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links against a server that is part of the test: one listening socket on
 * loopback, whose bytes the test writes and reads itself, in the same loop.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "base/text.h"
#include "shell/clock.h"
#include "shell/links.h"

#define DEADLINE_MS 10000
#define CHANNEL "__sentinel__:hello"
#define HELLO "127.0.0.1,26379,0123456789abcdef0123456789abcdef01234567,1,m1,127.0.0.1,6379,0"

static struct ev_loop *loop;
static struct vd_inbox inbox;
static struct vd_resolver *resolver;
static struct vd_links *links;
static int listener;
static uint16_t port;
static int peer = -1; /* the server's end */
static struct vd_text heard;
static uint64_t tickets;

static int listen_on_loopback(uint16_t *at)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *at = ntohs(address.sin_port);
    return fd;
}

static void begin(void)
{
    struct vd_server_options server = {.tcp_keepalive_s = 60};
    struct vd_err err;

    (void)signal(SIGPIPE, SIG_IGN);
    loop = ev_default_loop(0);
    resolver = vd_resolver_new(loop, NULL, &err);
    ck_assert_msg(resolver != NULL, "%s", err.text);
    links = vd_links_new(loop, &inbox, resolver, &server);
    listener = listen_on_loopback(&port);
}

static void finish(void)
{
    vd_links_free(links);
    vd_resolver_free(resolver);
    vd_inbox_free(&inbox);
    vd_text_free(&heard);
    (void)close(listener);
    if (peer >= 0)
        (void)close(peer);
    peer = -1;
    ev_loop_destroy(loop);
}

/* The loop ------------------------------------------------------------------------ */

static void on_tick(struct ev_loop *on, ev_timer *timer, int events)
{
    (void)on;
    (void)timer;
    (void)events;
}

/* Turn the loop until the condition is met; the tick is only so that the deadline is looked at. */
static bool turn_until(bool (*is_met)(size_t), size_t argument)
{
    vd_ms end_at = vd_clock_now() + DEADLINE_MS;
    ev_timer tick;
    bool met;

    ev_timer_init(&tick, on_tick, 0.01, 0.01);
    ev_timer_start(loop, &tick);
    while (!(met = is_met(argument)) && vd_clock_now() < end_at) {
        vd_links_flush(links);
        ev_run(loop, EVRUN_ONCE);
    }
    ev_timer_stop(loop, &tick);
    return met;
}

static bool has_events(size_t count)
{
    return inbox.count >= count;
}

static bool hears(size_t count)
{
    char bytes[65536];
    ssize_t got = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (got > 0)
        vd_text_add(&heard, bytes, (size_t)got);
    return heard.len >= count;
}

static bool hears_end(size_t ignored)
{
    char bytes[65536];
    ssize_t got = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT);

    (void)ignored;
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

static const struct vd_event *wait_events(size_t count)
{
    ck_assert_msg(turn_until(has_events, count), "%zu events instead of %zu", inbox.count, count);
    ck_assert_uint_eq(inbox.count, count);
    return &inbox.events[count - 1];
}

/* Nothing more than these events comes while the loop turns a few times. */
static void expect_quiet(size_t count)
{
    for (int i = 0; i < 20; i++) {
        vd_links_flush(links);
        ev_run(loop, EVRUN_NOWAIT);
    }
    ck_assert_uint_eq(inbox.count, count);
}

static void forget_events(void)
{
    vd_inbox_clear(&inbox);
}

/* The server says this. */
static void say(const char *text)
{
    size_t len = strlen(text);

    ck_assert_int_eq(send(peer, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void expect_heard(const char *text)
{
    ck_assert_msg(turn_until(hears, strlen(text)), "heard only: %s", vd_text_cstr(&heard));
    ck_assert_str_eq(vd_text_cstr(&heard), text);
    vd_text_clear(&heard);
}

/* Effects ------------------------------------------------------------------------- */

static struct vd_effect connect_to(uint64_t id, enum vd_link_kind kind, const char *host,
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

static void perform_connect(uint64_t id, enum vd_link_kind kind, const char *host, uint16_t at)
{
    struct vd_effect effect = connect_to(id, kind, host, at);

    vd_links_perform(links, &effect);
}

static uint64_t perform_send(uint64_t id, enum vd_request request)
{
    struct vd_effect effect = {.type = VD_EF_SEND};

    effect.send.link.n = id;
    effect.send.ticket.n = ++tickets;
    effect.send.request = request;
    effect.send.addr = (struct vd_addr){.host = "10.0.0.9", .port = 6379};
    vd_links_perform(links, &effect);
    return tickets;
}

static void perform_close(uint64_t id)
{
    struct vd_effect effect = {.type = VD_EF_CLOSE};

    effect.close.link.n = id;
    vd_links_perform(links, &effect);
}

static bool accepts(size_t ignored)
{
    (void)ignored;
    if (peer < 0)
        peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    return peer >= 0;
}

static void accept_one(void)
{
    ck_assert(turn_until(accepts, 0));
    ck_assert_int_eq(fcntl(peer, F_SETFL, 0), 0);
}

#define SETNAME "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$1\r\nn\r\n"
#define SUBSCRIBE "*2\r\n$9\r\nSUBSCRIBE\r\n$18\r\n" CHANNEL "\r\n"
#define PING "*1\r\n$4\r\nPING\r\n"

/* Link 1 is up and its greeting over. */
static void set_up(enum vd_link_kind kind)
{
    ev_set_io_collect_interval(loop, 0.);
    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    perform_connect(1, kind, "127.0.0.1", port);
    accept_one();
    if (kind == VD_LINK_SUBSCRIBE) {
        expect_heard(SETNAME SUBSCRIBE);
        say("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n");
    } else {
        expect_heard(SETNAME);
        say("+OK\r\n");
    }
    ck_assert_int_eq(wait_events(1)->type, VD_EV_LINK_UP);
    forget_events();
}

static void expect_down(size_t count, uint64_t id, enum vd_down_reason reason)
{
    const struct vd_event *event = wait_events(count);

    ck_assert_int_eq(event->type, VD_EV_LINK_DOWN);
    ck_assert_uint_eq(event->down.link.n, id);
    ck_assert_msg(event->down.reason == reason, "down for %d: %s", (int)event->down.reason,
                  event->down.text);
    ck_assert_ptr_nonnull(event->down.text);
    ck_assert_uint_eq(vd_links_count(links), 0);
}

/* Up and down ---------------------------------------------------------------------- */

START_TEST(comes_up)
{
    const struct vd_event *event;

    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    perform_connect(1, VD_LINK_COMMAND, "127.0.0.1", port);
    ck_assert_uint_eq(vd_links_count(links), 1);
    event = wait_events(1);
    ck_assert_int_eq(event->type, VD_EV_LINK_UP);
    ck_assert_uint_eq(event->up.link.n, 1);
    ck_assert_str_eq(event->up.ip, "127.0.0.1");
    ck_assert_str_eq(event->up.local_ip, "127.0.0.1");
    perform_close(1);
    ck_assert_uint_eq(vd_links_count(links), 0);
    perform_close(1); /* gone already: nothing */
    expect_quiet(1);
}
END_TEST

START_TEST(greets_with_password_and_renames)
{
    char client[] = "CLIENT";
    char other[] = "x";
    const struct vd_rename rename = {client, other};
    struct vd_effect effect = connect_to(1, VD_LINK_COMMAND, "127.0.0.1", port);

    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    effect.connect.user = "u";
    effect.connect.pass = "p";
    effect.connect.renames = &rename;
    effect.connect.rename_count = 1;
    vd_links_perform(links, &effect);
    accept_one();
    expect_heard("*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n*3\r\n$1\r\nx\r\n$7\r\nSETNAME\r\n"
                 "$1\r\nn\r\n");
    say("-WRONGPASS invalid username-password pair\r\n-ERR unknown command\r\n");
    wait_events(1);
    perform_send(1, VD_RQ_PING);
    say("-NOAUTH Authentication required.\r\n");
    ck_assert_int_eq(wait_events(2)->pong.kind, VD_PONG_AUTH);
}
END_TEST

START_TEST(own_password_for_peers)
{
    struct vd_server_options server = {.requirepass = vd_strdup("own")};

    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    vd_links_reconfigure(links, &server);
    perform_connect(1, VD_LINK_PEER, "127.0.0.1", port);
    accept_one();
    expect_heard("*2\r\n$4\r\nAUTH\r\n$3\r\nown\r\n" SETNAME);
    (void)close(peer);
    peer = -1;
    /* Data nodes are another matter. */
    perform_connect(2, VD_LINK_COMMAND, "127.0.0.1", port);
    accept_one();
    expect_heard(SETNAME);
    vd_free(server.requirepass);
}
END_TEST

START_TEST(refused)
{
    (void)close(listener);
    perform_connect(1, VD_LINK_COMMAND, "127.0.0.1", port);
    expect_down(1, 1, VD_DOWN_REFUSED);
    expect_quiet(1);
    listener = listen_on_loopback(&port);
}
END_TEST

START_TEST(closed_and_reset)
{
    struct linger now = {1, 0};

    set_up(VD_LINK_COMMAND);
    perform_send(1, VD_RQ_PING);
    perform_send(1, VD_RQ_INFO);
    expect_heard(PING "*1\r\n$4\r\nINFO\r\n");
    if (_i == 1)
        ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    (void)close(peer);
    peer = -1;
    /* One LINK_DOWN for all that was owed. */
    expect_down(1, 1, _i == 1 ? VD_DOWN_RESET : VD_DOWN_CLOSED);
    expect_quiet(1);
}
END_TEST

START_TEST(closed_by_us_says_nothing)
{
    set_up(VD_LINK_COMMAND);
    perform_send(1, VD_RQ_PING);
    expect_heard(PING);
    say("+PO"); /* half a reply */
    expect_quiet(0);
    perform_close(1);
    ck_assert(turn_until(hears_end, 0));
    expect_quiet(0);
    /* What the core still sends to it, not knowing yet, is ignored. */
    perform_send(1, VD_RQ_PING);
    expect_quiet(0);
}
END_TEST

/* Traffic --------------------------------------------------------------------------- */

START_TEST(answers_in_order)
{
    uint64_t first;

    set_up(VD_LINK_PEER);
    first = perform_send(1, VD_RQ_PING);
    perform_send(1, VD_RQ_INFO);
    perform_send(1, VD_RQ_ROLE);
    expect_heard(PING "*1\r\n$4\r\nINFO\r\n*1\r\n$4\r\nROLE\r\n"); /* one write */
    say("+PONG\r\n$13\r\nrole:master\r\n\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
    wait_events(3);
    ck_assert_int_eq(inbox.events[0].type, VD_EV_PONG);
    ck_assert_uint_eq(inbox.events[0].pong.ticket.n, first);
    ck_assert_int_eq(inbox.events[0].pong.kind, VD_PONG_OK);
    ck_assert_int_eq(inbox.events[1].type, VD_EV_INFO);
    ck_assert_uint_eq(inbox.events[1].info.ticket.n, first + 1);
    ck_assert_int_eq(inbox.events[1].info.info->role, VD_ROLE_PRIMARY);
    ck_assert_int_eq(inbox.events[2].role.role, VD_ROLE_PRIMARY);
    ck_assert_uint_eq(inbox.events[2].role.ticket.n, first + 2);
}
END_TEST

/* However the bytes are cut. */
START_TEST(answers_byte_by_byte)
{
    static const char replies[] = "+PONG\r\n*3\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6380\r\n";

    set_up(VD_LINK_COMMAND);
    perform_send(1, VD_RQ_PING);
    perform_send(1, VD_RQ_ROLE);
    expect_heard(PING "*1\r\n$4\r\nROLE\r\n");
    for (size_t i = 0; i < sizeof(replies) - 1; i++) {
        ck_assert_int_eq(send(peer, replies + i, 1, MSG_NOSIGNAL), 1);
        ev_run(loop, EVRUN_NOWAIT);
    }
    wait_events(2);
    ck_assert_int_eq(inbox.events[0].pong.kind, VD_PONG_OK);
    ck_assert_int_eq(inbox.events[1].role.role, VD_ROLE_REPLICA);
    ck_assert_int_eq(inbox.events[1].role.primary.port, 6380);
}
END_TEST

/* SLAVEOF is said where REPLICAOF is refused, at once, and remembered for the next link. */
START_TEST(turns_with_less_rights)
{
    static const char refusal[] =
        "+OK\r\n-NOPERM no\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
        "-EXECABORT Transaction discarded because of previous errors.\r\n";
    uint64_t ticket;

    set_up(VD_LINK_COMMAND);
    ticket = perform_send(1, VD_RQ_REPLICATE);
    ck_assert(turn_until(hears, 1));
    ck_assert_ptr_nonnull(
        strstr(vd_text_cstr(&heard), "REPLICAOF\r\n$8\r\n10.0.0.9\r\n$4\r\n6379"));
    vd_text_clear(&heard);
    say(refusal);
    ck_assert(turn_until(hears, 100));
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&heard), "SLAVEOF\r\n$8\r\n10.0.0.9\r\n"));
    ck_assert_ptr_null(strstr(vd_text_cstr(&heard), "REPLICAOF"));
    vd_text_clear(&heard);
    expect_quiet(0);
    say("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n+OK\r\n:0\r\n:0\r\n");
    wait_events(1);
    ck_assert_int_eq(inbox.events[0].type, VD_EV_ACK);
    ck_assert(inbox.events[0].ack.ok);
    ck_assert_uint_eq(inbox.events[0].ack.ticket.n, ticket);
    perform_close(1);
    (void)close(peer);
    peer = -1;
    forget_events();
    set_up(VD_LINK_COMMAND);
    perform_send(1, VD_RQ_PROMOTE);
    ck_assert(turn_until(hears, 100));
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&heard), "SLAVEOF\r\n$2\r\nNO\r\n"));
    ck_assert_ptr_null(strstr(vd_text_cstr(&heard), "REPLICAOF"));
}
END_TEST

/* An order that was refused in part must not be sent again behind a later one. */
START_TEST(stale_turns_are_not_repeated)
{
    static const char refusal[] =
        "+OK\r\n-NOPERM no\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
        "-EXECABORT Transaction discarded because of previous errors.\r\n";
    uint64_t first;

    set_up(VD_LINK_COMMAND);
    first = perform_send(1, VD_RQ_PROMOTE);
    perform_send(1, VD_RQ_REPLICATE);
    ck_assert(turn_until(hears, 300));
    vd_text_clear(&heard);
    say(refusal);
    wait_events(1);
    ck_assert_uint_eq(inbox.events[0].ack.ticket.n, first);
    ck_assert(!inbox.events[0].ack.ok);
    say(refusal);
    ck_assert(turn_until(hears, 100));
    ck_assert_ptr_nonnull(strstr(vd_text_cstr(&heard), "SLAVEOF\r\n$8\r\n10.0.0.9"));
}
END_TEST

START_TEST(large_writes_wait_for_a_slow_reader)
{
    size_t sent = 20000;
    size_t len = sent * strlen(PING);

    set_up(VD_LINK_PEER);
    for (size_t i = 0; i < sent; i++)
        perform_send(1, VD_RQ_PING);
    vd_links_flush(links);
    ck_assert(turn_until(hears, len));
    ck_assert_uint_eq(heard.len, len);
    for (size_t i = 0; i < sent; i++)
        ck_assert_mem_eq(heard.bytes + i * strlen(PING), PING, strlen(PING));
    perform_close(1);
}
END_TEST

/* Subscriptions ----------------------------------------------------------------------- */

START_TEST(hellos_come_in)
{
    char message[256];

    set_up(VD_LINK_SUBSCRIBE);
    (void)snprintf(message, sizeof(message),
                   "*3\r\n$7\r\nmessage\r\n$18\r\n" CHANNEL "\r\n$%zu\r\n%s\r\n", strlen(HELLO),
                   HELLO);
    /* A malformed one between two good ones is left out. */
    say(message);
    say("*3\r\n$7\r\nmessage\r\n$18\r\n" CHANNEL "\r\n$5\r\n1,2,3\r\n");
    say(message);
    wait_events(2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(inbox.events[i].type, VD_EV_HELLO);
        ck_assert_uint_eq(inbox.events[i].hello.link.n, 1);
        ck_assert_str_eq(inbox.events[i].hello.hello->group, "m1");
    }
    expect_quiet(2);
}
END_TEST

static const struct {
    const char *reply;
    enum vd_down_reason reason;
} no_subscriptions[] = {
    {"-NOAUTH Authentication required.\r\n", VD_DOWN_AUTH},
    {"-NOPERM this user has no permissions to access one of the channels\r\n", VD_DOWN_AUTH},
    {"-LOADING Redis is loading the dataset in memory\r\n", VD_DOWN_RESET},
};

START_TEST(subscription_refused)
{
    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    perform_connect(1, VD_LINK_SUBSCRIBE, "127.0.0.1", port);
    accept_one();
    expect_heard(SETNAME SUBSCRIBE);
    expect_quiet(0); /* it is up when it is subscribed */
    say("+OK\r\n");
    say(no_subscriptions[_i].reply);
    expect_down(1, 1, no_subscriptions[_i].reason);
}
END_TEST

/* Hostile servers ---------------------------------------------------------------------- */

static const struct {
    const char *bytes;
    size_t answers; /* that come before it is noticed */
} attacks[] = {
    {"+PONG\r\n+PONG\r\n", 1},           /* a reply too many */
    {"HTTP/1.1 400 Bad Request\r\n", 0}, /* another protocol */
    {"*-7\r\n", 0},                      /* a negative count */
    {"$99999999999999999999\r\n", 0},    /* a number too large */
    {"*1000000000\r\n", 0},              /* a claim that costs memory */
    {"*3\r\n*1000000\r\n", 0},           /* the same, within */
    {"*2147483647\r\n", 0},
    {":12x\r\n", 0},
    {"$5\r\nhello!!\r\n", 1}, /* longer than it says */
};

START_TEST(attacks_end_the_link)
{
    set_up(VD_LINK_COMMAND);
    perform_send(1, VD_RQ_PING);
    expect_heard(PING);
    say(attacks[_i].bytes);
    expect_down(attacks[_i].answers + 1, 1, VD_DOWN_RESET);
}
END_TEST

/* Feeds one pattern for ever; the link must end long before `most` bytes. */
static void flood(const char *pattern, size_t most)
{
    size_t len = strlen(pattern);
    size_t sent = 0;

    ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    while (inbox.count == 0 && sent < most) {
        for (int i = 0; i < 100; i++) {
            if (send(peer, pattern, len, MSG_NOSIGNAL) > 0)
                sent += len;
        }
        ev_run(loop, EVRUN_NOWAIT);
    }
    ck_assert_msg(inbox.count == 1, "still there after %zu bytes", sent);
}

START_TEST(endless_bulk)
{
    char pattern[4097];

    memset(pattern, 'x', sizeof(pattern) - 1);
    pattern[sizeof(pattern) - 1] = '\0';
    set_up(VD_LINK_COMMAND);
    perform_send(1, VD_RQ_INFO);
    expect_heard("*1\r\n$4\r\nINFO\r\n");
    say("$536870912\r\n");
    flood(pattern, 16U << 20);
    expect_down(1, 1, VD_DOWN_RESET);
}
END_TEST

START_TEST(endless_nesting)
{
    set_up(VD_LINK_COMMAND);
    perform_send(1, VD_RQ_ROLE);
    expect_heard("*1\r\n$4\r\nROLE\r\n");
    flood("*2\r\n:1\r\n", 16U << 20);
    expect_down(1, 1, VD_DOWN_RESET);
}
END_TEST

START_TEST(endless_elements)
{
    set_up(VD_LINK_COMMAND);
    perform_send(1, VD_RQ_ROLE);
    expect_heard("*1\r\n$4\r\nROLE\r\n");
    say("*16000\r\n");
    flood("*100\r\n", 16U << 20);
    expect_down(1, 1, VD_DOWN_RESET);
}
END_TEST

START_TEST(too_many_clients)
{
    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    perform_connect(1, VD_LINK_COMMAND, "127.0.0.1", port);
    accept_one();
    say("-ERR max number of clients reached\r\n");
    expect_down(2, 1, VD_DOWN_CLOSED);
    ck_assert_str_eq(inbox.events[1].down.text, "ERR max number of clients reached");
}
END_TEST

/* Names and addresses -------------------------------------------------------------------- */

START_TEST(names_are_resolved)
{
    const struct vd_event *event;

    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    /* Where it means ::1 too, nobody listens there, and the other address is tried. */
    perform_connect(1, VD_LINK_COMMAND, "localhost", port);
    event = wait_events(1);
    ck_assert_int_eq(event->type, VD_EV_LINK_UP);
    ck_assert_str_eq(event->up.ip, "127.0.0.1");
}
END_TEST

START_TEST(names_without_address)
{
    struct vd_effect effect = connect_to(1, VD_LINK_COMMAND, "no-such-host.invalid", port);

    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    vd_links_perform(links, &effect);
    expect_down(1, 1, VD_DOWN_UNRESOLVED);
    forget_events();
    /* What it was when it was last known is better than nothing. */
    effect.connect.link.n = 2;
    ck_assert(vd_copy(effect.connect.addr.ip, VD_IP_SIZE, "127.0.0.1"));
    vd_links_perform(links, &effect);
    ck_assert_int_eq(wait_events(1)->type, VD_EV_LINK_UP);
}
END_TEST

START_TEST(closed_while_resolving)
{
    perform_connect(1, VD_LINK_COMMAND, "no-such-host.invalid", port);
    perform_connect(2, VD_LINK_COMMAND, "no-such-host.invalid", port);
    perform_close(1);
    expect_down(1, 2, VD_DOWN_UNRESOLVED);
    expect_quiet(1);
}
END_TEST

START_TEST(bound_to_a_source)
{
    struct vd_server_options server = {.bind_source_addr = vd_strdup("127.0.0.77")};

    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    vd_links_reconfigure(links, &server);
    perform_connect(1, VD_LINK_COMMAND, "127.0.0.1", port);
    ck_assert_str_eq(wait_events(1)->up.local_ip, "127.0.0.77");
    vd_free(server.bind_source_addr);
}
END_TEST

/* Beats ------------------------------------------------------------------------------ */

#define BEATS "__vedette__:beat"
#define BEAT "*3\r\n$7\r\nPUBLISH\r\n$16\r\n" BEATS "\r\n$1\r\nb\r\n"

static void take_beat(void *self, vd_link link, const char *text, size_t len)
{
    ck_assert_uint_eq(link.n, 1);
    vd_text_add(self, text, len);
}

static bool has_beat(size_t beats)
{
    return ((const struct vd_text *)beats)->len > 0;
}

/* By the names that the operator has given the commands. */
START_TEST(beats_go_and_come)
{
    char publish[] = "PUBLISH";
    char subscribe[] = "SUBSCRIBE";
    char p[] = "p";
    char s[] = "s";
    const struct vd_rename renames[] = {{publish, p}, {subscribe, s}};
    struct vd_effect effect = connect_to(1, VD_LINK_SUBSCRIBE, "127.0.0.1", port);
    struct vd_text beats = {0};

    (void)fcntl(listener, F_SETFL, O_NONBLOCK);
    effect.connect.renames = renames;
    effect.connect.rename_count = 2;
    vd_links_hear_beats(links, take_beat, &beats);
    vd_links_perform(links, &effect);
    accept_one();
    expect_heard(SETNAME "*2\r\n$1\r\ns\r\n$18\r\n" CHANNEL "\r\n"
                         "*2\r\n$1\r\ns\r\n$16\r\n" BEATS "\r\n");
    say("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n"
        "*3\r\n$9\r\nsubscribe\r\n$16\r\n" BEATS "\r\n:2\r\n"
        "*3\r\n$7\r\nmessage\r\n$16\r\n" BEATS "\r\n$3\r\nb 1\r\n");
    ck_assert(turn_until(has_beat, (size_t)&beats));
    ck_assert_str_eq(vd_text_cstr(&beats), "b 1");
    vd_text_free(&beats);
    perform_close(1);
    (void)close(peer);
    peer = -1;
    forget_events();

    effect.connect.kind = VD_LINK_COMMAND;
    vd_links_perform(links, &effect);
    accept_one();
    expect_heard(SETNAME);
    vd_links_beat(links, (vd_link){1}, "b");
    expect_heard("*3\r\n$1\r\np\r\n$16\r\n" BEATS "\r\n$1\r\nb\r\n");
    forget_events();
}
END_TEST

static const struct {
    const char *reply;
    bool for_good;
} beat_replies[] = {
    {":0\r\n", false},
    {"-LOADING Redis is loading the dataset in memory\r\n", false},
    {"-NOPERM this user has no permissions to access one of the channels\r\n", true},
    {"-ERR unknown command 'PUBLISH', with args beginning with: 'x'\r\n", true},
};

/* Who cannot take a beat is not sent one a second for ever, each an error in its figures. */
START_TEST(beats_that_are_refused)
{
    set_up(VD_LINK_COMMAND);
    vd_links_beat(links, (vd_link){1}, "b");
    perform_send(1, VD_RQ_PING);
    expect_heard(BEAT PING);
    say(beat_replies[_i].reply);
    say("+PONG\r\n");
    ck_assert_int_eq(wait_events(1)->pong.kind, VD_PONG_OK);
    vd_links_beat(links, (vd_link){1}, "b");
    perform_send(1, VD_RQ_PING);
    expect_heard(beat_replies[_i].for_good ? PING : BEAT PING);
    forget_events();
}
END_TEST

static TCase *make_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, begin, finish);
    tcase_set_timeout(tests, 60);
    return tests;
}

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))

int main(void)
{
    Suite *suite = suite_create("links");
    TCase *life = make_case("up and down");
    TCase *traffic = make_case("traffic");
    TCase *hostile = make_case("hostile");
    TCase *names = make_case("names");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(life, comes_up);
    tcase_add_test(life, greets_with_password_and_renames);
    tcase_add_test(life, own_password_for_peers);
    tcase_add_test(life, refused);
    tcase_add_loop_test(life, closed_and_reset, 0, 2);
    tcase_add_test(life, closed_by_us_says_nothing);
    tcase_add_test(traffic, answers_in_order);
    tcase_add_test(traffic, answers_byte_by_byte);
    tcase_add_test(traffic, turns_with_less_rights);
    tcase_add_test(traffic, stale_turns_are_not_repeated);
    tcase_add_test(traffic, large_writes_wait_for_a_slow_reader);
    tcase_add_test(traffic, hellos_come_in);
    tcase_add_loop_test(traffic, subscription_refused, 0, COUNT(no_subscriptions));
    tcase_add_test(traffic, beats_go_and_come);
    tcase_add_loop_test(traffic, beats_that_are_refused, 0, COUNT(beat_replies));
    tcase_add_loop_test(hostile, attacks_end_the_link, 0, COUNT(attacks));
    tcase_add_test(hostile, endless_bulk);
    tcase_add_test(hostile, endless_nesting);
    tcase_add_test(hostile, endless_elements);
    tcase_add_test(hostile, too_many_clients);
    tcase_add_test(names, names_are_resolved);
    tcase_add_test(names, names_without_address);
    tcase_add_test(names, closed_while_resolving);
    tcase_add_test(names, bound_to_a_source);
    suite_add_tcase(suite, life);
    suite_add_tcase(suite, traffic);
    suite_add_tcase(suite, hostile);
    suite_add_tcase(suite, names);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
