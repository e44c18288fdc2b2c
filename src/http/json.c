/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON: see json.h. */
#include "http/json.h"

#include <stdlib.h>
#include <string.h>

#include "http/lookup.h"
#include "proto/figures.h"
#include "shell/survey.h"

#define DAY_MS 86400000
#define REPLACEMENT "\xef\xbf\xbd"

void vd_http_say(struct vd_http_reply *reply, unsigned status, json_t *value)
{
    char *text;

    VD_ASSERT(value != NULL);
    text = json_dumps(value, JSON_COMPACT);
    VD_ASSERT(text != NULL);
    reply->status = status;
    reply->type = VD_HTTP_JSON;
    vd_text_clear(&reply->body);
    vd_text_puts(&reply->body, text);
    vd_text_putc(&reply->body, '\n');
    free(text);
    json_decref(value);
}

/* Values ------------------------------------------------------------------------- */

/* Byte by byte: what jansson refuses alone or together is replaced. */
static json_t *mend_text(const char *text)
{
    struct vd_text mended = {0};
    json_t *value;

    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t len = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
        json_t *one =
            strnlen((const char *)at, len) < len ? NULL : json_stringn((const char *)at, len);

        if (one == NULL) {
            vd_text_puts(&mended, REPLACEMENT);
            at++;
            continue;
        }
        json_decref(one);
        vd_text_add(&mended, at, len);
        at += len;
    }
    value = json_string(vd_text_cstr(&mended));
    vd_text_free(&mended);
    VD_ASSERT(value != NULL);
    return value;
}

json_t *vd_json_text(const char *text)
{
    json_t *value;

    if (text == NULL)
        return json_null();
    value = json_string(text);
    return value != NULL ? value : mend_text(text);
}

/* A count or an age; null where it is unknown. */
static json_t *known(int64_t number)
{
    return number == VD_NEVER || number < 0 ? json_null() : json_integer(number);
}

static json_t *addr_text(const struct vd_http_world *world, const struct vd_addr *addr)
{
    struct vd_text text = {0};
    json_t *value;

    if (addr->port == 0)
        return json_null();
    vd_http_name(world, addr, &text);
    value = vd_json_text(vd_text_cstr(&text));
    vd_text_free(&text);
    return value;
}

static void set(json_t *object, const char *name, json_t *value)
{
    VD_ASSERT(json_object_set_new(object, name, value) == 0);
}

/* Servers ------------------------------------------------------------------------ */

static json_t *share(int64_t part, int64_t rest)
{
    return part < 0 || rest < 0 || part + rest == 0
               ? json_null()
               : json_real((double)part / (double)(part + rest));
}

static json_t *seconds(double s)
{
    return s < 0 ? json_null() : json_real(s);
}

static json_t *rates_of(const struct vd_http_world *world, const char *group,
                        const struct vd_addr *node)
{
    struct vd_load_rates rates;
    json_t *value;

    if (!vd_load_rates(world->load, group, node, &rates))
        return json_null();
    value = json_object();
    set(value, "cpu", seconds(rates.cpu));
    set(value, "net_in_bytes_per_s", seconds(rates.net_in));
    set(value, "net_out_bytes_per_s", seconds(rates.net_out));
    set(value, "evictions_per_s", seconds(rates.evictions));
    set(value, "rejections_per_s", seconds(rates.rejections));
    set(value, "hit_rate", seconds(vd_load_hit_ratio(&rates)));
    return value;
}

static json_t *figures_of(const struct vd_delta *info)
{
    struct vd_figures figures;
    json_t *value = json_object();

    vd_figures_of(info, &figures);
    set(value, "version", figures.version[0] == '\0' ? json_null() : json_string(figures.version));
    set(value, "kind", figures.kind[0] == '\0' ? json_null() : json_string(figures.kind));
    set(value, "memory_bytes", known(figures.used_memory));
    set(value, "memory_max_bytes", known(figures.max_memory));
    set(value, "memory_rss_bytes", known(figures.rss_memory));
    set(value, "cpu_system_s", seconds(figures.cpu_sys_s));
    set(value, "cpu_user_s", seconds(figures.cpu_user_s));
    set(value, "ops_per_s", known(figures.ops));
    set(value, "clients", known(figures.clients));
    set(value, "hits", known(figures.hits));
    set(value, "misses", known(figures.misses));
    set(value, "hit_rate", share(figures.hits, figures.misses));
    set(value, "evicted_keys", known(figures.evicted));
    set(value, "rejected_connections", known(figures.rejected));
    set(value, "net_in_bytes", known(figures.net_in));
    set(value, "net_out_bytes", known(figures.net_out));
    set(value, "uptime_s", known(figures.uptime_s));
    return value;
}

static json_t *samples_of(const struct vd_http_world *world, const struct vd_view_node *replica)
{
    int32_t samples[VD_LAG_SAMPLES];
    size_t count = vd_lag_samples(world->lag, replica, samples);
    json_t *value = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(value, known(samples[i]));
    return value;
}

static void set_replica(const struct vd_http_world *world, const struct vd_view_node *node,
                        const struct vd_view_node *primary, json_t *value)
{
    int64_t lag_us = vd_lag_us(world->lag, primary, node);

    set(value, "link_up", json_boolean(node->link_ok));
    set(value, "link_down_ms", known(node->link_ok ? 0 : node->link_down_ms));
    set(value, "follows", addr_text(world, &node->follows));
    set(value, "priority", json_integer(node->priority));
    set(value, "lag_ms", lag_us < 0 ? json_null() : json_real((double)lag_us / 1000.));
    set(value, "lag_bytes", known(vd_survey_lag_bytes(primary, node)));
    set(value, "lag_history_ms", samples_of(world, node));
    set(value, "lag_history_step_s", json_integer(VD_LAG_SAMPLE_S));
}

static const char *role_word(enum vd_role role)
{
    return role == VD_ROLE_PRIMARY ? "primary" : role == VD_ROLE_REPLICA ? "replica" : "unknown";
}

json_t *vd_json_node(const struct vd_http_world *world, const char *group,
                     const struct vd_view_node *node, const struct vd_view_node *primary)
{
    json_t *value = json_object();

    set(value, "node", addr_text(world, &node->addr));
    set(value, "host", vd_json_text(vd_view_shown(world->drive->core, &node->addr)));
    set(value, "ip", vd_json_text(node->addr.ip));
    set(value, "port", json_integer(node->addr.port));
    set(value, "role", json_string(node->is_primary ? "primary" : "replica"));
    set(value, "reported_role", json_string(role_word(node->role_reported)));
    set(value, "run_id", vd_json_text(node->run_id));
    set(value, "health", json_string(vd_survey_health_word(node->health)));
    set(value, "up", json_boolean(vd_survey_is_up(node)));
    set(value, "s_down", json_boolean(node->s_down));
    set(value, "o_down", json_boolean(node->o_down));
    set(value, "connected", json_boolean(!node->disconnected));
    set(value, "down_ms", node->s_down ? known(node->s_down_ms) : json_null());
    set(value, "last_ok_pong_ms", known(node->last_ok_pong_ms));
    set(value, "info_ms", known(node->info_ms));
    set(value, "offset", json_integer(node->offset));
    set(value, "keys", known(node->keys));
    if (primary != NULL)
        set_replica(world, node, primary, value);
    set(value, "load", node->info == NULL ? json_null() : figures_of(node->info));
    set(value, "rates", rates_of(world, group, &node->addr));
    return value;
}

json_t *vd_json_peer(const struct vd_http_world *world, const struct vd_view_peer *peer)
{
    int64_t rtt_us = world->links == NULL ? -1 : vd_links_rtt_us(world->links, peer->link);
    json_t *value = json_object();

    set(value, "peer", addr_text(world, &peer->addr));
    set(value, "id", vd_json_text(peer->id.hex));
    set(value, "up", json_boolean(!peer->s_down && !peer->disconnected));
    set(value, "s_down", json_boolean(peer->s_down));
    set(value, "connected", json_boolean(!peer->disconnected));
    set(value, "thinks_primary_down", json_boolean(peer->primary_down));
    set(value, "last_ok_pong_ms", known(peer->last_ok_pong_ms));
    set(value, "last_hello_ms", known(peer->last_hello_ms));
    set(value, "round_trip_ms", rtt_us < 0 ? json_null() : json_real((double)rtt_us / 1000.));
    return value;
}

json_t *vd_json_group(const struct vd_http_world *world, const struct vd_view_group *group)
{
    const struct vd_watch_counts *counts = vd_watch_counts(world->watch, group->name);
    const struct vd_history_entry *last;
    json_t *value = json_object();

    set(value, "name", vd_json_text(group->name));
    set(value, "primary", addr_text(world, &group->address));
    set(value, "quorum", json_integer(group->options->quorum));
    set(value, "majority", json_integer(vd_survey_majority(group)));
    set(value, "sentinels", json_integer(group->peer_count + 1));
    set(value, "sentinels_usable", json_integer(group->usable));
    set(value, "can_act", json_boolean(vd_survey_can_act(group)));
    set(value, "config_epoch", json_integer((json_int_t)group->config_epoch));
    set(value, "failover_state", json_string(vd_failover_state_name(group->failover_state)));
    set(value, "failover_in_progress", json_boolean(group->failover_in_progress));
    set(value, "failovers_led", json_integer(group->failovers));
    set(value, "switches", json_integer(group->switches));
    set(value, "last_switch_ms", known(group->last_switch_ms));
    set(value, "failovers_last_day",
        json_integer((json_int_t)vd_watch_failovers_since(world->watch, group->name,
                                                          world->wall_ms - DAY_MS, &last)));
    set(value, "role_changes", json_integer(counts == NULL ? 0 : (json_int_t)counts->role_changes));
    set(value, "reboots", json_integer(counts == NULL ? 0 : (json_int_t)counts->reboots));
    set(value, "paused_ms", json_integer(group->paused_ms));
    set(value, "fenced", json_boolean(group->fenced));
    set(value, "abstains", json_boolean(group->abstains));
    set(value, "down_after_ms", json_integer(group->options->down_after_ms));
    set(value, "failover_timeout_ms", json_integer(group->options->failover_timeout_ms));
    return value;
}

/* What happened ------------------------------------------------------------------- */

json_t *vd_json_event(const struct vd_watch_event *event)
{
    static const char *const levels[] = {"debug", "verbose", "notice", "warning", "warning"};
    json_t *value = json_object();

    set(value, "id", json_integer((json_int_t)event->id));
    set(value, "at_ms", json_integer(event->at_ms));
    set(value, "level", json_string(levels[event->level]));
    set(value, "event", vd_json_text(event->name));
    set(value, "group", event->group[0] == '\0' ? json_null() : vd_json_text(event->group));
    set(value, "text", vd_json_text(event->payload));
    return value;
}

json_t *vd_json_failover(const struct vd_http_world *world, const struct vd_history_entry *failover)
{
    const struct vd_phases *phases = &failover->phases;
    struct vd_view_core self;
    json_t *value = json_object();
    json_t *parts = json_object();

    vd_view_core(world->drive->core, &self);
    set(parts, "silence", known(phases->silence_ms));
    set(parts, "agreement", known(phases->agreement_ms));
    set(parts, "election", known(phases->election_ms));
    set(parts, "selection", known(phases->selection_ms));
    set(parts, "promotion", known(phases->promotion_ms));
    set(parts, "replicas", known(phases->replicas_ms));
    set(value, "id", failover->id == 0 ? json_null() : json_integer(failover->id));
    set(value, "at_ms", json_integer(failover->at_ms));
    set(value, "group", vd_json_text(failover->group));
    set(value, "epoch", json_integer((json_int_t)failover->epoch));
    set(value, "reason", vd_json_text(failover->reason));
    set(value, "result", vd_json_text(failover->result));
    set(value, "source", json_string(vd_history_source_word(failover->source)));
    set(value, "leader",
        failover->source == VD_HISTORY_LED ? vd_json_text(self.self.hex)
        : failover->leader[0] == '\0'      ? json_null()
                                           : vd_json_text(failover->leader));
    set(value, "from", addr_text(world, &failover->from));
    set(value, "to", addr_text(world, &failover->to));
    set(value, "total_ms", known(phases->total_ms));
    set(value, "phases_ms", parts);
    set(value, "loss_bytes", known(failover->loss_bytes));
    return value;
}
