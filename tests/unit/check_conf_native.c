/* SPDX-License-Identifier: BSD-3-Clause */
/* vedette.cfg: values and where they come from, and every mistake with its place.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/option.h"
#include "proto/server_option.h"
#include "scratch.h"
#include "shell/conf_file.h"
#include "shell/config_load.h"
#include "suite.h"

/* Files of a test, in a directory of its own --------------------------------------------- */

static char *path; /* of the file under test */
static struct vd_config config;
static struct vd_err err;

static void write_file(const char *name, const char *bytes, size_t len, mode_t mode)
{
    char *at = vd_conf_join(scratch_dir, name);
    FILE *file = fopen(at, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(at, mode), 0);
    vd_free(at);
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text), 0600);
}

static void setup(void)
{
    scratch_make();
    path = vd_conf_join(scratch_dir, "v.cfg");
    err.text[0] = '\0';
    vd_config_init(&config);
}

static void teardown(void)
{
    scratch_remove();
    vd_free(path);
    vd_config_free(&config);
}

static bool load(const char *text)
{
    const char *const arguments[] = {path};

    write_text("v.cfg", text);
    return vd_config_load(&config, 1, arguments, &err);
}

static void load_ok(const char *text)
{
    ck_assert_msg(load(text), "%s", err.text);
}

#define GROUP(more) "groups = ( { name = \"m\"; primary = \"10.0.0.1:6379\"; " more " } );\n"

/* Values ------------------------------------------------------------------------------------ */

START_TEST(values)
{
    const struct vd_config_group *m;

    write_file("run.sh", "#!/bin/sh\n", 10, 0700);
    load_ok(
        "groups = (\n"
        "  { name = \"m\"; primary = \"[::1]:6379\"; quorum = 3; down-after = \"1500ms\";\n"
        "    down_after_refused = \"300ms\"; failover-timeout = \"1m\"; parallel-syncs = 2;\n"
        "    reboot-failover = \"always\"; reboot-down-after = 0; handover = \"server\";\n"
        "    candidate-max-lag-bytes = 4096; candidate-max-lag-time = \"1s\";\n"
        "    auth-user = \"u\"; auth-pass = \"p\"; notification-script = \"/bin/sh\";\n"
        "    rename-command = { CONFIG = \"c\"; slaveof = \"s\"; };\n  },\n"
        "  { name = \"n\"; host = \"redis-1\"; port = 7000;\n"
        "    replicas = [\"redis-1:7000\", \"redis-2:7000\", \"[::2]:7000\", \"redis-2:7000\"]; "
        "},\n"
        "  { name = \"o\"; host = \"::1\"; }\n);\n"
        "port = 7777; bind = [\"127.0.0.1\", \"-::1\"]; timeout = \"5m\"; tcp-keepalive = \"1m\";\n"
        "query-limit = \"2mb\"; loglevel = \"debug\"; log-format = \"json\";\n"
        "resolve-hostnames = true; announce-port = 7; default-down-after = \"9s\";\n"
        "unixsocketperm = \"0700\"; requirepass = \"geheim\"; info-period = \"100ms\";\n"
        "state-dir = \"/tmp/x\"; on-save-failure = \"volatile\"; supervised = \"auto\";\n"
        "myid = \"0123456789abcdef0123456789abcdef01234567\"; max-groups = 3;\n");
    ck_assert(!config.classic);
    ck_assert_str_eq(config.file, path);
    ck_assert_uint_eq(config.group_count, 3);
    m = &config.groups[0];
    ck_assert_str_eq(m->addr.ip, "::1");
    ck_assert_uint_eq(m->options.quorum, 3);
    ck_assert_int_eq(m->options.down_after_ms, 1500);
    ck_assert_int_eq(m->options.down_after_refused_ms, 300);
    ck_assert_int_eq(m->options.failover_timeout_ms, 60000);
    ck_assert_int_eq(m->options.reboot_failover, VD_REBOOT_ALWAYS);
    ck_assert_int_eq(m->options.handover, VD_SWITCHOVER_SERVER);
    ck_assert_int_eq(m->options.candidate_max_lag_bytes, 4096);
    ck_assert_str_eq(m->options.auth_pass, "p");
    ck_assert_uint_eq(m->options.rename_count, 2);
    ck_assert_str_eq(m->options.renames[1].from, "SLAVEOF");
    ck_assert_uint_ne(m->set & (UINT64_C(1) << VD_OPT_RENAME_COMMAND), 0);
    ck_assert_uint_eq(m->set & (UINT64_C(1) << VD_OPT_CLIENT_RECONFIG_SCRIPT), 0);
    ck_assert_str_eq(config.groups[1].addr.host, "redis-1");
    ck_assert_int_eq(config.groups[1].addr.port, 7000);
    ck_assert_int_eq(config.groups[1].options.down_after_ms, 9000);
    ck_assert_uint_eq(m->replica_count, 0);
    ck_assert_uint_eq(config.groups[1].replica_count, 2); /* neither the primary nor any twice */
    ck_assert(config.groups[1].replicas_are_hints);
    ck_assert_str_eq(config.groups[1].replicas[0].host, "redis-2");
    ck_assert_str_eq(config.groups[1].replicas[1].ip, "::2");
    ck_assert_int_eq(config.groups[2].addr.port, 6379);
    ck_assert_int_eq(config.server.port, 7777);
    ck_assert_int_eq(config.globals.listen_port, 7777);
    ck_assert_uint_eq(config.server.bind_count, 2);
    ck_assert_int_eq(config.server.timeout_ms, 300000);
    ck_assert_int_eq(config.server.tcp_keepalive_s, 60);
    ck_assert_uint_eq(config.server.unixsocketperm, 0700);
    ck_assert(config.server.supervised_systemd);
    ck_assert_str_eq(config.server.requirepass, "geheim");
    ck_assert_str_eq(config.server.state_dir, "/tmp/x");
    ck_assert_int_eq(config.globals.info_period_ms, 100);
    ck_assert_str_eq(config.myid.hex, "0123456789abcdef0123456789abcdef01234567");
    ck_assert_uint_eq(config.warning_count, 0);
}
END_TEST

START_TEST(secrets)
{
    write_file("pw", "top secret\r\n", 12, 0600);
    ck_assert_int_eq(setenv("CHECK_CONF_SECRET", "from env", 1), 0);
    load_ok("requirepass-file = \"pw\"; sentinel-pass-env = \"CHECK_CONF_SECRET\";\n" GROUP(
        "auth_pass_file = \"pw\";"));
    ck_assert_str_eq(config.server.requirepass, "top secret");
    ck_assert_str_eq(config.globals.sentinel_pass, "from env");
    ck_assert_str_eq(config.groups[0].options.auth_pass, "top secret");
    ck_assert_uint_eq(config.warning_count, 0);
}
END_TEST

START_TEST(a_secret_that_everybody_may_read)
{
    write_file("pw", "x", 1, 0644);
    load_ok("\nrequirepass-file = \"pw\";");
    ck_assert_uint_eq(config.warning_count, 1);
    ck_assert_ptr_nonnull(strstr(config.warnings[0], "v.cfg:2: everybody may read"));
}
END_TEST

START_TEST(includes)
{
    write_text("more.cfg", "port = 7001;\nnosuch = 1;\n");
    ck_assert(!load("# first\n@include \"more.cfg\"\nloglevel = \"debug\";\n"));
    ck_assert_int_eq(config.server.port, 7001);
    ck_assert_int_eq(config.server.log_level, VD_LOG_DEBUG);
    ck_assert_uint_eq(config.fault_count, 1);
    ck_assert_ptr_nonnull(strstr(config.faults[0].file, "more.cfg"));
    ck_assert_uint_eq(config.faults[0].line, 2);
}
END_TEST

START_TEST(command_line_on_top)
{
    const char *const arguments[] = {path, "--port", "7002", "--sentinel", "auth-pass", "m", "z"};

    write_text("v.cfg", "port = 7001;\n" GROUP("auth-pass = \"a\";"));
    ck_assert_msg(vd_config_load(&config, 7, arguments, &err), "%s", err.text);
    ck_assert_int_eq(config.server.port, 7002);
    ck_assert_int_eq(config.globals.listen_port, 7002);
    ck_assert_str_eq(config.groups[0].options.auth_pass, "z");
}
END_TEST

/* Mistakes ------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    unsigned line;
    const char *part; /* of "reason; remedy" */
} mistakes[] = {
    {"prot = 1;", 1, "there is no setting 'prot' of the process; did you mean 'port'?"},
    {"\nlogelvel = 1;", 2, "did you mean 'loglevel'?"},
    {"require-pass-file = \"x\";", 1, "did you mean 'requirepass-file'?"},
    {"quorum = 2;", 1, "there is no setting 'quorum' of the process"},
    {"zzzzzzzzzzz = 2;", 1, "vedette.cfg(5) lists them all"},
    {"port-file = \"x\";", 1, "there is no setting 'port-file'"},
    {GROUP("port-file = \"x\";"), 1, "there is no setting 'port-file' of a group"},
    {GROUP("\n down-atfer = \"3s\";"), 2, "did you mean 'down-after'?"},
    {GROUP("loglevel = \"debug\";"), 1, "there is no setting 'loglevel' of a group"},
    {"port = 65536;", 1, "port must be between 0 and 65535 inclusive"},
    {"port = \"x\";", 1, "port couldn't be parsed into an integer"},
    {"port = 1.5;", 1, "port must be one whole number"},
    {"port = [1];", 1, "port must be one whole number"},
    {"loglevel = \"loud\";", 1, "loglevel must be one of the following: debug"},
    {"loglevel = 1;", 1, "loglevel must be a text; put it in double quotes"},
    {"daemonize = 1;", 1, "daemonize must be true or false"},
    {"timeout = 5;", 1, "timeout must be a duration with its unit"},
    {"tcp-keepalive = \"1500ms\";", 1, "tcp-keepalive must be whole seconds"},
    {"query-limit = \"1xb\";", 1, "query-limit must be a memory value"},
    {"query-limit = 1;", 1, "query-limit must be between"},
    {"bind = [];", 1, "bind must be a list of addresses"},
    {"bind = [\"localhost4\"];", 1, "'localhost4' is no IP address to bind to"},
    {"bind = 1;", 1, "bind must be a list of addresses"},
    {"bind = { a = 1; };", 1, "bind must be a list of addresses"},
    {"bind-source-addr = \"localhost\";", 1, "bind-source-addr must be an IP address"},
    {"resolve-hostnames = \"maybe\";", 1, "resolve-hostnames must be true or false"},
    {"announce-ip = \"a b\";", 1, "announce-ip must be an IP address or a host name"},
    {"requirepass = 1234;", 1, "requirepass must be a text"},
    {"requirepass-file = \"nosuch\";", 1, "nosuch', which cannot be read: No such file"},
    {"requirepass-file = \".\";", 1, "cannot be read: Is a directory"},
    {"requirepass-env = \"CHECK_CONF_UNSET\";", 1, "'CHECK_CONF_UNSET', which is not set"},
    {"requirepass = \"a\";\nrequirepass-file = \"b\";", 2, "requirepass-file is given twice"},
    {GROUP("down-after = \"1s\"; down_after = \"1s\";"), 1, "down_after is given twice"},
    {"port = 1;\nport = 2;", 2, "duplicate setting name"},
    {"port = 1\nbind", 2, "syntax error"},
    {"port = \"1;", 1, "syntax error"},
    {"port 26379", 1, "syntax error"},
    {"unixsocketperm = 0700;", 1, "unixsocketperm must be octal digits in quotes"},
    {"myid = \"123\";", 1, "myid is no id"},
    {"groups = { };", 1, "groups must be a list"},
    {"groups = ( 1 );", 1, "an entry of groups is no group"},
    {"groups = ( { primary = \"10.0.0.1:1\"; } );", 1, "the group has no name"},
    {"groups = ( { name = \"a b\"; primary = \"10.0.0.1:1\"; } );", 1, "name is not valid"},
    {"groups = ( { name = \"m\"; } );", 1, "the group has no address"},
    {"groups = ( { name = \"m\"; primary = \"10.0.0.1\"; } );", 1, "primary has no port"},
    {"groups = ( { name = \"m\"; primary = \"::1:1\"; } );", 1, "IPv6 address without brackets"},
    {"groups = ( { name = \"m\"; primary = 1; } );", 1, "primary must be a text"},
    {"groups = ( { name = \"m\"; host = \"10.0.0.1:1\"; } );", 1, "host is neither"},
    {"groups = ( { name = \"m\"; host = \"10.0.0.1\"; port = 0; } );", 1, "port must be from 1"},
    {GROUP("host = \"10.0.0.1\";"), 1, "primary is given as well as host or port"},
    {"groups = ( { name = \"m\"; host = \"redis\"; } );", 1, "add resolve-hostnames = true"},
    {"groups = ( { name = \"m\"; host = \"10.0.0.1\"; },\n{ name = \"m\"; host = \"10.0.0.1\"; } "
     ");",
     2, "another group has this name"},
    {GROUP("replicas = \"10.0.0.2:6379\";"), 1, "replicas must be a list"},
    {GROUP("replicas = { a = 1; };"), 1, "replicas must be a list"},
    {GROUP("replicas = [\"10.0.0.2\"];"), 1, "replicas has no port"},
    {GROUP("replicas = [1];"), 1, "replicas is no text"},
    {GROUP("replicas = [\"redis-2:6379\"];"), 1, "replicas has a host name, but names"},
    {GROUP("quorum = 0;"), 1, "quorum must be a whole number from 1"},
    {GROUP("down-after = 3000;"), 1, "down-after must be a duration with its unit"},
    {GROUP("down-after = \"0s\";"), 1, "down-after must be more than 0"},
    {GROUP("reboot-failover = \"maybe\";"), 1, "must be one of empty, always, never"},
    {GROUP("notification-script = \"/nosuch\";"), 1, "notification-script is no executable file"},
    {GROUP("notification-script = \"/tmp\";"), 1, "notification-script is no executable file"},
    {GROUP("rename-command = \"CONFIG\";"), 1, "rename-command must be a group"},
    {GROUP("rename-command = { CONFIG = 1; };"), 1, "CONFIG needs a new name"},
    {"@include \"nosuch.cfg\"\n", 1, "No such file or directory"},
    {"\n@include \"/etc/passwd\"\n", 2, "must be relative"},
    {"@include \".\"\n", 1, "Is a directory"},
    {"@include \"v.cfg\"\n", 1, "nested too deeply"},
    {"dir = \"/nosuch\";", 1, "dir is '/nosuch': No such file or directory"},
    {"max-groups = 1; groups = ( { name = \"m\"; host = \"10.0.0.1\"; }, { name = \"n\"; host = "
     "\"10.0.0.1\"; } );",
     0, "2 groups, more than max-groups 1"},
};

START_TEST(mistakes_are_told)
{
    struct vd_text text = {0};

    ck_assert(!load(mistakes[_i].text));
    ck_assert_uint_eq(config.fault_count, 1);
    vd_fault_print(&config.faults[0], &text);
    ck_assert_msg(strstr(text.bytes, mistakes[_i].part) != NULL, "%s", text.bytes);
    ck_assert_uint_eq(config.faults[0].line, mistakes[_i].line);
    ck_assert_str_eq(err.text, text.bytes);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    vd_text_free(&text);
}
END_TEST

START_TEST(all_mistakes_are_told)
{
    ck_assert(!load("prot = 1;\n" GROUP("quorum = 0; down-after = 1;") "loglevel = 1;"));
    ck_assert_uint_eq(config.fault_count, 4);
    ck_assert_ptr_nonnull(strstr(err.text, "(and 3 more"));
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    const char *const arguments[] = {path};

    write_file("v.cfg", "port\0= 1;", 9, 0600);
    ck_assert(!vd_config_load(&config, 1, arguments, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "NUL byte"));
}
END_TEST

/* Which format ------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    const char *text;
    bool classic;
} formats[] = {
    {"v", "# c\n// c\n/* c\n*/ port = 7005;\n", false},
    {"v", "port : 7005;\n", false},
    {"v", "port 7005\nbind ::1\n", true},
    {"v", "bind ::1\nport 7005\n", true},
    {"s.conf", "port 7005\n", true},
    {"v.cfg", "port = 7005;", false},
};

START_TEST(format_is_found)
{
    char *at = vd_conf_join(scratch_dir, formats[_i].name);
    const char *const arguments[] = {at};
    struct vd_text beside = {0};

    write_text(formats[_i].name, formats[_i].text);
    ck_assert_msg(vd_config_load(&config, 1, arguments, &err), "%s", err.text);
    ck_assert_int_eq(config.classic, formats[_i].classic);
    ck_assert_int_eq(config.server.port, 7005);
    vd_text_printf(&beside, "%s.state", at);
    ck_assert_int_eq(strcmp(config.server.state_dir, beside.bytes) == 0, formats[_i].classic);
    ck_assert_int_eq(config.server.state_dir[0], '/');
    vd_text_free(&beside);
    vd_free(at);
}
END_TEST

START_TEST(a_classic_mistake_is_told_as_sentinel_does)
{
    char *at = vd_conf_join(scratch_dir, "s.conf");
    const char *const arguments[] = {at};
    static const char block[] = " ***\nReading the configuration file, at line 2\n"
                                ">>> 'sentinel auth-pass m ******'\n"
                                "No such master with specified name.\n";

    write_text("s.conf", "port 1\n  sentinel auth-pass m geheim  \n");
    ck_assert(!vd_config_load(&config, 1, arguments, &err));
    ck_assert_int_eq(strncmp(err.text, "*** FATAL CONFIG FILE ERROR (vedette ", 37), 0);
    ck_assert_msg(strstr(err.text, block) != NULL, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, "s.conf:2: No such master with specified name; add"));
    vd_free(at);
}
END_TEST

START_TEST(relative_paths)
{
    char *at = vd_conf_join(scratch_dir, "s.conf");
    const char *const arguments[] = {at, "--dir", scratch_dir, "--state-dir", "st"};
    char *state = vd_conf_join(scratch_dir, "st");

    write_file("run.sh", "#!/bin/sh\n", 10, 0700);
    write_text("s.conf",
               "sentinel monitor m 10.0.0.1 1 1\nsentinel notification-script m run.sh\n");
    ck_assert_msg(vd_config_load(&config, 5, arguments, &err), "%s", err.text);
    ck_assert_str_eq(config.server.state_dir, state);
    vd_free(state);
    vd_free(at);
}
END_TEST

/* Read anew from another directory, as the daemon does, a relative `dir` still means the same. */
START_TEST(dir_is_settled)
{
    static const char *const texts[] = {"dir = \".\";", "dir .\n"};
    static const char *const names[] = {"v.cfg", "s.conf"};
    char *at = vd_conf_join(scratch_dir, names[_i]);
    const char *const arguments[] = {at};
    char here[4096];
    char *expected;

    ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
    expected = vd_conf_join(here, ".");
    write_text(names[_i], texts[_i]);
    ck_assert_msg(vd_config_load(&config, 1, arguments, &err), "%s", err.text);
    ck_assert_str_eq(config.server.dir, expected);
    vd_config_free(&config);
    vd_config_init(&config);
    ck_assert_int_eq(chdir(scratch_dir), 0);
    ck_assert_msg(vd_config_load(&config, 1, arguments, &err), "%s", err.text);
    ck_assert_str_eq(config.server.dir, expected);
    ck_assert_int_eq(chdir(here), 0);
    vd_free(expected);
    vd_free(at);
}
END_TEST

START_TEST(check_command)
{
    const char *const arguments[] = {path};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    write_text("v.cfg", GROUP("quorum = 0;") "prot = 1;\n");
    ck_assert_int_eq(vd_config_check(VD_GUISE_OWN, 1, arguments, out, out), 1);
    write_text("v.cfg", GROUP("quorum = 1;"));
    ck_assert_int_eq(vd_config_check(VD_GUISE_OWN, 1, arguments, out, out), 0);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_nonnull(strstr(text, "v.cfg:1: quorum must be"));
    ck_assert_ptr_nonnull(strstr(text, "v.cfg:2: there is no setting 'prot'"));
    ck_assert_ptr_nonnull(strstr(text, "v.cfg: good; 1 group, port 26379"));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf_native");
    TCase *tcase = tcase_create("conf_native");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, values);
    tcase_add_test(tcase, secrets);
    tcase_add_test(tcase, a_secret_that_everybody_may_read);
    tcase_add_test(tcase, includes);
    tcase_add_test(tcase, command_line_on_top);
    suite_add_rows(tcase, mistakes_are_told, mistakes);
    tcase_add_test(tcase, all_mistakes_are_told);
    tcase_add_test(tcase, bytes_that_are_no_text);
    suite_add_rows(tcase, format_is_found, formats);
    tcase_add_test(tcase, a_classic_mistake_is_told_as_sentinel_does);
    tcase_add_test(tcase, relative_paths);
    tcase_add_loop_test(tcase, dir_is_settled, 0, 2);
    tcase_add_test(tcase, check_command);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
