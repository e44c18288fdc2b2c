/* SPDX-License-Identifier: BSD-3-Clause */
/* sentinel.conf and the command line: values, order, files. */

#include "classic_world.h"
#include "proto/sha256.h"
#include "suite.h"

/* Values ------------------------------------------------------------------------------------ */

START_TEST(everything)
{
    struct vd_config_group *m;

    load_ok("# comment\n\n  port 26380\t\r\n"
            "sentinel auth-pass m \"my\\\"pass\\\\word with spaces\"\n"
            "SENTINEL Down-After-Milliseconds m 5000\n"
            "sentinel announce-hostnames yes\nsentinel known-replica m redis-2 6380\n"
            "sentinel known-slave m 10.0.0.3 6381\nsentinel known-sentinel m 10.0.0.4 26379\n"
            "sentinel known-sentinel m 10.0.0.4 26379 " ID2 "\n"
            "sentinel config-epoch m 9\nsentinel leader-epoch m 8\nsentinel current-epoch 5\n"
            "sentinel current-epoch 4\nsentinel myid " ID "\n"
            "sentinel rename-command m config geheim\n"
            "sentinel notification-script m /bin/true\nsentinel failover-timeout m 60000\n"
            "sentinel parallel-syncs m 3\nsentinel master-reboot-down-after-period m 0\n"
            "sentinel primary-reboot-down-after-period m 7\n"
            "sentinel auth-user m sentinel\nsentinel announce-ip \"10.0.0.9\"\n"
            "sentinel announce-port 1234\nsentinel sentinel-user u\nsentinel sentinel-pass p\n"
            "sentinel deny-scripts-reconfig no\nsentinel down-after-refused m 300ms\n"
            "sentinel monitor m redis-1 6379 2\nsentinel monitor m2 ::1 6379 1\n"
            "sentinel resolve-hostnames yes\nsentinel\n");
    ck_assert_uint_eq(config.warning_count, 0);
    ck_assert_int_eq(config.server.port, 26380);
    ck_assert_str_eq(config.myid.hex, ID);
    ck_assert_uint_eq(config.current_epoch, 9);
    ck_assert_uint_eq(config.group_count, 2);
    m = vd_config_find(&config, "m");
    ck_assert_ptr_eq(m, &config.groups[0]);
    ck_assert_str_eq(m->addr.host, "redis-1");
    ck_assert_str_eq(m->addr.ip, "");
    ck_assert_uint_eq(m->options.quorum, 2);
    ck_assert_str_eq(m->options.auth_pass, "my\"pass\\word with spaces");
    ck_assert_str_eq(m->options.auth_user, "sentinel");
    ck_assert_int_eq(m->options.down_after_ms, 5000);
    ck_assert_int_eq(m->options.down_after_refused_ms, 300);
    ck_assert_int_eq(m->options.failover_timeout_ms, 60000);
    ck_assert_uint_eq(m->options.parallel_syncs, 3);
    ck_assert_int_eq(m->options.reboot_down_after_ms, 7);
    ck_assert_str_eq(m->options.notification_script, "/bin/true");
    ck_assert_uint_eq(m->options.rename_count, 1);
    ck_assert_str_eq(m->options.renames[0].from, "CONFIG");
    ck_assert_uint_eq(m->config_epoch, 9);
    ck_assert_uint_eq(m->leader_epoch, 8);
    ck_assert_uint_eq(m->replica_count, 2);
    ck_assert_str_eq(m->replicas[1].ip, "10.0.0.3");
    ck_assert_uint_eq(m->peer_count, 1);
    ck_assert_str_eq(m->peers[0].id.hex, ID2);
    ck_assert_uint_ne(m->set & (UINT64_C(1) << VD_OPT_AUTH_PASS), 0);
    ck_assert_uint_eq(m->set & (UINT64_C(1) << VD_OPT_CLIENT_RECONFIG_SCRIPT), 0);
    ck_assert_str_eq(m->place, "s.conf:29");
    ck_assert_str_eq(vd_config_find(&config, "m2")->addr.ip, "::1");
    ck_assert_ptr_null(vd_config_find(&config, "M"));
    ck_assert(config.globals.resolve_hostnames);
    ck_assert(config.globals.announce_hostnames);
    ck_assert(!config.globals.deny_scripts_reconfig);
    ck_assert_str_eq(config.globals.announce_ip, "10.0.0.9");
    ck_assert_int_eq(config.globals.announce_port, 1234);
    ck_assert_str_eq(config.globals.sentinel_pass, "p");
    ck_assert_uint_ne(
        config.globals_set & (UINT64_C(1) << (VD_OPT_ANNOUNCE_IP - VD_OPT_GROUP_COUNT)), 0);
}
END_TEST

START_TEST(server_values)
{
    load_ok("bind 127.0.0.1 -::1\nunixsocket /tmp/s\nunixsocketperm 700\ntcp-keepalive 60\n"
            "timeout 5\nmaxclients 77\nrequirepass \"a b\"\nprotected-mode yes\n"
            "client-query-buffer-limit 2mb\n"
            "client-output-buffer-limit normal 10mb 1mb 5 pubsub 3mb 2mb 4 replica 0 0 0\n"
            "dir /d\nlogfile s.log\nloglevel WARNING\nlog-format json\nsyslog-enabled yes\n"
            "syslog-facility LOCAL3\ndaemonize yes\npidfile /p\nsupervised systemd\n"
            "state-dir /s\non-save-failure volatile\nbind-source-addr 10.0.0.1\n" M
            "sentinel notification-script m notify.sh\n");
    ck_assert_uint_eq(config.server.bind_count, 2);
    ck_assert_str_eq(config.server.bind[1], "-::1");
    ck_assert_uint_eq(config.server.unixsocketperm, 0700);
    ck_assert_int_eq(config.server.tcp_keepalive_s, 60);
    ck_assert_int_eq(config.server.timeout_ms, 5000);
    ck_assert_uint_eq(config.server.maxclients, 77);
    ck_assert_str_eq(config.server.requirepass, "a b");
    ck_assert(config.server.protected_mode);
    ck_assert_uint_eq(config.server.query_limit, 2U << 20);
    ck_assert_uint_eq(config.server.output_hard_limit, 1U << 20);
    ck_assert_uint_eq(config.server.output_hard_limit_pubsub, 3U << 20);
    ck_assert_uint_eq(config.server.output_soft_limit_pubsub, 2U << 20);
    ck_assert_int_eq(config.server.output_soft_pubsub_ms, 4000);
    ck_assert_str_eq(config.server.dir, "/d");
    ck_assert_int_eq(config.server.log_level, VD_LOG_WARNING);
    ck_assert_int_eq(config.server.log_format, VD_LOG_JSON);
    ck_assert(config.server.daemonize);
    ck_assert(config.server.supervised_systemd);
    ck_assert_int_eq(config.server.on_save_failure, VD_SAVE_VOLATILE);
    ck_assert_str_eq(config.groups[0].options.notification_script, "notify.sh");
}
END_TEST

START_TEST(localhost_is_two_addresses)
{
    load_ok("bind 10.0.0.1 localhost 10.0.0.2\nlog-format legacy\n");
    ck_assert_uint_eq(config.server.bind_count, 4);
    ck_assert_str_eq(config.server.bind[1], "127.0.0.1");
    ck_assert_str_eq(config.server.bind[2], "-::1");
    ck_assert_str_eq(config.server.bind[3], "10.0.0.2");
    ck_assert_uint_eq(config.warning_count, 0);
}
END_TEST

START_TEST(empty_values_unset)
{
    load_ok("logfile /x\nlogfile \"\"\nrequirepass \"\"\nsyslog-ident ''\n"
            "sentinel announce-ip \"\"\nsentinel sentinel-pass ''\n");
    ck_assert_ptr_null(config.server.logfile);
    ck_assert_ptr_null(config.server.requirepass);
    ck_assert_ptr_null(config.globals.announce_ip);
    ck_assert_ptr_null(config.globals.sentinel_pass);
}
END_TEST

/* Directives of the data server mean nothing here, and Redis itself has written some of them. */
START_TEST(other_directives_are_taken)
{
    load_ok("protected-mode no\nlatency-tracking-info-percentiles 50 99 99.9\nsave \"\"\n"
            "user default on nopass sanitize-payload ~* &* +@all\nappendonly yes\nhz 10\n"
            "repl-diskless-sync-delay 0\nenable-protected-configs yes\nenable-debug-command yes\n"
            "maxmemory 1gb\nreplica-priority 1\nslave-priority 1\ntls-port 0\naclfile \"\"\n"
            "tls-replication no\nrdbcompression no\nclient-default-resp 2\noom-score-adj no\n");
    ck_assert_uint_eq(config.warning_count, 1);
    ck_assert_str_eq(config.warnings[0],
                     "without effect in a sentinel: save, appendonly, hz, "
                     "repl-diskless-sync-delay, enable-protected-configs, enable-debug-command, "
                     "maxmemory, replica-priority, slave-priority, rdbcompression");
}
END_TEST

/* Users ------------------------------------------------------------------------------------------
 */

START_TEST(sha256)
{
    static const struct {
        const char *text;
        const char *hex;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
         "lmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    char hex[VD_SHA256_HEX + 1];

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        vd_sha256_hex(known[i].text, strlen(known[i].text), hex);
        ck_assert_str_eq(hex, known[i].hex);
    }
}
END_TEST

START_TEST(user_default_with_the_same_password)
{
    load_ok("user default on sanitize-payload "
            "#ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad ~* &* +@all\n"
            "requirepass abc\n");
    ck_assert_str_eq(config.server.requirepass, "abc");
    vd_config_free(&config);
    vd_config_init(&config);
    load_ok("user default on >abc ~* &* +@all\n");
    ck_assert_str_eq(config.server.requirepass, "abc");
}
END_TEST

/* Files, input and command line -------------------------------------------------------------------
 */

START_TEST(includes)
{
    ck_assert(!load("port 7000\ninclude conf.d/*.conf\nsentinel auth-pass b x\n"
                    "include none/*.conf\n"));
    ck_assert_uint_eq(config.fault_count, 1);
    ck_assert_str_eq(config.faults[0].file, "conf.d/b.conf");
    ck_assert_uint_eq(config.faults[0].line, 4);
    ck_assert_int_eq(config.server.port, 7003);
    ck_assert_str_eq(vd_config_find(&config, "b")->options.auth_pass, "x");
}
END_TEST

START_TEST(paths_begin_at_dir)
{
    load_ok("dir /\ndir d\ninclude conf.d/a.conf\n");
    ck_assert_int_eq(config.server.port, 7002);
    ck_assert_str_eq(config.server.dir, "/d");
}
END_TEST

START_TEST(missing_file)
{
    struct vd_classic_input input = {.path = "nosuch.conf"};

    ck_assert(!vd_conf_classic_read(&config, &input, &world));
    ck_assert_str_eq(config.faults[0].file, "nosuch.conf");
    ck_assert_uint_eq(config.faults[0].line, 0);
}
END_TEST

/* The arguments after the program's name, '|' between them, and what they become. */
static const struct {
    const char *arguments;
    const char *path;
    bool standard_input;
    const char *lines; /* '|' between them; NULL: refused */
} command_lines[] = {
    {"", NULL, false, ""},
    {"s.conf", "s.conf", false, ""},
    {"s.conf|--port|26380", "s.conf", false, "port 26380"},
    {"--port|26380|--loglevel|debug", NULL, false, "port 26380|loglevel debug"},
    {"s.conf|--port 26380", "s.conf", false, "port 26380"},
    {"s.conf|--sentinel", "s.conf", false, ""},
    {"s.conf|--sentinel|--port|1", "s.conf", false, "port 1"},
    {"--sentinel|monitor|m|10.0.0.1|6379|2", NULL, false, "sentinel monitor m 10.0.0.1 6379 2"},
    {"--requirepass|a b", NULL, false, "requirepass \"a b\""},
    {"--requirepass||--port|1", NULL, false, "requirepass \"\"|port 1"},
    {"--requirepass|a\nport 1", NULL, false, "requirepass \"a\\nport 1\""},
    {"s.conf|-|--port|1", "s.conf", true, "port 1"},
    {"s.conf|--port|1|-", "s.conf", true, "port 1"},
    {"-", NULL, true, ""},
    {"s.conf|t.conf", NULL, false, NULL},
    {"s.conf|-p|1", NULL, false, NULL},
    {"--|1", NULL, false, NULL},
};

static size_t split_at(char *text, const char *out[16])
{
    size_t count = 0;

    if (*text == '\0')
        return 0;
    for (;;) {
        char *stop = strchr(text, '|');

        out[count++] = text;
        if (stop == NULL)
            return count;
        *stop = '\0';
        text = stop + 1;
    }
}

START_TEST(arguments)
{
    struct vd_arena arena = {0};
    const char *list[16];
    char *text = vd_strdup(command_lines[_i].arguments);
    size_t count = split_at(text, list);
    struct vd_classic_input input;
    struct vd_err err = {""};
    struct vd_text joined = {0};
    bool ok = vd_classic_arguments(count, list, &arena, &input, &err);

    ck_assert_msg(ok == (command_lines[_i].lines != NULL), "%s", err.text);
    if (ok) {
        for (size_t i = 0; i < input.line_count; i++)
            vd_text_printf(&joined, "%s%s", i == 0 ? "" : "|", input.lines[i]);
        ck_assert_str_eq(vd_text_cstr(&joined), command_lines[_i].lines);
        ck_assert_pstr_eq(input.path, command_lines[_i].path);
        ck_assert_int_eq(input.standard_input, command_lines[_i].standard_input);
    }
    vd_text_free(&joined);
    vd_free(text);
    vd_arena_free(&arena);
}
END_TEST

START_TEST(the_last_word_wins)
{
    static const char *const lines[] = {"port 7009", "port 7010", "sentinel auth-pass m z"};
    struct vd_classic_input input = {"s.conf", true, lines, 3};

    file_text = "port 7000\nloglevel warning\n" M "sentinel auth-pass m a\n";
    ck_assert(vd_conf_classic_read(&config, &input, &world));
    ck_assert_int_eq(config.server.port, 7010);
    ck_assert_int_eq(config.server.log_level, VD_LOG_DEBUG);
    ck_assert_str_eq(config.groups[0].options.auth_pass, "z");
    input = (struct vd_classic_input){NULL, false, (const char *const[]){"port x"}, 1};
    ck_assert(!vd_conf_classic_read(&config, &input, &world));
    ck_assert_str_eq(config.faults[0].file, "command line");
}
END_TEST

START_TEST(many_groups)
{
    struct vd_text text = {0};

    for (int i = 0; i < 3000; i++)
        vd_text_printf(&text, "sentinel auth-pass g%d p%d\nsentinel monitor g%d 10.0.0.1 1 1\n", i,
                       i, i);
    load_ok(text.bytes);
    ck_assert_uint_eq(config.group_count, 3000);
    ck_assert_str_eq(vd_config_find(&config, "g2999")->options.auth_pass, "p2999");
    ck_assert_str_eq(config.groups[7].name, "g7");
    vd_text_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf_classic");
    TCase *tcase = tcase_create("conf_classic");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, everything);
    tcase_add_test(tcase, server_values);
    tcase_add_test(tcase, localhost_is_two_addresses);
    tcase_add_test(tcase, empty_values_unset);
    tcase_add_test(tcase, other_directives_are_taken);
    tcase_add_test(tcase, sha256);
    tcase_add_test(tcase, user_default_with_the_same_password);
    tcase_add_test(tcase, includes);
    tcase_add_test(tcase, paths_begin_at_dir);
    tcase_add_test(tcase, missing_file);
    suite_add_rows(tcase, arguments, command_lines);
    tcase_add_test(tcase, the_last_word_wins);
    tcase_add_test(tcase, many_groups);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
