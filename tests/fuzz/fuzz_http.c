/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP: any requests to the pages, below libmicrohttpd (mhd.h stands in for it),
 * of a vedette that watches servers with ugly names. Each line of the input is
 * one of these, by its first character:
 *
 *   GET /path?name=value     a request, with "Name: value" lines until an empty one
 *   +event payload           an event happens; so with '-'
 *   =token                   the token from now on; nothing behind it: none is wanted
 *   !number                  whoever asked that request hangs up
 *   ~                        15 seconds have passed on streams
 *   ?page name value ...     SENTINEL SHOW
 *
 * Every request is answered once, with JSON that is JSON, metrics that are lines
 * and events that are events; without the token nothing but the open pages is
 * shown, and streams end when it changes; and the passwords of servers are in no answer.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "alert/alert.h"
#include "alert/book.h"
#include "fuzz.h"
#include "http/server.h"
#include "judge.h"
#include "mhd.h"
#include "proto/info.h"
#include "shell/clock.h"
#include "shell/stream.h"

#define SECRET "a-password-of-servers"
#define CONNECTIONS 600 /* more than are allowed in a burst */
#define RUNS_MAX 100
#define ASKED_MAX 4000
#define SINCE_MS 3000 /* it was started so long ago */
#define GROUPS 25     /* metrics are gathered in two steps */

static struct ev_loop *loop;
static struct vd_drive drive;
static struct vd_config config;
static struct vd_alert_config rules;
static struct vd_book *book;
static struct vd_watch *watch;
static struct vd_http *http;
static struct vd_arena arena; /* of one input */
static struct MHD_Connection connections[CONNECTIONS];
static bool authorized[CONNECTIONS]; /* ... when it asked; the token may be another since */
static size_t connection_count;
static const char *secret; /* is in no answer; NULL: the input has it */

/* The rooms that stand behind pages and are no part of this --------------------------------- */

size_t vd_clients_count(const struct vd_clients *clients)
{
    (void)clients;
    return 3;
}

int64_t vd_lag_us(const struct vd_lag *lag, const struct vd_view_node *primary,
                  const struct vd_view_node *replica)
{
    (void)lag;
    (void)primary;
    return replica->addr.port % 2 == 0 ? 5000 : -1;
}

size_t vd_lag_samples(const struct vd_lag *lag, const struct vd_view_node *replica,
                      int32_t out[VD_LAG_SAMPLES])
{
    (void)lag;
    (void)replica;
    out[0] = -1;
    out[1] = INT32_MAX;
    return 2;
}

uint64_t vd_stream_sent(void)
{
    return 12345;
}

int64_t vd_links_rtt_us(const struct vd_links *links, vd_link id)
{
    (void)links;
    return id.n % 2 == 0 ? -1 : 250;
}

const char *vd_history_source_word(enum vd_history_source source)
{
    return source == VD_HISTORY_LED ? "led" : "told";
}

const struct vd_book *vd_alerts_book(const struct vd_alerts *alerts)
{
    (void)alerts;
    return book;
}

const struct vd_alert_config *vd_alerts_rules(const struct vd_alerts *alerts)
{
    (void)alerts;
    return &rules;
}

struct vd_alert_counts vd_alerts_counts(const struct vd_alerts *alerts, size_t channel)
{
    (void)alerts;
    (void)channel;
    return (struct vd_alert_counts){4, 2};
}

bool vd_alerts_leads(const struct vd_alerts *alerts, const char *group)
{
    (void)alerts;
    return group[0] == 'm';
}

/* A vedette ------------------------------------------------------------------------------- */

static const char info_text[] =
    "redis_version:7.\"2\\<b>\r\nrole:master\r\nrun_id:1111111111111111111111111111111111111111\r\n"
    "connected_slaves:1\r\nslave0:ip=10.0.0.2,port=6380,state=online,offset=100,lag=0\r\n"
    "master_repl_offset:100\r\nused_memory:1e9\r\nmaxmemory:-1\r\nused_memory_rss:12345678\r\n"
    "keyspace_hits:18446744073709551615\r\nkeyspace_misses:nan\r\n# Keyspace\r\ndb0:keys=1\r\n";

/* What the core has asked of servers and is answered in turn. */
static struct {
    enum vd_request request;
    bool connects; /* it is no request */
    vd_link link;
    vd_ticket ticket;
    char ip[VD_IP_SIZE];
} asked[ASKED_MAX];
static size_t asked_count;
static vd_ms now;

static void step(struct vd_event *event)
{
    event->at = now;
    vd_core_step(drive.core, event, &drive.effects);
    for (size_t i = 0; i < drive.effects.count && asked_count < ASKED_MAX; i++) {
        const struct vd_effect *effect = &drive.effects.list[i];

        if (effect->type == VD_EF_CONNECT) {
            asked[asked_count].connects = true;
            asked[asked_count].link = effect->connect.link;
            memcpy(asked[asked_count++].ip, effect->connect.addr.ip, VD_IP_SIZE);
        } else if (effect->type == VD_EF_SEND) {
            asked[asked_count].request = effect->send.request;
            asked[asked_count].link = effect->send.link;
            asked[asked_count++].ticket = effect->send.ticket;
        }
    }
    drive.effects.count = 0;
    vd_arena_reset(&drive.effects.arena);
}

static void answer(size_t i)
{
    struct vd_event event = {.type = VD_EV_LINK_UP};
    struct vd_info info;

    if (asked[i].connects) {
        event.up.link = asked[i].link;
        event.up.ip = asked[i].ip;
        event.up.local_ip = "10.0.0.9";
    } else if (asked[i].request == VD_RQ_PING) {
        event.type = VD_EV_PONG;
        event.pong.link = asked[i].link;
        event.pong.ticket = asked[i].ticket;
        event.pong.text = "PONG";
    } else if (asked[i].request != VD_RQ_INFO) {
        return;
    } else {
        MUST(vd_info_parse(info_text, strlen(info_text), &arena, &info));
        event.type = VD_EV_INFO;
        event.info.link = asked[i].link;
        event.info.ticket = asked[i].ticket;
        event.info.info = &info;
        event.info.raw = info_text;
    }
    step(&event);
}

static void begin_core(void)
{
    static const char *const names[] = {"m", "n\"\\<b>&'\x7f", "\xff\xfe of bytes", "\xc3\xa4"};
    struct vd_image image = {.self = {"5e1f000000000000000000000000000000000000"}};
    struct vd_image_group groups[GROUPS];
    struct vd_event start = {.type = VD_EV_START};
    struct vd_image_peer peers[2] = {
        {.id = {"1111111111111111111111111111111111111111"},
         .addr = {.host = "10.0.1.1", .ip = "10.0.1.1", .port = 26379}},
        {.id = {"2222222222222222222222222222222222222222"},
         .addr = {.host = "a<b>\"host", .ip = "10.0.1.2", .port = 26379}}};
    struct vd_addr replicas[2] = {{.host = "::1", .ip = "::1", .port = 6380},
                                  {.host = "replica-2", .port = 6381}};
    struct vd_globals globals;
    struct vd_options options;

    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    options.auth_pass = vd_strdup(SECRET);
    options.quorum = 2;
    for (size_t i = 0; i < GROUPS; i++) {
        groups[i] = (struct vd_image_group){.options = &options,
                                            .config_epoch = i,
                                            .replicas = replicas,
                                            .replica_count = i % 3,
                                            .peers = peers,
                                            .peer_count = i % 2 == 0 ? 2 : 0};
        groups[i].primary = (struct vd_addr){.host = "10.0.0.1", .ip = "10.0.0.1"};
        groups[i].primary.port = (uint16_t)(6000 + i);
        groups[i].name = i < sizeof(names) / sizeof(names[0])
                             ? names[i]
                             : vd_arena_printf(&arena, "group-%zu", i);
    }
    image.globals = &globals;
    image.groups = groups;
    image.group_count = GROUPS;
    image.epoch = GROUPS;
    drive.core = vd_core_new(&image, false);
    vd_options_free(&options);
    vd_globals_free(&globals);
    now = vd_clock_now() - SINCE_MS;
    step(&start);
    for (size_t i = 0; now < vd_clock_now(); now += 50) {
        struct vd_event due = {.type = VD_EV_DUE};

        for (; i < asked_count; i++)
            answer(i);
        step(&due);
    }
    vd_arena_reset(&arena);
}

static void begin_rules(void)
{
    struct vd_alert *alert;

    rules.channel_count = 1;
    (void)snprintf(rules.channels[0].name, sizeof(rules.channels[0].name), "pager");
    rules.channels[0].url = vd_strdup("https://alerts.example/" SECRET);
    rules.channels[0].key = vd_strdup(SECRET);
    MUST(vd_alert_config_add_standard(&rules));
    book = vd_book_new();
    for (unsigned i = 0; i < 5; i++) {
        const struct vd_alert_rule *rule = &rules.rules[i % rules.rule_count];

        for (vd_ms at = 0; at <= VD_ALERT_DURATION_MAX; at += VD_ALERT_DURATION_MAX)
            (void)vd_book_look(book, rule, "n\"<b>", i % 2 == 0 ? "\xff:1" : "10.0.0.1:6379",
                               rule->below ? rule->limit - 1 : rule->limit + 1, at, 17 + at,
                               &alert);
    }
    config.cost = (struct vd_cost_config){.currency = "E\"R", .vcpu_month = 20, .budget = 100};
    config.server.http_port = 8080;
}

static void begin_once(void)
{
    if (loop != NULL)
        return;
    loop = ev_loop_new(EVBACKEND_EPOLL);
    MUST(loop != NULL);
    vd_config_init(&config);
    begin_core();
    begin_rules();
}

/* Reading the input ------------------------------------------------------------------------ */

static char *next_line(const char **at, const char *end)
{
    const char *stop = *at == end ? NULL : memchr(*at, '\n', (size_t)(end - *at));
    size_t len = (size_t)((stop == NULL ? end : stop) - *at);
    char *line = vd_arena_memdup(&arena, *at, len);

    *at = stop == NULL ? end : stop + 1;
    if (len > 0 && line[len - 1] == '\r')
        line[len - 1] = '\0';
    return line;
}

/* As the library does it: in place, and what is no code stays. */
static char *decode(char *text, bool plus_is_blank)
{
    char *to = text;

    for (const char *at = text; *at != '\0'; at++) {
        unsigned byte;

        if (at[0] == '%' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]) &&
            sscanf(at + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            at += 2;
        } else {
            *to++ = plus_is_blank && *at == '+' ? ' ' : *at;
        }
    }
    *to = '\0';
    return text;
}

static void read_args(struct MHD_Connection *connection, char *query)
{
    while (query != NULL && connection->arg_count < MHD_PAIRS) {
        struct mhd_pair *pair = &connection->args[connection->arg_count++];
        char *name = strsep(&query, "&");

        pair->value = strchr(name, '=');
        if (pair->value != NULL)
            *pair->value++ = '\0';
        pair->name = decode(name, true);
        if (pair->value != NULL)
            (void)decode(pair->value, true);
    }
}

static void read_header(struct MHD_Connection *connection, char *line)
{
    char *colon = strchr(line, ':');
    struct mhd_pair *pair;

    if (colon == NULL || connection->header_count == MHD_PAIRS)
        return;
    *colon++ = '\0';
    pair = &connection->headers[connection->header_count++];
    pair->name = line;
    pair->value = colon + strspn(colon, " \t");
}

/* Playing ------------------------------------------------------------------------------------ */

/* What the server has put off is done. */
static void run(void)
{
    for (int i = 0; ev_is_active(&http->run); i++) {
        MUST(i < RUNS_MAX);
        ev_run(loop, EVRUN_NOWAIT);
    }
}

static void look(const struct MHD_Connection *connection)
{
    judge_answer(connection, authorized[connection - connections], secret);
}

static void play_request(char *line, const char **at, const char *end)
{
    struct MHD_Connection *connection = &connections[connection_count];
    char *target = line;
    char *header;

    memset(connection, 0, sizeof(*connection));
    connection->method = strsep(&target, " ");
    connection->path = target == NULL ? line + strlen(line) : strsep(&target, " ");
    while (*at < end && *(header = next_line(at, end)) != '\0')
        read_header(connection, header);
    if (connection_count == CONNECTIONS - 1)
        return;
    connection_count++;
    target = connection->path;
    connection->path = decode(strsep(&target, "?"), false);
    read_args(connection, target);
    authorized[connection - connections] = judge_token(connection, config.server.http_token);
    mhd_ask(connection);
    run();
    MUST(connection->response != NULL);
    look(connection);
    if (connection->ended)
        mhd_close(connection);
}

static void hang_up(const char *number)
{
    uint64_t i;

    if (vd_parse_uint64(number, strlen(number), &i) && i < connection_count &&
        connections[i].response != NULL) {
        look(&connections[i]);
        mhd_close(&connections[i]);
    }
}

static void play_event(const char *line)
{
    char *name = vd_arena_strdup(&arena, line);
    size_t len = strcspn(line, " ");

    name[len] = '\0';
    vd_watch_event(watch, VD_NOTICE_WARNING, name, line + len + (line[len] == ' '));
}

/* Who listens by a token that is none any more hears nothing more. */
static void check_streams_ended(void)
{
    for (size_t i = 0; i < connection_count; i++) {
        struct MHD_Connection *connection = &connections[i];

        if (connection->response == NULL || !judge_has_type(connection, "text/event-stream"))
            continue;
        MUST(connection->ended);
        look(connection);
        mhd_close(connection);
    }
    MUST(http->streams == 0);
}

static void set_token(const char *token)
{
    const char *before = config.server.http_token;
    bool changed = strcmp(before == NULL ? "" : before, token) != 0;

    vd_free(config.server.http_token);
    config.server.http_token = vd_strdup(token);
    vd_http_reconfigure(http, (const struct vd_alerts *)(const void *)&rules, &config);
    run();
    if (changed)
        check_streams_ended();
}

static void play_show(char *line)
{
    struct vd_word words[MHD_PAIRS];
    struct vd_text text = {0};
    size_t count = 0;
    char *page = strsep(&line, " ");
    bool shown;

    while (line != NULL && count < MHD_PAIRS) {
        char *word = strsep(&line, " ");

        words[count++] = (struct vd_word){word, strlen(word)};
    }
    shown = vd_http_show(&http->sources, http->alerts, http->prices, page, words, count, &text);
    judge_show(&text, shown, secret);
    vd_text_free(&text);
}

static void play_line(char *line, const char **at, const char *end)
{
    switch (line[0]) {
    case '\0':
        return;
    case '+':
    case '-':
        play_event(line);
        break;
    case '=':
        set_token(line + 1);
        break;
    case '!':
        hang_up(line + 1);
        break;
    case '~':
        ev_invoke(loop, &http->pulse, EV_TIMER);
        break;
    case '?':
        play_show(line + 1);
        break;
    default:
        play_request(line, at, end);
        break;
    }
    run();
}

static const struct vd_history_entry failover = {.source = VD_HISTORY_TOLD,
                                                 .leader = "\xff",
                                                 .at_ms = 1700000000000,
                                                 .group = "n\"<b>",
                                                 .reason = "odown",
                                                 .result = "done",
                                                 .epoch = UINT64_MAX,
                                                 .from = {.host = "a\"b", .port = 1},
                                                 .phases = {VD_NEVER, 1, -1, 3, 4, 5, 15, -1},
                                                 .loss_bytes = INT64_MAX};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *at = (const char *)bytes;
    const char *end = at + len;
    struct vd_http_sources sources;
    struct vd_err err = {""};

    if (len == 0)
        return 0;
    begin_once();
    watch = vd_watch_new();
    connection_count = 0;
    secret = memmem(bytes, len, "password", strlen("password")) == NULL ? SECRET : NULL;
    vd_watch_failover(watch, &failover);
    ev_now_update(loop);
    sources = (struct vd_http_sources){.loop = loop, .drive = &drive, .watch = watch};
    http = vd_http_start(&sources, (const struct vd_alerts *)(const void *)&rules, &config, &err);
    MUST(http != NULL);
    set_token("");
    while (at < end)
        play_line(next_line(&at, end), &at, end);
    for (size_t i = 0; i < connection_count; i++)
        if (connections[i].response != NULL)
            look(&connections[i]);
    vd_http_stop(http);
    vd_watch_free(watch);
    vd_arena_free(&arena);
    return 0;
}
