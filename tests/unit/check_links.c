/* SPDX-License-Identifier: BSD-3-Clause */
/* Links: how they come up, by name or address, what they greet with, and how they end. */
#include <string.h>
#include <sys/socket.h>

#include "outpost.h"
#include "suite.h"

/* Up and down ---------------------------------------------------------------------- */

START_TEST(comes_up)
{
    const struct vd_event *event;

    outpost_perform_connect(1, VD_LINK_COMMAND, "127.0.0.1", outpost.port);
    ck_assert_uint_eq(outpost_connections(), 1);
    event = outpost_wait_events(1);
    ck_assert_int_eq(event->type, VD_EV_LINK_UP);
    ck_assert_uint_eq(event->up.link.n, 1);
    ck_assert_str_eq(event->up.ip, "127.0.0.1");
    ck_assert_str_eq(event->up.local_ip, "127.0.0.1");
    outpost_perform_close(1);
    ck_assert_uint_eq(outpost_connections(), 0);
    outpost_perform_close(1); /* gone already: nothing */
    outpost_expect_quiet(1);
}
END_TEST

START_TEST(greets_with_password_and_renames)
{
    char client[] = "CLIENT";
    char other[] = "x";
    const struct vd_rename rename = {client, other};
    struct vd_effect effect = outpost_connect_effect(1, VD_LINK_COMMAND, "127.0.0.1", outpost.port);

    effect.connect.user = "u";
    effect.connect.pass = "p";
    effect.connect.renames = &rename;
    effect.connect.rename_count = 1;
    vd_links_perform(outpost.links, &effect);
    outpost_accept();
    outpost_expect_heard(
        "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n*3\r\n$1\r\nx\r\n$7\r\nSETNAME\r\n"
        "$1\r\nn\r\n" HELLO3);
    outpost_say("-WRONGPASS invalid username-password pair\r\n-ERR unknown command\r\n"
                "-NOAUTH HELLO must be called with the client already authenticated\r\n");
    outpost_wait_events(1);
    outpost_perform_send(1, VD_RQ_PING);
    outpost_say("-NOAUTH Authentication required.\r\n");
    ck_assert_int_eq(outpost_wait_events(2)->pong.kind, VD_PONG_AUTH);
}
END_TEST

START_TEST(own_password_for_peers)
{
    struct vd_server_options server = {.requirepass = vd_strdup("own")};

    vd_links_reconfigure(outpost.links, &server);
    outpost_perform_connect(1, VD_LINK_PEER, "127.0.0.1", outpost.port);
    outpost_accept();
    outpost_expect_heard("*2\r\n$4\r\nAUTH\r\n$3\r\nown\r\n" SETNAME);
    outpost_hang_up();
    /* Data nodes are another matter. */
    outpost_perform_connect(2, VD_LINK_COMMAND, "127.0.0.1", outpost.port);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    vd_free(server.requirepass);
}
END_TEST

START_TEST(refused)
{
    outpost_stop_listening();
    outpost_perform_connect(1, VD_LINK_COMMAND, "127.0.0.1", outpost.port);
    outpost_expect_down(1, 1, VD_DOWN_REFUSED);
    outpost_expect_quiet(1);
}
END_TEST

START_TEST(closed_and_reset)
{
    struct linger now = {1, 0};

    outpost_greet(VD_LINK_COMMAND);
    outpost_perform_send(1, VD_RQ_PING);
    outpost_perform_send(1, VD_RQ_INFO);
    outpost_expect_heard(PING "*1\r\n$4\r\nINFO\r\n");
    if (_i == 1)
        ck_assert_int_eq(setsockopt(outpost.peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    outpost_hang_up();
    /* One LINK_DOWN for all that was owed. */
    outpost_expect_down(1, 1, _i == 1 ? VD_DOWN_RESET : VD_DOWN_CLOSED);
    outpost_expect_quiet(1);
}
END_TEST

START_TEST(closed_by_us_says_nothing)
{
    outpost_greet(VD_LINK_COMMAND);
    outpost_perform_send(1, VD_RQ_PING);
    outpost_expect_heard(PING);
    outpost_say("+PO"); /* half a reply */
    outpost_expect_quiet(0);
    outpost_perform_close(1);
    ck_assert(outpost_turn_until(outpost_hears_end, 0));
    outpost_expect_quiet(0);
    /* What the core still sends to it, not knowing yet, is ignored. */
    outpost_perform_send(1, VD_RQ_PING);
    outpost_expect_quiet(0);
}
END_TEST

/* Names and addresses -------------------------------------------------------------------- */

START_TEST(names_are_resolved)
{
    const struct vd_event *event;

    /* Where it means ::1 too, nobody listens there, and the other address is tried. */
    outpost_perform_connect(1, VD_LINK_COMMAND, "localhost", outpost.port);
    event = outpost_wait_events(1);
    ck_assert_int_eq(event->type, VD_EV_LINK_UP);
    ck_assert_str_eq(event->up.ip, "127.0.0.1");
}
END_TEST

START_TEST(names_without_address)
{
    struct vd_effect effect =
        outpost_connect_effect(1, VD_LINK_COMMAND, "no-such-host.invalid", outpost.port);

    vd_links_perform(outpost.links, &effect);
    outpost_expect_down(1, 1, VD_DOWN_UNRESOLVED);
    outpost_forget_events();
    /* What it was when it was last known is better than nothing. */
    effect.connect.link.n = 2;
    ck_assert(vd_copy(effect.connect.addr.ip, VD_IP_SIZE, "127.0.0.1"));
    vd_links_perform(outpost.links, &effect);
    ck_assert_int_eq(outpost_wait_events(1)->type, VD_EV_LINK_UP);
}
END_TEST

START_TEST(closed_while_resolving)
{
    outpost_perform_connect(1, VD_LINK_COMMAND, "no-such-host.invalid", outpost.port);
    outpost_perform_connect(2, VD_LINK_COMMAND, "no-such-host.invalid", outpost.port);
    outpost_perform_close(1);
    outpost_expect_down(1, 2, VD_DOWN_UNRESOLVED);
    outpost_expect_quiet(1);
}
END_TEST

START_TEST(bound_to_a_source)
{
    struct vd_server_options server = {.bind_source_addr = vd_strdup("127.0.0.77")};

    vd_links_reconfigure(outpost.links, &server);
    outpost_perform_connect(1, VD_LINK_COMMAND, "127.0.0.1", outpost.port);
    ck_assert_str_eq(outpost_wait_events(1)->up.local_ip, "127.0.0.77");
    vd_free(server.bind_source_addr);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("links");
    TCase *life = outpost_case("up and down");
    TCase *names = outpost_case("names");

    tcase_add_test(life, comes_up);
    tcase_add_test(life, greets_with_password_and_renames);
    tcase_add_test(life, own_password_for_peers);
    tcase_add_test(life, refused);
    tcase_add_loop_test(life, closed_and_reset, 0, 2);
    tcase_add_test(life, closed_by_us_says_nothing);
    tcase_add_test(names, names_are_resolved);
    tcase_add_test(names, names_without_address);
    tcase_add_test(names, closed_while_resolving);
    tcase_add_test(names, bound_to_a_source);
    suite_add_tcase(suite, life);
    suite_add_tcase(suite, names);
    return suite_run(suite);
}
