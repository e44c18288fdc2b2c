/* SPDX-License-Identifier: BSD-3-Clause */
/* Base: arena, heap, text and the strict readers. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/delta.h"
#include "base/err.h"
#include "base/handles.h"
#include "base/heap.h"
#include "base/text.h"
#include "suite.h"

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

/* What bursts took is there for the next one, and goes when there is none. */
START_TEST(arena_keeps_big_blocks_amid_bursts)
{
    enum { BIG = 3 };
    struct vd_arena arena = {0};
    const void *big[BIG] = {NULL};

    for (int i = 0; i < 200; i++) {
        (void)vd_arena_alloc(&arena, 1000);
        for (int k = 0; k < BIG; k++) {
            const void *block = vd_arena_alloc(&arena, 300000);
            bool is_known = false;

            for (int n = 0; n < BIG; n++)
                is_known |= big[n] == block;
            ck_assert_int_eq(is_known, i > 0);
            if (i == 0)
                big[k] = block;
        }
        (void)vd_arena_alloc(&arena, 1000000); /* more than any block */
        vd_arena_reset(&arena);
    }
    /* Smaller ones need less. */
    for (int i = 0; i < 200; i++) {
        (void)vd_arena_alloc(&arena, 1000);
        (void)vd_arena_alloc(&arena, 300000);
        vd_arena_reset(&arena);
    }
    ck_assert_ptr_nonnull(arena.spare);
    ck_assert_uint_eq(arena.most, 1);
    for (int i = 0; i < 200; i++) {
        (void)vd_arena_alloc(&arena, 1000);
        vd_arena_reset(&arena);
    }
    ck_assert_ptr_null(arena.spare);
    vd_arena_free(&arena);
}
END_TEST

/* Against an array that needs no searching: put, drop and find at random, so that runs of taken
 * places grow, are cut and wrap around. */
START_TEST(handles_name_what_they_were_given)
{
    enum { NUMBERS = 3000 };
    struct vd_handles handles = {0};
    static char things[NUMBERS];
    static bool is_in[NUMBERS];
    static bool seen[NUMBERS];
    size_t count = 0;
    size_t at = 0;
    unsigned luck = 4711;
    const char *thing;

    ck_assert_ptr_null(vd_handles_find(&handles, 7));
    ck_assert_ptr_null(vd_handles_next(&handles, &at));
    for (int round = 0; round < 60000; round++) {
        size_t n;

        luck = luck * 1103515245U + 12345U;
        n = luck / 7 % (round < 30000 ? NUMBERS : 40);
        if (is_in[n])
            vd_handles_drop(&handles, 5 * n + 1);
        else
            vd_handles_put(&handles, 5 * n + 1, &things[n]);
        is_in[n] = !is_in[n];
        count += is_in[n] ? 1 : (size_t)-1;
        ck_assert_uint_eq(handles.count, count);
        n = luck / 11 % NUMBERS;
        ck_assert_ptr_eq(vd_handles_find(&handles, 5 * n + 1), is_in[n] ? &things[n] : NULL);
        ck_assert_ptr_null(vd_handles_find(&handles, 5 * n + 2));
    }
    ck_assert_ptr_null(vd_handles_find(&handles, 0));
    at = 0;
    while ((thing = vd_handles_next(&handles, &at)) != NULL) {
        ck_assert(is_in[thing - things] && !seen[thing - things]);
        seen[thing - things] = true;
        count--;
    }
    ck_assert_uint_eq(count, 0);
    vd_handles_free(&handles);
    ck_assert_ptr_null(vd_handles_find(&handles, 1));
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

/* Room that is kept as a difference, and whether the text comes back as it was. */
static size_t kept(const char *model_text, const char *text, size_t len)
{
    struct vd_text model = {0};
    struct vd_text back = {0};
    struct vd_delta *delta;
    size_t size;

    vd_text_puts(&model, model_text);
    vd_text_puts(&back, "<");
    delta = vd_delta_new(&model, text, len);
    size = vd_delta_size(delta);
    vd_delta_read(delta, &back);
    ck_assert_uint_eq(back.len, len + 1);
    ck_assert_int_eq(back.bytes[0], '<');
    ck_assert_mem_eq(back.bytes + 1, text, len);
    vd_free(delta);
    vd_text_free(&back);
    vd_text_free(&model);
    return size;
}

static const char delta_model[] =
    "# Server\r\nversion:7.0.15\r\nuptime:12\r\nhz:10\r\n\r\n# Memory\r\nused:1000\r\n"
    "human:1.00M\r\npeak:2000\r\n\r\n# Keyspace\r\ndb0:keys=7,expires=0\r\n";

static const struct {
    const char *text;
    size_t most; /* bytes beyond those of a text that is the model itself */
} deltas[] = {
    {delta_model, 0},
    {"", 0},
    /* A value is longer, another shorter. */
    {"# Server\r\nversion:7.0.15\r\nuptime:1234\r\nhz:10\r\n\r\n# Memory\r\nused:9\r\n"
     "human:1.00M\r\npeak:2000\r\n\r\n# Keyspace\r\ndb0:keys=7,expires=0\r\n",
     12},
    /* A line and a section are not there, a line is new, the end is another. */
    {"# Server\r\nversion:7.0.15\r\nhz:10\r\nid:5\r\n\r\n# Memory\r\nused:1000\r\n"
     "human:1.00M\r\npeak:2000\r\n",
     16},
    {"# Server\r\nversion:7.0.15\r\nuptime:12\r\nhz:10\r\n\r\n# Keyspace\r\n"
     "db0:keys=7,expires=0\r\ndb1:keys=1,expires=0",
     28},
    {"no line", 16},
    {"\n\n\n", 16},
    {"# Keyspace\r\n# Memory\r\n# Server\r\nhz:", 32},
    {"hz:1\nhz:2\nhz:3\nuptime:12\r\nuptime:12\r\n", 48},
};

START_TEST(delta_gives_the_text_back)
{
    size_t least = kept(delta_model, delta_model, strlen(delta_model));
    const char *text = deltas[_i].text;

    ck_assert_uint_le(kept(delta_model, text, strlen(text)), least + deltas[_i].most);
    (void)kept("", text, strlen(text));
    (void)kept(text, delta_model, strlen(delta_model));
}
END_TEST

/* Lines of the model in any order, cut, doubled and mixed with any bytes. */
START_TEST(delta_keeps_any_bytes)
{
    unsigned luck = (unsigned)_i * 2654435761U + 1U;
    char text[3000];
    size_t len = 0;

    while (len < sizeof(text) - 256) {
        size_t from;
        size_t some;

        luck = luck * 1103515245U + 12345U;
        from = luck / 7 % strlen(delta_model);
        some = luck / 1024 % (strlen(delta_model) - from);
        memcpy(text + len, delta_model + from, some);
        len += some;
        text[len++] = (char)(luck >> 24);
    }
    (void)kept(delta_model, text, len);
}
END_TEST

START_TEST(delta_of_much)
{
    struct vd_text text = {0};
    size_t size;

    for (int i = 0; i < 20000; i++)
        vd_text_printf(&text, "field_%d:%d\r\n", i, i % 100);
    size = kept("# Server\r\n", vd_text_cstr(&text), text.len);
    ck_assert_uint_le(size, text.len + 64);
    ck_assert_uint_le(kept(vd_text_cstr(&text), vd_text_cstr(&text), text.len), 64);
    vd_text_free(&text);
}
END_TEST

/* A server that wants to be slow to keep: what a line is searched in is bounded, whatever the
 * model. */
START_TEST(delta_of_a_model_without_lines)
{
    struct vd_text model = {0};
    struct vd_text text = {0};

    for (int i = 0; i < 100000; i++) {
        vd_text_puts(&model, "0123456789012345678901234567890123456789");
        vd_text_puts(&text, "a\n");
    }
    ck_assert_uint_le(kept(vd_text_cstr(&model), vd_text_cstr(&text), text.len), text.len + 64);
    vd_text_free(&model);
    vd_text_free(&text);
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

    tcase_add_test(tcase, arena_keeps_what_it_gave);
    tcase_add_test(tcase, arena_keeps_big_blocks_amid_bursts);
    tcase_add_test(tcase, handles_name_what_they_were_given);
    tcase_add_test(tcase, heap_gives_the_earliest_first);
    tcase_add_test(tcase, heap_keeps_the_order_of_equals);
    suite_add_rows(tcase, number_is, numbers);
    suite_add_rows(tcase, glob_is, globs);
    tcase_add_test(tcase, glob_may_ignore_case);
    tcase_add_test(tcase, text_grows_and_holds_zero_bytes);
    suite_add_rows(tcase, delta_gives_the_text_back, deltas);
    tcase_add_loop_test(tcase, delta_keeps_any_bytes, 0, 200);
    tcase_add_test(tcase, delta_of_much);
    tcase_add_test(tcase, delta_of_a_model_without_lines);
    tcase_add_test(tcase, copy_never_cuts);
    tcase_add_test(tcase, errors_are_wrapped);
    tcase_add_test_raise_signal(tcase, assertions_stay_on, SIGABRT);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
