/* SPDX-License-Identifier: BSD-3-Clause */
/* The hello line, and the words and addresses that it and others are made of. */
#include <check.h>
#include <string.h>

#include "proto/addr.h"
#include "proto/hello.h"
#include "proto/words.h"
#include "suite.h"

#define ID "0123456789abcdef0123456789abcdef01234567"

/* Hello ---------------------------------------------------------------------- */

static const char *const good[] = {
    "127.0.0.1,26379," ID ",7,mymaster,10.0.0.1,6379,3",
    "::1,26379," ID ",0,m,fe80::2,6379,0",
    "sentinel-1.example,1," ID ",18446744073709551615,a:b.c,redis_2,65535,18446744073709551615",
    "127.0.0.1,0," ID ",7,mymaster,10.0.0.1,0,3",
};

START_TEST(hello_there_and_back)
{
    struct vd_hello hello;
    struct vd_text text = {0};
    struct vd_err err;

    ck_assert_msg(vd_hello_parse(good[_i], strlen(good[_i]), &hello, &err), "%s", err.text);
    vd_hello_print(&hello, &text);
    ck_assert_str_eq(text.bytes, good[_i]);
    vd_text_free(&text);
}
END_TEST

START_TEST(hello_fields)
{
    struct vd_hello hello;

    ck_assert(vd_hello_parse(good[0], strlen(good[0]), &hello, NULL));
    ck_assert_str_eq(hello.peer.host, "127.0.0.1");
    ck_assert_str_eq(hello.peer.ip, "127.0.0.1");
    ck_assert_int_eq(hello.peer.port, 26379);
    ck_assert_str_eq(hello.id.hex, ID);
    ck_assert_uint_eq(hello.epoch, 7);
    ck_assert_str_eq(hello.group, "mymaster");
    ck_assert_str_eq(hello.primary.host, "10.0.0.1");
    ck_assert_int_eq(hello.primary.port, 6379);
    ck_assert_uint_eq(hello.config_epoch, 3);
}
END_TEST

START_TEST(hello_prints_an_address_without_host)
{
    struct vd_hello hello = {.peer = {.ip = "10.0.0.7", .port = 1}, .id = {ID}, .group = "g"};
    struct vd_text text = {0};

    hello.primary = (struct vd_addr){.host = "name", .ip = "10.0.0.8", .port = 2};
    vd_hello_print(&hello, &text);
    ck_assert_str_eq(text.bytes, "10.0.0.7,1," ID ",0,g,name,2,0");
    vd_text_free(&text);
}
END_TEST

static const char *const bad[] = {
    "",
    ",,,,,,,",
    "hello",
    "127.0.0.1,26379," ID ",7,mymaster,10.0.0.1,6379",
    "127.0.0.1,26379," ID ",7,mymaster,10.0.0.1,6379,3,",
    "127.0.0.1,26379," ID ",7,mymaster,10.0.0.1,6379,3,4",
    ",26379," ID ",7,mymaster,10.0.0.1,6379,3",
    "127.0.0.1,," ID ",7,mymaster,10.0.0.1,6379,3",
    "127.0.0.1,65536," ID ",7,mymaster,10.0.0.1,6379,3",
    "127.0.0.1,-1," ID ",7,mymaster,10.0.0.1,6379,3",
    "127.0.0.1, 1," ID ",7,mymaster,10.0.0.1,6379,3",
    "127.0.0.1,26379,0123,7,mymaster,10.0.0.1,6379,3",
    "127.0.0.1,26379," ID "8,7,mymaster,10.0.0.1,6379,3",
    "127.0.0.1,26379,0123456789abcdef0123456789abcdef0123456\x01,7,mymaster,10.0.0.1,6379,3",
    "127.0.0.1,26379," ID ",-7,mymaster,10.0.0.1,6379,3",
    "127.0.0.1,26379," ID ",18446744073709551616,mymaster,10.0.0.1,6379,3",
    "127.0.0.1,26379," ID ",7,,10.0.0.1,6379,3",
    "127.0.0.1,26379," ID ",7,my master,10.0.0.1,6379,3",
    "127.0.0.1,26379," ID ",7,my\nmaster,10.0.0.1,6379,3",
    "127.0.0.1,26379," ID ",7,mymaster,10.0.0,6379,3",
    "127.0.0.1,26379," ID ",7,mymaster,10.0.0.1,x,3",
    "127.0.0.1,26379," ID ",7,mymaster,10.0.0.1,6379,",
    "127.0.0.1,26379," ID ",7,mymaster,10.0.0.1,6379,3 ",
    "127.0.0.1,26379," ID ",7,mymaster,10.0.0.1,6379,3\r\n",
};

START_TEST(hello_refused)
{
    struct vd_hello hello;
    struct vd_err err = {""};

    ck_assert(!vd_hello_parse(bad[_i], strlen(bad[_i]), &hello, &err));
    ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(hello_too_long)
{
    struct vd_hello hello;
    char name[300];
    struct vd_text text = {0};

    memset(name, 'n', sizeof(name));
    name[255] = '\0';
    vd_text_printf(&text, "127.0.0.1,1," ID ",7,%s,10.0.0.1,6379,3", name);
    ck_assert(vd_hello_parse(text.bytes, text.len, &hello, NULL));
    vd_text_clear(&text);
    name[255] = 'n';
    name[256] = '\0';
    vd_text_printf(&text, "127.0.0.1,1," ID ",7,%s,10.0.0.1,6379,3", name);
    ck_assert(!vd_hello_parse(text.bytes, text.len, &hello, NULL));
    while (text.len < 100000)
        vd_text_putc(&text, ',');
    ck_assert(!vd_hello_parse(text.bytes, text.len, &hello, NULL));
    vd_text_free(&text);
}
END_TEST

/* Addresses ------------------------------------------------------------------- */

static const struct {
    const char *text; /* host:port */
    const char *host; /* NULL: refused */
    const char *ip;
    int port;
} addrs[] = {
    {"10.0.0.1:6379", "10.0.0.1", "10.0.0.1", 6379},
    {"[::1]:6379", "::1", "::1", 6379},
    {"[0:0:0:0:0:0:0:1]:6379", "0:0:0:0:0:0:0:1", "::1", 6379},
    {"redis-1.internal:1", "redis-1.internal", "", 1},
    {"redis.:65535", "redis.", "", 65535},
    {"8.8.8.8.example:1", "8.8.8.8.example", "", 1},
    {"10.0.0.1", NULL, NULL, 0},
    {"10.0.0.1:", NULL, NULL, 0},
    {"10.0.0.1:0", NULL, NULL, 0},
    {"10.0.0.1:65536", NULL, NULL, 0},
    {"10.0.0.1:6379x", NULL, NULL, 0},
    {"10.0.0:6379", NULL, NULL, 0},
    {"10.0.0.256:6379", NULL, NULL, 0},
    {"::1:6379", NULL, NULL, 0},
    {"[10.0.0.1]:6379", NULL, NULL, 0},
    {"[::g]:6379", NULL, NULL, 0},
    {"[]:1", NULL, NULL, 0},
    {":1", NULL, NULL, 0},
    {"", NULL, NULL, 0},
    {"-a:1", NULL, NULL, 0},
    {"a..b:1", NULL, NULL, 0},
    {"a b:1", NULL, NULL, 0},
    {"a,b:1", NULL, NULL, 0},
};

START_TEST(addresses)
{
    struct vd_addr addr;
    struct vd_err err = {""};
    bool ok = vd_addr_parse(&addr, addrs[_i].text, strlen(addrs[_i].text), &err);

    ck_assert_msg(ok == (addrs[_i].host != NULL), "%s: %s", addrs[_i].text, err.text);
    if (!ok) {
        ck_assert_str_ne(err.text, "");
        ck_assert_int_eq(addr.port, 0);
        return;
    }
    ck_assert_str_eq(addr.host, addrs[_i].host);
    ck_assert_str_eq(addr.ip, addrs[_i].ip);
    ck_assert_int_eq(addr.port, addrs[_i].port);
    ck_assert_int_eq(vd_addr_is_name(&addr), addrs[_i].ip[0] == '\0');
}
END_TEST

START_TEST(address_printed)
{
    struct vd_text text = {0};

    vd_addr_print("::1", 6379, &text);
    vd_text_putc(&text, ' ');
    vd_addr_print("redis", 1, &text);
    ck_assert_str_eq(text.bytes, "[::1]:6379 redis:1");
    vd_text_free(&text);
}
END_TEST

/* Words ----------------------------------------------------------------------- */

static const struct {
    const char *line;
    const char *words; /* joined by '|'; NULL: unbalanced */
} lines[] = {
    {"", ""},
    {" \t\r\n", ""},
    {"PING", "PING"},
    {"  a\tb  c ", "a|b|c"},
    {"\"\"", ""},
    {"a \"\" b", "a||b"},
    {"auth-pass \"my\\\"pass\\\\word with spaces\"", "auth-pass|my\"pass\\word with spaces"},
    {"\"\\x41\\x4a\\n\\r\\t\\b\\a\"", "AJ\n\r\t\b\a"},
    {"\"\\xZZ\\q\"", "xZZq"},
    {"'it\\'s \\n'", "it's \\n"},
    {"a\\nb", "a\\nb"},
    {"ab\"cd\" e", "abcd|e"},
    {"\"a\"b", NULL},
    {"'a'b", NULL},
    {"\"a", NULL},
    {"'a", NULL},
    {"\"a\\\"", NULL},
    {"\"", NULL},
    {"a '", NULL},
};

START_TEST(words)
{
    struct vd_arena arena = {0};
    struct vd_words split;
    struct vd_text joined = {0};
    /* exactly as long as it is, so that ASan sees a read beyond */
    size_t len = strlen(lines[_i].line);
    char *line = vd_memdup(lines[_i].line, len);
    bool ok = vd_words_split(line, len, &arena, &split);

    ck_assert_int_eq(ok, lines[_i].words != NULL);
    if (ok) {
        for (size_t i = 0; i < split.count; i++) {
            vd_text_puts(&joined, i == 0 ? "" : "|");
            vd_text_add(&joined, split.list[i].bytes, split.list[i].len);
            ck_assert_int_eq(split.list[i].bytes[split.list[i].len], '\0');
        }
        ck_assert_str_eq(vd_text_cstr(&joined), lines[_i].words);
    }
    vd_text_free(&joined);
    vd_arena_free(&arena);
    vd_free(line);
}
END_TEST

START_TEST(nul_ends_a_line)
{
    struct vd_arena arena = {0};
    struct vd_words split;

    ck_assert(vd_words_split("a b\0c d", 7, &arena, &split));
    ck_assert_uint_eq(split.count, 2);
    ck_assert(!vd_words_split("a \"b\0\"", 6, &arena, &split));
    vd_arena_free(&arena);
}
END_TEST

/* Whatever bytes a word has: quoted, it is read back as it was, and as one word. */
START_TEST(quoting_comes_back)
{
    struct vd_arena arena = {0};

    for (int first = 1; first < 256; first++) {
        for (int second = 0; second < 256; second += 3) {
            char bytes[3] = {(char)first, (char)second, (char)first};
            size_t len = second == 0 ? 1 : 3;
            struct vd_text line = {0};
            struct vd_words split;

            vd_text_puts(&line, "x ");
            vd_words_quote(bytes, len, &line);
            vd_text_puts(&line, " y");
            ck_assert(vd_words_split(line.bytes, line.len, &arena, &split));
            ck_assert_uint_eq(split.count, 3);
            ck_assert_uint_eq(split.list[1].len, len);
            ck_assert_mem_eq(split.list[1].bytes, bytes, len);
            vd_text_free(&line);
        }
        vd_arena_reset(&arena);
    }
    vd_arena_free(&arena);
}
END_TEST

START_TEST(word_compared)
{
    struct vd_word word = {"MoniTor", 7};

    ck_assert(vd_word_is(&word, "monitor"));
    ck_assert(!vd_word_is(&word, "monito"));
    ck_assert(!vd_word_is(&word, "monitors"));
    word = (struct vd_word){"a\0b", 3};
    ck_assert(!vd_word_is(&word, "a"));
    ck_assert(vd_word_has_control(&word));
    word = (struct vd_word){"a b", 3};
    ck_assert(!vd_word_has_control(&word));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hello");
    TCase *tcase = tcase_create("hello");

    suite_add_rows(tcase, hello_there_and_back, good);
    tcase_add_test(tcase, hello_fields);
    tcase_add_test(tcase, hello_prints_an_address_without_host);
    suite_add_rows(tcase, hello_refused, bad);
    tcase_add_test(tcase, hello_too_long);
    suite_add_rows(tcase, addresses, addrs);
    tcase_add_test(tcase, address_printed);
    suite_add_rows(tcase, words, lines);
    tcase_add_test(tcase, nul_ends_a_line);
    tcase_add_test(tcase, quoting_comes_back);
    tcase_add_test(tcase, word_compared);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
