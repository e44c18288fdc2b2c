/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INFO, see render_info.h. Fields that mean nothing in a sentinel are told as
 * Sentinel tells them, with zeros, because exporters ask for them by name.
 */
#include "proto/render_info.h"

struct source {
    const struct vd_core *core;
    vd_ms now;
    const struct vd_server_facts *facts;
    struct vd_text *to;
};

/* Fields that are one figure each ---------------------------------------------- */

enum figure {
    ZERO,    /* nothing here counts it */
    ZERO_2,  /* the same with two decimals */
    COUNTER, /* uint64_t */
    KBPS,    /* uint64_t bytes a second, shown in units of 1024 */
    CPU,     /* int64_t microseconds, shown in seconds */
};

struct field {
    const char *name;
    enum figure figure;
    size_t offset; /* in the facts */
};

#define AT(member) offsetof(struct vd_server_facts, member)

static const struct field client_fields[] = {
    {"connected_clients", COUNTER, AT(clients)},
    {"cluster_connections", ZERO, 0},
    {"maxclients", COUNTER, AT(maxclients)},
    {"client_recent_max_input_buffer", COUNTER, AT(max_input)},
    {"client_recent_max_output_buffer", COUNTER, AT(max_output)},
    {"blocked_clients", ZERO, 0},
    {"tracking_clients", COUNTER, AT(tracking_clients)},
    {"pubsub_clients", COUNTER, AT(pubsub_clients)},
    {"watching_clients", ZERO, 0},
    {"clients_in_timeout_table", ZERO, 0},
    {"total_watched_keys", ZERO, 0},
    {"total_blocking_keys", ZERO, 0},
    {"total_blocking_keys_on_nokey", ZERO, 0},
};

static const struct field stats_fields[] = {
    {"total_connections_received", COUNTER, AT(connections_received)},
    {"total_commands_processed", COUNTER, AT(commands)},
    {"instantaneous_ops_per_sec", COUNTER, AT(ops_per_second)},
    {"total_net_input_bytes", COUNTER, AT(bytes_in)},
    {"total_net_output_bytes", COUNTER, AT(bytes_out)},
    {"total_net_repl_input_bytes", ZERO, 0},
    {"total_net_repl_output_bytes", ZERO, 0},
    {"instantaneous_input_kbps", KBPS, AT(in_per_second)},
    {"instantaneous_output_kbps", KBPS, AT(out_per_second)},
    {"instantaneous_input_repl_kbps", ZERO_2, 0},
    {"instantaneous_output_repl_kbps", ZERO_2, 0},
    {"rejected_connections", COUNTER, AT(connections_rejected)},
    {"sync_full", ZERO, 0},
    {"sync_partial_ok", ZERO, 0},
    {"sync_partial_err", ZERO, 0},
    {"expired_subkeys", ZERO, 0},
    {"expired_keys", ZERO, 0},
    {"expired_stale_perc", ZERO_2, 0},
    {"expired_time_cap_reached_count", ZERO, 0},
    {"expire_cycle_cpu_milliseconds", ZERO, 0},
    {"evicted_keys", ZERO, 0},
    {"evicted_clients", ZERO, 0},
    {"evicted_scripts", ZERO, 0},
    {"total_eviction_exceeded_time", ZERO, 0},
    {"current_eviction_exceeded_time", ZERO, 0},
    {"keyspace_hits", ZERO, 0},
    {"keyspace_misses", ZERO, 0},
    {"pubsub_channels", COUNTER, AT(pubsub_channels)},
    {"pubsub_patterns", COUNTER, AT(pubsub_patterns)},
    {"pubsubshard_channels", ZERO, 0},
    {"latest_fork_usec", ZERO, 0},
    {"total_forks", ZERO, 0},
    {"migrate_cached_sockets", ZERO, 0},
    {"slave_expires_tracked_keys", ZERO, 0},
    {"active_defrag_hits", ZERO, 0},
    {"active_defrag_misses", ZERO, 0},
    {"active_defrag_key_hits", ZERO, 0},
    {"active_defrag_key_misses", ZERO, 0},
    {"total_active_defrag_time", ZERO, 0},
    {"current_active_defrag_time", ZERO, 0},
    {"tracking_total_keys", ZERO, 0},
    {"tracking_total_items", ZERO, 0},
    {"tracking_total_prefixes", ZERO, 0},
    {"unexpected_error_replies", ZERO, 0},
    {"total_error_replies", COUNTER, AT(error_replies)},
    {"dump_payload_sanitizations", ZERO, 0},
    {"total_reads_processed", COUNTER, AT(reads)},
    {"total_writes_processed", COUNTER, AT(writes)},
    {"io_threaded_reads_processed", ZERO, 0},
    {"io_threaded_writes_processed", ZERO, 0},
    {"client_query_buffer_limit_disconnections", COUNTER, AT(input_limit_closed)},
    {"client_output_buffer_limit_disconnections", COUNTER, AT(output_limit_closed)},
    {"reply_buffer_shrinks", ZERO, 0},
    {"reply_buffer_expands", ZERO, 0},
    {"eventloop_cycles", COUNTER, AT(cycles)},
    {"eventloop_duration_sum", ZERO, 0},
    {"eventloop_duration_cmd_sum", ZERO, 0},
    {"instantaneous_eventloop_cycles_per_sec", ZERO, 0},
    {"instantaneous_eventloop_duration_usec", ZERO, 0},
    {"acl_access_denied_auth", COUNTER, AT(auth_denied)},
    {"acl_access_denied_cmd", COUNTER, AT(command_denied)},
    {"acl_access_denied_key", ZERO, 0},
    {"acl_access_denied_channel", COUNTER, AT(channel_denied)},
};

static const struct field cpu_fields[] = {
    {"used_cpu_sys", CPU, AT(cpu_system_us)},
    {"used_cpu_user", CPU, AT(cpu_user_us)},
    {"used_cpu_sys_children", CPU, AT(cpu_system_children_us)},
    {"used_cpu_user_children", CPU, AT(cpu_user_children_us)},
    {"used_cpu_sys_main_thread", CPU, AT(cpu_system_thread_us)},
    {"used_cpu_user_main_thread", CPU, AT(cpu_user_thread_us)},
};

static void put_fields(const struct source *source, const struct field *fields, size_t count)
{
    struct vd_text *to = source->to;

    for (size_t i = 0; i < count; i++) {
        const void *place = (const char *)source->facts + fields[i].offset;
        const uint64_t *counter = place;
        const int64_t *micros = place;

        vd_text_puts(to, fields[i].name);
        vd_text_putc(to, ':');
        switch (fields[i].figure) {
        case ZERO:
            vd_text_putc(to, '0');
            break;
        case ZERO_2:
            vd_text_puts(to, "0.00");
            break;
        case COUNTER:
            vd_text_put_int(to, (int64_t)*counter);
            break;
        case KBPS:
            vd_text_printf(to, "%.2f", (double)*counter / 1024.0);
            break;
        case CPU:
            vd_text_printf(to, "%lld.%06lld", (long long)(*micros / 1000000),
                           (long long)(*micros % 1000000));
            break;
        }
        vd_text_puts(to, "\r\n");
    }
}

#define PUT_FIELDS(source, list) put_fields((source), (list), sizeof(list) / sizeof((list)[0]))

/* Sections ------------------------------------------------------------------------ */

static void put_listener(const struct source *source, const char *head, unsigned port)
{
    if (port == 0)
        return;
    vd_text_puts(source->to, head);
    for (size_t i = 0; i < source->facts->bind_count; i++)
        vd_text_printf(source->to, ",bind=%s", source->facts->bind[i]);
    vd_text_printf(source->to, ",port=%u\r\n", port);
}

const char *vd_redis_version(const struct vd_server_options *server)
{
    return server->redis_version != NULL ? server->redis_version : VD_REDIS_VERSION;
}

static void put_server(const struct source *source)
{
    const struct vd_server_facts *facts = source->facts;
    struct vd_text *to = source->to;

    vd_text_printf(to, "redis_version:%s\r\n", facts->redis_version);
    if (facts->is_valkey)
        vd_text_puts(to, "server_name:valkey\r\nvalkey_version:" VD_VALKEY_VERSION
                         "\r\nvalkey_release_stage:ga\r\n");
    vd_text_puts(to, "redis_git_sha1:00000000\r\nredis_git_dirty:0\r\nredis_build_id:0\r\n");
    vd_text_printf(to, "%s_mode:sentinel\r\nos:%s\r\narch_bits:%zu\r\n",
                   facts->is_valkey ? "server" : "redis", facts->os, sizeof(void *) * 8);
    vd_text_printf(to, "monotonic_clock:POSIX clock_gettime\r\nmultiplexing_api:%s\r\n",
                   facts->backend);
    if (!facts->is_valkey)
        vd_text_puts(to, "atomicvar_api:c11-builtin\r\n");
    vd_text_printf(to, "gcc_version:%s\r\nprocess_id:%ld\r\nprocess_supervised:%s\r\n",
                   facts->compiler, facts->pid, facts->supervised ? "systemd" : "no");
    vd_text_printf(to, "run_id:%s\r\ntcp_port:%u\r\nserver_time_usec:%lld\r\n", facts->run_id,
                   facts->port != 0 ? facts->port : facts->tls_port, (long long)facts->wall_us);
    vd_text_printf(to, "uptime_in_seconds:%lld\r\nuptime_in_days:%lld\r\n",
                   (long long)facts->uptime_s, (long long)(facts->uptime_s / 86400));
    vd_text_puts(to, facts->is_valkey ? "hz:10\r\nconfigured_hz:10\r\nclients_hz:10\r\n"
                                      : "hz:10\r\nconfigured_hz:10\r\n");
    vd_text_printf(to, "lru_clock:%lld\r\n", (long long)(facts->wall_us / 1000000 & 0xffffff));
    vd_text_printf(to, "executable:%s\r\nconfig_file:%s\r\nio_threads_active:0\r\n",
                   facts->executable, facts->config_file);
    if (facts->is_valkey)
        vd_text_puts(to, "availability_zone:\r\n");
    put_listener(source, "listener0:name=tcp", facts->port);
    put_listener(source, "listener2:name=tls", facts->tls_port); /* the number is the kind's */
}

static void put_clients(const struct source *source)
{
    PUT_FIELDS(source, client_fields);
    if (source->facts->is_valkey)
        vd_text_printf(source->to,
                       "paused_reason:%s\r\npaused_actions:%s\r\npaused_timeout_milliseconds:%llu"
                       "\r\n",
                       source->facts->paused_ms > 0 ? "client_pause" : "none",
                       source->facts->paused_ms > 0 ? "all" : "none",
                       (unsigned long long)source->facts->paused_ms);
}

static void put_stats(const struct source *source)
{
    PUT_FIELDS(source, stats_fields);
}

static void put_cpu(const struct source *source)
{
    PUT_FIELDS(source, cpu_fields);
}

static void put_group(const struct source *source, size_t index, const struct vd_view_group *group)
{
    const struct vd_view_node *primary = &group->primary;
    const char *status = "ok";

    if (primary->o_down)
        status = "odown";
    else if (primary->s_down)
        status = "sdown";
    vd_text_printf(source->to,
                   "master%zu:name=%s,status=%s,address=%s:%u,slaves=%u,sentinels=%u\r\n", index,
                   group->name, status, vd_view_shown(source->core, &primary->addr),
                   (unsigned)primary->addr.port, group->replica_count, group->peer_count + 1);
}

static void put_sentinel(const struct source *source)
{
    struct vd_view_core view;
    struct vd_view_group group;

    vd_view_core(source->core, &view);
    vd_text_printf(source->to, "sentinel_masters:%zu\r\n", view.group_count);
    /* differs: there is no TILT; a stall voids evidence and nothing else. See stalls below. */
    vd_text_puts(source->to, "sentinel_tilt:0\r\nsentinel_tilt_since_seconds:-1\r\n");
    if (source->facts->is_valkey)
        vd_text_puts(source->to, "sentinel_total_tilt:0\r\n");
    vd_text_printf(source->to, "sentinel_running_scripts:%u\r\n", view.scripts_running);
    vd_text_printf(source->to, "sentinel_scripts_queue_length:%u\r\n", view.scripts_queued);
    vd_text_printf(source->to, "sentinel_simulate_failure_flags:%u\r\n", view.simulate_failure);
    for (size_t i = 0; vd_view_group_at(source->core, source->now, i, &group); i++)
        put_group(source, i, &group);
}

static void put_vedette(const struct source *source)
{
    struct vd_view_core view;

    vd_view_core(source->core, &view);
    vd_text_printf(source->to, "vedette_version:%s\r\n", source->facts->version);
    vd_text_printf(source->to, "current_epoch:%llu\r\n", (unsigned long long)view.epoch);
    /* Does it vote? Not while it cannot save, nor just after its state was lost. */
    vd_text_printf(source->to, "votes:%s\r\n",
                   source->facts->mute != NULL
                       ? "mute"
                       : (vd_view_abstains(source->core, source->now) ? "abstains" : "yes"));
    vd_text_printf(source->to, "save_error:%s\r\n",
                   source->facts->mute != NULL ? source->facts->mute : "");
    vd_text_printf(source->to, "stalls:%u\r\n", view.stalls);
    vd_text_printf(source->to, "last_stall_ms:%lld\r\n", (long long)view.last_stall_ms);
    if (source->facts->tls)
        vd_text_printf(source->to, "tls_certificate_expires_in_seconds:%lld\r\n",
                       (long long)source->facts->tls_expires_s);
    if (source->facts->tls_port != 0)
        vd_text_printf(source->to, "tls_handshakes_refused:%llu\r\n",
                       (unsigned long long)source->facts->tls_refused);
}

static const struct {
    const char *name; /* as asked for */
    const char *title;
    void (*put)(const struct source *source);
} sections[] = {
    {"server", "Server", put_server},
    {"clients", "Clients", put_clients},
    {"stats", "Stats", put_stats},
    {"cpu", "CPU", put_cpu},
    {"sentinel", "Sentinel", put_sentinel},
    /* differs: a section of our own, behind all that Sentinel has. */
    {"vedette", "Vedette", put_vedette},
};

static bool is_wanted(const char *name, const struct vd_word *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (vd_word_is(&wanted[i], name) || vd_word_is(&wanted[i], "all") ||
            vd_word_is(&wanted[i], "default") || vd_word_is(&wanted[i], "everything"))
            return true;
    }
    return count == 0;
}

void vd_render_info(const struct vd_core *core, vd_ms now, const struct vd_server_facts *facts,
                    const struct vd_word *wanted, size_t count, struct vd_text *to)
{
    struct source source = {.core = core, .now = now, .facts = facts, .to = to};

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (!is_wanted(sections[i].name, wanted, count))
            continue;
        vd_text_printf(to, "%s# %s\r\n", to->len > 0 ? "\r\n" : "", sections[i].title);
        sections[i].put(&source);
    }
}
