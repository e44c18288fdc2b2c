/* SPDX-License-Identifier: BSD-3-Clause */
/* Scripts: started without a shell, with three descriptors and default signals, and told when they
 * end. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ev.h>

#include "base/text.h"
#include "scratch.h"
#include "shell/clock.h"
#include "shell/spawn.h"
#include "suite.h"

#define DEADLINE_MS 10000

static struct ev_loop *loop;
static struct vd_inbox inbox;
static struct vd_spawn *spawn;
static char script[128];
static char output[128];

static void begin(void)
{
    scratch_make();
    (void)snprintf(script, sizeof(script), "%s/script", scratch_dir);
    (void)snprintf(output, sizeof(output), "%s/output", scratch_dir);
    loop = ev_default_loop(0);
    ck_assert_ptr_nonnull(loop);
    spawn = vd_spawn_new(loop, &inbox);
}

static void finish(void)
{
    vd_spawn_free(spawn);
    vd_inbox_free(&inbox);
    ev_loop_destroy(loop);
    scratch_remove();
}

static void write_script(const char *text)
{
    scratch_put(script, text);
    ck_assert_int_eq(chmod(script, 0700), 0);
}

/* Runs the words, NULL behind the last, as a job. */
static void start(uint64_t job, ...)
{
    const char *argv[16] = {NULL};
    struct vd_effect effect = {.type = VD_EF_SPAWN};
    size_t count = 0;
    va_list words;

    va_start(words, job);
    while (count < 15 && (argv[count] = va_arg(words, const char *)) != NULL)
        count++;
    va_end(words);
    effect.spawn.job.n = job;
    effect.spawn.argv = argv;
    vd_spawn_perform(spawn, &effect);
}

static void on_deadline(struct ev_loop *on, ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(on, EVBREAK_ONE);
}

/* Until so many events are there. */
static void wait_for(size_t count)
{
    vd_ms end_at = vd_clock_now() + DEADLINE_MS;
    ev_timer deadline;

    ev_timer_init(&deadline, on_deadline, DEADLINE_MS / 1000., 0.);
    ev_timer_start(loop, &deadline);
    while (inbox.count < count && vd_clock_now() < end_at)
        ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &deadline);
    ck_assert_msg(inbox.count == count, "%zu events, %zu expected", inbox.count, count);
}

static void check_end(size_t at, uint64_t job, int exit_code, int number)
{
    const struct vd_event *event = &inbox.events[at];

    ck_assert_int_eq(event->type, VD_EV_SCRIPT_EXIT);
    ck_assert_uint_eq(event->script.job.n, job);
    ck_assert_int_eq(event->script.signal, number);
    if (number == 0)
        ck_assert_int_eq(event->script.exit_code, exit_code);
    ck_assert(!event->script.failed_to_start);
    ck_assert_int_eq(vd_spawn_pid(spawn, (vd_job){job}), 0);
}

static char *read_output(void)
{
    struct vd_text text = {0};
    char bytes[4096];
    size_t got;
    FILE *file = fopen(output, "r");

    ck_assert_ptr_nonnull(file);
    while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0)
        vd_text_add(&text, bytes, got);
    (void)fclose(file);
    vd_text_putc(&text, '\0');
    return text.bytes;
}

START_TEST(exit_codes)
{
    char line[32];

    (void)snprintf(line, sizeof(line), "exit %d", _i);
    start(3, "/bin/sh", "-c", line, NULL);
    ck_assert_int_gt(vd_spawn_pid(spawn, (vd_job){3}), 0);
    wait_for(1);
    check_end(0, 3, _i, 0);
}
END_TEST

START_TEST(words_arrive_unchanged)
{
    char *text;

    write_script("#!/bin/sh\nfor word; do printf '[%s]' \"$word\"; done > \"$OUTPUT\"\n");
    ck_assert_int_eq(setenv("OUTPUT", output, 1), 0);
    start(1, script, "+sdown", "master m1 127.0.0.1 6379", "$(reboot); `x` \"'", "", NULL);
    wait_for(1);
    check_end(0, 1, 0, 0);
    text = read_output();
    ck_assert_str_eq(text, "[+sdown][master m1 127.0.0.1 6379][$(reboot); `x` \"'][]");
    vd_free(text);
}
END_TEST

START_TEST(only_three_descriptors)
{
    char *text;
    int left = open("/dev/null", O_RDONLY); /* not close-on-exec, as of a careless library */
    int high = fcntl(left, F_DUPFD, 700);

    ck_assert_int_ge(high, 700);
    ck_assert_int_eq(setenv("OUTPUT", output, 1), 0);
    /* No script here: the shell would hold it open. ls has its directory open, as the fourth. */
    start(1, "/bin/sh", "-c", "exec ls /proc/self/fd > \"$OUTPUT\"", NULL);
    wait_for(1);
    check_end(0, 1, 0, 0);
    text = read_output();
    ck_assert_str_eq(text, "0\n1\n2\n3\n");
    (void)close(left);
    (void)close(high);
    vd_free(text);
}
END_TEST

static uint64_t signals_of(const char *status, const char *name)
{
    const char *at = strstr(status, name);

    ck_assert_ptr_nonnull(at);
    return strtoull(at + strlen(name), NULL, 16);
}

START_TEST(default_signals)
{
    sigset_t blocked;
    char *text;

    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    write_script("#!/bin/sh\ngrep -E '^Sig(Blk|Ign)' /proc/self/status > \"$OUTPUT\"\n");
    ck_assert_int_eq(setenv("OUTPUT", output, 1), 0);
    start(1, script, NULL);
    wait_for(1);
    text = read_output();
    ck_assert_uint_eq(signals_of(text, "SigBlk:"), 0);
    /* 32 and 33 are the C library's own. */
    ck_assert_uint_eq(signals_of(text, "SigIgn:") & ~(UINT64_C(3) << 31), 0);
    vd_free(text);
}
END_TEST

START_TEST(cannot_be_run)
{
    start(1, "/no/such/script", NULL);
    start(2, "/etc/passwd", "not executable", NULL);
    wait_for(2);
    for (size_t at = 0; at < 2; at++) {
        int exit_code = inbox.events[at].script.exit_code;

        /* 127: under valgrind the child of posix_spawn shares no memory to tell its errno by. */
        ck_assert_msg(exit_code == 2 || exit_code == 127, "exit code %d", exit_code);
        check_end(at, at + 1, exit_code, 0);
    }
}
END_TEST

START_TEST(killed)
{
    struct vd_effect effect = {.type = VD_EF_KILL};

    effect.kill.job.n = 4;
    vd_spawn_perform(spawn, &effect); /* nobody there: nothing happens */
    start(4, "/bin/sleep", "1000", NULL);
    start(5, "/bin/sh", "-c", "kill -SEGV $$", NULL);
    wait_for(1);
    check_end(0, 5, 0, SIGSEGV);
    ck_assert_int_gt(vd_spawn_pid(spawn, (vd_job){4}), 0);
    vd_spawn_perform(spawn, &effect);
    wait_for(2);
    check_end(1, 4, 0, SIGKILL);
}
END_TEST

START_TEST(many_at_once)
{
    bool seen[17] = {false};

    for (uint64_t job = 1; job <= 16; job++)
        start(job, "/bin/true", NULL);
    wait_for(16);
    for (size_t i = 0; i < 16; i++) {
        uint64_t job = inbox.events[i].script.job.n;

        ck_assert_uint_le(job, 16);
        ck_assert(!seen[job]);
        seen[job] = true;
        check_end(i, job, 0, 0);
    }
}
END_TEST

/* A child that is none of our scripts, as process 1 has them, is reaped and nothing is said. */
START_TEST(strangers_are_reaped)
{
    pid_t pid = fork();
    siginfo_t end;

    if (pid == 0)
        _exit(7);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT), 0);
    start(1, "/bin/true", NULL);
    wait_for(1);
    check_end(0, 1, 0, 0);
    ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spawn");
    TCase *tests = tcase_create("spawn");

    tcase_add_checked_fixture(tests, begin, finish);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, exit_codes, 0, 3);
    tcase_add_test(tests, words_arrive_unchanged);
    tcase_add_test(tests, only_three_descriptors);
    tcase_add_test(tests, default_signals);
    tcase_add_test(tests, cannot_be_run);
    tcase_add_test(tests, killed);
    tcase_add_test(tests, many_at_once);
    tcase_add_test(tests, strangers_are_reaped);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
