/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outpost: a server that is part of the test, for unit tests of shell/links. One
 * listening socket on loopback, whose bytes the test writes and reads itself, in
 * the loop of the links. The test is the core too: it performs effects by hand
 * and looks into the inbox. There is one, since Check's fixtures take no argument.
 */
#ifndef VD_TESTS_OUTPOST_H
#define VD_TESTS_OUTPOST_H

#include <check.h>

#include "base/text.h"
#include "shell/links.h"

#define CHANNEL "__sentinel__:hello"
/* What a link says: its greetings, and PING. A command link asks for RESP3. */
#define HELLO3 "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"
#define SETNAME "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$1\r\nn\r\n"
#define SUBSCRIBE "*2\r\n$9\r\nSUBSCRIBE\r\n$18\r\n" CHANNEL "\r\n"
#define PING "*1\r\n$4\r\nPING\r\n"

struct outpost {
    struct ev_loop *loop;
    struct vd_inbox inbox;
    struct vd_resolver *resolver;
    struct vd_links *links;
    int listener; /* -1: nobody listens */
    uint16_t port;
    int peer; /* the server's end of the link that was accepted last, -1: none */
    struct vd_text heard;
    uint64_t tickets;
};

extern struct outpost outpost;

/* A case whose tests each have an outpost of their own. */
TCase *outpost_case(const char *name);

/* Turn the loop until the condition is met; false: not within 10 s. */
bool outpost_turn_until(bool (*is_met)(size_t), size_t argument);
/* Conditions: so many bytes have been heard; the link has hung up. */
bool outpost_hears(size_t count);
bool outpost_hears_end(size_t ignored);

/* Wait until there are so many events, no more; the last of them. */
const struct vd_event *outpost_wait_events(size_t count);
/* Nothing more than these events comes while the loop turns a few times. */
void outpost_expect_quiet(size_t count);
void outpost_forget_events(void);
/* The last of `count` events tells that the link is down, for this reason; none is left. */
void outpost_expect_down(size_t count, uint64_t id, enum vd_down_reason reason);

/* How many connections the links have, those being opened included. */
size_t outpost_connections(void);

/* The effect that opens a link, for those who add to it; one is performed. */
struct vd_effect outpost_connect_effect(uint64_t id, enum vd_link_kind kind, const char *host,
                                        uint16_t at);
void outpost_perform_connect(uint64_t id, enum vd_link_kind kind, const char *host, uint16_t at);
/* Its ticket. An order to replicate names 10.0.0.9:6379. */
uint64_t outpost_perform_send(uint64_t id, enum vd_request request);
void outpost_perform_close(uint64_t id);

/* The server's side: take the link, answer, hear exactly this, end it, be gone. */
void outpost_accept(void);
void outpost_say(const char *text);
void outpost_expect_heard(const char *text);
void outpost_hang_up(void);
void outpost_stop_listening(void);

/* Link 1 is up and its greeting over. RESP2 is spoken. */
void outpost_greet(enum vd_link_kind kind);

#endif
