/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recordings that nobody recorded: whole frames, with good checks, that make no
 * sense, and those of a core that acts in another way, which is found out.
 */
#include <check.h>
#include <string.h>

#include "base/text.h"
#include "playback.h"
#include "suite.h"

#define SELF "5e1f000000000000000000000000000000000000"

static struct vd_text forged;
static struct vd_recording forger;

static const struct vd_event start_event = {.type = VD_EV_START};
static const struct vd_event due_event = {.type = VD_EV_DUE};

static void forge_begin(void)
{
    const struct vd_origin origin = {.version = "another"};
    struct vd_globals globals;
    struct vd_image image = {.self = {SELF}};

    vd_globals_init(&globals);
    image.globals = &globals;
    ck_assert(vd_recording_begin(&forger, &origin, &image, NULL, &forged));
    vd_globals_free(&globals);
}

static void forge_turn(const struct vd_event *event, vd_ms at, const struct vd_digest *digest)
{
    const struct vd_turn_input input = {.now = at, .events = event, .count = event != NULL};

    ck_assert(vd_recording_turn(&forger, &input, digest, NULL, &forged));
}

static void expect_forged(enum vd_replay_verdict verdict, const char *text)
{
    ck_assert_int_eq(playback_run(forged.bytes, forged.len), verdict);
    ck_assert_msg(strstr(playback.text, text) != NULL, "%s", playback.text);
    vd_text_clear(&forged);
    vd_recording_free(&forger);
    vd_recording_init(&forger);
}

START_TEST(whole_frames_of_nonsense)
{
    const struct vd_digest none = {0};
    const struct vd_digest saved = {.to_save = true, .saved = true};
    const struct vd_digest lies = {.saved = true};
    struct vd_digest many = {.to_save = true, .saved = true, .count = 1};
    uint32_t sum = 1;

    many.effects = &sum;
    vd_recording_init(&forger);
    vd_text_puts(&forged, "vedette recordings\n");
    expect_forged(VD_REPLAY_REFUSED, "no recording");
    vd_text_puts(&forged, "vedette recording x\n");
    expect_forged(VD_REPLAY_REFUSED, "no recording");
    vd_text_puts(&forged, "vedette recording 1");
    expect_forged(VD_REPLAY_REFUSED, "no recording");
    vd_text_puts(&forged, "vedette recording 1\nB");
    expect_forged(VD_REPLAY_REFUSED, "it is of format 1, and this vedette-replay reads format 2 "
                                     "only; use the one of the vedette that recorded it");
    vd_text_puts(&forged, "vedette recording 12\n");
    expect_forged(VD_REPLAY_REFUSED, "it is of format 12, ");
    vd_text_puts(&forged, VD_RECORDING_MAGIC);
    expect_forged(VD_REPLAY_REFUSED, "ends before it begins");
    vd_text_puts(&forged, VD_RECORDING_MAGIC);
    vd_recording_end(&forger, &forged);
    expect_forged(VD_REPLAY_REFUSED, "does not begin once");
    for (unsigned i = 0; i < 2; i++) { /* frames that hold nothing, where something is needed */
        forge_begin();
        vd_text_free(&forger.payload);
        ck_assert(vd_recording_frame(&forger, i == 0 ? VD_FRAME_TURN : VD_FRAME_CUT, &forged));
        expect_forged(VD_REPLAY_REFUSED, "turn 1 makes no sense: it ends too early");
    }
    vd_text_puts(&forged, VD_RECORDING_MAGIC);
    ck_assert(vd_recording_frame(&forger, VD_FRAME_BEGIN, &forged));
    expect_forged(VD_REPLAY_REFUSED, "what it starts from makes no sense: it ends too early");
    forge_begin();
    forge_turn(&due_event, 5, &none);
    expect_forged(VD_REPLAY_REFUSED, "does not start once");
    forge_begin();
    forge_turn(NULL, 5, &none);
    expect_forged(VD_REPLAY_REFUSED, "never starts");
    forge_begin();
    forge_turn(&start_event, 5, &lies);
    expect_forged(VD_REPLAY_REFUSED, "saved what was not to be saved");
    /* It saves an image, whose checksum is not 0. */
    forge_begin();
    forge_turn(&start_event, 5, &saved);
    expect_forged(VD_REPLAY_DIFFERS, "what is saved differs");
    forge_begin();
    forge_turn(&start_event, 5, &many);
    expect_forged(VD_REPLAY_DIFFERS, "0 effects instead of the 1 recorded");
    ck_assert_str_eq(playback.version, "another");
    vd_recording_free(&forger);
    vd_text_free(&forged);
}
END_TEST

START_TEST(amid_a_turn)
{
    struct vd_turn_input input = {.now = 5, .events = &start_event, .count = 1};

    vd_recording_init(&forger);
    forge_begin();
    ck_assert(vd_recording_cut(&forger, &input, NULL, &forged));
    ck_assert_int_eq(playback_run(forged.bytes, forged.len), VD_REPLAY_SAME);
    ck_assert_int_eq(playback.end, VD_REPLAY_AMID);
    ck_assert_uint_eq(playback.turns, 1);
    /* Nothing may follow the turn in which the process ended. */
    ck_assert(vd_recording_cut(&forger, &input, NULL, &forged));
    expect_forged(VD_REPLAY_REFUSED, "behind its end");
    vd_recording_free(&forger);
    vd_text_free(&forged);
}
END_TEST

START_TEST(the_first_difference_is_named)
{
    const struct vd_event other = {.type = VD_EV_START};
    struct vd_digest digest = {.to_save = true, .saved = true, .count = 1};
    uint32_t wrong = 0;
    struct vd_globals globals;
    struct vd_options options;
    struct vd_image_group group = {.name = "m"};
    struct vd_image image = {.self = {SELF}};
    const struct vd_origin origin = {.version = "x"};

    digest.effects = &wrong;
    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    group.options = &options;
    group.primary = (struct vd_addr){.host = "10.0.0.1", .ip = "10.0.0.1", .port = 6379};
    image.globals = &globals;
    image.groups = &group;
    image.group_count = 1;
    vd_recording_init(&forger);
    ck_assert(vd_recording_begin(&forger, &origin, &image, NULL, &forged));
    forge_turn(&other, 5, &digest);
    expect_forged(VD_REPLAY_DIFFERS, "turn 1, 0 ms after the start: effect 1 of 1 differs; "
                                     "the replay has: NOTICE warning +monitor master m 10.0.0.1");
    vd_options_free(&options);
    vd_globals_free(&globals);
    vd_recording_free(&forger);
    vd_text_free(&forged);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forgery");
    TCase *tcase = tcase_create("forgery");

    tcase_add_test(tcase, whole_frames_of_nonsense);
    tcase_add_test(tcase, amid_a_turn);
    tcase_add_test(tcase, the_first_difference_is_named);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
