/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recordings: a run with a failed save and a failover is repeated exactly;
 * a recording with any other byte, a part of it, or more than it, is refused,
 * or what is left of it is repeated; and the file by which a daemon keeps one.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "playback.h"
#include "proto/info.h"
#include "scratch.h"
#include "shell/log.h"
#include "shell/record.h"
#include "suite.h"

#define SELF "5e1f000000000000000000000000000000000000"
#define REPLID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SECRET "correct horse"

/* A run -------------------------------------------------------------------------- */

static struct vd_drive drive;
static struct vd_record *record;
static struct vd_arena arena;
static bool disk_fails;
static bool alive; /* the primary answers */
static struct vd_event inbox[64];
static size_t inbox_count;
static vd_ms now;
static unsigned promoted;
static char file[SCRATCH_SIZE + 16];
static struct ev_loop *loop;

static bool save(void *self, const struct vd_image *image, struct vd_receipt *receipt,
                 struct vd_err *err)
{
    (void)self;
    (void)image;
    receipt->durable = !disk_fails;
    return !disk_fails || vd_err_set(err, "No space left on device");
}

static void push(const struct vd_event *event)
{
    ck_assert_uint_lt(inbox_count, sizeof(inbox) / sizeof(inbox[0]));
    inbox[inbox_count++] = *event;
}

static const char primary_text[] =
    "role:master\r\nrun_id:1111111111111111111111111111111111111111\r\nconnected_slaves:1\r\n"
    "slave0:ip=10.0.0.2,port=6379,state=online,offset=100,lag=0\r\nmaster_replid:" REPLID
    "\r\nmaster_repl_offset:100\r\n# Keyspace\r\ndb0:keys=1\r\n";
static const char replica_text[] =
    "role:slave\r\nrun_id:2222222222222222222222222222222222222222\r\nmaster_host:10.0.0.1\r\n"
    "master_port:6379\r\nmaster_link_status:up\r\nslave_repl_offset:100\r\nslave_priority:100\r\n"
    "master_replid:" REPLID "\r\nmaster_repl_offset:100\r\n# Keyspace\r\ndb0:keys=1\r\n";

static bool link_is_replica[1000];

static void answer(const struct vd_effect *effect)
{
    struct vd_event event = {.dice = 7};
    bool replica = link_is_replica[effect->send.link.n];
    const char *text = replica && promoted == 0 ? replica_text : primary_text;
    struct vd_info *info = vd_arena_alloc(&arena, sizeof(*info));

    if (effect->send.request == VD_RQ_PROMOTE)
        promoted++;
    if (!alive && !replica)
        return;
    event.ack.link = effect->send.link;
    event.ack.ticket = effect->send.ticket;
    if (effect->send.request == VD_RQ_PING) {
        event.type = VD_EV_PONG;
        event.pong.text = "PONG";
    } else if (effect->send.request == VD_RQ_INFO) {
        event.type = VD_EV_INFO;
        ck_assert(vd_info_parse(text, strlen(text), &arena, info));
        event.info.info = info;
        event.info.raw = text;
    } else if (effect->send.request == VD_RQ_ROLE) {
        event.type = VD_EV_ROLE;
        event.role.role = VD_ROLE_PRIMARY;
    } else {
        event.type = VD_EV_ACK;
        event.ack.ok = true;
        event.ack.text = NULL;
    }
    push(&event);
}

static void perform(void *self, const struct vd_effect *effect)
{
    struct vd_event event = {.type = VD_EV_LINK_UP};

    (void)self;
    if (effect->type == VD_EF_SEND)
        answer(effect);
    if (effect->type != VD_EF_CONNECT)
        return;
    link_is_replica[effect->connect.link.n] = strcmp(effect->connect.addr.ip, "10.0.0.2") == 0;
    event.up.link = effect->connect.link;
    event.up.ip =
        effect->connect.addr.ip[0] == '\0' ? "?" : vd_arena_strdup(&arena, effect->connect.addr.ip);
    event.up.local_ip = "10.0.0.9";
    push(&event);
}

static void refuse(void *self, const struct vd_effect *effect, const char *reason)
{
    (void)self;
    (void)effect;
    (void)reason;
}

static const struct vd_drive_ops ops = {save, perform, refuse};

static void turn(void)
{
    struct vd_event taken[64];
    size_t count = inbox_count;

    memcpy(taken, inbox, sizeof(taken));
    inbox_count = 0;
    vd_record_expect(record, taken, count, now, (uint32_t)now);
    vd_drive_turn(&drive, taken, count, now, (uint32_t)now);
    vd_record_turn(record, &drive);
}

/* Turns until the instant, as a loop would have them. */
static void pass(vd_ms until)
{
    while (inbox_count != 0 || vd_drive_wake_at(&drive) <= until) {
        vd_ms wake_at = vd_drive_wake_at(&drive);

        if (inbox_count == 0 && wake_at > now)
            now = wake_at;
        turn();
    }
    now = until;
}

static void start(void)
{
    struct vd_globals globals;
    struct vd_options options;
    struct vd_image_group group = {.name = "m"};
    struct vd_image image = {.self = {SELF}};
    const struct vd_event event = {.type = VD_EV_START};

    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    options.auth_pass = vd_strdup(SECRET);
    options.quorum = 1;
    options.down_after_ms = 500;
    group.options = &options;
    group.primary = (struct vd_addr){.host = "10.0.0.1", .ip = "10.0.0.1", .port = 6379};
    image.globals = &globals;
    image.groups = &group;
    image.group_count = 1;
    vd_drive_init(&drive, vd_core_new(&image, false), &ops, NULL);
    vd_record_begin(record, loop, &image, false);
    vd_options_free(&options);
    vd_globals_free(&globals);
    now = 1000;
    alive = true;
    promoted = 0;
    push(&event);
}

static void set_password(const char *password)
{
    static struct vd_setting setting = {.option = VD_OPT_AUTH_PASS, .word = "auth-pass"};
    static struct vd_order order = {.type = VD_ORDER_SET, .name = "m", .setting_count = 1};
    struct vd_event event = {.type = VD_EV_ORDER, .order = {{1}, &order}};

    setting.text = password;
    setting.shown = "******";
    order.settings = &setting;
    push(&event);
}

/* A whole story: a save that fails, an order with a secret, a primary that dies. */
static void play(void)
{
    start();
    pass(3000);
    disk_fails = true;
    set_password(SECRET);
    pass(4000);
    disk_fails = false;
    pass(12000);
    alive = false;
    pass(30000);
    ck_assert_uint_ge(promoted, 1);
}

static void setup(void)
{
    struct vd_err err;

    scratch_make();
    (void)snprintf(file, sizeof(file), "%s/r", scratch_dir);
    loop = ev_loop_new(EVFLAG_AUTO);
    vd_log_set_level(VD_LOG_NOTHING);
    record = vd_record_open(file, 0, &err);
    ck_assert_ptr_nonnull(record);
}

static void teardown(void)
{
    if (drive.core != NULL)
        vd_drive_free(&drive);
    vd_record_close(record);
    record = NULL;
    inbox_count = 0;
    scratch_remove();
    ev_loop_destroy(loop);
    vd_arena_free(&arena);
}

/* The bytes of the closed recording; of the caller. */
static unsigned char *take(size_t *len)
{
    FILE *in;
    unsigned char *bytes;
    struct stat stat_of;

    vd_record_close(record);
    record = NULL;
    ck_assert_int_eq(stat(file, &stat_of), 0);
    ck_assert_uint_eq(stat_of.st_mode & 0777, 0600);
    bytes = vd_alloc((size_t)stat_of.st_size + 1);
    in = fopen(file, "rb");
    ck_assert_ptr_nonnull(in);
    *len = fread(bytes, 1, (size_t)stat_of.st_size + 1, in);
    ck_assert_uint_eq(*len, (size_t)stat_of.st_size);
    (void)fclose(in);
    return bytes;
}

/* Replaying ---------------------------------------------------------------------- */

START_TEST(the_same_again)
{
    size_t len;
    unsigned char *bytes;

    play();
    bytes = take(&len);
    ck_assert_int_eq(playback_run(bytes, len), VD_REPLAY_SAME);
    ck_assert_int_eq(playback.end, VD_REPLAY_CLOSED);
    ck_assert_uint_gt(playback.turns, 100);
    ck_assert_uint_gt(playback.effects, 100);
    ck_assert_int_ge(playback.lasted_ms, 28000);
    ck_assert_ptr_null(memmem(bytes, len, SECRET, strlen(SECRET)));
    ck_assert_ptr_nonnull(memmem(bytes, len, "hidden-", 7));
    vd_free(bytes);
}
END_TEST

/* A short run, every byte of which is changed, one bit at a time. */
START_TEST(any_other_bit)
{
    size_t len;
    unsigned char *bytes;

    start();
    pass(1100);
    bytes = take(&len);
    ck_assert_int_eq(playback_run(bytes, len), VD_REPLAY_SAME);
    for (size_t i = 0; i < len * 8; i++) {
        bytes[i / 8] = (unsigned char)(bytes[i / 8] ^ 1U << i % 8);
        ck_assert_msg(playback_run(bytes, len) != VD_REPLAY_SAME, "bit %zu of byte %zu", i % 8,
                      i / 8);
        ck_assert_uint_gt(strlen(playback.text), 0);
        bytes[i / 8] = (unsigned char)(bytes[i / 8] ^ 1U << i % 8);
    }
    vd_free(bytes);
}
END_TEST

START_TEST(any_other_length)
{
    size_t len;
    size_t refused = 0;
    unsigned char *bytes;

    start();
    pass(1100);
    bytes = take(&len);
    for (size_t i = 0; i < len; i++) {
        char *part = vd_memdup(bytes, i);
        enum vd_replay_verdict verdict = playback_run(part, i);

        ck_assert(verdict == VD_REPLAY_REFUSED ||
                  (verdict == VD_REPLAY_SAME && playback.end == VD_REPLAY_KILLED));
        refused += verdict == VD_REPLAY_REFUSED;
        vd_free(part);
    }
    ck_assert_uint_gt(refused, VD_RECORDING_MAGIC_LEN);
    ck_assert_uint_lt(refused, len);
    bytes[len] = 'B'; /* there is room for a NUL */
    ck_assert_int_eq(playback_run(bytes, len + 1), VD_REPLAY_REFUSED);
    vd_free(bytes);
}
END_TEST

START_TEST(time_does_not_run_back)
{
    size_t len;
    unsigned char *bytes;

    start();
    pass(1100);
    vd_record_expect(record, inbox, 0, 5, 0);
    vd_drive_turn(&drive, inbox, 0, now, 0);
    vd_record_turn(record, &drive);
    bytes = take(&len);
    ck_assert_int_eq(playback_run(bytes, len), VD_REPLAY_REFUSED);
    ck_assert_str_eq(playback.text, "time runs backwards");
    vd_free(bytes);
}
END_TEST

/* The file ----------------------------------------------------------------------- */

START_TEST(what_is_there_is_left_alone)
{
    struct vd_err err;
    char second[sizeof(file) + 2];

    start();
    pass(1100);
    vd_record_close(record);
    record = vd_record_open(file, 0, &err);
    ck_assert_ptr_nonnull(record);
    (void)snprintf(second, sizeof(second), "%s.1", file);
    ck_assert_str_eq(vd_record_path(record), second);
    ck_assert_int_eq(access(second, F_OK), 0);
    /* Nothing was begun in it. */
    vd_record_close(record);
    record = NULL;
    ck_assert_int_eq(access(second, F_OK), -1);
    ck_assert_int_eq(access(file, F_OK), 0);
}
END_TEST

START_TEST(nowhere_to_write)
{
    struct vd_err err;

    vd_record_close(record);
    record = vd_record_open("/nonexistent/r", 0, &err);
    ck_assert_ptr_null(record);
    ck_assert_str_eq(err.text, "cannot record into /nonexistent/r: No such file or directory");
}
END_TEST

/* Let the recording be written, into files of so many bytes: but not those of Check. */
static void write_under(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    int set = setrlimit(RLIMIT_FSIZE, &limit);

    ev_run(loop, EVRUN_NOWAIT);
    set |= setrlimit(RLIMIT_FSIZE, &none);
    ck_assert_int_eq(set, 0);
}

/* A file that may not grow: what is there stays good, and the run goes on. */
START_TEST(a_full_disk)
{
    size_t len;
    unsigned char *bytes;

    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    start();
    for (vd_ms at = 1000; at < 12000; at += 100) {
        pass(at);
        write_under(8000);
    }
    bytes = take(&len);
    ck_assert_uint_gt(len, 1000);
    ck_assert_uint_le(len, 8000);
    ck_assert_int_eq(playback_run(bytes, len), VD_REPLAY_SAME);
    ck_assert_int_eq(playback.end, VD_REPLAY_KILLED);
    ck_assert_int_lt(playback.lasted_ms, 10000);
    vd_free(bytes);
}
END_TEST

/* What was given to the turn amid which the process ends is in the file at once. */
START_TEST(the_last_turn)
{
    size_t len;
    unsigned char *bytes;

    start();
    pass(1100);
    vd_record_expect(record, inbox, 0, now, 1);
    vd_record_panic();
    bytes = take(&len);
    ck_assert_int_eq(playback_run(bytes, len), VD_REPLAY_REFUSED); /* closed as well, and told so */
    ck_assert_int_eq(playback_run(bytes, len - VD_FRAME_HEAD_LEN - VD_FRAME_TAIL_LEN),
                     VD_REPLAY_SAME);
    ck_assert_int_eq(playback.end, VD_REPLAY_AMID);
    vd_free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recording");
    TCase *tcase = tcase_create("recording");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_same_again);
    tcase_add_test(tcase, any_other_bit);
    tcase_add_test(tcase, any_other_length);
    tcase_add_test(tcase, time_does_not_run_back);
    tcase_add_test(tcase, what_is_there_is_left_alone);
    tcase_add_test(tcase, nowhere_to_write);
    tcase_add_test(tcase, a_full_disk);
    tcase_add_test(tcase, the_last_turn);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
