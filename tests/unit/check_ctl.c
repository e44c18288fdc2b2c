/* SPDX-License-Identifier: BSD-3-Clause */
/* What vedettectl makes of words: text made safe, quantities, tables, the command line, replies. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "suite.h"

static const char *safe(const char *text)
{
    static struct vd_text out;

    vd_text_clear(&out);
    vd_ctl_put_safe(&out, text);
    return vd_text_cstr(&out);
}

START_TEST(text_from_outside)
{
    /* Turns the direction of writing; as a literal it would do so here. */
    static const char turned[] = {(char)0xe2, (char)0x80, (char)0xae, 'x', '\0'};
    const struct {
        const char *from;
        const char *to;
    } rows[] = {
        {"", ""},
        {"plain 1", "plain 1"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\033[2J", "\\x1b[2J"},
        {"a\r\nb\tc\x7f", "a\\x0d\\x0a"
                          "b\\x09"
                          "c\\x7f"},
        {"\xc2\x9b"
         "1m",
         "\\xc2\\x9b"
         "1m"}, /* a control sequence in one character */
        {turned, "\\xe2\\x80\\xaex"},
        {"\xff\xc0\xaf", "\\xff\\xc0\\xaf"}, /* no UTF-8; overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* half of a pair */
        {"\xe2\x82", "\\xe2\\x82"},          /* cut off */
        {"\\x1b", "\\\\x1b"},                /* may not look like what we write */
        {"c:\\dir", "c:\\dir"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_str_eq(safe(rows[i].from), rows[i].to);
}
END_TEST

START_TEST(json_of_bytes)
{
    json_t *good = vd_ctl_json_text("gr\xc3\xbc", 4);
    json_t *bad = vd_ctl_json_text("a\xff\033", 3);

    ck_assert_str_eq(json_string_value(good), "gr\xc3\xbc");
    ck_assert_str_eq(json_string_value(bad), "a\\xff\033"); /* jansson escapes controls */
    json_decref(good);
    json_decref(bad);
}
END_TEST

START_TEST(quantities)
{
    static const struct {
        int64_t ms;
        const char *text;
    } times[] = {{0, "0 ms"},      {999, "999 ms"},   {1000, "1.0 s"},        {59999, "59.9 s"},
                 {60000, "1 min"}, {300000, "5 min"}, {3600000, "1 h 0 min"}, {90000000, "1 d 1 h"},
                 {-1, "?"}};
    static const struct {
        int64_t bytes;
        const char *text;
    } sizes[] = {
        {0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 kB"}, {10240, "10 kB"}, {1572864, "1.5 MB"}};
    struct vd_text out = {0};

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        vd_text_clear(&out);
        vd_ctl_put_duration(&out, times[i].ms);
        ck_assert_str_eq(vd_text_cstr(&out), times[i].text);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        vd_text_clear(&out);
        vd_ctl_put_bytes(&out, sizes[i].bytes);
        ck_assert_str_eq(vd_text_cstr(&out), sizes[i].text);
    }
    vd_text_free(&out);
}
END_TEST

START_TEST(tables)
{
    struct vd_ctl_table table;
    struct vd_text out = {0};

    vd_ctl_table_init(&table, false, 2);
    vd_ctl_cell(&table, VD_CTL_BAD, "a");
    vd_ctl_cell_right(&table, VD_CTL_PLAIN, "%d", 7);
    vd_ctl_cell(&table, VD_CTL_PLAIN, "gr\xc3\xbc\xc3\x9f");
    vd_ctl_cell(&table, VD_CTL_PLAIN, "z");
    vd_ctl_row_end(&table);
    vd_ctl_cell(&table, VD_CTL_PLAIN, "long");
    vd_ctl_cell_right(&table, VD_CTL_PLAIN, "1234");
    vd_ctl_cell(&table, VD_CTL_PLAIN, "x\n");
    vd_ctl_cell(&table, VD_CTL_PLAIN, "%s", "");
    vd_ctl_row_end(&table);
    vd_ctl_table_put(&table, &out);
    ck_assert_str_eq(vd_text_cstr(&out), "  a        7  gr\xc3\xbc\xc3\x9f   z\n"
                                         "  long  1234  x\\x0a\n");
    vd_text_clear(&out);
    vd_ctl_table_init(&table, true, 0);
    vd_ctl_cell(&table, VD_CTL_GOOD, "up");
    vd_ctl_cell(&table, VD_CTL_PLAIN, "b");
    vd_ctl_row_end(&table);
    vd_ctl_table_put(&table, &out);
    ck_assert_str_eq(vd_text_cstr(&out), "\033[32mup\033[0m  b\n");
    ck_assert_uint_eq(vd_ctl_width("\033[32mup\033[0m"), 2);
    vd_text_free(&out);
}
END_TEST

/* Replicas of the primary `p` in the order of their names; "a>b" is a, which follows b. */
static json_t *group_of(const char *const *pairs)
{
    json_t *nodes = json_pack("[{s:s, s:s, s:s}]", "node", "p", "role", "primary", "state", "up");

    for (; *pairs != NULL; pairs++) {
        char name[2] = {(*pairs)[0], '\0'};

        json_array_append_new(nodes, json_pack("{s:s, s:s, s:s, s:b, s:s}", "node", name, "role",
                                               "replica", "state", "up", "link_up", 1, "follows",
                                               *pairs + 2));
    }
    return json_pack("{s:s, s:o}", "name", "m", "nodes", nodes);
}

START_TEST(trees)
{
    static const char head[] = "m\np  primary, up\n";
    static const struct {
        const char *pairs[6];
        const char *text;
    } rows[] = {
        {{NULL}, ""},
        {{"a>p", "b>a", "c>p"}, "|-- a  up\n|   `-- b  up\n`-- c  up\n"},
        {{"a>x", "b>a"}, "(?) a  up, follows x\n    `-- b  up\n"},
        {{"a>b", "b>a", "c>p", "d>b"},
         "`-- c  up\n(?) a  up, follows b\n    `-- b  up\n        `-- d  up\n"},
        {{"a>a"}, "(?) a  up, follows a\n"},
        {{"p>p"}, "`-- p  up\n"}, /* nonsense, which ends all the same */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *group = group_of(rows[i].pairs);
        struct vd_ctl ctl = {.coloured = false};
        struct vd_text out = {0};

        vd_ctl_put_tree(&ctl, group, &out);
        ck_assert_int_eq(strncmp(vd_text_cstr(&out), head, strlen(head)), 0);
        ck_assert_str_eq(vd_text_cstr(&out) + strlen(head), rows[i].text);
        vd_text_free(&out);
        json_decref(group);
    }
}
END_TEST

START_TEST(info_lines)
{
    json_t *fields = vd_ctl_info_fields("# Server\r\na:1\r\nb:x:y\r\nnothing\r\n:\r\nc:\xff\r\n");

    ck_assert_str_eq(vd_ctl_text_of(fields, "a"), "1");
    ck_assert_int_eq(vd_ctl_number_of(fields, "a", -1), 1);
    ck_assert_str_eq(vd_ctl_text_of(fields, "b"), "x:y");
    ck_assert_int_eq(vd_ctl_number_of(fields, "b", -1), -1);
    ck_assert_str_eq(vd_ctl_text_of(fields, "c"), "\\xff");
    ck_assert_str_eq(vd_ctl_text_of(fields, "nothing"), "");
    ck_assert(!vd_ctl_is(fields, "a"));
    json_decref(fields);
}
END_TEST

static bool read_line(struct vd_ctl_options *options, const char *line, struct vd_err *err)
{
    static char copy[256];
    static char *argv[16]; /* the options keep what they find there */
    char *rest = NULL;
    int argc = 0;

    memset(argv, 0, sizeof(argv));
    ck_assert(vd_copy(copy, sizeof(copy), line));
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    return vd_ctl_options_read(options, argc, argv, err);
}

START_TEST(command_line)
{
    struct vd_ctl_options options;
    struct vd_err err;

    ck_assert(read_line(&options, "ctl status -s a:1 -s b --json --timeout 500ms m", &err));
    ck_assert_str_eq(options.command->name, "status");
    ck_assert_uint_eq(options.place_count, 2);
    ck_assert_str_eq(options.places[0].host, "a");
    ck_assert_uint_eq(options.places[0].port, 1);
    ck_assert_uint_eq(options.places[1].port, 26379);
    ck_assert_int_eq(options.timeout_ms, 500);
    ck_assert(options.json);
    ck_assert_uint_eq(options.word_count, 1);
    vd_ctl_options_free(&options);
    ck_assert(read_line(&options, "ctl -s ::1 pause", &err));
    ck_assert_str_eq(options.places[0].host, "::1");
    ck_assert_int_eq(options.for_ms, 30 * 60 * 1000);
    vd_ctl_options_free(&options);
    ck_assert(read_line(&options, "ctl status --json drill", &err)); /* a group that is called so */
    ck_assert_str_eq(options.command->name, "status");
    ck_assert_str_eq(options.words[0], "drill");
    vd_ctl_options_free(&options);
    ck_assert(read_line(&options, "ctl drill kill --help -x", &err));
    ck_assert_uint_eq(options.word_count, 3);
    ck_assert(!options.help);
    vd_ctl_options_free(&options);
}
END_TEST

START_TEST(environment)
{
    struct vd_ctl_options options;
    struct vd_err err;

    ck_assert_int_eq(setenv("VEDETTE_SENTINELS", "a:1, [::1]:2", 1), 0);
    ck_assert_int_eq(setenv("VEDETTE_PASSWORD", "secret", 1), 0);
    ck_assert(read_line(&options, "ctl status", &err));
    ck_assert_uint_eq(options.place_count, 2);
    ck_assert_str_eq(options.places[1].host, "::1");
    ck_assert_str_eq(options.pass, "secret");
    vd_ctl_options_free(&options);
    ck_assert(read_line(&options, "ctl status -s c:3", &err));
    ck_assert_uint_eq(options.place_count, 1); /* who says where does not mean the others */
    vd_ctl_options_free(&options);
    ck_assert_int_eq(setenv("VEDETTE_SENTINELS", "a:0", 1), 0);
    ck_assert(!read_line(&options, "ctl status", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "VEDETTE_SENTINELS"));
    vd_ctl_options_free(&options);
}
END_TEST

START_TEST(wrong_use)
{
    static const char *const lines[] = {
        "ctl",
        "ctl nope",
        "ctl --nope status",
        "ctl status -s",
        "ctl status --to x",
        "ctl status a b",
        "ctl cost x",
        "ctl pause --for 0",
        "ctl watch --every 1",
        "ctl watch --for 1000000h",
        "ctl --tls-cert-file x status",
        "ctl -s a:70000 status",
        "ctl -s a_b:c status",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct vd_ctl_options options;
        struct vd_err err = {""};

        ck_assert_msg(!read_line(&options, lines[i], &err), "%s", lines[i]);
        ck_assert_msg(err.text[0] != '\0', "%s", lines[i]);
        vd_ctl_options_free(&options);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctl");
    TCase *tcase = tcase_create("words");

    tcase_add_test(tcase, text_from_outside);
    tcase_add_test(tcase, json_of_bytes);
    tcase_add_test(tcase, quantities);
    tcase_add_test(tcase, tables);
    tcase_add_test(tcase, trees);
    tcase_add_test(tcase, info_lines);
    tcase_add_test(tcase, command_line);
    tcase_add_test(tcase, environment);
    tcase_add_test(tcase, wrong_use);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
