/* SPDX-License-Identifier: BSD-3-Clause */
/* Couple: two links of one server, see couple.h. */
#include "couple.h"

void couple_connect(uint64_t id, enum vd_link_kind kind)
{
    outpost_perform_connect(id, kind, "127.0.0.1", outpost.port);
}

void couple_connect_both(void)
{
    couple_connect(1, VD_LINK_COMMAND);
    couple_connect(2, VD_LINK_SUBSCRIBE);
}

const struct vd_event *couple_event(size_t index)
{
    ck_assert_uint_gt(outpost.inbox.count, index);
    return &outpost.inbox.events[index];
}

void couple_expect_up(size_t count, uint64_t id)
{
    const struct vd_event *event = outpost_wait_events(count);

    ck_assert_int_eq(event->type, VD_EV_LINK_UP);
    ck_assert_uint_eq(event->up.link.n, id);
    ck_assert_str_eq(event->up.ip, "127.0.0.1");
    ck_assert_str_eq(event->up.local_ip, "127.0.0.1");
}

void couple_check_down(size_t index, uint64_t id, enum vd_down_reason reason)
{
    const struct vd_event *event = couple_event(index);

    ck_assert_int_eq(event->type, VD_EV_LINK_DOWN);
    ck_assert_uint_eq(event->down.link.n, id);
    ck_assert_int_eq(event->down.reason, reason);
}

void couple_check_both_down(size_t index, enum vd_down_reason reason)
{
    couple_check_down(index, 1, reason);
    couple_check_down(index + 1, 2, reason);
    ck_assert_uint_eq(outpost_connections(), 0);
}

int couple_accept_another(void)
{
    int before = outpost.peer;

    outpost.peer = -1;
    outpost_accept();
    return before;
}

void couple_greet(uint64_t id, const char *answer)
{
    couple_connect(id, VD_LINK_COMMAND);
    outpost_accept();
    outpost_expect_heard(SETNAME HELLO3);
    couple_expect_up(1, id);
    outpost_say("+OK\r\n");
    outpost_say(answer);
    outpost_expect_quiet(1);
    outpost_forget_events();
}

void couple_share(void)
{
    couple_greet(1, IS_RESP3);
    couple_connect(2, VD_LINK_SUBSCRIBE);
    outpost_expect_heard(SUBSCRIBE);
    outpost_expect_quiet(0);
    outpost_say(SUBSCRIBED);
    couple_expect_up(1, 2);
    outpost_forget_events();
    ck_assert_uint_eq(outpost_connections(), 1);
}
