/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests out of bytes: what is read does not depend on how the bytes arrive,
 * protocol errors are Redis's, and no input whatever makes the reader use more
 * than it was given.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "proto/reader.h"
#include "suite.h"

#define REPEAT_MARK '~' /* "~" in a table stands for 70,000 times 'x' */
#define REPEAT_COUNT 70000

/*
 * What is read: words between <>, requests ended by ';', "!reason" at a protocol
 * error; "" when more is needed.
 */
static const struct {
    const char *input;
    bool stranger;
    const char *read;
} cases[] = {
    {"PING\r\n", false, "<PING>;"},
    {"PING\r\n\n", false, "<PING>;;"},
    {"PING a  b\n", false, "<PING><a><b>;"},
    {"  \r\nPING\r\n", false, ";<PING>;"},
    {"a \"b c\\x41\\n\" 'd'\r\n", false, "<a><b cA\n><d>;"},
    {"a \"\"\r\n", false, "<a><>;"},
    {"a \"b\r\n", false, "!unbalanced quotes in request"},
    {"a \"b\"c\r\n", false, "!unbalanced quotes in request"},
    {"PING", false, ""},
    {"~", false, "!too big inline request"},
    {"*1\r\n$4\r\nPING\r\n", false, "<PING>;"},
    {"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", false, "<ECHO><>;"},
    {"*2\r\n$4\r\nECHO\r\n$3\r\n\r\n*\r\nPING\r\n", false, "<ECHO><\r\n*>;<PING>;"},
    {"*1\r\n$4\r\nPINGxx*1\r\n$1\r\na\r\n", false, "<PING>;<a>;"}, /* nobody looks at the end */
    {"*0\r\nPING\r\n", false, ";<PING>;"},
    {"*-3\r\n*1\r\n$1\r\nx\r\n", false, ";<x>;"},
    {"*1\r\n$4\r\nPIN", false, ""},
    {"*1\r\n$4", false, ""},
    {"*1\r", false, ""},
    {"*", false, ""},
    {"*x\r\n", false, "!invalid multibulk length"},
    {"*\r\n", false, "!invalid multibulk length"},
    {"* 1\r\n", false, "!invalid multibulk length"},
    {"*+1\r\n", false, "!invalid multibulk length"},
    {"*01\r\n", false, "!invalid multibulk length"},
    {"*2147483647\r\n", false, ""},
    {"*2147483648\r\n", false, "!invalid multibulk length"},
    {"*99999999999999999999\r\n", false, "!invalid multibulk length"},
    {"*~", false, "!too big mbulk count string"},
    {"*1\r\nPING\r\n", false, "!expected '$', got 'P'"},
    {"*1\r\n\r\n", false, "!expected '$', got '\r'"},
    {"*1\r\n$-1\r\n", false, "!invalid bulk length"},
    {"*1\r\n$\r\n", false, "!invalid bulk length"},
    {"*1\r\n$1x\r\n", false, "!invalid bulk length"},
    {"*1\r\n$536870912\r\n", false, ""},
    {"*1\r\n$536870913\r\n", false, "!invalid bulk length"},
    {"*1\r\n$~", false, "!too big bulk count string"},
    {"PING\r\n*x\r\n", false, "<PING>;!invalid multibulk length"},
    {"*10\r\n", true, ""},
    {"*11\r\n", true, "!unauthenticated multibulk length"},
    {"*1\r\n$16384\r\n", true, ""},
    {"*1\r\n$16385\r\n", true, "!unauthenticated bulk length"},
};

static struct vd_text input;
static struct vd_text seen;
static struct vd_reader reader;

static void set_up(void)
{
    vd_reader_init(&reader);
}

static void tear_down(void)
{
    vd_reader_free(&reader);
    vd_text_free(&input);
    vd_text_free(&seen);
}

static void expand(const char *from)
{
    for (; *from != '\0'; from++) {
        for (int i = 0; *from == REPEAT_MARK && i < REPEAT_COUNT; i++)
            vd_text_putc(&input, 'x');
        if (*from != REPEAT_MARK)
            vd_text_putc(&input, *from);
    }
}

/*
 * Feed the bytes in pieces of `piece`, each time from a fresh copy that begins
 * with the request under way, as a client's buffer might move.
 */
static void feed(const char *bytes, size_t len, size_t piece, bool stranger)
{
    size_t start = 0;
    size_t end = 0;
    char *copy = NULL;

    vd_text_clear(&seen);
    while (end < len) {
        enum vd_read got = VD_READ_REQUEST;

        end = len - end < piece ? len : end + piece;
        vd_free(copy);
        copy = vd_memdup(bytes + start, end - start);
        for (size_t at = 0; got == VD_READ_REQUEST && start < end; at += reader.used) {
            got = vd_reader_next(&reader, copy + at, end - start, stranger);
            if (got == VD_READ_BROKEN) {
                vd_text_printf(&seen, "!%s", reader.error + strlen("Protocol error: "));
                vd_free(copy);
                return;
            }
            if (got == VD_READ_MORE)
                break;
            ck_assert_uint_gt(reader.used, 0);
            ck_assert_uint_le(reader.used, end - start);
            for (size_t i = 0; i < reader.count; i++) {
                ck_assert_int_eq(reader.words[i].bytes[reader.words[i].len], '\0');
                vd_text_putc(&seen, '<');
                vd_text_add(&seen, reader.words[i].bytes, reader.words[i].len);
                vd_text_putc(&seen, '>');
            }
            vd_text_putc(&seen, ';');
            start += reader.used;
        }
    }
    vd_free(copy);
}

START_TEST(reads)
{
    static const size_t pieces[] = {SIZE_MAX, 1, 2, 3, 5, 7};
    size_t count = sizeof(pieces) / sizeof(pieces[0]);

    expand(cases[_i].input);
    /* Long ones byte by byte would cost a copy of all that came before, each time. */
    if (input.len > 1000)
        count = 1;
    for (size_t i = 0; i < count; i++) {
        vd_reader_free(&reader);
        feed(input.bytes, input.len, pieces[i], cases[_i].stranger);
        ck_assert_str_eq(vd_text_cstr(&seen), cases[_i].read);
    }
}
END_TEST

/* Long lines in pieces that a socket may give. */
START_TEST(long_lines_in_pieces)
{
    for (size_t piece = 4096; piece < REPEAT_COUNT; piece *= 2) {
        vd_reader_free(&reader);
        vd_text_clear(&input);
        expand("*1\r\n$~");
        feed(input.bytes, input.len, piece, false);
        ck_assert_str_eq(vd_text_cstr(&seen), "!too big bulk count string");
    }
}
END_TEST

START_TEST(many_words)
{
    size_t words = 3000;

    vd_text_printf(&input, "*%zu\r\n", words);
    for (size_t i = 0; i < words; i++)
        vd_text_puts(&input, "$2\r\nab\r\n");
    ck_assert_int_eq(vd_reader_next(&reader, input.bytes, input.len - 1, false), VD_READ_MORE);
    ck_assert(vd_reader_is_amid(&reader));
    ck_assert_int_eq(vd_reader_next(&reader, input.bytes, input.len, false), VD_READ_REQUEST);
    ck_assert_uint_eq(reader.count, words);
    ck_assert_uint_eq(reader.used, input.len);
    ck_assert_str_eq(reader.words[words - 1].bytes, "ab");
    ck_assert(!vd_reader_is_amid(&reader));
}
END_TEST

/* A small generator, so that a failing seed is a number. */
static unsigned dice(uint64_t *state, unsigned sides)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(*state >> 33) % sides;
}

/* Whatever comes: whole or in pieces, the same is read. */
START_TEST(junk)
{
    static const char *const bits[] = {"*1\r\n", "*2\r\n", "$1\r\n", "$3\r\n",  "a",         "\r\n",
                                       "\n",     "\"",     "'",      "*",       "$",         "\r",
                                       " ",      "-1",     "\\x4",   "abc\r\n", "9999999999"};
    uint64_t state = (uint64_t)_i + 1;
    unsigned count = 1 + dice(&state, 14);
    char *whole;

    for (unsigned i = 0; i < count; i++)
        vd_text_puts(&input, bits[dice(&state, sizeof(bits) / sizeof(bits[0]))]);
    if (dice(&state, 4) == 0)
        input.bytes[dice(&state, (unsigned)input.len)] = '\0';
    feed(input.bytes, input.len, SIZE_MAX, false);
    whole = vd_memdup(vd_text_cstr(&seen), seen.len);
    vd_reader_free(&reader);
    feed(input.bytes, input.len, 1, false);
    ck_assert_str_eq(vd_text_cstr(&seen), whole);
    vd_free(whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader");
    TCase *tcase = tcase_create("reader");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    suite_add_rows(tcase, reads, cases);
    tcase_add_test(tcase, long_lines_in_pieces);
    tcase_add_test(tcase, many_words);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("junk");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, junk, 0, 2000);
    suite_add_tcase(suite, tcase);
    return suite_run_unforked(suite);
}
