/* SPDX-License-Identifier: BSD-3-Clause */
/* What a server of the fleet answers. Unknown commands get an error, and are counted. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "fleet.h"
#include "proto/resp.h"

#define PING_PERIOD 1.0
#define HELLO_PERIOD 2.0
#define STREAM_PER_SECOND 14 /* bytes of a replication stream in which only PINGs go */

static void make_id(char *id)
{
    for (size_t i = 0; i < FLEET_ID_SIZE - 1; i++)
        id[i] = "0123456789abcdef"[random() & 15];
    id[FLEET_ID_SIZE - 1] = 0;
}

static const char *ip_of(const struct fleet_node *node)
{
    static char text[INET_ADDRSTRLEN];

    return inet_ntop(AF_INET, &node->ip, text, sizeof text);
}

void fleet_node_begin(struct fleet_node *node, struct fleet_node *primary)
{
    make_id(node->run_id);
    if (primary == NULL)
        make_id(node->replid);
    else
        memcpy(node->replid, primary->replid, sizeof node->replid);
    node->replid_before[0] = 0;
    node->second_offset = -1;
    node->primary = primary;
}

static bool is_alive(const struct fleet_node *node)
{
    return node->listener >= 0;
}

int64_t fleet_offset(const struct fleet_node *node)
{
    const struct fleet_node *source = node;

    /* Two that follow each other, for a moment, have no source. */
    for (unsigned i = 0; i < FLEET_NODES && source->primary != NULL; i++) {
        if (!is_alive(source->primary))
            break;
        source = source->primary;
    }
    if (source->primary != NULL)
        return node->offset;
    return (int64_t)(ev_now(node->group->fleet->loop) * STREAM_PER_SECOND);
}

/* All that stand still from now on, or begin to move, remember where. */
static void note_offsets(struct fleet_group *group)
{
    for (unsigned i = 0; i < FLEET_NODES; i++)
        group->nodes[i].offset = fleet_offset(&group->nodes[i]);
}

static void put_replicas(const struct fleet_node *node, struct vd_text *to)
{
    unsigned count = 0;
    struct vd_text lines = {0};

    for (unsigned i = 0; i < FLEET_NODES; i++) {
        const struct fleet_node *other = &node->group->nodes[i];

        if (other->primary == node && is_alive(other))
            vd_text_printf(&lines, "slave%u:ip=%s,port=%d,state=online,offset=%lld,lag=0\r\n",
                           count++, ip_of(other), node->group->fleet->port,
                           (long long)fleet_offset(other));
    }
    vd_text_printf(to, "connected_slaves:%u\r\n%s", count, vd_text_cstr(&lines));
    vd_text_free(&lines);
}

static void put_replication(const struct fleet_node *node, struct vd_text *to)
{
    const struct fleet_node *primary = node->primary;
    long long offset = fleet_offset(node);

    vd_text_printf(to, "# Replication\r\nrole:%s\r\n", primary == NULL ? "master" : "slave");
    if (primary != NULL) {
        vd_text_printf(to, "master_host:%s\r\nmaster_port:%d\r\nmaster_link_status:%s\r\n",
                       ip_of(primary), node->group->fleet->port, is_alive(primary) ? "up" : "down");
        vd_text_printf(to,
                       "master_last_io_seconds_ago:%d\r\nmaster_sync_in_progress:0\r\n"
                       "slave_read_repl_offset:%lld\r\nslave_repl_offset:%lld\r\n",
                       is_alive(primary) ? 0 : -1, offset, offset);
        if (!is_alive(primary))
            vd_text_puts(to, "master_link_down_since_seconds:1\r\n");
        vd_text_puts(to, "slave_priority:100\r\nslave_read_only:1\r\nreplica_announced:1\r\n");
    }
    put_replicas(node, to);
    vd_text_printf(to,
                   "master_failover_state:no-failover\r\nmaster_replid:%s\r\nmaster_replid2:%s\r\n"
                   "master_repl_offset:%lld\r\nsecond_repl_offset:%lld\r\n"
                   "repl_backlog_active:1\r\nrepl_backlog_size:1048576\r\n"
                   "repl_backlog_first_byte_offset:1\r\nrepl_backlog_histlen:%lld\r\n\r\n",
                   node->replid,
                   node->replid_before[0] ? node->replid_before
                                          : "0000000000000000000000000000000000000000",
                   offset, (long long)node->second_offset, offset);
}

/* The line run_id: of the text that was taken from a real server is replaced. */
static void put_info(const struct fleet_node *node, struct vd_resp *resp)
{
    const struct fleet *fleet = node->group->fleet;
    const char *id = strstr(fleet->info_head, "run_id:");
    struct vd_text text = {0};

    vd_text_add(&text, fleet->info_head, (size_t)(id - fleet->info_head));
    vd_text_printf(&text, "run_id:%s", node->run_id);
    vd_text_puts(&text, id + strcspn(id, "\r"));
    put_replication(node, &text);
    vd_text_puts(&text, fleet->info_tail);
    vd_resp_verbatim(resp, text.bytes, text.len);
    vd_text_free(&text);
}

static void put_role(const struct fleet_node *node, struct vd_resp *resp)
{
    if (node->primary == NULL) {
        vd_resp_array(resp, 3);
        vd_resp_bulk_cstr(resp, "master");
        vd_resp_int(resp, fleet_offset(node));
        vd_resp_array(resp, 0);
        return;
    }
    vd_resp_array(resp, 5);
    vd_resp_bulk_cstr(resp, "slave");
    vd_resp_bulk_cstr(resp, ip_of(node->primary));
    vd_resp_int(resp, node->group->fleet->port);
    vd_resp_bulk_cstr(resp, is_alive(node->primary) ? "connected" : "connect");
    vd_resp_int(resp, fleet_offset(node));
}

static size_t tell(struct fleet_node *node, const struct vd_word *channel,
                   const struct vd_word *message)
{
    struct fleet_connection *one;
    size_t told = 0;

    DL_FOREACH (node->connections, one) {
        struct vd_resp resp = {&one->output, one->version};

        if (!one->is_subscriber)
            continue;
        vd_resp_push(&resp, 3);
        vd_resp_bulk_cstr(&resp, "message");
        vd_resp_bulk(&resp, channel->bytes, channel->len);
        vd_resp_bulk(&resp, message->bytes, message->len);
        fleet_flush(one);
        told++;
    }
    node->group->fleet->delivered += told;
    return told;
}

/* To its own subscribers and, through the replication stream, those of its replicas. */
static size_t publish(struct fleet_node *node, const struct vd_word *channel,
                      const struct vd_word *message)
{
    size_t told = tell(node, channel, message);

    for (unsigned i = 0; i < FLEET_NODES; i++) {
        if (node->group->nodes[i].primary == node && is_alive(&node->group->nodes[i]))
            tell(&node->group->nodes[i], channel, message);
    }
    return told;
}

static void follow(struct fleet_node *node, const struct vd_word *host)
{
    struct fleet_group *group = node->group;

    note_offsets(group);
    if (vd_word_is(host, "no")) {
        if (node->primary == NULL)
            return;
        memcpy(node->replid_before, node->replid, sizeof node->replid);
        node->second_offset = node->offset + 1;
        node->primary = NULL;
        make_id(node->replid);
    } else {
        for (unsigned i = 0; i < FLEET_NODES; i++) {
            struct fleet_node *other = &group->nodes[i];

            if (other != node && strcmp(ip_of(other), host->bytes) == 0) {
                node->primary = other;
                memcpy(node->replid, other->replid, sizeof node->replid);
                memcpy(node->replid_before, other->replid_before, sizeof node->replid_before);
            }
        }
    }
    note_offsets(group);
}

static void note_period(struct fleet_lateness *late, double *last, double now, double period)
{
    if (*last > 0) {
        double ms = 1000 * (now - *last - period);

        late->count++;
        late->by_ms[ms < 0 ? 0 : ms > FLEET_LATE_MAX ? FLEET_LATE_MAX : (unsigned)ms]++;
    }
    *last = now;
}

static void subscribe(struct fleet_connection *connection, struct vd_resp *resp,
                      const struct vd_word *words, size_t count)
{
    connection->is_subscriber = true;
    for (size_t i = 1; i < count; i++) {
        vd_resp_push(resp, 3);
        vd_resp_bulk_cstr(resp, "subscribe");
        vd_resp_bulk(resp, words[i].bytes, words[i].len);
        vd_resp_int(resp, (int64_t)i);
    }
}

static void ping(struct fleet_connection *connection, struct vd_resp *resp, double now)
{
    struct fleet *fleet = connection->node->group->fleet;

    fleet->pings++;
    if (connection->is_subscriber && connection->version == 2) {
        vd_resp_array(resp, 2);
        vd_resp_bulk_cstr(resp, "pong");
        vd_resp_bulk_cstr(resp, "");
        return;
    }
    note_period(&fleet->ping_late, &connection->last_ping_at, now, PING_PERIOD);
    vd_resp_status(resp, "PONG");
}

/* CLIENT KILL TYPE normal or pubsub: all but who asks; they see the end of their connection. */
static int kill_clients(const struct fleet_connection *asker, bool subscribers)
{
    struct fleet_connection *one;
    int killed = 0;

    DL_FOREACH (asker->node->connections, one) {
        if (one == asker || one->is_subscriber != subscribers)
            continue;
        shutdown(one->fd, SHUT_RDWR);
        killed++;
    }
    return killed;
}

/* HELLO 2 or 3, without a word of authentication. */
static void hello(struct fleet_connection *connection, struct vd_resp *resp,
                  const struct vd_word *version)
{
    unsigned wanted = version->len == 1 ? (unsigned)version->bytes[0] - '0' : 0;

    if (wanted != 2 && wanted != 3) {
        vd_resp_error(resp, "NOPROTO unsupported protocol version");
        return;
    }
    connection->version = resp->version = wanted;
    vd_resp_map(resp, 3);
    vd_resp_bulk_cstr(resp, "server");
    vd_resp_bulk_cstr(resp, "redis");
    vd_resp_bulk_cstr(resp, "proto");
    vd_resp_int(resp, wanted);
    vd_resp_bulk_cstr(resp, "mode");
    vd_resp_bulk_cstr(resp, "standalone");
}

static void other(struct fleet_connection *connection, struct vd_resp *resp,
                  const struct vd_word *words, size_t count)
{
    static const char *const agreed[] = {"AUTH", "CONFIG", "CLIENT", "SELECT", "REPLCONF"};

    connection->node->group->fleet->others++;
    if ((vd_word_is(words, "REPLICAOF") || vd_word_is(words, "SLAVEOF")) && count == 3) {
        follow(connection->node, &words[1]);
        vd_resp_status(resp, "OK");
        return;
    }
    if (vd_word_is(words, "HELLO") && count == 2) {
        hello(connection, resp, &words[1]);
        return;
    }
    if (vd_word_is(words, "ROLE")) {
        put_role(connection->node, resp);
        return;
    }
    for (size_t i = 0; i < sizeof agreed / sizeof *agreed; i++) {
        if (!vd_word_is(words, agreed[i]))
            continue;
        if (count == 4 && vd_word_is(&words[1], "KILL"))
            vd_resp_int(resp, kill_clients(connection, vd_word_is(&words[3], "pubsub")));
        else
            vd_resp_status(resp, "OK");
        return;
    }
    vd_resp_error(resp, "ERR unknown command '%s'", words[0].bytes);
}

static void carry_out(struct fleet_connection *connection, struct vd_resp *resp,
                      const struct vd_word *words, size_t count)
{
    struct fleet *fleet = connection->node->group->fleet;
    double now = ev_now(fleet->loop);

    if (vd_word_is(words, "PING")) {
        ping(connection, resp, now);
    } else if (vd_word_is(words, "INFO")) {
        fleet->infos++;
        put_info(connection->node, resp);
    } else if (vd_word_is(words, "PUBLISH") && count == 3) {
        fleet->publishes++;
        /* What was said to replicas, or by another sentinel, a program may leave out. */
        if (connection->node->primary == NULL)
            note_period(&fleet->hello_late, &connection->node->last_hello_at, now, HELLO_PERIOD);
        vd_resp_int(resp, (int64_t)publish(connection->node, &words[1], &words[2]));
    } else if (vd_word_is(words, "SUBSCRIBE") && count > 1) {
        subscribe(connection, resp, words, count);
    } else {
        other(connection, resp, words, count);
    }
}

void fleet_run(struct fleet_connection *connection, const struct vd_word *words, size_t count)
{
    struct vd_resp resp = {&connection->output, connection->version};
    struct vd_resp held = {&connection->queued_replies, connection->version};

    if (vd_word_is(words, "MULTI")) {
        connection->is_in_multi = true;
        connection->queued = 0;
        vd_resp_status(&resp, "OK");
    } else if (vd_word_is(words, "EXEC")) {
        connection->is_in_multi = false;
        vd_resp_array(&resp, connection->queued);
        vd_text_add(&connection->output, vd_text_cstr(&connection->queued_replies),
                    connection->queued_replies.len);
        vd_text_clear(&connection->queued_replies);
    } else if (connection->is_in_multi) {
        connection->queued++;
        carry_out(connection, &held, words, count);
        vd_resp_status(&resp, "QUEUED");
    } else {
        carry_out(connection, &resp, words, count);
    }
}
