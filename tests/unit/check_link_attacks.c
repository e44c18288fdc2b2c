/* SPDX-License-Identifier: BSD-3-Clause */
/* Links to hostile servers end; they neither crash nor eat memory. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "outpost.h"
#include "suite.h"

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
    outpost_greet(VD_LINK_COMMAND);
    outpost_perform_send(1, VD_RQ_PING);
    outpost_expect_heard(PING);
    outpost_say(attacks[_i].bytes);
    outpost_expect_down(attacks[_i].answers + 1, 1, VD_DOWN_RESET);
}
END_TEST

/* Feeds one pattern for ever; the link must end long before `most` bytes. */
static void flood(const char *pattern, size_t most)
{
    size_t len = strlen(pattern);
    size_t sent = 0;

    ck_assert_int_eq(fcntl(outpost.peer, F_SETFL, O_NONBLOCK), 0);
    while (outpost.inbox.count == 0 && sent < most) {
        for (int i = 0; i < 100; i++) {
            if (send(outpost.peer, pattern, len, MSG_NOSIGNAL) > 0)
                sent += len;
        }
        ev_run(outpost.loop, EVRUN_NOWAIT);
    }
    ck_assert_msg(outpost.inbox.count == 1, "still there after %zu bytes", sent);
}

START_TEST(endless_bulk)
{
    char pattern[4097];

    memset(pattern, 'x', sizeof(pattern) - 1);
    pattern[sizeof(pattern) - 1] = '\0';
    outpost_greet(VD_LINK_COMMAND);
    outpost_perform_send(1, VD_RQ_INFO);
    outpost_expect_heard("*1\r\n$4\r\nINFO\r\n");
    outpost_say("$536870912\r\n");
    flood(pattern, 16U << 20);
    outpost_expect_down(1, 1, VD_DOWN_RESET);
}
END_TEST

START_TEST(endless_nesting)
{
    outpost_greet(VD_LINK_COMMAND);
    outpost_perform_send(1, VD_RQ_ROLE);
    outpost_expect_heard("*1\r\n$4\r\nROLE\r\n");
    flood("*2\r\n:1\r\n", 16U << 20);
    outpost_expect_down(1, 1, VD_DOWN_RESET);
}
END_TEST

START_TEST(endless_elements)
{
    outpost_greet(VD_LINK_COMMAND);
    outpost_perform_send(1, VD_RQ_ROLE);
    outpost_expect_heard("*1\r\n$4\r\nROLE\r\n");
    outpost_say("*16000\r\n");
    flood("*100\r\n", 16U << 20);
    outpost_expect_down(1, 1, VD_DOWN_RESET);
}
END_TEST

START_TEST(too_many_clients)
{
    outpost_perform_connect(1, VD_LINK_COMMAND, "127.0.0.1", outpost.port);
    outpost_accept();
    outpost_say("-ERR max number of clients reached\r\n");
    outpost_expect_down(2, 1, VD_DOWN_CLOSED);
    ck_assert_str_eq(outpost.inbox.events[1].down.text, "ERR max number of clients reached");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link attacks");
    TCase *hostile = outpost_case("hostile");

    suite_add_rows(hostile, attacks_end_the_link, attacks);
    tcase_add_test(hostile, endless_bulk);
    tcase_add_test(hostile, endless_nesting);
    tcase_add_test(hostile, endless_elements);
    tcase_add_test(hostile, too_many_clients);
    suite_add_tcase(suite, hostile);
    return suite_run(suite);
}
