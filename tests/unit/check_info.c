/* SPDX-License-Identifier: BSD-3-Clause */
/* INFO of data nodes: what real servers say, and what nobody should. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "proto/info.h"
#include "suite.h"

static struct vd_arena arena;

static void teardown(void)
{
    vd_arena_free(&arena);
}

static bool parse(const char *text, struct vd_info *info)
{
    return vd_info_parse(text, strlen(text), &arena, info);
}

static const char primary_text[] =
    "# Server\r\nredis_version:7.0.15\r\nrun_id:0123456789abcdef0123456789abcdef01234567\r\n"
    "tcp_port:6379\r\n\r\n# Persistence\r\nloading:0\r\nasync_loading:0\r\n\r\n"
    "# Replication\r\nrole:master\r\nconnected_slaves:2\r\n"
    "slave0:ip=127.0.0.1,port=6380,state=online,offset=1234,lag=0\r\n"
    "slave1:ip=::1,port=6381,state=wait_bgsave,offset=0,lag=1\r\n"
    "master_failover_state:no-failover\r\n"
    "master_replid:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
    "master_replid2:0000000000000000000000000000000000000000\r\n"
    "master_repl_offset:1240\r\nsecond_repl_offset:-1\r\n\r\n"
    "# Keyspace\r\ndb0:keys=7,expires=0,avg_ttl=0\r\ndb3:keys=5,expires=1,avg_ttl=9\r\n";

START_TEST(a_primary)
{
    struct vd_info info;

    ck_assert(parse(primary_text, &info));
    ck_assert_int_eq(info.role, VD_ROLE_PRIMARY);
    ck_assert_str_eq(info.run_id.hex, "0123456789abcdef0123456789abcdef01234567");
    ck_assert_str_eq(info.replid.hex, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    ck_assert_str_eq(info.replid2.hex, "");
    ck_assert_int_eq(info.replid2_offset, -1);
    ck_assert_int_eq(info.primary_offset, 1240);
    ck_assert_int_eq(info.replica_offset, -1);
    ck_assert_int_eq(info.connected_replicas, 2);
    ck_assert_int_eq(info.keys, 12);
    ck_assert(info.failover_supported);
    ck_assert(!info.failover_under_way);
    ck_assert(!info.loading);
    ck_assert(info.announced);
    ck_assert_int_eq(info.priority, 100);
    ck_assert_int_eq(info.primary.port, 0);
    ck_assert_uint_eq(info.replica_count, 2);
    ck_assert_str_eq(info.replicas[0].addr.host, "127.0.0.1");
    ck_assert_str_eq(info.replicas[0].addr.ip, "127.0.0.1");
    ck_assert_int_eq(info.replicas[0].addr.port, 6380);
    ck_assert(info.replicas[0].online);
    ck_assert_int_eq(info.replicas[0].offset, 1234);
    ck_assert_str_eq(info.replicas[1].addr.ip, "::1");
    ck_assert(!info.replicas[1].online);
}
END_TEST

START_TEST(a_replica)
{
    struct vd_info info;

    ck_assert(parse("role:slave\nmaster_host:redis-1.example\nmaster_port:6379\n"
                    "master_link_status:down\nmaster_link_down_since_seconds:12\n"
                    "master_sync_in_progress:1\nslave_repl_offset:99\nslave_priority:0\n"
                    "replica_announced:0\nasync_loading:1\nloading:0\n"
                    "master_failover_state:failover-in-progress\n",
                    &info));
    ck_assert_int_eq(info.role, VD_ROLE_REPLICA);
    ck_assert_str_eq(info.primary.host, "redis-1.example");
    ck_assert_str_eq(info.primary.ip, "");
    ck_assert_int_eq(info.primary.port, 6379);
    ck_assert(!info.link_up);
    ck_assert_int_eq(info.link_down_ms, 12000);
    ck_assert(info.sync_in_progress);
    ck_assert_int_eq(info.replica_offset, 99);
    ck_assert_int_eq(info.priority, 0);
    ck_assert(!info.announced);
    ck_assert(info.loading);
    ck_assert(info.failover_supported);
    ck_assert(info.failover_under_way);
    ck_assert_int_eq(info.keys, -1);
    ck_assert_int_eq(info.connected_replicas, -1);
}
END_TEST

START_TEST(each_line_by_itself)
{
    struct vd_info info;

    ck_assert(parse("loading:1\n", &info));
    ck_assert(info.loading);
    ck_assert(parse("second_repl_offset:77\n", &info));
    ck_assert_int_eq(info.replid2_offset, 77);
    /* What begins like a line of use, and is none. */
    ck_assert(!parse("loading_start_time:1\nserver_time_usec:5\nr\n#\n\nmaxmemory:7\n", &info));
    ck_assert(!info.loading);
}
END_TEST

START_TEST(old_and_odd_replica_lines)
{
    struct vd_info info;

    ck_assert(parse("role:master\r\nslave0:10.0.0.1,6380,online\r\nslave1:10.0.0.2,0,online\r\n"
                    "slave2:ip=10.0.0.3,port=99999,state=online\r\nslave_x:ip=1.1.1.1,port=1\r\n"
                    "slave3:\r\nslave4:ip=bad host,port=1\r\n"
                    "slave5:port=7,offset=-4,ip=redis-5,state=online,new=thing,\r\n",
                    &info));
    ck_assert_uint_eq(info.replica_count, 2);
    ck_assert_str_eq(info.replicas[0].addr.host, "10.0.0.1");
    ck_assert(info.replicas[0].online);
    ck_assert_int_eq(info.replicas[0].offset, -1);
    ck_assert_str_eq(info.replicas[1].addr.host, "redis-5");
    ck_assert_int_eq(info.replicas[1].addr.port, 7);
    ck_assert_int_eq(info.replicas[1].offset, -1);
}
END_TEST

/* An absurd value must leave the default, whatever stands round it. */
static const struct {
    const char *line;
    int64_t priority, offset, down_ms, keys;
} absurd[] = {
    {"slave_priority:99999999999999999999999", 100, -1, 0, -1},
    {"slave_priority:", 100, -1, 0, -1},
    {"slave_priority:12abc", 100, -1, 0, -1},
    {"slave_priority: 7", 100, -1, 0, -1},
    {"slave_priority:-1", -1, -1, 0, -1},
    {"slave_repl_offset:-5", 100, -1, 0, -1},
    {"slave_repl_offset:9223372036854775807", 100, INT64_MAX, 0, -1},
    {"master_link_down_since_seconds:-1", 100, -1, 0, -1},
    {"master_link_down_since_seconds:9223372036854775807", 100, -1, 0, -1},
    {"db0:keys=4", 100, -1, 0, -1},
    {"# Keyspace\ndb0:keys=9223372036854775806\ndb1:keys=9223372036854775806", 100, -1, 0,
     INT64_MAX - 1},
    {"# Keyspace\ndb0:expires=3,keys=4\ndb1:keys=-4", 100, -1, 0, 0},
    {"# Keyspace\n# Other\ndb0:keys=4", 100, -1, 0, 0},
    {"run_id:0000", 100, -1, 0, -1},
};

START_TEST(absurd_values)
{
    struct vd_info info;
    struct vd_text text = {0};

    vd_text_printf(&text, "role:slave\n%s", absurd[_i].line);
    ck_assert(vd_info_parse(text.bytes, text.len, &arena, &info));
    vd_text_free(&text);
    ck_assert_int_eq(info.priority, absurd[_i].priority);
    ck_assert_int_eq(info.replica_offset, absurd[_i].offset);
    ck_assert_int_eq(info.link_down_ms, absurd[_i].down_ms);
    ck_assert_int_eq(info.keys, absurd[_i].keys);
    ck_assert_str_eq(info.run_id.hex, "");
}
END_TEST

static const char *const junk[] = {"",           "\r\n",  "role", "# Keyspace\r\n",
                                   "a:b\nc:d\n", ":::::", "slave"};

START_TEST(no_info_at_all)
{
    struct vd_info info;

    ck_assert(!parse(junk[_i], &info));
    ck_assert_int_eq(info.role, VD_ROLE_UNKNOWN);
    ck_assert_int_eq(info.priority, 100);
}
END_TEST

/* What a primary says of the one it followed once, or of itself as "?", is no address. */
START_TEST(whom_it_follows)
{
    struct vd_info info;

    ck_assert(parse("role:master\nmaster_host:10.0.0.9\nmaster_port:6379\n", &info));
    ck_assert_int_eq(info.primary.port, 0);
    ck_assert(parse("role:slave\nmaster_host:?\nmaster_port:6379\n", &info));
    ck_assert_int_eq(info.primary.port, 0);
    ck_assert_str_eq(info.primary.host, "");
    ck_assert(parse("master_host:10.0.0.9\nmaster_port:6379\nrole:slave\n", &info));
    ck_assert_int_eq(info.primary.port, 6379);
}
END_TEST

/* Every prefix, and every text with one byte changed: nothing is read beyond the end (ASan looks).
 */
START_TEST(mangled)
{
    size_t len = strlen(primary_text);
    struct vd_info info;
    unsigned taken = 0;
    unsigned refused = 0;

    ck_assert(!vd_info_parse("", 0, &arena, &info));
    for (size_t i = 1; i <= len; i++) {
        char *cut = malloc(i + 1);

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, primary_text, i);
        /* A look behind the end is for the sanitizer to see. */
        taken += vd_info_parse(cut, i, &arena, &info);
        for (int c = 0; c < 256; c += 5) {
            cut[i / 2] = (char)c;
            if (vd_info_parse(cut, i, &arena, &info)) {
                ck_assert_uint_le(info.replica_count, 3);
                taken++;
            } else {
                refused++;
            }
        }
        free(cut);
        vd_arena_reset(&arena);
    }
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_gt(refused, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("info");
    TCase *tcase = tcase_create("info");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, a_primary);
    tcase_add_test(tcase, a_replica);
    tcase_add_test(tcase, each_line_by_itself);
    tcase_add_test(tcase, old_and_odd_replica_lines);
    suite_add_rows(tcase, absurd_values, absurd);
    suite_add_rows(tcase, no_info_at_all, junk);
    tcase_add_test(tcase, whom_it_follows);
    tcase_add_test(tcase, mangled);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
