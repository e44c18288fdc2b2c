/* SPDX-License-Identifier: BSD-3-Clause */
/*
 *   fleet PORT FIRST COUNT INFO
 *
 * plays three servers for each of the groups FIRST .. FIRST + COUNT - 1: that of group g and number
 * n (0: the first primary) is 127.64.0.0 + 4 g + n. INFO is a file with what a real server says,
 * from which all but the section Replication is taken. Orders come as lines on standard input, and
 * each is answered by one line:
 *
 *   kill A B     the primaries of groups A .. B - 1 die: connections close, the port refuses
 *   revive A B   whoever is dead there comes back, empty, as a replica of the present primary
 *   stats        counters and lateness as JSON
 *   reset        counters and lateness to 0
 *
 * It ends with its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "fleet.h"

#define FIRST_ADDRESS 0x7f400000u
#define READ_MAX 16384
#define BACKLOG 64

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "fleet: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void hang_up(struct fleet_connection *connection)
{
    struct fleet_node *node = connection->node;
    struct ev_loop *loop = node->group->fleet->loop;

    ev_io_stop(loop, &connection->reads);
    ev_io_stop(loop, &connection->writes);
    close(connection->fd);
    DL_DELETE(node->connections, connection);
    vd_reader_free(&connection->reader);
    vd_text_free(&connection->input);
    vd_text_free(&connection->output);
    vd_text_free(&connection->queued_replies);
    free(connection);
}

/*
 * As a server does it: what a pass of the loop has brought is carried out, and then each connection
 * is written to, once.
 */
void fleet_flush(struct fleet_connection *connection)
{
    if (connection->output.len > 0 && !ev_is_active(&connection->writes))
        ev_feed_event(connection->node->group->fleet->loop, &connection->writes, EV_WRITE);
}

static void on_writable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    struct fleet_connection *connection = watcher->data;
    struct vd_text *output = &connection->output;
    ssize_t sent;

    (void)events;
    sent = send(connection->fd, output->bytes, output->len, MSG_NOSIGNAL);
    if (sent > 0) {
        connection->node->group->fleet->bytes_out += (uint64_t)sent;
        memmove(output->bytes, output->bytes + sent, output->len - (size_t)sent);
        vd_text_cut(output, output->len - (size_t)sent);
    }
    if (output->len > 0) {
        ev_io_start(loop, &connection->writes);
        return;
    }
    ev_io_stop(loop, &connection->writes);
    vd_text_free(output); /* thousands of connections, of which few have anything to say */
}

static void on_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    struct fleet_connection *connection = watcher->data;
    struct fleet *fleet = connection->node->group->fleet;
    struct vd_text *input = &connection->input;
    static char bytes[READ_MAX];
    ssize_t got = recv(connection->fd, bytes, sizeof bytes, 0);
    enum vd_read read = VD_READ_MORE;

    (void)loop;
    (void)events;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        hang_up(connection);
        return;
    }
    fleet->bytes_in += (uint64_t)got;
    vd_text_add(input, bytes, (size_t)got);
    while (input->len > 0 && (read = vd_reader_next(&connection->reader, input->bytes, input->len,
                                                    false)) == VD_READ_REQUEST) {
        if (connection->reader.count > 0)
            fleet_run(connection, connection->reader.words, connection->reader.count);
        memmove(input->bytes, input->bytes + connection->reader.used,
                input->len - connection->reader.used);
        vd_text_cut(input, input->len - connection->reader.used);
    }
    if (read == VD_READ_BROKEN) {
        hang_up(connection);
        return;
    }
    if (input->len == 0)
        vd_text_free(input);
    fleet_flush(connection);
}

static void on_connection(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    struct fleet_node *node = watcher->data;
    int fd = accept4(node->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int yes = 1;
    struct fleet_connection *connection;

    (void)events;
    if (fd < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED)
            die("accept");
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        die("a connection");
    connection->node = node;
    connection->fd = fd;
    connection->version = 2;
    vd_reader_init(&connection->reader);
    DL_APPEND(node->connections, connection);
    ev_io_init(&connection->reads, on_readable, fd, EV_READ);
    ev_io_init(&connection->writes, on_writable, fd, EV_WRITE);
    ev_set_priority(&connection->writes, EV_MINPRI); /* behind all that is read */
    connection->reads.data = connection->writes.data = connection;
    ev_io_start(loop, &connection->reads);
}

static void listen_at(struct fleet_node *node)
{
    struct fleet *fleet = node->group->fleet;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)fleet->port), .sin_addr = node->ip};
    int yes = 1;

    node->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (node->listener < 0)
        die("socket");
    setsockopt(node->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(node->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(node->listener, BACKLOG) < 0)
        die(inet_ntoa(node->ip));
    ev_io_init(&node->accepts, on_connection, node->listener, EV_READ);
    node->accepts.data = node;
    ev_io_start(fleet->loop, &node->accepts);
}

static void kill_node(struct fleet_node *node)
{
    struct fleet_connection *one;
    struct fleet_connection *next;

    for (unsigned i = 0; i < FLEET_NODES; i++)
        node->group->nodes[i].offset = fleet_offset(&node->group->nodes[i]);
    ev_io_stop(node->group->fleet->loop, &node->accepts);
    close(node->listener);
    node->listener = -1;
    DL_FOREACH_SAFE (node->connections, one, next)
        hang_up(one);
}

/* The one that is alive and a primary; NULL: none. */
static struct fleet_node *find_primary(struct fleet_group *group)
{
    for (unsigned i = 0; i < FLEET_NODES; i++) {
        if (group->nodes[i].listener >= 0 && group->nodes[i].primary == NULL)
            return &group->nodes[i];
    }
    return NULL;
}

static void revive(struct fleet_group *group)
{
    struct fleet_node *primary = find_primary(group);

    for (unsigned i = 0; i < FLEET_NODES; i++) {
        if (group->nodes[i].listener < 0) {
            fleet_node_begin(&group->nodes[i], primary);
            listen_at(&group->nodes[i]);
        }
    }
}

static unsigned quantile(const struct fleet_lateness *late, double share)
{
    uint64_t seen = 0;

    for (unsigned ms = 0; ms <= FLEET_LATE_MAX; ms++) {
        seen += late->by_ms[ms];
        if (seen > 0 && (double)seen >= share * (double)late->count)
            return ms;
    }
    return 0;
}

static void print_lateness(const char *name, const struct fleet_lateness *late)
{
    printf(", \"%s\": {\"count\": %llu, \"p50\": %u, \"p99\": %u, \"max\": %u}", name,
           (unsigned long long)late->count, quantile(late, 0.5), quantile(late, 0.99),
           quantile(late, 1));
}

static void print_stats(const struct fleet *fleet)
{
    printf("{\"pings\": %llu, \"infos\": %llu, \"publishes\": %llu, \"delivered\": %llu, "
           "\"others\": %llu, \"bytes_in\": %llu, \"bytes_out\": %llu",
           (unsigned long long)fleet->pings, (unsigned long long)fleet->infos,
           (unsigned long long)fleet->publishes, (unsigned long long)fleet->delivered,
           (unsigned long long)fleet->others, (unsigned long long)fleet->bytes_in,
           (unsigned long long)fleet->bytes_out);
    print_lateness("ping_late_ms", &fleet->ping_late);
    print_lateness("hello_late_ms", &fleet->hello_late);
    printf("}\n");
}

static void reset(struct fleet *fleet)
{
    fleet->pings = fleet->infos = fleet->publishes = fleet->delivered = fleet->others = 0;
    fleet->bytes_in = fleet->bytes_out = 0;
    memset(&fleet->ping_late, 0, sizeof fleet->ping_late);
    memset(&fleet->hello_late, 0, sizeof fleet->hello_late);
}

static void obey(struct fleet *fleet, const char *line)
{
    unsigned from, to;
    bool kills = sscanf(line, "kill %u %u", &from, &to) == 2;

    if (kills || sscanf(line, "revive %u %u", &from, &to) == 2) {
        for (unsigned i = 0; i < fleet->count; i++) {
            struct fleet_node *primary = find_primary(&fleet->groups[i]);

            if (fleet->first + i < from || fleet->first + i >= to)
                continue;
            if (!kills)
                revive(&fleet->groups[i]);
            else if (primary != NULL)
                kill_node(primary);
        }
        printf("ok\n");
    } else if (strcmp(line, "stats") == 0) {
        print_stats(fleet);
    } else if (strcmp(line, "reset") == 0) {
        reset(fleet);
        printf("ok\n");
    } else {
        printf("unknown order: %s\n", line);
    }
    fflush(stdout);
}

static void on_order(struct ev_loop *loop, struct ev_io *watcher, int events)
{
    static char line[256];
    static size_t len;
    char c;
    ssize_t got;

    (void)events;
    while ((got = read(watcher->fd, &c, 1)) == 1) {
        if (c != '\n' && len < sizeof line - 1) {
            line[len++] = c;
            continue;
        }
        line[len] = 0;
        len = 0;
        obey(watcher->data, line);
    }
    if (got == 0)
        ev_break(loop, EVBREAK_ALL);
}

static char *read_file(const char *path)
{
    static char bytes[65536];
    FILE *file = fopen(path, "r");
    size_t len = file == NULL ? 0 : fread(bytes, 1, sizeof bytes - 1, file);
    char *copy;

    if (len == 0)
        die(path);
    fclose(file);
    bytes[len] = 0;
    copy = strdup(bytes);
    if (copy == NULL)
        die("memory");
    return copy;
}

/* "# Replication" is what the servers say themselves. */
static void take_info(struct fleet *fleet, const char *path)
{
    char *text = read_file(path);
    char *own = strstr(text, "# Replication\r\n");
    char *behind = own == NULL ? NULL : strstr(own, "\r\n# ");

    if (behind == NULL || strstr(text, "run_id:") == NULL || strstr(text, "run_id:") > own) {
        fprintf(stderr, "fleet: %s: not what INFO says\n", path);
        exit(1);
    }
    *own = 0;
    fleet->info_head = text;
    fleet->info_tail = behind + 2;
}

int main(int argc, char **argv)
{
    static struct fleet fleet;
    struct ev_io orders;

    if (argc != 5) {
        fprintf(stderr, "usage: fleet PORT FIRST COUNT INFO\n");
        return 2;
    }
    fleet.loop = ev_default_loop(EVFLAG_AUTO);
    fleet.port = atoi(argv[1]);
    fleet.first = (unsigned)strtoul(argv[2], NULL, 10);
    fleet.count = (unsigned)strtoul(argv[3], NULL, 10);
    srandom(fleet.first + 1);
    take_info(&fleet, argv[4]);
    fleet.groups = calloc(fleet.count, sizeof *fleet.groups);
    if (fleet.groups == NULL)
        die("groups");
    for (unsigned i = 0; i < fleet.count; i++) {
        struct fleet_group *group = &fleet.groups[i];

        group->fleet = &fleet;
        for (unsigned n = 0; n < FLEET_NODES; n++) {
            group->nodes[n].group = group;
            group->nodes[n].ip.s_addr = htonl(FIRST_ADDRESS + 4 * (fleet.first + i) + n);
            fleet_node_begin(&group->nodes[n], n == 0 ? NULL : &group->nodes[0]);
            listen_at(&group->nodes[n]);
        }
    }
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    ev_io_init(&orders, on_order, STDIN_FILENO, EV_READ);
    orders.data = &fleet;
    ev_io_start(fleet.loop, &orders);
    printf("ready\n");
    fflush(stdout);
    ev_run(fleet.loop, 0);
    return 0;
}
