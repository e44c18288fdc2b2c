/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links: see links.h. A link of the core is a strand here, which a connection
 * carries, alone or beside another. All that happens becomes an event; who
 * drops a link says so once and forgets it.
 */
#include "shell/links.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "shell/connection.h"

/* Strands ---------------------------------------------------------------------- */

struct vd_strand *vd_strand_find(const struct vd_links *links, vd_link id)
{
    return vd_handles_find(&links->by_id, id.n);
}

static struct vd_strand *new_strand(struct vd_links *links, const struct vd_effect *effect)
{
    struct vd_strand *strand = vd_alloc(sizeof(*strand));

    VD_ASSERT(vd_strand_find(links, effect->connect.link) == NULL);
    strand->id = effect->connect.link;
    strand->kind = effect->connect.kind;
    vd_handles_put(&links->by_id, strand->id.n, strand);
    if (strand->kind != VD_LINK_PEER)
        vd_pair_join(links, strand, effect);
    return strand;
}

static void free_strand(struct vd_strand *strand)
{
    struct vd_links *links = strand->connection->links;

    vd_handles_drop(&links->by_id, strand->id.n);
    vd_pair_leave(links, strand);
    vd_free(strand);
}

void vd_strand_say_up(struct vd_strand *strand)
{
    struct vd_event event = {.type = VD_EV_LINK_UP};
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } local;
    socklen_t len = sizeof(local);
    char local_ip[VD_IP_SIZE] = "";

    memset(&local, 0, sizeof(local));
    if (getsockname(strand->connection->stream.fd, &local.any, &len) == 0) {
        if (local.any.sa_family == AF_INET)
            (void)inet_ntop(AF_INET, &local.v4.sin_addr, local_ip, sizeof(local_ip));
        if (local.any.sa_family == AF_INET6)
            (void)inet_ntop(AF_INET6, &local.v6.sin6_addr, local_ip, sizeof(local_ip));
    }
    strand->is_up = true;
    event.up.link = strand->id;
    event.up.ip = strand->connection->ip;
    event.up.local_ip = local_ip;
    vd_inbox_push(strand->connection->links->inbox, &event);
}

void vd_strand_say_down(struct vd_strand *strand, enum vd_down_reason reason, const char *text)
{
    struct vd_event event = {.type = VD_EV_LINK_DOWN};

    event.down.link = strand->id;
    event.down.reason = reason;
    event.down.text = text;
    vd_inbox_push(strand->connection->links->inbox, &event);
    free_strand(strand);
}

void vd_strand_end(struct vd_strand *strand)
{
    struct vd_connection *connection = strand->connection;

    if (connection->command == strand)
        connection->command = NULL;
    else if (connection->command != NULL)
        vd_connection_unsubscribe(connection);
    else
        connection->subscription = NULL;
    free_strand(strand);
    if (connection->command == NULL && connection->subscription == NULL)
        vd_connection_free(connection);
}

/* Effects ------------------------------------------------------------------------ */

static void perform_connect(struct vd_links *links, const struct vd_effect *effect)
{
    struct vd_strand *strand = new_strand(links, effect);
    enum vd_seat seat = vd_pair_seat(strand);
    struct vd_connection *connection;

    if (seat == VD_SEAT_SHARED)
        return;
    connection = vd_connection_new(links, strand, effect);
    if (seat == VD_SEAT_AWAITED)
        connection->asleep = true;
    else
        vd_connection_open(connection);
}

static void perform_close(struct vd_links *links, const struct vd_effect *effect)
{
    struct vd_strand *strand = vd_strand_find(links, effect->close.link);

    if (strand == NULL)
        return;
    if (vd_stream_is_shaking(&strand->connection->stream))
        vd_connection_tell_no_handshake(strand->connection);
    vd_pair_on_closed(strand);
    vd_strand_end(strand);
}

static void perform_send(struct vd_links *links, const struct vd_effect *effect)
{
    struct vd_strand *strand = vd_strand_find(links, effect->send.link);
    struct vd_expected *expected;

    if (strand == NULL)
        return; /* its LINK_DOWN is on the way */
    VD_ASSERT(strand->kind != VD_LINK_SUBSCRIBE);
    VD_ASSERT(strand->connection->stream.fd >= 0);
    expected = vd_alloc(sizeof(*expected) + sizeof(expected->asked[0]));
    expected->what = VD_EXPECT_ANSWER;
    vd_asked_init(expected->asked, effect);
    if (vd_asked_turns(expected->asked))
        strand->connection->last_turn = expected->asked->ticket;
    vd_connection_put(strand->connection, expected, effect);
}

void vd_links_perform(struct vd_links *links, const struct vd_effect *effect)
{
    if (effect->type == VD_EF_CONNECT) {
        perform_connect(links, effect);
    } else if (effect->type == VD_EF_SEND) {
        perform_send(links, effect);
    } else {
        VD_ASSERT(effect->type == VD_EF_CLOSE);
        perform_close(links, effect);
    }
}

void vd_links_flush(struct vd_links *links)
{
    while (links->dirty != NULL)
        vd_connection_flush(links->dirty);
}

/* Life --------------------------------------------------------------------------- */

void vd_links_reconfigure(struct vd_links *links, const struct vd_server_options *server)
{
    const char *source = server->bind_source_addr;

    links->keepalive_s = server->tcp_keepalive_s;
    links->tls_servers = server->tls.to.servers;
    links->tls_peers = server->tls.to.peers;
    vd_free(links->own_pass);
    links->own_pass = vd_strdup(server->requirepass);
    if (!vd_copy(links->source_ip, sizeof(links->source_ip), source == NULL ? "" : source))
        links->source_ip[0] = '\0';
}

struct vd_links *vd_links_new(struct ev_loop *loop, struct vd_inbox *inbox,
                              struct vd_resolver *resolver, const struct vd_server_options *server)
{
    struct vd_links *links = vd_alloc(sizeof(*links));

    links->loop = loop;
    links->inbox = inbox;
    links->resolver = resolver;
    vd_links_reconfigure(links, server);
    return links;
}

void vd_links_use_tls(struct vd_links *links, struct vd_tls *tls)
{
    links->tls = tls;
}

void vd_links_free(struct vd_links *links)
{
    struct vd_connection *connection;
    struct vd_connection *next;

    if (links == NULL)
        return;
    DL_FOREACH_SAFE (links->connections, connection, next) {
        if (connection->command != NULL)
            free_strand(connection->command);
        if (connection->subscription != NULL)
            free_strand(connection->subscription);
        vd_connection_free(connection);
    }
    vd_handles_free(&links->by_id);
    vd_refusals_free(&links->refusals);
    vd_free(links->own_pass);
    vd_reply_scratch_free(&links->scratch);
    vd_free(links);
}
