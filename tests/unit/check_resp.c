/* SPDX-License-Identifier: BSD-3-Clause */
/* RESP out, in both versions, byte by byte. */
#include <check.h>

#include "proto/resp.h"
#include "suite.h"

static struct vd_text text;

static void tear_down(void)
{
    vd_text_free(&text);
}

static void write_all(struct vd_resp *resp)
{
    size_t mark;

    vd_resp_status(resp, "OK");
    vd_resp_error(resp, "ERR a\r\n+forged %d", 7);
    vd_resp_int(resp, -12);
    vd_resp_int(resp, INT64_MIN);
    vd_resp_bulk(resp, "a\0b", 3);
    vd_resp_bulk(resp, NULL, 0);
    vd_resp_bulk_cstr(resp, "cd");
    vd_resp_bulk_int(resp, -305);
    vd_resp_bulk_int(resp, 0);
    vd_resp_verbatim(resp, "tx", 2);
    vd_resp_null(resp);
    vd_resp_null_array(resp);
    vd_resp_array(resp, 3);
    vd_resp_map(resp, 2);
    vd_resp_set(resp, 4);
    vd_resp_push(resp, 5);
    mark = vd_resp_mark(resp);
    vd_resp_int(resp, 1);
    vd_resp_array_at(resp, mark, 10);
    mark = vd_resp_mark(resp);
    vd_resp_int(resp, 2);
    vd_resp_map_at(resp, mark, 11);
}

START_TEST(version_two)
{
    static const char expected[] = "+OK\r\n-ERR a  +forged 7\r\n:-12\r\n:-9223372036854775808\r\n"
                                   "$3\r\na\0b\r\n$0\r\n\r\n$2\r\ncd\r\n$4\r\n-305\r\n$1\r\n0\r\n"
                                   "$2\r\ntx\r\n$-1\r\n*-1\r\n*3\r\n*4\r\n*4\r\n*5\r\n"
                                   "*10\r\n:1\r\n*22\r\n:2\r\n";
    struct vd_resp resp = {.to = &text, .version = 2};

    write_all(&resp);
    ck_assert_uint_eq(text.len, sizeof(expected) - 1);
    ck_assert_mem_eq(text.bytes, expected, text.len);
}
END_TEST

START_TEST(version_three)
{
    static const char expected[] = "+OK\r\n-ERR a  +forged 7\r\n:-12\r\n:-9223372036854775808\r\n"
                                   "$3\r\na\0b\r\n$0\r\n\r\n$2\r\ncd\r\n$4\r\n-305\r\n$1\r\n0\r\n"
                                   "=6\r\ntxt:tx\r\n_\r\n_\r\n*3\r\n%2\r\n~4\r\n>5\r\n"
                                   "*10\r\n:1\r\n%11\r\n:2\r\n";
    struct vd_resp resp = {.to = &text, .version = 3};

    write_all(&resp);
    ck_assert_uint_eq(text.len, sizeof(expected) - 1);
    ck_assert_mem_eq(text.bytes, expected, text.len);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resp");
    TCase *tcase = tcase_create("writer");

    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, version_two);
    tcase_add_test(tcase, version_three);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
