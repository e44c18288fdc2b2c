/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INFO: the five sections of a sentinel in Redis's fields and order
 * (PROTOCOL 8), and one of vedette's own behind them. Figures of the process
 * come as facts from the shell.
 */
#ifndef VD_PROTO_RENDER_INFO_H
#define VD_PROTO_RENDER_INFO_H

#include "core/view.h"
#include "proto/config.h"
#include "proto/words.h"

struct vd_server_facts {
    const char *version; /* vedette's */
    const char *os;      /* "Linux 6.1.0 x86_64" */
    const char *run_id;
    const char *executable;
    const char *config_file;
    const char *compiler;
    const char *backend; /* how the loop waits: "epoll" */
    const char *mute;    /* why promises do not leave; NULL: they do */
    long pid;
    unsigned port; /* 0: none; so the next */
    unsigned tls_port;
    bool tls;              /* there is a certificate of ours, and ... */
    int64_t tls_expires_s; /* ... it expires after so many seconds; negative: it has */
    bool supervised;
    bool is_valkey;            /* in the place of a valkey-sentinel: its fields */
    const char *redis_version; /* that is claimed */
    int64_t monotonic_us;
    int64_t wall_us;
    int64_t uptime_s;
    const char *const *bind; /* as configured */
    size_t bind_count;
    uint64_t clients;
    uint64_t maxclients;
    uint64_t pubsub_clients;
    uint64_t max_input; /* largest buffers of clients at present */
    uint64_t max_output;
    uint64_t connections_received;
    uint64_t connections_rejected;
    uint64_t commands;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t ops_per_second; /* recent */
    uint64_t in_per_second;  /* bytes */
    uint64_t out_per_second;
    uint64_t pubsub_channels;
    uint64_t pubsub_patterns;
    uint64_t error_replies;
    uint64_t cycles; /* turns of the loop */
    uint64_t reads;
    uint64_t writes;
    uint64_t input_limit_closed;
    uint64_t output_limit_closed;
    uint64_t auth_denied;
    uint64_t tls_refused; /* handshakes that came to nothing */
    uint64_t command_denied;
    uint64_t channel_denied;
    uint64_t tracking_clients;
    uint64_t paused_ms; /* left of a CLIENT PAUSE */
    int64_t cpu_system_us;
    int64_t cpu_user_us;
    int64_t cpu_system_children_us;
    int64_t cpu_user_children_us;
    int64_t cpu_system_thread_us;
    int64_t cpu_user_thread_us;
};

/* The version of Redis whose Sentinel protocol is spoken, for clients that look at it. */
#define VD_REDIS_VERSION "7.2.4"
/* So of Valkey, where it stands in the place of its sentinel. */
#define VD_VALKEY_VERSION "9.0.0"

/* The one of Redis that is claimed. */
const char *vd_redis_version(const struct vd_server_options *server);

/* Append the text of the sections asked for; none asked: all. */
void vd_render_info(const struct vd_core *core, vd_ms now, const struct vd_server_facts *facts,
                    const struct vd_word *wanted, size_t count, struct vd_text *to);

#endif
