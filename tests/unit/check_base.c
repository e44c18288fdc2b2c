/* SPDX-License-Identifier: BSD-3-Clause */
/* Base: arena, heap, text and the strict readers. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/heap.h"
#include "base/text.h"

START_TEST(arena_keeps_what_it_gave)
{
    struct vd_arena arena = {0};
    char *texts[500];

    for (int i = 0; i < 500; i++)
        texts[i] = vd_arena_printf(&arena, "%d-%0200d", i, i);
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(strtol(texts[i], NULL, 10), i);
    vd_arena_reset(&arena);
    ck_assert_uint_eq(arena.used, 0);
    /* Reused memory is clean again. */
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(((char *)vd_arena_alloc(&arena, 100))[i], 0);
    vd_arena_free(&arena);
}
END_TEST

START_TEST(heap_gives_the_earliest_first)
{
    struct vd_heap heap = {0};
    struct vd_heap_entry entries[200];
    int64_t last = INT64_MIN;
    unsigned luck = 12345;

    memset(entries, 0, sizeof(entries));
    for (int round = 0; round < 2000; round++) {
        luck = luck * 1103515245U + 12345U;
        if (luck % 5 == 0)
            vd_heap_drop(&heap, &entries[luck / 7 % 200]);
        else
            vd_heap_set(&heap, &entries[luck / 7 % 200], (int64_t)(luck % 1000U));
    }
    while (vd_heap_top(&heap) != NULL) {
        struct vd_heap_entry *top = vd_heap_top(&heap);

        ck_assert_int_ge(top->key, last);
        last = top->key;
        vd_heap_drop(&heap, top);
        ck_assert(!vd_heap_has(top));
    }
    vd_heap_free(&heap);
}
END_TEST

START_TEST(heap_keeps_the_order_of_equals)
{
    struct vd_heap heap = {0};
    struct vd_heap_entry entries[50];

    memset(entries, 0, sizeof(entries));
    for (int i = 0; i < 50; i++)
        vd_heap_set(&heap, &entries[i], 7);
    for (int i = 0; i < 50; i++) {
        ck_assert_ptr_eq(vd_heap_top(&heap), &entries[i]);
        vd_heap_drop(&heap, &entries[i]);
    }
    vd_heap_free(&heap);
}
END_TEST

static const struct {
    const char *text;
    bool good;
    int64_t value;
} numbers[] = {
    {"0", true, 0},
    {"-1", true, -1},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"99999999999999999999999", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"-0", false, 0},
    {"01", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"1.5", false, 0},
    {"+1", false, 0},
    {"0x10", false, 0},
};

START_TEST(number_is)
{
    int64_t value = 77;
    bool good = vd_parse_int64(numbers[_i].text, strlen(numbers[_i].text), &value);

    ck_assert_msg(good == numbers[_i].good, "%s", numbers[_i].text);
    if (good)
        ck_assert_int_eq(value, numbers[_i].value);
}
END_TEST

static const struct {
    const char *pattern;
    const char *text;
    bool match;
} globs[] = {
    {"*", "", true},
    {"*", "anything", true},
    {"+switch-master", "+switch-master", true},
    {"+switch-master", "+switch-maste", false},
    {"[-+]sdown", "-sdown", true},
    {"[-+]sdown", "xsdown", false},
    {"[^a-c]x", "dx", true},
    {"[^a-c]x", "bx", false},
    {"[c-a]x", "bx", true},
    {"h?llo", "hello", true},
    {"h?llo", "hllo", false},
    {"a*b*c", "aXXbYYc", true},
    {"a*b*c", "aXXbYY", false},
    {"\\*", "*", true},
    {"\\*", "x", false},
    {"[", "[", false},
    {"a[", "a", false},
    {"*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    {"", "", true},
    {"", "x", false},
};

START_TEST(glob_is)
{
    const char *pattern = globs[_i].pattern;
    const char *text = globs[_i].text;

    ck_assert_msg(vd_glob(pattern, strlen(pattern), text, strlen(text), false) == globs[_i].match,
                  "%s %s", pattern, text);
}
END_TEST

START_TEST(glob_may_ignore_case)
{
    ck_assert(vd_glob("ANNOUNCE-*", 10, "announce-ip", 11, true));
    ck_assert(!vd_glob("ANNOUNCE-*", 10, "announce-ip", 11, false));
}
END_TEST

START_TEST(text_grows_and_holds_zero_bytes)
{
    struct vd_text text = {0};

    for (int i = 0; i < 1000; i++)
        vd_text_add(&text, "a\0b", 3);
    ck_assert_uint_eq(text.len, 3000);
    vd_text_clear(&text);
    vd_text_put_int(&text, INT64_MIN);
    vd_text_putc(&text, ' ');
    vd_text_printf(&text, "%s", "end");
    ck_assert_str_eq(vd_text_cstr(&text), "-9223372036854775808 end");
    vd_text_free(&text);
    ck_assert_str_eq(vd_text_cstr(&text), "");
}
END_TEST

START_TEST(copy_never_cuts)
{
    char small[4] = "xyz";

    ck_assert(!vd_copy(small, sizeof(small), "four"));
    ck_assert_str_eq(small, "");
    ck_assert(vd_copy(small, sizeof(small), "abc"));
    ck_assert_str_eq(small, "abc");
}
END_TEST

START_TEST(errors_are_wrapped)
{
    struct vd_err err = {{0}};

    ck_assert(!vd_err_set(&err, "No space left"));
    ck_assert(!vd_err_wrap(&err, "state: %s", "rename"));
    ck_assert_str_eq(err.text, "state: rename: No space left");
    ck_assert(!vd_err_set(NULL, "nobody asked"));
}
END_TEST

START_TEST(assertions_stay_on)
{
    VD_ASSERT(1 == 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *tcase = tcase_create("base");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, arena_keeps_what_it_gave);
    tcase_add_test(tcase, heap_gives_the_earliest_first);
    tcase_add_test(tcase, heap_keeps_the_order_of_equals);
    tcase_add_loop_test(tcase, number_is, 0, (int)(sizeof(numbers) / sizeof(numbers[0])));
    tcase_add_loop_test(tcase, glob_is, 0, (int)(sizeof(globs) / sizeof(globs[0])));
    tcase_add_test(tcase, glob_may_ignore_case);
    tcase_add_test(tcase, text_grows_and_holds_zero_bytes);
    tcase_add_test(tcase, copy_never_cuts);
    tcase_add_test(tcase, errors_are_wrapped);
    tcase_add_test_raise_signal(tcase, assertions_stay_on, SIGABRT);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
