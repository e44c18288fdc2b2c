/* SPDX-License-Identifier: BSD-3-Clause */
/* sentinel.conf: every reason to refuse a line or to warn of it, and what must not be shown. */

#include "classic_world.h"
#include "suite.h"

static const struct {
    const char *text;
    const char *part; /* of the warning */
} warned[] = {
    {"tls-auth-clients-user CN\n", "s.conf:1: tls-auth-clients-user is ignored: clients"},
    {"tls-auto-reload-interval 60\n", "tls-auto-reload-interval is ignored: certificates"},
    {"oom-score-adj yes\n", "oom-score-adj is ignored"},
    {"loadmodule /x.so\n", "modules"},
    {"client-default-resp 3\n", "RESP2"},
    {"log-format logfmt\n", "log-format logfmt is taken as plain"},
    {"supervised upstart\n", "supervised upstart is taken as no"},
    {M "sentinel down-after-milliseconds m 30000ms\n", "s.conf:2: '30000ms' is read as 30000"},
    {M "sentinel parallel-syncs m 0\n", "parallel-syncs 0 is taken as 1"},
    {M "sentinel rename-command m CONFIG \"\"\n", "CONFIG has no new name"},
    {"sentinel monitor m 10.0.0.1 0 2\n", "port 0"},
    {"sentinel monitor m 10.0.0.1 63x79 2\n", "'63x79' is read as 63"},
};

START_TEST(warnings)
{
    load_ok(warned[_i].text);
    ck_assert_uint_eq(config.warning_count, 1);
    ck_assert_msg(strstr(config.warnings[0], warned[_i].part) != NULL, "%s", config.warnings[0]);
}
END_TEST

/* Refusals ------------------------------------------------------------------------------------- */

#define UNRECOGNIZED "Unrecognized sentinel configuration statement."
#define NO_MASTER "No such master with specified name."

static const struct {
    const char *text;
    unsigned line;
    const char *reason;
} refused[] = {
    {"sentinel monitor m 10.0.0.1 6379 0\n", 1, "Quorum must be 1 or greater."},
    {"sentinel monitor m 10.0.0.1 6379 x\n", 1, "Quorum must be 1 or greater."},
    {M "sentinel monitor m 10.0.0.2 6379 2\n", 2, "Duplicate master name."},
    {"sentinel monitor m localhost 6379 2\n", 1, "Can't resolve instance hostname."},
    {"sentinel monitor m 10.0.0 6379 2\n", 1, "Can't resolve instance hostname."},
    {"sentinel resolve-hostnames yes\nsentinel monitor m a/b 1 2\n", 2,
     "Can't resolve instance hostname."},
    {"sentinel monitor m 10.0.0.1 65536 2\n", 1, "Invalid port number."},
    {"sentinel monitor m 10.0.0.1 -1 2\n", 1, "Invalid port number."},
    {"sentinel monitor \"m m\" 10.0.0.1 1 2\n", 1, "Invalid master name"},
    {"sentinel monitor \"\" 10.0.0.1 1 2\n", 1, "Invalid master name"},
    {"sentinel monitor m 10.0.0.1 6379\n", 1, UNRECOGNIZED},
    {"sentinel monitor m 10.0.0.1 6379 2 3\n", 1, UNRECOGNIZED},
    {"sentinel nonsense\n", 1, UNRECOGNIZED},
    {"sentinel quorum m 2\n", 1, UNRECOGNIZED},
    {M "sentinel down-after-milliseconds m\n", 2, UNRECOGNIZED},
    {M "sentinel rename-command m a\n", 2, UNRECOGNIZED},
    {"sentinel down-after-milliseconds m 1\n", 1, NO_MASTER},
    {"sentinel failover-timeout m 1\n", 1, NO_MASTER},
    {"sentinel parallel-syncs m 1\n", 1, NO_MASTER},
    {"sentinel auth-pass m 1\n", 1, NO_MASTER},
    {"sentinel notification-script m /bin/true\n", 1, NO_MASTER},
    {"sentinel known-replica m 10.0.0.1 1\n", 1, NO_MASTER},
    {"sentinel known-sentinel m 10.0.0.1 1 " ID "\n", 1, NO_MASTER},
    {"sentinel config-epoch m 1\n", 1, NO_MASTER},
    {"sentinel leader-epoch m 1\n", 1, NO_MASTER},
    {"sentinel rename-command m a b\n", 1, NO_MASTER},
    {M "sentinel auth-pass M 1\n", 2, NO_MASTER},
    {M "sentinel down-after-milliseconds m 0\n", 2, "negative or zero time parameter."},
    {M "sentinel down-after-milliseconds m -5\n", 2, "negative or zero time parameter."},
    {M "sentinel down-after-milliseconds m soon\n", 2, "negative or zero time parameter."},
    {M "sentinel failover-timeout m 0\n", 2, "negative or zero time parameter."},
    {M "sentinel master-reboot-down-after-period m -1\n", 2, "negative time parameter."},
    {M "sentinel notification-script m /no\n", 2,
     "Notification script seems non existing or non executable."},
    {M "sentinel client-reconfig-script m notify.sh\n", 2,
     "Client reconfiguration script seems non existing or non executable."},
    {M "sentinel known-replica m 10.0.0.3 1\nsentinel known-slave m 10.0.0.3 1\n", 3,
     "Duplicate hostname and port for replica."},
    {M "sentinel known-replica m redis-2 1\n", 2, "Can't resolve instance hostname."},
    {M "sentinel known-replica m 10.0.0.3 70000\n", 2, "Invalid port number."},
    {M "sentinel known-sentinel m 10.0.0.3 1 " ID "\nsentinel known-sentinel m 10.0.0.4 1 " ID "\n",
     3, "Duplicate runid for sentinel."},
    {M "sentinel known-sentinel m 10.0.0.3 1 abc\n", 2, "Malformed Sentinel id"},
    {"sentinel myid 123\n", 1, "Malformed Sentinel id in myid option."},
    {"sentinel deny-scripts-reconfig maybe\n", 1,
     "Please specify yes or no for the deny-scripts-reconfig options."},
    {"sentinel resolve-hostnames 1\n", 1,
     "Please specify yes or no for the resolve-hostnames option."},
    {"sentinel announce-hostnames 1\n", 1,
     "Please specify yes or no for the announce-hostnames option."},
    {"sentinel announce-port 65536\n", 1, "Invalid port number."},
    {M "sentinel rename-command m CONFIG a\nsentinel rename-command m config b\n", 3,
     "Same command renamed multiple times with rename-command."},
    {"port\n", 1, "wrong number of arguments"},
    {"port 1 2\n", 1, "wrong number of arguments"},
    {"hz\n", 1, "wrong number of arguments"},
    {"port x\n", 1, "argument couldn't be parsed into an integer"},
    {"port 65536\n", 1, "argument must be between 0 and 65535 inclusive"},
    {"loglevel loud\n", 1,
     "argument(s) must be one of the following: debug, verbose, notice, warning, nothing"},
    {"daemonize maybe\n", 1, "argument must be 'yes' or 'no'"},
    {"unixsocketperm 9\n", 1, "argument couldn't be parsed as an octal number"},
    {"unixsocketperm 1777\n", 1, "argument must be between 0 and 777 inclusive"},
    {"bind redis-1\n", 1, "'redis-1' is no IP address to bind to"},
    {"bind \"\"\n", 1, "'' is no IP address to bind to"},
    {"maxclients 0\n", 1, "argument must be between 1 and 2147483647 inclusive"},
    {"client-query-buffer-limit 1xb\n", 1, "argument must be a memory value"},
    {"client-output-buffer-limit normal 0 0\n", 1,
     "Wrong number of arguments in buffer limit configuration."},
    {"client-output-buffer-limit other 0 0 0\n", 1,
     "Invalid client class specified in buffer limit configuration."},
    {"client-output-buffer-limit normal x 0 0\n", 1,
     "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
    {"nosuch 1\n", 1, "Bad directive or wrong number of arguments"},
    {"nosuch\n", 1, "Bad directive or wrong number of arguments"},
    {"\nloglevel \"notice\n", 2, "Unbalanced quotes in configuration line"},
    {"loglevel \"notice\"x\n", 1, "Unbalanced quotes in configuration line"},
    {"tls-port 65536\n", 1, "argument must be between 0 and 65535 inclusive"},
    {"TLS-replication maybe\n", 1, "argument must be 'yes' or 'no'"},
    {"tls-auth-clients maybe\n", 1, "argument(s) must be one of the following: no, yes, optional"},
    {"tls-session-cache-size -1\n", 1, "argument must be between 0 and 2147483647 inclusive"},
    {"user\n", 1, "Bad directive or wrong number of arguments"},
    {"user me on +nosuch\n", 1,
     "Error in user declaration 'me': Unknown command or category name in ACL"},
    {"user me on (+ping\n", 1,
     "Error in user declaration 'me': Unmatched parenthesis in selector definition"},
    {"user me on\nuser me off\n", 2,
     "Error in user declaration 'me': Duplicate user found. A user can only be defined once in "
     "config files"},
    {"user \"a b\" on\n", 1,
     "Error in user declaration 'a b': Spaces not allowed in ACL usernames"},
    {"acl-pubsub-default x\n", 1,
     "argument(s) must be one of the following: allchannels, resetchannels"},
    {"acllog-max-len x\n", 1, "argument couldn't be parsed into an integer"},
    {"rename-command PING\n", 1, "Bad directive or wrong number of arguments"},
    {"rename-command NOSUCH x\n", 1, "No such command in rename-command"},
    {"rename-command PING role\n", 1, "Target command name already exists"},
    {"rename-command PING x\nrename-command ROLE X\n", 2, "Target command name already exists"},
    {"include nosuch.conf\n", 1, "can't open config file 'nosuch.conf': No such file or directory"},
    {"include a b\n", 1, "Bad directive or wrong number of arguments"},
    {"dir /nosuch\n", 1, "No such file or directory"},
    {"include loop.conf\n", 1, "Too many nested includes"},
};

START_TEST(refusals)
{
    struct vd_text text = {0};

    ck_assert(!load(refused[_i].text));
    ck_assert_uint_eq(config.fault_count, 1);
    ck_assert_str_eq(config.faults[0].reason, refused[_i].reason);
    ck_assert_uint_eq(config.faults[0].line, refused[_i].line);
    ck_assert_ptr_nonnull(config.faults[0].remedy);
    vd_fault_print(&config.faults[0], &text);
    ck_assert(text.len > strlen(refused[_i].reason));
    vd_text_free(&text);
}
END_TEST

START_TEST(all_faults_are_told)
{
    ck_assert(!load("port x\nlogelvel debug\nsentinel monitor m 10.0.0.1 1 0\n"));
    ck_assert_uint_eq(config.fault_count, 3);
    ck_assert_str_eq(config.faults[1].remedy, "did you mean 'loglevel'?");
}
END_TEST

START_TEST(a_binary_file_is_soon_given_up)
{
    static const char bytes[] = "\x7f"
                                "ELF\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0"
                                "\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n\0\n";

    file_len = sizeof(bytes) - 1;
    ck_assert(!load(bytes));
    ck_assert_uint_eq(config.fault_count, 20);
    ck_assert_str_eq(config.faults[0].reason, "NUL byte in configuration line");
}
END_TEST

static const char *const secrets[] = {
    "requirepass geheim x\n",
    "requirepass \"geheim\n",
    "  RequirePass geheim \"\n",
    "\"requirepass\" geheim x\n",
    "user me >geheim +nosuch\n",
    "sentinel auth-pass nosuch geheim\n",
    "sentinel auth-pass nosuch \"geheim\n",
    "sentinel  \"AUTH-PASS\" nosuch geheim x\n",
    "sentinel sentinel-pass geheim x\n",
    "http-token geheim geheim\n",
};

START_TEST(secrets_are_masked)
{
    ck_assert(!load(secrets[_i]));
    ck_assert_uint_eq(config.fault_count, 1);
    ck_assert_msg(strstr(config.faults[0].text, "geheim") == NULL, "%s", config.faults[0].text);
    ck_assert_ptr_nonnull(strstr(config.faults[0].text, "******"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classic_refusals");
    TCase *tcase = tcase_create("classic_refusals");

    tcase_add_checked_fixture(tcase, setup, teardown);
    suite_add_rows(tcase, warnings, warned);
    suite_add_rows(tcase, refusals, refused);
    tcase_add_test(tcase, all_faults_are_told);
    tcase_add_test(tcase, a_binary_file_is_soon_given_up);
    suite_add_rows(tcase, secrets_are_masked, secrets);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
