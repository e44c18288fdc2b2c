/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hearing: more sockets are always ready, to read and to write, than the loop
 * takes at once. What is said to have been heard has been, and hearing goes on.
 */
#include <check.h>
#include <ev.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shell/clock.h"
#include "shell/hearing.h"
#include "shell/log.h"
#include "suite.h"

/*
 * libev asks for 64 in the first look, and for twice as many after each that was full. A mark that
 * was set after the second comes in the fourth, which has room for 512 only.
 */
#define NOISY 700
#define SILENT 100 /* they speak once each */

struct ear {
    ev_io read;
    ev_io write;
    int fds[2];
    vd_ms spoke_at; /* not heard yet; VD_NEVER: nothing to hear */
};

static struct ev_loop *loop;
static struct vd_hearing hearing;
static struct ear noisy[NOISY];
static struct ear silent[SILENT];
static unsigned heard;

static void on_noise(struct ev_loop *of, ev_io *watcher, int events)
{
    (void)of; /* it is left unread: there is always more */
    (void)watcher;
    (void)events;
}

static void on_word(struct ev_loop *of, ev_io *watcher, int events)
{
    struct ear *ear = watcher->data;
    char byte;

    (void)of;
    (void)events;
    ck_assert_int_eq(read(watcher->fd, &byte, 1), 1);
    ear->spoke_at = VD_NEVER;
    heard++;
}

static void open_ear(struct ear *ear, void (*call)(struct ev_loop *, ev_io *, int))
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ear->fds), 0);
    ev_io_init(&ear->read, call, ear->fds[0], EV_READ);
    ear->read.data = ear;
    ear->spoke_at = VD_NEVER;
    ev_io_start(loop, &ear->read);
}

static void close_ear(struct ear *ear)
{
    ev_io_stop(loop, &ear->read);
    (void)close(ear->fds[0]);
    (void)close(ear->fds[1]);
}

static void set_up(void)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_ge(limit.rlim_max, (rlim_t)2 * (NOISY + SILENT) + 64);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    vd_log_set_level(VD_LOG_NOTHING);
    loop = ev_loop_new(EVFLAG_AUTO);
    ck_assert_ptr_nonnull(loop);
    vd_hearing_start(&hearing, loop);
    heard = 0;
    for (size_t i = 0; i < SILENT; i++)
        open_ear(&silent[i], on_word);
}

static void tear_down(void)
{
    for (size_t i = 0; i < SILENT; i++)
        close_ear(&silent[i]);
    vd_hearing_stop(&hearing);
    ev_loop_destroy(loop);
}

/* Another watcher of the same descriptor, always ready as well, makes two callbacks of one. */
static void make_noise(void)
{
    for (size_t i = 0; i < NOISY; i++) {
        open_ear(&noisy[i], on_noise);
        ev_io_init(&noisy[i].write, on_noise, noisy[i].fds[0], EV_WRITE);
        ev_io_start(loop, &noisy[i].write);
        ck_assert_int_eq(write(noisy[i].fds[1], "x", 1), 1);
    }
}

static void end_noise(void)
{
    for (size_t i = 0; i < NOISY; i++) {
        ev_io_stop(loop, &noisy[i].write);
        close_ear(&noisy[i]);
    }
}

static void wait_for_another_ms(void)
{
    vd_ms now = vd_clock_now();

    while (vd_clock_now() == now)
        ;
}

static void speak(struct ear *ear)
{
    ear->spoke_at = vd_clock_now();
    ck_assert_int_eq(write(ear->fds[1], "x", 1), 1);
    wait_for_another_ms();
}

static void look(void)
{
    vd_hearing_look(&hearing);
    ev_run(loop, EVRUN_NOWAIT);
    for (size_t i = 0; i < SILENT; i++)
        ck_assert_msg(silent[i].spoke_at == VD_NEVER || silent[i].spoke_at >= hearing.until,
                      "what was said at %lld is unread at %lld, and all was said to be read",
                      (long long)silent[i].spoke_at, (long long)hearing.until);
}

START_TEST(what_was_heard_has_been_read)
{
    vd_ms begun_at;

    make_noise();
    begun_at = vd_clock_now();
    wait_for_another_ms();
    for (size_t i = 0; i < SILENT; i++) {
        speak(&silent[i]);
        look();
    }
    ck_assert_int_gt(hearing.until, begun_at);
    end_noise();
}
END_TEST

/* Everything that was said is known to be heard a few looks later, however loud it is. */
START_TEST(noise_hides_nothing_for_long)
{
    make_noise();
    for (size_t i = 0; i < 8; i++) {
        vd_ms said_at;

        speak(&silent[i]);
        said_at = vd_clock_now();
        wait_for_another_ms();
        for (int looks = 0; hearing.until < said_at; looks++) {
            ck_assert_int_lt(looks, 40);
            look();
        }
        ck_assert_uint_eq(heard, i + 1);
    }
    end_noise();
}
END_TEST

START_TEST(in_peace_one_look_is_enough)
{
    for (size_t i = 0; i < 8; i++) {
        vd_ms said_at;

        speak(&silent[i]);
        said_at = vd_clock_now();
        look();
        ck_assert_uint_eq(heard, i + 1);
        ck_assert_int_ge(hearing.until, said_at);
    }
}
END_TEST

START_TEST(after_noise_comes_peace)
{
    vd_ms at;

    make_noise();
    for (size_t i = 0; i < 5; i++)
        look();
    end_noise();
    look();
    wait_for_another_ms();
    at = vd_clock_now();
    look();
    ck_assert_int_ge(hearing.until, at);
    look(); /* a mark that came late takes nothing back */
    ck_assert_int_ge(hearing.until, at);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hearing");
    TCase *tcase = tcase_create("hearing");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, in_peace_one_look_is_enough);
    tcase_add_test(tcase, what_was_heard_has_been_read);
    tcase_add_test(tcase, noise_hides_nothing_for_long);
    tcase_add_test(tcase, after_noise_comes_peace);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
