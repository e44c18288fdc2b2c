/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The house of the clients: the core's effects that concern them, and figures
 * about all of them. See clients.h, and client.h for what is shared with the
 * rooms behind.
 */
#include "shell/clients.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "shell/acl_file.h"
#include "shell/client.h"
#include "shell/clock.h"
#include "shell/conf_file.h"
#include "shell/log.h"

static struct vd_conn *find_client(const struct vd_clients *clients, vd_client id)
{
    struct vd_conn *conn;

    HASH_FIND(hh, clients->table, &id.n, sizeof(id.n), conn);
    return conn;
}

/* Figures ---------------------------------------------------------------------------- */

static int64_t micros(const struct timeval *time)
{
    return (int64_t)time->tv_sec * 1000000 + (int64_t)time->tv_usec;
}

static void add_usage(struct vd_server_facts *out)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        out->cpu_system_us = micros(&usage.ru_stime);
        out->cpu_user_us = micros(&usage.ru_utime);
    }
    if (getrusage(RUSAGE_CHILDREN, &usage) == 0) {
        out->cpu_system_children_us = micros(&usage.ru_stime);
        out->cpu_user_children_us = micros(&usage.ru_utime);
    }
    if (getrusage(RUSAGE_THREAD, &usage) == 0) {
        out->cpu_system_thread_us = micros(&usage.ru_stime);
        out->cpu_user_thread_us = micros(&usage.ru_utime);
    }
}

static void add_connections(const struct vd_clients *clients, struct vd_server_facts *out)
{
    for (const struct vd_conn *conn = clients->table; conn != NULL; conn = conn->hh.next) {
        out->pubsub_clients += conn->subscriber.channels + conn->subscriber.patterns > 0;
        out->tracking_clients += conn->session.tracking.on;
        if (conn->in.room > out->max_input)
            out->max_input = conn->in.room;
        if (conn->out.room > out->max_output)
            out->max_output = conn->out.room;
    }
    out->clients = HASH_COUNT(clients->table);
    out->pubsub_channels = vd_pubsub_channel_count(clients->pubsub);
    out->pubsub_patterns = vd_pubsub_pattern_count(clients->pubsub);
}

static void collect_facts(void *self, struct vd_server_facts *out)
{
    static char os[256];
    static char executable[4096];
    const struct vd_clients *clients = self;
    const struct vd_server_options *server = &clients->config->server;
    struct utsname names;
    ssize_t len = readlink("/proc/self/exe", executable, sizeof(executable) - 1);

    executable[len > 0 ? len : 0] = '\0';
    os[0] = '\0';
    if (uname(&names) == 0)
        (void)snprintf(os, sizeof(os), "%.64s %.64s %.64s", names.sysname, names.release,
                       names.machine);
    *out = clients->stats;
    out->version = VD_VERSION;
    out->os = os;
    out->run_id = clients->run_id.hex;
    out->executable = executable;
    out->config_file = clients->config->file == NULL ? "" : clients->config->file;
    out->compiler = __VERSION__;
    out->backend = ev_backend(clients->loop) == EVBACKEND_EPOLL ? "epoll" : "poll";
    out->mute = clients->drive->mute ? clients->drive->error.text : NULL;
    out->pid = (long)getpid();
    out->port = server->port;
    out->tls_port = server->tls.port;
    if (clients->tls != NULL)
        out->tls = vd_tls_expires_in_s(clients->tls, &out->tls_expires_s);
    out->supervised = server->supervised_systemd;
    out->is_valkey = clients->config->guise == VD_GUISE_VALKEY;
    out->redis_version = vd_redis_version(server);
    if (clients->paused_until != VD_NEVER && clients->paused_until > clients->now)
        out->paused_ms = (uint64_t)(clients->paused_until - clients->now);
    out->monotonic_us = vd_clock_now_us();
    out->wall_us = vd_clock_wall_ms() * 1000;
    out->uptime_s = (clients->now - clients->started_at) / 1000;
    out->bind = vd_listen_addresses(server, &out->bind_count);
    out->maxclients = server->maxclients;
    out->cycles = ev_iteration(clients->loop);
    out->ops_per_second = vd_rate_last(&clients->ops, clients->now);
    out->in_per_second = vd_rate_last(&clients->bytes_in, clients->now);
    out->out_per_second = vd_rate_last(&clients->bytes_out, clients->now);
    add_connections(clients, out);
    add_usage(out);
}

static long find_pid(void *self, vd_job job)
{
    const struct vd_clients *clients = self;

    return clients->hooks.pid_of(clients->hooks.self, job);
}

static bool show(void *self, const char *page, const struct vd_word *query, size_t count,
                 struct vd_text *to)
{
    const struct vd_clients *clients = self;

    if (clients->hooks.show != NULL)
        return clients->hooks.show(clients->hooks.self, page, query, count, to);
    vd_text_puts(to, "nothing is shown here");
    return false;
}

static bool is_connected(void *self, vd_client client)
{
    return find_client(self, client) != NULL;
}

static bool is_executable(const char *path)
{
    return access(path, X_OK) == 0;
}

/* Effects ------------------------------------------------------------------------------ */

/* The client that waits for this reply, or NULL. */
static struct vd_conn *find_waiting(const struct vd_clients *clients,
                                    const struct vd_effect *effect)
{
    struct vd_conn *conn = find_client(clients, effect->reply.client);

    /* An order's reply is the last that is awaited; a MONITOR that is not given yet has none. */
    bool awaits = conn != NULL && vd_conn_awaits(conn) > (conn->order != NULL ? 1U : 0U);

    return awaits ? conn : NULL;
}

void vd_clients_reply(struct vd_clients *clients, const struct vd_effect *effect)
{
    struct vd_conn *conn = find_waiting(clients, effect);
    struct vd_resp resp;

    if (conn == NULL)
        return;
    resp = (struct vd_resp){.to = vd_conn_reply(conn), .version = conn->session.version};
    if (!vd_conn_awaits_muted(conn))
        vd_request_reply(effect, &resp);
    clients->stats.error_replies += effect->reply.kind == VD_REPLY_ERROR;
    vd_conn_replied(conn);
}

void vd_clients_refuse(struct vd_clients *clients, const struct vd_effect *effect)
{
    struct vd_conn *conn = find_waiting(clients, effect);
    struct vd_resp resp;

    if (conn == NULL)
        return;
    resp = (struct vd_resp){.to = vd_conn_reply(conn), .version = conn->session.version};
    /* compat: Sentinel's words. As there, what was changed stays in force in memory. */
    if (!vd_conn_awaits_muted(conn))
        vd_resp_error(&resp, "ERR Failed to save config file. Check server logs.");
    clients->stats.error_replies++;
    vd_conn_replied(conn);
}

void vd_clients_resolved(struct vd_clients *clients, vd_client client, const char *ip)
{
    struct vd_conn *conn = find_client(clients, client);

    if (conn != NULL)
        vd_conn_resolved(conn, ip);
}

static void deliver(void *self, struct vd_subscriber *subscriber, const char *bytes, size_t len)
{
    struct vd_conn *conn =
        (struct vd_conn *)(void *)((char *)subscriber - offsetof(struct vd_conn, subscriber));

    (void)self;
    if (conn->doomed || conn->closing)
        return;
    vd_text_add(vd_conn_out(conn), bytes, len);
    vd_conn_owe(conn);
}

void vd_clients_publish(struct vd_clients *clients, const char *channel, const char *payload)
{
    (void)vd_pubsub_publish(clients->pubsub, channel, payload);
}

void vd_clients_flush(struct vd_clients *clients)
{
    vd_conn_send_all(clients);
    vd_conn_bury(clients);
}

/* Life ----------------------------------------------------------------------------------- */

static void on_early(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    struct vd_clients *clients = watcher->data;

    (void)loop;
    (void)events;
    vd_conn_send_all(clients);
}

static void on_late(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop;
    (void)events;
    vd_clients_flush(watcher->data);
}

static void on_resume(struct ev_loop *loop, ev_idle *watcher, int events)
{
    (void)loop;
    (void)events;
    vd_conn_resume_all(watcher->data);
}

static void on_idle(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    vd_conn_end_idle(timer->data, vd_clock_now());
}

static void start_watchers(struct vd_clients *clients)
{
    ev_timer_init(&clients->idle, on_idle, 0., 0.);
    ev_prepare_init(&clients->early, on_early);
    ev_prepare_init(&clients->late, on_late);
    ev_idle_init(&clients->resume, on_resume);
    /* Before and behind the turn's own, which has the usual priority. */
    ev_set_priority(&clients->early, EV_MAXPRI);
    ev_set_priority(&clients->late, EV_MINPRI);
    ev_set_priority(&clients->resume, EV_MAXPRI);
    clients->idle.data = clients;
    clients->early.data = clients->late.data = clients->resume.data = clients;
    ev_prepare_start(clients->loop, &clients->early);
    ev_prepare_start(clients->loop, &clients->late);
}

struct vd_clients *vd_clients_new(struct ev_loop *loop, struct vd_inbox *inbox,
                                  const struct vd_drive *drive, const struct vd_config *config,
                                  const struct vd_clients_hooks *hooks)
{
    struct vd_clients *clients = vd_alloc(sizeof(*clients));

    clients->loop = loop;
    clients->inbox = inbox;
    clients->drive = drive;
    clients->config = config;
    clients->hooks = *hooks;
    clients->acl = vd_acl_new(false);
    vd_conn_adopt_users(clients, config->acl);
    clients->paused_until = VD_NEVER;
    clients->desk = (struct vd_desk){
        .core = drive->core,
        .server = &config->server,
        .log_level = vd_log_get_level,
        .is_executable = is_executable,
        .facts = collect_facts,
        .pid_of = find_pid,
        .show = show,
        .acl = clients->acl,
        .is_valkey = config->guise == VD_GUISE_VALKEY,
        .read_file = vd_conf_file_read,
        .write_file = vd_acl_file_write,
        .random = vd_clock_random,
        .wall_ms = vd_clock_wall_ms,
        .is_connected = is_connected,
        .self = clients,
    };
    clients->pubsub = vd_pubsub_new(deliver, clients);
    vd_reader_init(&clients->reader);
    clients->run_id = vd_clock_new_id();
    clients->started_at = clients->now = vd_clock_now();
    start_watchers(clients);
    return clients;
}

void vd_clients_reconfigure(struct vd_clients *clients, const struct vd_config *config)
{
    clients->config = config;
    clients->desk.server = &config->server;
    vd_conn_adopt_users(clients, config->acl);
    vd_conn_end_idle(clients, vd_clock_now());
}

void vd_clients_use_tls(struct vd_clients *clients, struct vd_tls *tls)
{
    clients->tls = tls;
}

const struct vd_acl *vd_clients_users(const struct vd_clients *clients)
{
    return clients->acl;
}

size_t vd_clients_count(const struct vd_clients *clients)
{
    return HASH_COUNT(clients->table);
}

void vd_clients_stop(struct vd_clients *clients)
{
    vd_clients_unlisten(clients);
    vd_conn_send_all(clients);
    while (clients->table != NULL)
        vd_conn_end(clients->table);
}

void vd_clients_free(struct vd_clients *clients)
{
    vd_clients_stop(clients);
    vd_conn_resume_all(clients); /* takes them out of the list */
    vd_conn_bury(clients);
    ev_timer_stop(clients->loop, &clients->idle);
    ev_prepare_stop(clients->loop, &clients->early);
    ev_prepare_stop(clients->loop, &clients->late);
    ev_idle_stop(clients->loop, &clients->resume);
    ev_timer_stop(clients->loop, &clients->pause);
    vd_pubsub_free(clients->pubsub);
    vd_acl_free(clients->acl);
    vd_text_free(&clients->declared);
    vd_reader_free(&clients->reader);
    vd_arena_free(&clients->arena);
    while (clients->spare_count > 0)
        vd_text_free(&clients->spares[--clients->spare_count]);
    vd_free(clients);
}
