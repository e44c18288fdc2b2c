/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests at the desk: what is answered at once and in which words, what
 * becomes an order, a question or a hello, and what is left to the shell.
 */
#include <check.h>
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

#define NOT_THERE "-ERR No such master with that name"
#define CONFIG_USAGE                                                                               \
    "-ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...] / SET <param> <value> [<param> "  \
    "<value> ...] are supported."
#define CANDIDATE(ip, chosen, verdict)                                                             \
    " *16 $2 ip $8 " ip " $4 port $4 6379 $6 chosen " chosen " $7 verdict " verdict                \
    " $8 priority $3 100 $6 offset $4 1000 $9 lag-bytes $1 0 $14 link-down-time $1 0"
#define FORGET_USAGE "-ERR FORGET needs a sentinel's runid, or a replica's ip and port"
#define PAUSE_RANGE "-ERR The time must be 1 to 2592000000 milliseconds"
#define BAD_LABEL "-ERR Client names cannot contain spaces, newlines or special characters."
#define ONE_HUNDRED                                                                                \
    "abcdefghijklmnopqrstuvwxyabcdefghijklmnopqrstuvwxyabcdefghijklmnopqrstuvwxyabcdefghijklmno"   \
    "pqrstuvwxy"

/* Requests that are answered at once, and change nothing. */
static const struct {
    const char *request;
    const char *reply;
} answers[] = {
    {"ping", "+PONG"},
    {"PING \"a\\r\\nb\"", "$4 a b"},
    {"ping a b", "-ERR wrong number of arguments for 'ping' command"},
    {"select 0", "-ERR unknown command 'select', with args beginning with: '0'"},
    {"quit", "+OK"},
    {"foo a \"b\\r\\nc\"", "-ERR unknown command 'foo', with args beginning with: 'a' 'b  c'"},
    {"" ONE_HUNDRED ONE_HUNDRED " x",
     "-ERR unknown command '" ONE_HUNDRED
     "abcdefghijklmnopqrstuvwxyabc', with args beginning with: 'x'"},
    {"foo " ONE_HUNDRED " " ONE_HUNDRED " y",
     "-ERR unknown command 'foo', with args beginning with: '" ONE_HUNDRED
     "' 'abcdefghijklmnopqrstuvwxy'"},
    {"sentinel foo bar", "-ERR unknown subcommand 'foo'. Try SENTINEL HELP."},
    {"client no-touch on", "-ERR unknown subcommand 'no-touch'. Try CLIENT HELP."},
    {"client", "-ERR wrong number of arguments for 'client' command"},
    {"sentinel", "-ERR wrong number of arguments for 'sentinel' command"},
    {"SENTINEL MASTER", "-ERR wrong number of arguments for 'sentinel|master' command"},
    {"acl whoami", "$7 default"},

    {"sentinel myid", "$40 " PUPPET_SELF},
    {"sentinel get-master-addr-by-name m", "*2 $8 10.0.0.1 $4 6379"},
    {"SENTINEL Get-Primary-Addr-By-Name m", "*2 $8 10.0.0.1 $4 6379"},
    {"sentinel get-master-addr-by-name M", "*-1"},
    {"sentinel get-master-addr-by-name \"m\\x00\"", "*-1"},
    {"sentinel master n", NOT_THERE},
    {"sentinel primary \"m\\x00\"", NOT_THERE},
    {"sentinel replicas n", NOT_THERE},
    {"sentinel slaves n", NOT_THERE},
    {"sentinel sentinels n", NOT_THERE},
    {"sentinel ckquorum n", NOT_THERE},
    {"sentinel ckquorum m",
     "+OK 3 usable Sentinels. Quorum and failover authorization can be reached"},
    {"sentinel failover n", NOT_THERE},
    {"sentinel failover m now", "-ERR Unknown failover option specified"},
    {"sentinel failover m to 10.0.0.2", "-ERR TO needs the ip and the port of a replica"},
    {"sentinel remove n", NOT_THERE},
    {"sentinel candidates n", NOT_THERE},
    {"sentinel candidates m",
     "*3" CANDIDATE("10.0.0.1", "$2 no", "$14 is the primary")
         CANDIDATE("10.0.0.2", "$3 yes", "$3 fit") CANDIDATE("10.0.0.3", "$2 no", "$3 fit")},
    {"sentinel forget n x", NOT_THERE},
    {"sentinel forget m", "-ERR wrong number of arguments for 'sentinel|forget' command"},
    {"sentinel forget m \"a b\"", FORGET_USAGE},
    {"sentinel forget m " ONE_HUNDRED, FORGET_USAGE},
    {"sentinel forget m 10.0.0.2 0", "-ERR Invalid IP address or port of a replica"},
    {"sentinel forget m \"a b\" 6379", "-ERR Invalid IP address or port of a replica"},
    {"sentinel pause n 1000", NOT_THERE},
    {"sentinel pause m 0", PAUSE_RANGE},
    {"sentinel pause m 2592000001", PAUSE_RANGE},
    {"sentinel pause m 1000 remote", "-ERR syntax error"},
    {"sentinel resume n", NOT_THERE},
    {"sentinel resume m local local", "-ERR syntax error"},
    {"sentinel show", "-ERR wrong number of arguments for 'sentinel|show' command"},
    {"sentinel show groups name", "-ERR wrong number of arguments for 'sentinel|show' command"},
    {"sentinel show \"groups\\x00\"", "-ERR A page, a name or a value has a NUL in it"},
    {"sentinel show nothing", "-ERR there is no page 'nothing'"},
    {"sentinel show groups name m", "$16 groups?name=m<1>"},
    {"sentinel set n quorum 1", NOT_THERE},
    {"sentinel pending-scripts", "*0"},
    {"sentinel info-cache n", "*0"},
    {"role", "*2 $8 sentinel *1 $1 m"},

    {"sentinel monitor n 10.0.0.9 6379 x", "-ERR Invalid quorum"},
    {"sentinel monitor n 10.0.0.9 y x", "-ERR Invalid quorum"},
    {"sentinel monitor n 10.0.0.9 y 0", "-ERR Invalid port"},
    {"sentinel monitor n host 6379 0", "-ERR Quorum must be 1 or greater."},
    {"sentinel monitor n host 70000 1", "-ERR Invalid IP address or hostname specified"},
    {"sentinel monitor n 10.0.0.9 70000 1", "-ERR Invalid port number."},
    {"sentinel monitor n 10.0.0.9 -1 1", "-ERR Invalid port number."},
    {"sentinel monitor m 10.0.0.9 6379 1", "-ERR Duplicate master name."},
    {"sentinel monitor n,o 10.0.0.9 6379 1",
     "-ERR Invalid master name: 1 to 255 characters, no blanks or commas"},
    {"sentinel monitor \"n\\n\" 10.0.0.9 6379 1",
     "-ERR Invalid argument at index 2 for SENTINEL MONITOR: control characters are not allowed"},

    {"sentinel set m quorum 0", "-ERR Invalid argument '0' for SENTINEL SET 'quorum'"},
    {"sentinel set m down-after-milliseconds 1.5",
     "-ERR Invalid argument '1.5' for SENTINEL SET 'down-after-milliseconds'"},
    {"sentinel set m Nope 1", "-ERR Unknown option or number of arguments for SENTINEL SET 'Nope'"},
    {"sentinel set m notification-script /there",
     "-ERR Reconfiguration of scripts path is denied for security reasons. Check the "
     "deny-scripts-reconfig configuration directive in your Sentinel configuration"},
    {"sentinel set m auth-pass \"a\\nsentinel monitor x\"",
     "-ERR Invalid argument at index 4 for SENTINEL SET: control characters are not allowed"},

    {"sentinel config get ANNOUNCE-P*", "*2 $13 announce-port $1 0"},
    {"sentinel config get loglevel resolve-* l*",
     "*4 $8 loglevel $6 notice $17 resolve-hostnames $2 no"},
    {"sentinel config get nope", "*0"},
    {"sentinel config set loglevel", CONFIG_USAGE},
    {"sentinel config foo bar", CONFIG_USAGE},
    {"sentinel config set nope 1", "-ERR Invalid argument 'nope' to SENTINEL CONFIG SET"},
    {"sentinel config set loglevel debug LOGLEVEL debug",
     "-ERR Duplicate argument 'LOGLEVEL' to SENTINEL CONFIG SET"},
    {"sentinel config set loglevel debug announce-port",
     "-ERR Missing argument 'announce-port' value"},
    {"sentinel config set loglevel debug announce-port 70000",
     "-ERR Invalid value '70000' to SENTINEL CONFIG SET 'announce-port'"},
    {"sentinel config set announce-ip \"a\\nb\"",
     "-ERR Invalid argument at index 4 for SENTINEL CONFIG: control characters are not allowed"},
    {"sentinel debug info-period",
     "-ERR Unknown option or number of arguments for SENTINEL DEBUG 'info-period'"},
    {"sentinel debug info-period 0", "-ERR Invalid argument '0' for SENTINEL DEBUG 'info-period'"},

    {"sentinel simulate-failure help", "*2 $20 crash-after-election $21 crash-after-promotion"},
    {"sentinel simulate-failure x", "-ERR Unknown failure simulation specified"},
    {"sentinel is-master-down-by-addr 10.0.0.1 x 0 *",
     "-ERR value is not an integer or out of range"},
    {"sentinel is-master-down-by-addr 10.0.0.1 6379 x *",
     "-ERR value is not an integer or out of range"},
    {"sentinel is-master-down-by-addr 10.0.0.1 6379 -1 *",
     "-ERR value is not an integer or out of range"},
    {"sentinel is-master-down-by-addr 10.0.0.1 6379 1 \"a\\nb\"", "-ERR runid is not an id"},
    {"sentinel is-master-down-by-addr 10.0.0.1 6379 1 " ONE_HUNDRED, "-ERR runid is not an id"},
    {"sentinel is-master-down-by-addr 10.0.0.1 70000 1 a", "*3 :0 $1 * :0"},
    {"sentinel is-master-down-by-addr \"no host\" 6379 1 a", "*3 :0 $1 * :0"},

    {"hello x", "-ERR Protocol version is not an integer or out of range"},
    {"hello 4", "-NOPROTO unsupported protocol version"},
    {"hello 2 foo", "-ERR Syntax error in HELLO option 'foo'"},
    {"hello 2 auth a", "-ERR Syntax error in HELLO option 'auth'"},
    {"hello 3 auth other pass", "-WRONGPASS invalid username-password pair or user is disabled."},
    {"hello 3 setname \"a b\"", BAD_LABEL},
    {"auth a b c", "-ERR syntax error"},
    {"auth x",
     "-ERR AUTH <password> called without any password configured for the default user. Are you "
     "sure your configuration is correct?"},
    {"auth default x", "+OK"},
    {"auth other x", "-WRONGPASS invalid username-password pair or user is disabled."},

    {"client id", ":7"},
    {"client getname", "$-1"},
    {"client setname \"a b\"", BAD_LABEL},
    {"client setinfo lib-name \"a b\"",
     "-ERR lib-name cannot contain spaces, newlines or special characters."},
    {"client setinfo foo x", "-ERR Unrecognized option 'foo'"},
    {"client list type x", "-ERR Unknown client type 'x'"},
    {"client list id x", "-ERR Invalid client ID"},
    {"client list foo", "-ERR syntax error"},
    {"client list id", "-ERR syntax error"},
    {"client kill id 0", "-ERR client-id should be greater than 0"},
    {"client kill user other", "-ERR No such user 'other'"},
    {"client kill capa rx", "-ERR Unknown capa found in the provided filter: rx"},
    {"client list not-capa x", "-ERR Unknown capa found in the NOT-CAPA filter: x"},
    {"client kill type x", "-ERR Unknown client type 'x'"},
    {"client kill skipme maybe", "-ERR syntax error"},
    {"client kill id 1 addr", "-ERR syntax error"},

    {"publish a b", "-ERR Only HELLO messages are accepted by Sentinel instances."},
    {"publish __sentinel__:HELLO b",
     "-ERR Only HELLO messages are accepted by Sentinel instances."},
    {"publish __sentinel__:hello garbage", ":1"},
    {"shutdown foo", "-ERR syntax error"},
    {"shutdown save nosave", "-ERR syntax error"},
    {"shutdown abort now", "-ERR syntax error"},
    {"shutdown abort", "-ERR No shutdown in progress."},
};

START_TEST(answered_at_once)
{
    enum vd_outcome_type type =
        strcmp(answers[_i].request, "quit") == 0 ? VD_OUT_CLOSE : VD_OUT_REPLIED;

    ck_assert_str_eq(counter_say(&counter, answers[_i].request), answers[_i].reply);
    ck_assert_int_eq(counter.out.type, type);
    ck_assert_int_eq(counter.out.log_level, -1);
    ck_assert_int_eq(counter.session.version, 2);
}
END_TEST

/* Orders ------------------------------------------------------------------------------ */

static const struct vd_order *order_of(const char *request)
{
    ck_assert_str_eq(counter_run(&counter, request), "");
    ck_assert_int_eq(counter.out.type, VD_OUT_EVENT);
    ck_assert_int_eq(counter.out.event.type, VD_EV_ORDER);
    ck_assert_uint_eq(counter.out.event.order.client.n, 7);
    ck_assert_ptr_eq(counter.out.event.order.order, &counter.out.order);
    return &counter.out.order;
}

START_TEST(plain_orders)
{
    const struct vd_order *order = order_of("sentinel failover m");

    ck_assert_int_eq(order->type, VD_ORDER_FAILOVER);
    ck_assert_str_eq(order->name, "m");
    ck_assert_uint_eq(order->flags, 0);
    ck_assert_uint_eq(order->addr.port, 0);
    order = order_of("sentinel failover m coordinated to 10.0.0.2 6379");
    ck_assert_uint_eq(order->flags, VD_FAILOVER_COORDINATED);
    ck_assert_str_eq(order->addr.ip, "10.0.0.2");
    ck_assert_uint_eq(order->addr.port, 6379);
    order = order_of("sentinel REMOVE m");
    ck_assert_int_eq(order->type, VD_ORDER_REMOVE);
    ck_assert_str_eq(order->name, "m");
    order = order_of("sentinel reset x*");
    ck_assert_int_eq(order->type, VD_ORDER_RESET);
    ck_assert_str_eq(order->name, "x*");
    order = order_of("sentinel flushconfig");
    ck_assert_int_eq(order->type, VD_ORDER_FLUSH);
    order = order_of("sentinel simulate-failure CRASH-after-election crash-after-promotion");
    ck_assert_int_eq(order->type, VD_ORDER_SIMULATE_FAILURE);
    ck_assert_uint_eq(order->flags, VD_CRASH_AFTER_ELECTION | VD_CRASH_AFTER_PROMOTION);
}
END_TEST

START_TEST(own_orders)
{
    const struct vd_order *order = order_of("sentinel forget m " PUPPET_SELF);

    ck_assert_int_eq(order->type, VD_ORDER_FORGET);
    ck_assert_str_eq(order->name, "m");
    ck_assert_str_eq(order->id.hex, PUPPET_SELF);
    ck_assert_uint_eq(order->addr.port, 0);
    order = order_of("sentinel forget m 10.0.0.2 6379");
    ck_assert_str_eq(order->id.hex, "");
    ck_assert_str_eq(order->addr.ip, "10.0.0.2");
    ck_assert_uint_eq(order->addr.port, 6379);
    order = order_of("sentinel pause m 2592000000");
    ck_assert_int_eq(order->type, VD_ORDER_PAUSE);
    ck_assert_str_eq(order->name, "m");
    ck_assert_int_eq(order->for_ms, INT64_C(2592000000));
    ck_assert_uint_eq(order->flags, VD_PAUSE_TELL_PEERS);
    order = order_of("sentinel pause m 1 LOCAL");
    ck_assert_int_eq(order->for_ms, 1);
    ck_assert_uint_eq(order->flags, 0);
    order = order_of("sentinel resume m");
    ck_assert_int_eq(order->type, VD_ORDER_RESUME);
    ck_assert_uint_eq(order->flags, VD_PAUSE_TELL_PEERS);
    ck_assert_uint_eq(order_of("sentinel resume m local")->flags, 0);
}
END_TEST

START_TEST(monitor)
{
    struct vd_setting resolve = {.option = VD_OPT_RESOLVE_HOSTNAMES, .number = 1};
    struct vd_order configure = {
        .type = VD_ORDER_CONFIGURE, .settings = &resolve, .setting_count = 1};
    struct vd_event event = {.type = VD_EV_ORDER, .order = {.order = &configure}};
    const struct vd_order *order = order_of("sentinel monitor n ::1 6380 3");

    ck_assert_int_eq(order->type, VD_ORDER_MONITOR);
    ck_assert_str_eq(order->name, "n");
    ck_assert_str_eq(order->addr.host, "::1");
    ck_assert_str_eq(order->addr.ip, "::1");
    ck_assert_uint_eq(order->addr.port, 6380);
    ck_assert_uint_eq(order->quorum, 3);

    /* A name is taken once names are resolved, and has to be resolved first. */
    puppet_step(&counter.puppet, &event);
    ck_assert_str_eq(counter_run(&counter, "sentinel monitor n host.example 6380 3"), "");
    ck_assert_int_eq(counter.out.type, VD_OUT_RESOLVE);
    ck_assert_str_eq(counter.out.order.addr.host, "host.example");
    ck_assert_str_eq(counter.out.order.addr.ip, "");
    ck_assert_str_eq(counter_say(&counter, "sentinel monitor n \"host example\" 6380 3"),
                     "-ERR Invalid IP address or hostname specified");
}
END_TEST

START_TEST(set)
{
    const struct vd_order *order =
        order_of("sentinel set m Quorum 3 auth-pass \"p w\" rename-command config cfg");

    ck_assert_int_eq(order->type, VD_ORDER_SET);
    ck_assert_str_eq(order->name, "m");
    ck_assert_ptr_null(order->error);
    ck_assert_uint_eq(order->setting_count, 3);
    ck_assert_int_eq(order->settings[0].option, VD_OPT_QUORUM);
    ck_assert_int_eq(order->settings[0].number, 3);
    ck_assert_str_eq(order->settings[0].word, "Quorum");
    ck_assert_str_eq(order->settings[0].shown, "3");
    ck_assert_str_eq(order->settings[1].text, "p w");
    ck_assert_str_eq(order->settings[1].shown, "******");
    ck_assert_str_eq(order->settings[2].text2, "cfg");

    /* What stands before a bad option is applied; then comes the error. */
    order = order_of("sentinel set m quorum 4 parallel-syncs x failover-timeout 5");
    ck_assert_uint_eq(order->setting_count, 1);
    ck_assert_int_eq(order->settings[0].number, 4);
    ck_assert_str_eq(order->error, "ERR Invalid argument 'x' for SENTINEL SET 'parallel-syncs'");
    order = order_of("sentinel set m quorum 4 parallel-syncs");
    ck_assert_str_eq(order->error, "ERR Unknown option or number of arguments for SENTINEL SET "
                                   "'parallel-syncs'");
}
END_TEST

START_TEST(scripts_when_allowed)
{
    struct vd_setting allow = {.option = VD_OPT_DENY_SCRIPTS_RECONFIG, .number = 0};
    struct vd_order configure = {
        .type = VD_ORDER_CONFIGURE, .settings = &allow, .setting_count = 1};
    struct vd_event event = {.type = VD_EV_ORDER, .order = {.order = &configure}};
    const struct vd_order *order;

    puppet_step(&counter.puppet, &event);
    order = order_of("sentinel set m notification-script /there client-reconfig-script \"\"");
    ck_assert_uint_eq(order->setting_count, 2);
    ck_assert_str_eq(order->settings[0].text, "/there");
    ck_assert_str_eq(counter_say(&counter, "sentinel set m notification-script /nowhere"),
                     "-ERR Notification script seems non existing or non executable");
}
END_TEST

START_TEST(config_set)
{
    const struct vd_order *order =
        order_of("sentinel config set announce-port 7000 LogLevel DEBUG announce-ip 1.2.3.4");

    /* The log level is not the core's. */
    ck_assert_int_eq(order->type, VD_ORDER_CONFIGURE);
    ck_assert_uint_eq(order->setting_count, 2);
    ck_assert_int_eq(order->settings[0].option, VD_OPT_ANNOUNCE_PORT);
    ck_assert_int_eq(order->settings[1].option, VD_OPT_ANNOUNCE_IP);
    ck_assert_int_eq(counter.out.log_level, VD_LOG_DEBUG);

    ck_assert_str_eq(counter_say(&counter, "sentinel config set loglevel warning"), "+OK");
    ck_assert_int_eq(counter.out.type, VD_OUT_REPLIED);
    ck_assert_int_eq(counter.out.log_level, VD_LOG_WARNING);
}
END_TEST

START_TEST(debug)
{
    const struct vd_order *order = order_of("sentinel debug ping-period 100 INFO-period 0");

    ck_assert_int_eq(order->type, VD_ORDER_CONFIGURE);
    ck_assert_uint_eq(order->setting_count, 1);
    ck_assert_int_eq(order->settings[0].option, VD_OPT_PING_PERIOD);
    ck_assert_int_eq(order->settings[0].number, 100);
    ck_assert_str_eq(order->error, "ERR Invalid argument '0' for SENTINEL DEBUG 'INFO-period'");
    ck_assert_str_eq(counter_say(&counter, "sentinel debug"),
                     "*26 $11 INFO-PERIOD $5 10000 $11 PING-PERIOD $4 1000 $10 ASK-PERIOD $4 1000 "
                     "$14 PUBLISH-PERIOD $4 2000 $18 DEFAULT-DOWN-AFTER $5 30000 $24 "
                     "DEFAULT-FAILOVER-TIMEOUT $6 180000 $12 TILT-TRIGGER $4 2000 $11 TILT-PERIOD "
                     "$5 30000 $20 SLAVE-RECONF-TIMEOUT $5 10000 $25 MIN-LINK-RECONNECT-PERIOD $5 "
                     "15000 $16 ELECTION-TIMEOUT $5 10000 $18 SCRIPT-MAX-RUNTIME $5 60000 $18 "
                     "SCRIPT-RETRY-DELAY $5 30000");
}
END_TEST

/* Questions and hellos ----------------------------------------------------------------- */

START_TEST(question)
{
    const struct vd_event *event = &counter.out.event;

    (void)counter_run(&counter, "client setname sentinel-0123abcd-cmd");
    ck_assert_str_eq(counter_run(&counter, "sentinel is-primary-down-by-addr ::1 6379 12 *"), "");
    ck_assert_int_eq(counter.out.type, VD_OUT_EVENT);
    ck_assert_int_eq(event->type, VD_EV_QUESTION);
    ck_assert_uint_eq(event->question.client.n, 7);
    ck_assert_str_eq(event->question.addr.ip, "::1");
    ck_assert_uint_eq(event->question.addr.port, 6379);
    ck_assert_uint_eq(event->question.epoch, 12);
    ck_assert(!event->question.wants_vote);
    ck_assert_str_eq(event->question.asker, "0123abcd");

    (void)counter_run(&counter, "client setname sentinel-0123ABCD-cmd");
    (void)counter_run(&counter, "sentinel is-master-down-by-addr 10.0.0.1 6379 13 " PUPPET_SELF);
    ck_assert(event->question.wants_vote);
    ck_assert_str_eq(event->question.candidate.hex, PUPPET_SELF);
    ck_assert_str_eq(event->question.asker, "");
    (void)counter_run(&counter, "client setname sentinel-0123abcd-pubsub");
    (void)counter_run(&counter, "sentinel is-master-down-by-addr 10.0.0.1 6379 13 x");
    ck_assert_str_eq(event->question.candidate.hex, "x");
    ck_assert_str_eq(event->question.asker, "");
}
END_TEST

START_TEST(hello_by_publish)
{
    const struct vd_hello *hello = &counter.out.hello;

    ck_assert_str_eq(counter_say(&counter, "publish __sentinel__:hello 10.0.1.9,26380," PUPPET_SELF
                                           ",4,m,10.0.0.1,6379,2"),
                     ":1");
    ck_assert_int_eq(counter.out.type, VD_OUT_TOLD);
    ck_assert_int_eq(counter.out.event.type, VD_EV_HELLO);
    ck_assert_ptr_eq(counter.out.event.hello.hello, hello);
    ck_assert_uint_eq(counter.out.event.hello.link.n, 0);
    ck_assert_str_eq(hello->peer.ip, "10.0.1.9");
    ck_assert_uint_eq(hello->config_epoch, 2);
    ck_assert_ptr_null(counter.out.complaint);
    /* Garbage is answered alike, and leads to nothing but a line in the log. */
    ck_assert_str_eq(counter_say(&counter, "publish __sentinel__:hello a,b"), ":1");
    ck_assert_int_eq(counter.out.type, VD_OUT_REPLIED);
    ck_assert_ptr_nonnull(counter.out.complaint);
}
END_TEST

START_TEST(left_to_the_shell)
{
    static const struct {
        const char *request;
        enum vd_outcome_type type;
        size_t count;
    } left[] = {
        {"subscribe a b", VD_OUT_SUBSCRIBE, 2},
        {"psubscribe *", VD_OUT_PSUBSCRIBE, 1},
        {"unsubscribe", VD_OUT_UNSUBSCRIBE, 0},
        {"punsubscribe a", VD_OUT_PUNSUBSCRIBE, 1},
        {"client list", VD_OUT_CLIENT_LIST, 0},
        {"client info", VD_OUT_CLIENT_INFO, 0},
        {"client kill 1.2.3.4:5", VD_OUT_CLIENT_KILL, 0},
        {"shutdown nosave", VD_OUT_SHUTDOWN, 0},
        {"POST / HTTP/1.1", VD_OUT_CLOSE, 0},
        {"host: x", VD_OUT_CLOSE, 0},
    };

    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        ck_assert_str_eq(counter_run(&counter, left[i].request), "");
        ck_assert_msg(counter.out.type == left[i].type, "%s", left[i].request);
        if (left[i].count > 0)
            ck_assert_uint_eq(counter.out.count, left[i].count);
    }
}
END_TEST

/* Effects ----------------------------------------------------------------------------------- */

START_TEST(replies)
{
    struct vd_effect effect = {.type = VD_EF_REPLY};
    struct vd_resp resp = {.to = &counter.reply, .version = 3};

    effect.reply.kind = VD_REPLY_OK;
    vd_request_reply(&effect, &resp);
    effect.reply.kind = VD_REPLY_ERROR;
    effect.reply.text = "INPROG 100%\r\n+x";
    vd_request_reply(&effect, &resp);
    effect.reply.kind = VD_REPLY_INTEGER;
    effect.reply.number = 3;
    vd_request_reply(&effect, &resp);
    effect.reply.kind = VD_REPLY_VOTE;
    effect.reply.down = true;
    effect.reply.leader = "*";
    effect.reply.leader_epoch = 9;
    vd_request_reply(&effect, &resp);
    ck_assert_str_eq(vd_text_cstr(&counter.reply),
                     "+OK\r\n-INPROG 100%  +x\r\n:3\r\n*3\r\n:1\r\n$1\r\n*\r\n:9\r\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("request");
    TCase *tcase = tcase_create("request");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    suite_add_rows(tcase, answered_at_once, answers);
    tcase_add_test(tcase, plain_orders);
    tcase_add_test(tcase, own_orders);
    tcase_add_test(tcase, monitor);
    tcase_add_test(tcase, set);
    tcase_add_test(tcase, scripts_when_allowed);
    tcase_add_test(tcase, config_set);
    tcase_add_test(tcase, debug);
    tcase_add_test(tcase, question);
    tcase_add_test(tcase, hello_by_publish);
    tcase_add_test(tcase, left_to_the_shell);
    tcase_add_test(tcase, replies);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
