/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model: the simulator's servers at a console, so that one script can drive
 * them and real ones (tests/live/test_model.py). Reads a command a line, runs
 * the virtual world until its reply is there, prints the reply.
 *
 *   servers N [min-replicas]       new: r1 is a primary, the others are its own
 *   start|empty|kill|stop|pause|resume rN    (empty: start without data; stop: SHUTDOWN SAVE)
 *   sleep MS
 *   rN ping|info|role|write|publish|busy|script-kill
 *   rN replicaof rM|no-one | promote | replicate rM      (the last two: Sentinel's transactions)
 *   rN wait COUNT MS | pause MS | unpause | failover [rM] MS | abort
 *   rN collect                     the reply that a held command has got meanwhile
 *
 * Replies: +OK, :number, -CODE, $held (none yet), or lines and a single dot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "node.h"
#include "oracle.h"

#define CONSOLE_NODES 6
#define HELD (300 * SIM_MS) /* then a write counts as held back */
#define PATIENCE (10 * SIM_S)

struct console {
    struct sim sim;
    struct sim_host *host;
    struct line {
        struct sim_conn *conn;
        bool up;
        bool answered;
        struct vd_text reply;
    } lines[CONSOLE_NODES][2];   /* the second speaks while the first waits */
    bool waiting[CONSOLE_NODES]; /* for the reply to a command that was held */
    uint64_t writes;
};

/* Replies ------------------------------------------------------------------------- */

static void print_role(const struct sim_node *node, struct vd_text *to)
{
    static const char *const states[] = {
        [SIM_UP_NONE] = "none",
        [SIM_UP_CONNECT] = "connect",
        [SIM_UP_CONNECTING] = "connecting",
        [SIM_UP_HANDSHAKE] = "handshake",
        [SIM_UP_TRANSFER] = "sync",
        [SIM_UP_LOADING] = "sync",
        [SIM_UP_STREAMING] = "connected",
    };

    if (node->primary == NULL)
        vd_text_printf(to, "master %lld\n.", (long long)node->at.offset);
    else
        vd_text_printf(to, "slave %s %s %lld\n.", node->primary->name, states[node->upstream],
                       (long long)(node->cached ? node->at.offset : -1));
}

static void print_error(enum sim_error error, struct vd_text *to)
{
    static const char *const codes[] = {"OK",   "NOAUTH",   "NOPERM",     "LOADING",
                                        "BUSY", "READONLY", "NOREPLICAS", "ERR"};

    vd_text_printf(to, "%c%s", error == SIM_ERR_NONE ? '+' : '-', codes[error]);
}

static void print_pong(int kind, struct vd_text *to)
{
    vd_text_puts(to, kind == VD_PONG_OK        ? "+PONG"
                     : kind == VD_PONG_LOADING ? "-LOADING"
                     : kind == VD_PONG_BUSY    ? "-BUSY"
                                               : "-NOAUTH");
}

static struct line *line_of(struct console *c, const struct sim_conn *conn)
{
    for (unsigned n = 0; n < 2 * CONSOLE_NODES; n++) {
        if (c->lines[n / 2][n % 2].conn == conn)
            return &c->lines[n / 2][n % 2];
    }
    return NULL;
}

static void on_heard(void *self, struct sim_conn *conn, const struct sim_msg *msg)
{
    struct console *c = self;
    struct line *line = line_of(c, conn);
    struct vd_text *reply;

    if (line == NULL)
        return;
    reply = &line->reply;
    vd_text_clear(reply);
    line->answered = true;
    if (msg->word == SIM_PONG)
        print_pong(msg->kind, reply);
    else if (msg->word == SIM_WAITED)
        vd_text_printf(reply, ":%d", msg->kind);
    else if (msg->word == SIM_DONE)
        print_error((enum sim_error)msg->kind, reply);
    else if (msg->word == SIM_INFO_TEXT && msg->ok)
        vd_text_printf(reply, "%s.", msg->payload->text);
    else if (msg->word == SIM_ROLE_IS && msg->kind != VD_ROLE_UNKNOWN)
        print_role(sim_node_of(&c->sim, conn->host[1]), reply);
    else
        vd_text_puts(reply, "-BUSY");
}

static void on_connected(void *self, struct sim_conn *conn)
{
    struct line *line = line_of(self, conn);

    if (line != NULL)
        line->up = true;
}

static void on_lost(void *self, struct sim_conn *conn, enum vd_down_reason reason)
{
    struct line *line = line_of(self, conn);

    (void)reason;
    if (line != NULL) {
        line->conn = NULL;
        line->up = false;
    }
}

static void on_accepted(void *self, struct sim_conn *conn)
{
    (void)self;
    (void)conn;
}

static const struct sim_host_ops ops = {
    .accepted = on_accepted,
    .connected = on_connected,
    .lost = on_lost,
    .heard = on_heard,
};

/* The world --------------------------------------------------------------------------- */

static void build(struct console *c, unsigned nodes, unsigned min_replicas)
{
    struct sim *sim = &c->sim;

    sim->setup = (struct sim_setup){
        .seed = 1,
        .groups = 1,
        .nodes = nodes,
        .latency = 200,
        .repl_timeout_ms = 60000,
        .repl_ping_ms = 3600000,
        .sync_ms = 100,
        .load_ms = 1,
        .backlog = 1 << 20,
        .min_replicas = min_replicas,
        .min_replicas_lag_s = 10,
        .rewrite = true,
        .persistence = SIM_KEEP_NOTHING,
    };
    sim_rng_seed(&sim->times, 1, 3);
    sim->net = sim_net_new(sim);
    sim->oracle = sim_oracle_new(sim);
    sim->history = vd_alloc(sizeof(*sim->history));
    sim->node_count = nodes;
    for (unsigned i = 0; i < nodes; i++)
        sim->nodes[i] = sim_node_new(sim, i, 0, i);
    c->host = sim_host_new(sim->net, "c1", 3, 1, 1, &ops, c);
}

static void destroy(struct console *c)
{
    struct sim *sim = &c->sim;

    if (sim->net == NULL)
        return;
    sim_net_drop_tasks(sim->net);
    for (unsigned i = 0; i < sim->node_count; i++)
        sim_node_free(sim->nodes[i]);
    sim_net_free(sim->net);
    sim_oracle_free(sim->oracle);
    sim_history_free(sim->history);
    vd_heap_free(&sim->tasks);
    for (unsigned i = 0; i < 2 * CONSOLE_NODES; i++)
        vd_text_free(&c->lines[i / 2][i % 2].reply);
    memset(c, 0, sizeof(*c));
}

/* Until there is a reply, or patience is over. */
static void await(struct console *c, const struct line *line, sim_us patience)
{
    sim_us end = c->sim.now + patience;

    while (!line->answered && line->conn != NULL && c->sim.now < end)
        sim_run(&c->sim, c->sim.now + SIM_MS);
}

static bool connect_line(struct console *c, struct line *line, const struct sim_node *node)
{
    sim_us end = c->sim.now + SIM_S;

    if (line->conn != NULL)
        return true;
    line->conn = sim_connect(c->sim.net, c->host, node->host);
    while (!line->up && line->conn != NULL && c->sim.now < end)
        sim_run(&c->sim, c->sim.now + SIM_MS);
    return line->up;
}

/* Commands ------------------------------------------------------------------------------ */

static struct sim_node *node_by(struct console *c, const char *word)
{
    unsigned long n = word != NULL && word[0] == 'r' ? strtoul(word + 1, NULL, 10) : 0;

    return n >= 1 && n <= c->sim.node_count ? c->sim.nodes[n - 1] : NULL;
}

static int64_t number(const char *word)
{
    return word != NULL ? strtoll(word, NULL, 10) : 0;
}

static enum sim_word word_of(const char *name)
{
    static const struct {
        const char *name;
        enum sim_word word;
    } words[] = {
        {"ping", SIM_PING},       {"info", SIM_INFO},           {"role", SIM_ROLE},
        {"write", SIM_WRITE},     {"publish", SIM_PUBLISH},     {"script-kill", SIM_SCRIPT_KILL},
        {"promote", SIM_PROMOTE}, {"replicate", SIM_REPLICATE}, {"wait", SIM_WAIT},
        {"pause", SIM_PAUSE},     {"unpause", SIM_UNPAUSE},     {"failover", SIM_HANDOVER},
        {"abort", SIM_ABORT},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].name, name) == 0)
            return words[i].word;
    }
    return SIM_WORD_COUNT;
}

static void fill(struct console *c, struct sim_msg *msg, const char *one, const char *two)
{
    const struct sim_node *other = node_by(c, one);

    msg->ticket = ++c->writes;
    msg->addr = other != NULL ? other->host : NULL;
    msg->offset = number(other != NULL ? two : one);
    if (msg->word == SIM_WAIT)
        msg->epoch = (uint64_t)number(two);
    if (msg->word == SIM_PUBLISH)
        msg->payload = sim_payload_new("x", 1);
}

static void show(struct console *c, unsigned n, const struct line *line)
{
    if (line == &c->lines[n][0])
        c->waiting[n] = !line->answered && line->conn != NULL;
    puts(line->answered ? vd_text_cstr(&line->reply) : line->conn == NULL ? "-CLOSED" : "$held");
}

/* What the transactions of sentinels do, without ending clients. */
static void replicaof(struct console *c, struct sim_node *node, const char *whom)
{
    const struct sim_node *primary = node_by(c, whom);

    if (node->busy || node->loading || node->failover != SIM_FAILOVER_NONE) {
        puts(node->busy ? "-BUSY" : node->loading ? "-LOADING" : "-ERR");
        return;
    }
    if (primary != NULL)
        sim_node_follow(node, primary->host);
    else
        sim_node_promote(node);
    puts("+OK");
}

static void command(struct console *c, struct sim_node *node, char **words)
{
    enum sim_word word = words[1] != NULL ? word_of(words[1]) : SIM_WORD_COUNT;
    unsigned n = node->index;
    struct line *line = &c->lines[n][c->waiting[n] ? 1 : 0];
    bool may_be_held = word == SIM_WRITE || word == SIM_PUBLISH;
    struct sim_msg *msg;

    if (words[1] != NULL && strcmp(words[1], "replicaof") == 0) {
        replicaof(c, node, words[2]);
    } else if (words[1] != NULL && strcmp(words[1], "busy") == 0) {
        node->busy = true;
        puts("+OK");
    } else if (words[1] != NULL && strcmp(words[1], "collect") == 0) {
        await(c, &c->lines[n][0], HELD);
        show(c, n, &c->lines[n][0]);
    } else if (word == SIM_WORD_COUNT) {
        puts("?no such command");
    } else if (!connect_line(c, line, node)) {
        puts("-CLOSED");
    } else {
        msg = sim_msg_new(c->sim.net, word);
        fill(c, msg, words[2], words[2] != NULL ? words[3] : NULL);
        line->answered = false;
        sim_send(line->conn, 0, msg);
        await(c, line, may_be_held ? HELD : PATIENCE);
        show(c, n, line);
    }
}

/* A life and death that the node does not see coming, or does. */
static bool life(struct console *c, const char *verb, struct sim_node *node)
{
    if (strcmp(verb, "kill") == 0) {
        sim_node_kill(node, false);
        c->sim.setup.persistence = SIM_KEEP_NOTHING;
    } else if (strcmp(verb, "stop") == 0) {
        sim_node_save(node);
        sim_node_kill(node, false);
    } else if (strcmp(verb, "start") == 0 || strcmp(verb, "empty") == 0) {
        c->sim.setup.persistence = SIM_KEEP_RDB;
        sim_node_start(node, verb[0] == 'e');
    } else if (strcmp(verb, "pause") == 0) {
        sim_host_pause(node->host);
    } else if (strcmp(verb, "resume") == 0) {
        sim_host_resume(c->sim.net, node->host);
    } else {
        return false;
    }
    sim_run(&c->sim, c->sim.now + 5 * SIM_MS);
    return true;
}

static void servers(struct console *c, char **words)
{
    unsigned nodes = (unsigned)number(words[1]);

    destroy(c);
    build(c, nodes < 1 || nodes > CONSOLE_NODES ? 3 : nodes, (unsigned)number(words[2]));
    for (unsigned i = 0; i < c->sim.node_count; i++)
        sim_node_start(c->sim.nodes[i], true);
}

static void obey(struct console *c, char *line)
{
    char *words[5] = {NULL};
    char *save = NULL;
    unsigned count = 0;
    struct sim_node *node;

    for (char *word = strtok_r(line, " \n", &save); word != NULL && count < 4;
         word = strtok_r(NULL, " \n", &save))
        words[count++] = word;
    if (count == 0)
        return;
    if (strcmp(words[0], "servers") == 0) {
        servers(c, words);
        puts("+OK");
        return;
    }
    node = node_by(c, words[0]);
    if (c->sim.net == NULL) {
        puts("?no servers yet");
    } else if (node != NULL) {
        command(c, node, words);
    } else if (strcmp(words[0], "sleep") == 0) {
        sim_run(&c->sim, c->sim.now + number(words[1]) * SIM_MS);
        puts("+OK");
    } else {
        node = node_by(c, words[1]);
        puts(node != NULL && life(c, words[0], node) ? "+OK" : "?no such command");
    }
}

int main(void)
{
    struct console *c = vd_alloc(sizeof(*c));
    char line[256];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        obey(c, line);
        if (c->sim.failed)
            printf("?%s\n", c->sim.failure);
        (void)fflush(stdout);
    }
    destroy(c);
    vd_free(c);
    return 0;
}
