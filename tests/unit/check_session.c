/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a client is: names, protocol version, password, subscriptions; and how clients are listed. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "counter.h"
#include "suite.h"

static struct counter counter;

static void set_up(void)
{
    counter_init(&counter, true);
}

static void tear_down(void)
{
    counter_free(&counter);
}

START_TEST(names)
{
    ck_assert_str_eq(counter_say(&counter, "client setname a:b"), "+OK");
    ck_assert_str_eq(counter_say(&counter, "client getname"), "$3 a:b");
    ck_assert_str_eq(counter_say(&counter, "client setname \"\""), "+OK");
    ck_assert_str_eq(counter_say(&counter, "client getname"), "$-1");
    (void)counter_run(&counter, "hello 2 setname h");
    ck_assert_str_eq(counter_say(&counter, "client getname"), "$1 h");
    ck_assert_str_eq(counter_say(&counter, "client setinfo LIB-NAME redis-py"), "+OK");
    ck_assert_str_eq(counter_say(&counter, "client setinfo lib-ver 5"), "+OK");
    ck_assert_str_eq(counter.session.lib_name, "redis-py");
    ck_assert_str_eq(counter.session.lib_ver, "5");
}
END_TEST

START_TEST(tracking)
{
    static const struct {
        const char *request;
        const char *reply;
    } rows[] = {
        {"client trackinginfo", "*6 $5 flags *1 $3 off $8 redirect :-1 $8 prefixes *0"},
        {"client tracking maybe", "-ERR syntax error"},
        {"client tracking on nonsense", "-ERR syntax error"},
        {"client tracking on redirect x", "-ERR value is not an integer or out of range"},
        {"client tracking on redirect 9", "-ERR The client ID you want redirect to does not exist"},
        {"client tracking on optin optout",
         "-ERR You can't specify both OPTIN mode and OPTOUT mode"},
        {"client tracking on prefix a", "-ERR PREFIX option requires BCAST mode to be enabled"},
        {"client tracking on bcast prefix a prefix ab",
         "-ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single "
         "client must not overlap."},
        {"client getredir", ":-1"},
        {"client tracking on bcast noloop redirect 8 prefix a", "+OK"},
        {"client tracking on bcast prefix ab",
         "-ERR Prefix 'ab' overlaps with an existing prefix 'a'. Prefixes for a single client "
         "must not overlap."},
        {"client tracking on bcast noloop redirect 8 prefix b", "+OK"},
        {"client trackinginfo", "*6 $5 flags *3 $2 on $5 bcast $6 noloop $8 redirect :8 $8 "
                                "prefixes *2 $1 a $1 b"},
        {"client getredir", ":8"},
        {"client tracking off", "+OK"},
        {"client tracking on optin", "+OK"},
        {"client caching no",
         "-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."},
        {"client caching yes", "+OK"},
        {"client tracking off", "+OK"},
        {"client trackinginfo", "*6 $5 flags *1 $3 off $8 redirect :-1 $8 prefixes *0"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(strcmp(counter_say(&counter, rows[i].request), rows[i].reply) == 0, "%s: %s",
                      rows[i].request, counter_say(&counter, rows[i].request));
}
END_TEST

/* Each is compared with each: so many as a request holds would stop the loop for seconds. */
START_TEST(prefixes_are_bounded)
{
    unsigned taken = 0;
    char line[64];

    do {
        (void)snprintf(line, sizeof(line), "client tracking on bcast prefix p%06u", taken);
    } while (strcmp(counter_say(&counter, line), "+OK") == 0 && ++taken < 10000);
    ck_assert_str_eq(counter_say(&counter, line),
                     "-ERR Prefixes of a client must not have more than 8192 bytes");
    ck_assert_uint_eq(taken, 1024);
    ck_assert_uint_eq(counter.session.tracking.prefix_count, 1024);
    ck_assert_str_eq(counter_say(&counter, "client tracking off"), "+OK");
    ck_assert_str_eq(counter_say(&counter, line), "+OK");
}
END_TEST

START_TEST(versions)
{
    ck_assert_str_eq(counter_say(&counter, "hello"),
                     "*12 $6 server $5 redis $7 version $5 7.2.4 $5 proto :2 $2 id :7 $4 mode $8 "
                     "sentinel $7 modules *0");
    ck_assert_str_eq(counter_say(&counter, "hello 3"),
                     "%6 $6 server $5 redis $7 version $5 7.2.4 $5 proto :3 $2 id :7 $4 mode $8 "
                     "sentinel $7 modules *0");
    ck_assert_str_eq(counter_say(&counter, "sentinel get-master-addr-by-name n"), "_");
    ck_assert_str_eq(counter_say(&counter, "client getname"), "_");
    /* A HELLO that fails changes nothing. */
    (void)counter_run(&counter, "hello 2 auth other x setname n");
    ck_assert_uint_eq(counter.session.version, 3);
    ck_assert_ptr_null(counter.session.name);
    ck_assert_int_eq(counter.out.denial.reason, VD_DENIAL_AUTH);
    (void)counter_run(&counter, "hello 2");
    ck_assert_uint_eq(counter.session.version, 2);
}
END_TEST

START_TEST(password)
{
    vd_acl_require(counter.acl, "secret");
    counter.session.authenticated = false;
    ck_assert_str_eq(counter_say(&counter, "ping"), "-NOAUTH Authentication required.");
    ck_assert_str_eq(counter_say(&counter, "nope"),
                     "-ERR unknown command 'nope', with args beginning with:");
    ck_assert_int_eq(strncmp(counter_say(&counter, "hello 3"), "-NOAUTH HELLO must be", 21), 0);
    ck_assert_str_eq(counter_say(&counter, "subscribe x"), "-NOAUTH Authentication required.");
    ck_assert_str_eq(counter_say(&counter, "quit"), "+OK");
    for (const char *const *wrong =
             (const char *const[]){"auth secre", "auth secretx", "auth \"\"", "auth secretsecret",
                                   "auth Secret", "auth other secret", NULL};
         *wrong != NULL; wrong++) {
        ck_assert_str_eq(counter_say(&counter, *wrong),
                         "-WRONGPASS invalid username-password pair or user is disabled.");
        ck_assert_int_eq(counter.out.denial.reason, VD_DENIAL_AUTH);
        ck_assert(!counter.session.authenticated);
    }
    ck_assert_str_eq(counter_say(&counter, "auth secret"), "+OK");
    ck_assert_str_eq(counter_say(&counter, "ping"), "+PONG");
    ck_assert_int_eq(strncmp(counter_say(&counter, "auth wrong"), "-WRONGPASS", 10), 0);
    ck_assert_str_eq(counter_say(&counter, "ping"), "+PONG");
    counter.session.authenticated = false;
    ck_assert_int_eq(counter_say(&counter, "hello 3 auth default secret")[0], '%');
    ck_assert(counter.session.authenticated);
}
END_TEST

/* Options of CLIENT LIST, and whether they take this client: a subscriber of 1.2.3.4, 100 s old. */
static const struct {
    const char *options;
    bool takes;
} takers[] = {
    {"", true},
    {"id 7", true},
    {"id 6 7", true},
    {"id 8", false},
    {"not-id 7", false},
    {"not-id 8 9", true},
    {"type pubsub", true},
    {"type normal", false},
    {"type replica", false},
    {"not-type normal", true},
    {"not-type pubsub", false},
    {"addr 1.2.3.4:5", true},
    {"addr 1.2.3.4:6", false},
    {"not-addr 1.2.3.4:5", false},
    {"laddr [::1]:9", true},
    {"ip 1.2.3.4", true},
    {"ip 1.2.3", false},
    {"not-ip 1.2.3.4", false},
    {"user default", true},
    {"name me", true},
    {"name you", false},
    {"not-name you", true},
    {"lib-name redis-py", true},
    {"lib-ver 5", false},
    {"flags P", true},
    {"flags Pe", false},
    {"flags N", false},
    {"not-flags N", true},
    {"db 0", true},
    {"db 1", false},
    {"capa \"\"", true},
    {"capa r", false},
    {"not-capa r", true},
    {"maxage 100", true},
    {"maxage 101", false},
    {"idle 10", true},
    {"idle 11", false},
    {"type pubsub name me not-id 8", true},
    {"type pubsub name you", false},
    {"type pubsub not-name me", false},
    {"skipme yes", false},
    {"skipme no", true},
};

START_TEST(filters_take)
{
    struct vd_client_facts facts = {
        .session = &counter.session,
        .addr = "1.2.3.4:5",
        .laddr = "[::1]:9",
        .age_s = 100,
        .idle_s = 10,
    };
    struct vd_text request = {0};

    (void)counter_say(&counter, "client setname me");
    (void)counter_say(&counter, "client setinfo lib-name redis-py");
    vd_text_printf(&request, "client list %s", takers[_i].options);
    (void)counter_run(&counter, request.bytes);
    ck_assert_int_eq(counter.out.type, VD_OUT_CLIENT_LIST);
    counter.session.channels = 1;
    ck_assert_int_eq(vd_client_filter_takes(&counter.out.filter, &facts, true), takers[_i].takes);
    counter.session.channels = 0;
    vd_text_free(&request);
}
END_TEST

START_TEST(replies_switched_off)
{
    ck_assert_str_eq(counter_say(&counter, "client reply skip"), "");
    ck_assert(counter.session.muted);
    (void)counter_say(&counter, "ping");
    ck_assert(counter.session.muted);
    (void)counter_say(&counter, "ping");
    ck_assert(!counter.session.muted);
    (void)counter_say(&counter, "client reply off");
    (void)counter_say(&counter, "ping");
    ck_assert(counter.session.muted);
    ck_assert_str_eq(counter_say(&counter, "client reply on"), "+OK");
    ck_assert(!counter.session.muted);
}
END_TEST

START_TEST(pauses)
{
    ck_assert_str_eq(counter_say(&counter, "client pause 50"), "+OK");
    ck_assert_int_eq(counter.out.type, VD_OUT_PAUSE);
    ck_assert_int_eq(counter.out.pause_ms, 50);
    ck_assert_str_eq(counter_say(&counter, "client pause 50 write"), "+OK");
    ck_assert_int_eq(counter.out.type, VD_OUT_REPLIED);
    ck_assert_str_eq(counter_say(&counter, "client pause 9223372036854775807"),
                     "-ERR timeout is out of range");
    ck_assert_str_eq(counter_say(&counter, "client unpause"), "+OK");
    ck_assert_int_eq(counter.out.type, VD_OUT_PAUSE);
    ck_assert_int_eq(counter.out.pause_ms, 0);
}
END_TEST

START_TEST(subscribed)
{
    counter.session.channels = 1;
    ck_assert_str_eq(counter_say(&counter, "ping"), "*2 $4 pong $0");
    ck_assert_str_eq(counter_say(&counter, "ping x"), "*2 $4 pong $1 x");
    ck_assert_str_eq(counter_say(&counter, "sentinel masters"),
                     "-ERR Can't execute 'sentinel|masters': only (P|S)SUBSCRIBE / "
                     "(P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");
    ck_assert_str_eq(counter_run(&counter, "punsubscribe"), "");
    ck_assert_int_eq(counter.out.type, VD_OUT_PUNSUBSCRIBE);
    ck_assert_str_eq(counter_say(&counter, "quit"), "+OK");
    counter.session.version = 3;
    ck_assert_str_eq(counter_say(&counter, "ping"), "+PONG");
    ck_assert_str_eq(counter_say(&counter, "role"), "*2 $8 sentinel *1 $1 m");
}
END_TEST

/* Filters ---------------------------------------------------------------------------------- */

static bool takes(const char *request, bool me)
{
    struct vd_client_facts facts = {
        .session = &counter.session, .addr = "1.2.3.4:5", .laddr = "1.2.3.4:26379", .age_s = 10};

    (void)counter_run(&counter, request);
    ck_assert(counter.out.type == VD_OUT_CLIENT_LIST || counter.out.type == VD_OUT_CLIENT_KILL);
    return vd_client_filter_takes(&counter.out.filter, &facts, me);
}

START_TEST(filters)
{
    ck_assert(takes("client list", true));
    ck_assert(takes("client list id 3 7", true));
    ck_assert(!takes("client list id 3 8", true));
    ck_assert(takes("client list type normal", false));
    ck_assert(!takes("client list type pubsub", false));
    ck_assert(!takes("client list type replica", false));
    ck_assert(takes("client kill 1.2.3.4:5", true));
    ck_assert(!takes("client kill 1.2.3.4:6", true));
    ck_assert(!takes("client kill addr 1.2.3.4:5", true)); /* oneself is spared */
    ck_assert(takes("client kill addr 1.2.3.4:5 skipme no", true));
    ck_assert(takes("client kill laddr 1.2.3.4:26379 user default", false));
    ck_assert(!takes("client kill laddr 1.2.3.4:26379 id 8", false));
    ck_assert(takes("client kill maxage 10", false));
    ck_assert(!takes("client kill maxage 11", false));
    counter.session.patterns = 1;
    counter.session.version = 3;
    ck_assert(takes("client kill type pubsub", false));
    ck_assert(!takes("client kill type normal", false));
}
END_TEST

START_TEST(client_line)
{
    struct vd_client_facts facts = {.session = &counter.session,
                                    .addr = "1.2.3.4:5",
                                    .laddr = "1.2.3.4:26379",
                                    .fd = 9,
                                    .age_s = 10,
                                    .idle_s = 2,
                                    .input = 3,
                                    .input_free = 4,
                                    .output = 5};
    struct vd_text line = {0};

    (void)counter_run(&counter, "client setname n");
    (void)counter_run(&counter, "client setinfo lib-ver 5");
    vd_client_line(&facts, &line);
    ck_assert_str_eq(
        vd_text_cstr(&line),
        "id=7 addr=1.2.3.4:5 laddr=1.2.3.4:26379 fd=9 name=n age=10 idle=2 flags=N "
        "db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=3 qbuf-free=4 argv-mem=0 "
        "multi-mem=0 rbs=0 rbp=0 obl=5 oll=0 omem=5 tot-mem=12 events=r "
        "cmd=client|setinfo user=default redir=-1 resp=2 lib-name= lib-ver=5 io-thread=0\n");
    vd_text_free(&line);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("session");
    TCase *tcase = tcase_create("session");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, names);
    tcase_add_test(tcase, tracking);
    tcase_add_test(tcase, prefixes_are_bounded);
    tcase_add_test(tcase, versions);
    tcase_add_test(tcase, password);
    tcase_add_test(tcase, subscribed);
    suite_add_rows(tcase, filters_take, takers);
    tcase_add_test(tcase, replies_switched_off);
    tcase_add_test(tcase, pauses);
    tcase_add_test(tcase, filters);
    tcase_add_test(tcase, client_line);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
