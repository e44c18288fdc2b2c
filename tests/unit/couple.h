/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Couple: the command link and the subscription of the outpost's server, for
 * unit tests of those that share a connection. Link 1 is the command link, 2
 * the subscription.
 */
#ifndef VD_TESTS_COUPLE_H
#define VD_TESTS_COUPLE_H

#include "outpost.h"

#define UNSUBSCRIBE "*2\r\n$11\r\nUNSUBSCRIBE\r\n$18\r\n" CHANNEL "\r\n"
#define IS_RESP3 "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"
#define SUBSCRIBED ">3\r\n$9\r\nsubscribe\r\n$18\r\n" CHANNEL "\r\n:1\r\n"
#define UNSUBSCRIBED ">3\r\n$11\r\nunsubscribe\r\n$18\r\n" CHANNEL "\r\n:0\r\n"
#define HELLO "127.0.0.1,26379,0123456789abcdef0123456789abcdef01234567,1,m1,127.0.0.1,6379,0"
#define MESSAGE ">3\r\n$7\r\nmessage\r\n$18\r\n" CHANNEL "\r\n$78\r\n" HELLO "\r\n"

/* To the outpost: one of the links, or both. */
void couple_connect(uint64_t id, enum vd_link_kind kind);
void couple_connect_both(void);

/* The event at this place of the inbox, which has it. */
const struct vd_event *couple_event(size_t index);
/* The last of `count` events tells that the link is up. */
void couple_expect_up(size_t count, uint64_t id);
/* The event tells that the link is down. */
void couple_check_down(size_t index, uint64_t id, enum vd_down_reason reason);
/* The events at this place and the next tell it of both links, and no connection is left. */
void couple_check_both_down(size_t index, enum vd_down_reason reason);

/* The next connection is the one that the test speaks on; returns the one before. */
int couple_accept_another(void);

/* The command link is greeted, and its server has answered HELLO so. */
void couple_greet(uint64_t id, const char *answer);

/* Both are up, on one connection. */
void couple_share(void);

#endif
