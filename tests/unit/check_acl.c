/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Access control: what rules mean, what is told of them, who may do what. The
 * expectations are those of a Redis, asked the same (tests/live compares).
 */
#include <check.h>
#include <string.h>

#include "counter.h"
#include "proto/server_option.h"
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

static void expect(const char *request, const char *reply)
{
    const char *got = counter_say(&counter, request);

    ck_assert_msg(strcmp(got, reply) == 0, "%s: %s, not %s", request, got, reply);
}

/* Rules, and the line of ACL LIST that comes of them. */
static const struct {
    const char *rules;
    const char *line;
} meanings[] = {
    {"", "off resetchannels -@all"},
    {"on", "on resetchannels -@all"},
    {"ON NOPASS ALLCOMMANDS allkeys allchannels", "on nopass ~* &* +@all"},
    {"on +PING", "on resetchannels -@all +ping"},
    {"+ping +role -ping", "off resetchannels -@all +role -ping"},
    {"+ping +ping", "off resetchannels -@all +ping"},
    {"+@admin -@slow +info", "off resetchannels -@all +@admin -@slow +info"},
    {"+@keyspace +@READ", "off resetchannels -@all +@keyspace +@read"},
    {"-@all +@read +@all", "off resetchannels +@all"},
    {"+@all -role", "off resetchannels +@all -role"},
    {"+@all -role nocommands", "off resetchannels -@all"},
    {"+sentinel|masters -sentinel|master +sentinel", "off resetchannels -@all +sentinel"},
    {"+sentinel -sentinel|masters", "off resetchannels -@all +sentinel -sentinel|masters"},
    {"+client +client|id +client|info", "off resetchannels -@all +client +client|id +client|info"},
    {"+ping|foo", "off resetchannels -@all +ping|foo"},
    {"+ping|foo +ping", "off resetchannels -@all +ping"},
    {"~foo ~bar %R~x %W~y %RW~z %rw~q", "off ~foo ~bar %R~x %W~y ~z ~q resetchannels -@all"},
    {"%R~x %W~x", "off ~x resetchannels -@all"},
    {"~foo allkeys", "off ~* resetchannels -@all"},
    {"~foo resetkeys", "off resetchannels -@all"},
    {"&foo &bar* &foo", "off resetchannels &foo &bar* -@all"},
    {"&foo &*", "off &* -@all"},
    {"&foo resetchannels", "off resetchannels -@all"},
    {"sanitize-payload", "off sanitize-payload resetchannels -@all"},
    {"skip-sanitize-payload", "off skip-sanitize-payload resetchannels -@all"},
    {">a", "off #ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb resetchannels "
           "-@all"},
    {">a >a", "off #ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb "
              "resetchannels -@all"},
    {"nopass #ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
     "off #ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb resetchannels -@all"},
    {">a <a", "off resetchannels -@all"},
    {">a !ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
     "off resetchannels -@all"},
    {">a nopass", "off nopass resetchannels -@all"},
    {">a resetpass", "off resetchannels -@all"},
    {"on nopass ~x &y +ping (+role) reset", "off sanitize-payload resetchannels -@all"},
    {"(+ping ~x &c) (+role)",
     "off resetchannels -@all (~x resetchannels &c -@all +ping) (resetchannels -@all +role)"},
    {"(+ping ~x) clearselectors", "off resetchannels -@all"},
    {"()", "off resetchannels -@all (resetchannels -@all)"},
    {"alldbs", "off resetchannels -@all"},
};

START_TEST(rules_mean)
{
    struct vd_text line = {0};
    struct vd_text request = {0};

    vd_text_printf(&request, "acl setuser u %s", meanings[_i].rules);
    expect(request.bytes, "+OK");
    vd_text_printf(&line, "user u %s", meanings[_i].line);
    vd_text_clear(&request);
    vd_acl_describe(vd_acl_find(counter.acl, "u", 1), &request);
    ck_assert_str_eq(request.bytes, line.bytes);
    /* What is written is read back as the same. */
    expect("acl deluser u", ":1");
    vd_text_clear(&request);
    vd_text_printf(&request, "acl setuser u %s", meanings[_i].line);
    expect(request.bytes, "+OK");
    vd_text_clear(&request);
    vd_acl_describe(vd_acl_find(counter.acl, "u", 1), &request);
    ck_assert_str_eq(request.bytes, line.bytes);
    vd_text_free(&request);
    vd_text_free(&line);
}
END_TEST

#define UNKNOWN "Unknown command or category name in ACL"
#define HASH                                                                                       \
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "      \
    "characters"
#define NO_PASSWORD "The password you are trying to remove from the user does not exist"

static const struct {
    const char *rule;
    const char *reason;
} refusals[] = {
    {"foo", "Syntax error"},
    {"+get", UNKNOWN},
    {"+", UNKNOWN},
    {"-", UNKNOWN},
    {"+@", UNKNOWN},
    {"+@nosuch", UNKNOWN},
    {"+sentinel|nosuch", UNKNOWN},
    {"-ping|foo", UNKNOWN},
    {"+nosuch|foo", UNKNOWN},
    {"+ping|a|b", "Allowing first-arg of a subcommand is not supported"},
    {"+ping|", "Syntax error"},
    {"%x~", "Syntax error"},
    {"%~x", "Syntax error"},
    {"%RR~x", "Syntax error"},
    {"%R", "Syntax error"},
    {"\"~a b\"", "Syntax error"},
    {"\"&a b\"", "Syntax error"},
    {"\"&a\\x00b\"", "Syntax error"},
    {"\"+ping|a b\"", "Syntax error"},
    {"\"(+ping|\\\"a\\\\nb\\\")\"", "Syntax error"},
    {"\"\\x00ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\"", "Syntax error"},
    {"#abc", HASH},
    {"#CA978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", HASH},
    {"!abc", HASH},
    {"<nosuch", NO_PASSWORD},
    {"!ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", NO_PASSWORD},
    {"(on)", "Syntax error"},
    {"(>x)", "Syntax error"},
    {"(+nosuch)", UNKNOWN},
};

START_TEST(rules_are_refused)
{
    struct vd_text request = {0};
    struct vd_text wanted = {0};
    const char *got;

    expect("acl setuser u on +ping", "+OK");
    vd_text_printf(&request, "acl setuser u off %s", refusals[_i].rule);
    vd_text_printf(&wanted, "': %s", refusals[_i].reason);
    got = counter_say(&counter, request.bytes);
    ck_assert_msg(strncmp(got, "-ERR Error in ACL SETUSER modifier '", 36) == 0, "%s", got);
    ck_assert_msg(strcmp(got + strlen(got) - wanted.len, wanted.bytes) == 0, "%s", got);
    /* All or nothing. */
    vd_text_clear(&request);
    vd_acl_describe(vd_acl_find(counter.acl, "u", 1), &request);
    ck_assert_str_eq(request.bytes, "user u on resetchannels -@all +ping");
    vd_text_free(&request);
    vd_text_free(&wanted);
}
END_TEST

START_TEST(more_refusals)
{
    expect("acl setuser u (+ping ~x", "-ERR Unmatched parenthesis in acl selector starting at "
                                      "'(+ping'.");
    expect("acl setuser \"a b\" on", "-ERR Usernames can't contain spaces or null characters");
    expect("acl setuser \"\" on", "-ERR Usernames can't contain spaces or null characters");
    expect("acl setuser u allkeys ~x",
           "-ERR Error in ACL SETUSER modifier '~x': Adding a pattern after the * pattern (or the "
           "'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start "
           "with an empty list of patterns");
    expect("acl setuser u allchannels &x",
           "-ERR Error in ACL SETUSER modifier '&x': Adding a pattern after the * pattern (or the "
           "'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to "
           "start with an empty list of channels");
    ck_assert_ptr_null(vd_acl_find(counter.acl, "u", 1));
    expect("acl deluser default", "-ERR The 'default' user cannot be removed");
    expect("acl deluser u", ":0");
    expect("acl getuser u", "$-1");
}
END_TEST

/* A user's rules, a request of its, and whether it may. */
static const struct {
    const char *rules;
    const char *request;
    const char *refused; /* NULL: not by access control */
} cases[] = {
    {"+@all", "ping", NULL},
    {"-@all", "ping", "NOPERM User u has no permissions to run the 'ping' command"},
    {"-@all", "auth default x", NULL},
    {"-@all", "hello", NULL},
    {"-@all", "nosuch", "ERR unknown command 'nosuch', with args beginning with: "},
    {"-@all", "role x", "ERR wrong number of arguments for 'role' command"},
    {"+@all -ping", "ping", "NOPERM User u has no permissions to run the 'ping' command"},
    {"+sentinel|masters", "sentinel masters", NULL},
    {"+sentinel|masters", "sentinel myid",
     "NOPERM User u has no permissions to run the 'sentinel|myid' command"},
    {"+sentinel -sentinel|myid", "sentinel myid",
     "NOPERM User u has no permissions to run the 'sentinel|myid' command"},
    {"+sentinel -sentinel|myid", "sentinel masters", NULL},
    {"+@connection", "client id", NULL},
    {"+@connection -@dangerous", "client list",
     "NOPERM User u has no permissions to run the 'client|list' command"},
    {"+ping|hi", "ping hi", NULL},
    {"+ping|hi", "ping HI", NULL},
    {"+ping|hi", "ping ho", "NOPERM User u has no permissions to run the 'ping' command"},
    {"+ping|hi", "ping", "NOPERM User u has no permissions to run the 'ping' command"},
    {"+ping|hi -ping", "ping hi", "NOPERM User u has no permissions to run the 'ping' command"},
    {"+@all", "subscribe a", "NOPERM No permissions to access a channel"},
    {"+@all &a*", "subscribe ab ac", NULL},
    {"+@all &a*", "subscribe ab b", "NOPERM No permissions to access a channel"},
    {"+@all &a*", "psubscribe a*", NULL},
    {"+@all &a*", "psubscribe ab", "NOPERM No permissions to access a channel"},
    {"+@all", "unsubscribe a", NULL},
    {"+@all", "publish a x", "NOPERM No permissions to access a channel"},
    {"+@all &a", "publish a x", "ERR Only HELLO messages are accepted by Sentinel instances."},
    {"(+ping) (+role)", "ping", NULL},
    {"(+ping) (+role)", "role", NULL},
    {"(+ping) (+role)", "info", "NOPERM User u has no permissions to run the 'info' command"},
    {"(+subscribe &a) (+subscribe &b)", "subscribe b", NULL},
    {"(+subscribe &a) (+subscribe &b)", "subscribe a b",
     "NOPERM No permissions to access a channel"},
};

START_TEST(who_may)
{
    struct vd_text request = {0};
    const char *got;

    vd_text_printf(&request, "acl setuser u on nopass %s", cases[_i].rules);
    expect(request.bytes, "+OK");
    expect("auth u any", "+OK");
    got = counter_run(&counter, cases[_i].request);
    if (cases[_i].refused == NULL) {
        ck_assert_msg(strstr(got, "NOPERM") == NULL, "%s", got);
        ck_assert_int_eq(counter.out.denial.reason, VD_DENIAL_NONE);
    } else {
        vd_text_clear(&request);
        vd_text_printf(&request, "-%s\r\n", cases[_i].refused);
        ck_assert_str_eq(got, request.bytes);
        ck_assert_int_eq(counter.out.denial.reason != VD_DENIAL_NONE,
                         strncmp(cases[_i].refused, "NOPERM", 6) == 0);
    }
    vd_text_free(&request);
}
END_TEST

START_TEST(letting_in)
{
    expect("acl setuser u on >a >b", "+OK");
    expect("auth u a", "+OK");
    expect("acl whoami", "-NOPERM User u has no permissions to run the 'acl|whoami' command");
    expect("auth u b", "+OK");
    expect("auth u c", "-WRONGPASS invalid username-password pair or user is disabled.");
    ck_assert_str_eq(counter.out.denial.object, "AUTH");
    ck_assert_str_eq(counter.out.denial.user, "u");
    expect("auth nobody b", "-WRONGPASS invalid username-password pair or user is disabled.");
    expect("auth default any", "+OK");
    expect("acl whoami", "$7 default");
    expect("acl setuser u off", "+OK");
    expect("auth u b", "-WRONGPASS invalid username-password pair or user is disabled.");
    (void)counter_say(&counter, "hello 3 auth u b");
    ck_assert_str_eq(counter.out.denial.object, "HELLO");
    /* Without a password of its own nobody is let in. */
    expect("acl setuser v on", "+OK");
    expect("auth v \"\"", "-WRONGPASS invalid username-password pair or user is disabled.");
    expect("acl setuser v >", "+OK");
    expect("auth v \"\"", "+OK");
}
END_TEST

START_TEST(deleted)
{
    struct vd_acl_user *user;

    expect("acl setuser u on nopass +@all", "+OK");
    expect("auth u x", "+OK");
    user = counter.session.user;
    ck_assert(!vd_acl_is_gone(user));
    expect("acl deluser nobody u", ":1");
    ck_assert_int_eq(counter.out.type, VD_OUT_USERS);
    ck_assert(vd_acl_is_gone(user));
    ck_assert_str_eq(vd_acl_name(user), "u"); /* held by the session */
    /* A new one of the same name is another. */
    expect("acl setuser u on", "+OK");
    ck_assert(vd_acl_is_gone(user));
    ck_assert_ptr_ne(vd_acl_find(counter.acl, "u", 1), user);
}
END_TEST

START_TEST(shown)
{
    expect("acl setuser bob on >a ~x &c +ping (+role)", "+OK");
    expect("acl setuser alice", "+OK");
    expect("acl users", "*3 $5 alice $3 bob $7 default");
    expect("acl getuser bob",
           "*12 $5 flags *1 $2 on $9 passwords *1 $64 "
           "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb $8 commands $11 -@all "
           "+ping $4 keys $2 ~x $8 channels $2 &c $9 selectors *1 *6 $8 commands $11 -@all +role "
           "$4 keys $0  $8 channels $0");
    (void)counter_say(&counter, "hello 3");
    expect("acl getuser default",
           "%6 $5 flags ~2 $2 on $6 nopass $9 passwords *0 $8 commands $5 +@all $4 keys $2 ~* $8 "
           "channels $2 &* $9 selectors *0");
    expect("acl getuser nobody", "_");
    counter.desk.is_valkey = true;
    expect("acl getuser default",
           "%7 $5 flags ~2 $2 on $6 nopass $9 passwords *0 $8 commands $5 +@all $4 keys $2 ~* $8 "
           "channels $2 &* $9 databases $6 alldbs $9 selectors *0");
    expect("hello", "%6 $6 server $6 valkey $7 version $5 9.0.0 $5 proto :3 $2 id :7 $4 mode $8 "
                    "sentinel $7 modules *0");
}
END_TEST

START_TEST(dry_runs)
{
    expect("acl setuser u on nopass +ping +subscribe &a*", "+OK");
    expect("acl dryrun default ping a b c", "+OK");
    expect("acl dryrun nobody ping", "-ERR User 'nobody' not found");
    expect("acl dryrun default nosuch", "-ERR Command 'nosuch' not found");
    expect("acl dryrun default sentinel", "-ERR wrong number of arguments for 'sentinel' command");
    expect("acl dryrun default sentinel foo", "-ERR Command 'sentinel' not found");
    expect("acl dryrun default sentinel masters x",
           "-ERR wrong number of arguments for 'sentinel|masters' command");
    expect("acl dryrun u role", "$51 User u has no permissions to run the 'role' command");
    expect("acl dryrun u subscribe a b", "$51 User u has no permissions to access the 'b' channel");
}
END_TEST

START_TEST(categories)
{
    expect("acl cat", "*21 $8 keyspace $4 read $5 write $3 set $9 sortedset $4 list $4 hash $6 "
                      "string $6 bitmap $11 hyperloglog $3 geo $6 stream $6 pubsub $5 admin $4 "
                      "fast $4 slow $8 blocking $9 dangerous $10 connection $11 transaction $9 "
                      "scripting");
    expect("acl cat WRITE", "*0");
    expect("acl cat nosuch", "-ERR Unknown category 'nosuch'");
    expect("acl cat pubsub", "*5 $10 psubscribe $7 publish $12 punsubscribe $9 subscribe $11 "
                             "unsubscribe");
    expect("acl cat a b",
           "-ERR unknown subcommand or wrong number of arguments for 'cat'. Try ACL HELP.");
}
END_TEST

START_TEST(passwords_are_made)
{
    expect("acl genpass 13", "$4 a5a5");
    expect("acl genpass 5", "$2 a5");
    expect("acl genpass 1", "$1 a");
    ck_assert_uint_eq(strlen(counter_say(&counter, "acl genpass")), strlen("$64 ") + 64);
    ck_assert_uint_eq(strlen(counter_say(&counter, "acl genpass 4096")), strlen("$1024 ") + 1024);
    expect("acl genpass x", "-ERR value is not an integer or out of range");
    for (int i = 0; i < 3; i++) {
        static const char *const bad[] = {"acl genpass 0", "acl genpass 4097", "acl genpass -1"};

        expect(bad[i], "-ERR ACL GENPASS argument must be the number of bits for the output "
                       "password, a positive number up to 4096");
    }
}
END_TEST

START_TEST(logged)
{
    struct vd_denial denial = {VD_DENIAL_COMMAND, "role", "u"};

    expect("acl log", "*0");
    vd_acl_log(counter.acl, &denial, "id=1", 900000, 3);
    vd_acl_log(counter.acl, &denial, "id=2", 950000, 3);
    (void)counter_say(&counter, "hello 3");
    expect("acl log", "*1 %10 $5 count :2 $6 reason $7 command $7 context $8 toplevel $6 object $4 "
                      "role $8 username $1 u $11 age-seconds ,50 $11 client-info $4 id=2 $8 "
                      "entry-id :0 $17 timestamp-created :900000 $22 timestamp-last-updated "
                      ":950000");
    /* Another user, another reason, another minute are told for themselves. */
    denial.user = "v";
    vd_acl_log(counter.acl, &denial, "", 960000, 3);
    denial.reason = VD_DENIAL_CHANNEL;
    vd_acl_log(counter.acl, &denial, "", 970000, 3);
    ck_assert_int_eq(strncmp(counter_say(&counter, "acl log"), "*3 ", 3), 0);
    vd_acl_log(counter.acl, &denial, "", 970000 + 60001, 3);
    ck_assert_int_eq(strncmp(counter_say(&counter, "acl log 10"), "*3 ", 3), 0);
    ck_assert_int_eq(strncmp(counter_say(&counter, "acl log 1"), "*1 ", 3), 0);
    expect("acl log 0", "*0");
    expect("acl log -1", "*0");
    expect("acl log x", "-ERR value is not an integer or out of range");
    expect("acl log reset", "+OK");
    expect("acl log", "*0");
}
END_TEST

START_TEST(filed)
{
    ck_assert_int_eq(strncmp(counter_say(&counter, "acl save"),
                             "-ERR This Redis instance is not configured to use an ACL file.", 62),
                     0);
    counter.server.aclfile = (char *)(uintptr_t) "/nosuch";
    expect("acl load",
           "-ERR Error loading ACLs, opening file '/nosuch': No such file or directory");
    expect("acl save", "-ERR There was an error trying to save the ACLs. Please check the server "
                       "logs for more information");
    counter.server.aclfile = (char *)(uintptr_t) "/acl";
    expect("acl setuser u on +ping", "+OK");
    expect("acl save", "+OK");
    ck_assert_str_eq(counter_file.bytes, "user default on nopass ~* &* +@all\n"
                                         "user u on resetchannels -@all +ping\n");
    expect("acl setuser v on", "+OK");
    expect("acl setuser u off", "+OK");
    expect("acl load", "+OK");
    ck_assert_int_eq(counter.out.type, VD_OUT_USERS);
    expect("acl list", "*2 $34 user default on nopass ~* &* +@all $35 user u on resetchannels "
                       "-@all +ping");
}
END_TEST

static const struct {
    const char *text;
    const char *faults; /* "": none */
} files[] = {
    {"", ""},
    {"\n# a comment\n  user a on  \r\n", ""},
    {"user a on", ""},
    {"usr a on\n", "F:1 should start with user keyword followed by the username. "},
    {"user\n", "F:1 should start with user keyword followed by the username. "},
    {"\nuser a on foo\n", "F:2: Syntax error. "},
    {"user a on\nuser a off\n", "WARNING: Duplicate user 'a' found on line 2. "},
    {"user a (+ping\nuser b on zz\n",
     "F:1: Unmatched parenthesis in selector definition. F:2: Syntax error. "},
    {"user a \"on\n", "F:1: unbalanced quotes in acl line. "},
};

START_TEST(file_lines)
{
    struct vd_text faults = {0};
    bool ok;

    expect("acl setuser z on", "+OK");
    ok = vd_acl_parse(counter.acl, "F", files[_i].text, strlen(files[_i].text), &faults);
    ck_assert_str_eq(vd_text_cstr(&faults), files[_i].faults);
    ck_assert_int_eq(ok, files[_i].faults[0] == '\0');
    ck_assert_int_eq(vd_acl_find(counter.acl, "z", 1) == NULL, ok);
    vd_text_free(&faults);
}
END_TEST

/* Words that a line of a file must quote, or it would be read as something else. */
static const char *const odd_rules[] = {
    "&a\"b",    "&it's", "&a\\x41", "&(a)", "(&a)", "(&a) +@all)", "(&\"a\\\"b\" ~'x\\y' +ping)",
    "+ping|(x",
};

START_TEST(what_is_written_is_read)
{
    struct vd_acl *acl = vd_acl_new(false);
    struct vd_acl *other = vd_acl_new(false);
    struct vd_text first = {0};
    struct vd_text again = {0};
    struct vd_text faults = {0};
    struct vd_err err = {""};

    for (size_t i = 0; i < sizeof(odd_rules) / sizeof(odd_rules[0]); i++) {
        const struct vd_word rule = {odd_rules[i], strlen(odd_rules[i])};

        ck_assert_msg(vd_acl_set(acl, &(struct vd_word){"a\"'\\(b", 6}, &rule, 1, &err), "%s: %s",
                      rule.bytes, err.text);
    }
    vd_acl_print(acl, &first);
    ck_assert_msg(vd_acl_parse(other, "F", first.bytes, first.len, &faults), "%s", faults.bytes);
    vd_acl_print(other, &again);
    ck_assert_str_eq(again.bytes, first.bytes);
    /* Not only the same text: the same rights. */
    vd_text_clear(&first);
    vd_text_clear(&again);
    vd_acl_describe(vd_acl_at(acl, 0), &first);
    vd_acl_describe(vd_acl_at(other, 0), &again);
    ck_assert_str_eq(again.bytes, first.bytes);
    ck_assert_str_eq(vd_acl_name(vd_acl_at(other, 0)), "a\"'\\(b");
    vd_text_free(&first);
    vd_text_free(&again);
    vd_text_free(&faults);
    vd_acl_free(acl);
    vd_acl_free(other);
}
END_TEST

START_TEST(adopted)
{
    struct vd_acl *other = vd_acl_new(true);
    struct vd_acl_user *kept;
    struct vd_acl_user *gone;

    expect("acl setuser kept on +ping", "+OK");
    expect("acl setuser gone on", "+OK");
    kept = vd_acl_hold(vd_acl_find(counter.acl, "kept", 4));
    gone = vd_acl_hold(vd_acl_find(counter.acl, "gone", 4));
    ck_assert(
        vd_acl_set(other, &(struct vd_word){"kept", 4}, &(struct vd_word){"+role", 5}, 1, NULL));
    vd_acl_adopt(counter.acl, other);
    ck_assert(!vd_acl_is_gone(kept) && !vd_acl_is_on(kept));
    ck_assert(vd_acl_is_gone(gone));
    expect("acl list",
           "*2 $34 user default on nopass ~* &* +@all $28 user kept off &* -@all +role");
    vd_acl_drop(kept);
    vd_acl_drop(gone);
    vd_acl_free(other);
}
END_TEST

START_TEST(renamed)
{
    static const struct vd_word from = {"PING", 4};
    static const struct vd_word to = {"Other", 5};
    static const struct vd_word role = {"role", 4};
    static const struct vd_word none = {"", 0};
    struct vd_server_options *server = &counter.server;

    vd_server_rename(server, &from, &to);
    vd_server_rename(server, &role, &none);
    expect("ping", "-ERR unknown command 'ping', with args beginning with:");
    expect("OTHER", "+PONG");
    expect("role", "-ERR unknown command 'role', with args beginning with:");
    for (size_t i = 0; i < server->rename_count; i++) {
        vd_free(server->renames[i].from);
        vd_free(server->renames[i].to);
    }
    vd_free(server->renames);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("acl");
    TCase *tcase = tcase_create("acl");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    suite_add_rows(tcase, rules_mean, meanings);
    suite_add_rows(tcase, rules_are_refused, refusals);
    tcase_add_test(tcase, more_refusals);
    suite_add_rows(tcase, who_may, cases);
    tcase_add_test(tcase, letting_in);
    tcase_add_test(tcase, deleted);
    tcase_add_test(tcase, shown);
    tcase_add_test(tcase, dry_runs);
    tcase_add_test(tcase, categories);
    tcase_add_test(tcase, passwords_are_made);
    tcase_add_test(tcase, logged);
    tcase_add_test(tcase, filed);
    suite_add_rows(tcase, file_lines, files);
    tcase_add_test(tcase, what_is_written_is_read);
    tcase_add_test(tcase, adopted);
    tcase_add_test(tcase, renamed);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
