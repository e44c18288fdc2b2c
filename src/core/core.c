/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Core: the door from the inside. Takes an event to the room that it concerns
 * and then settles every group that it touched: the order of a tick is
 * written here, once, in vd_group_settle.
 */
#include "core/core.h"

#include "core/election.h"
#include "core/failover.h"
#include "core/fence.h"
#include "core/forget.h"
#include "core/guard.h"
#include "core/health.h"
#include "core/hello.h"
#include "core/link.h"
#include "core/maintenance.h"
#include "core/model.h"
#include "core/names.h"
#include "core/notice.h"
#include "core/order.h"
#include "core/places.h"
#include "core/probe.h"
#include "core/quorum.h"
#include "core/repair.h"
#include "core/report.h"
#include "core/script.h"

#define SETTLE_MAX 1000 /* a group that is touched again and again by itself is a mistake */

/* Life ------------------------------------------------------------------------ */

static void restore_group(struct vd_core *core, const struct vd_image_group *image)
{
    struct vd_group *group = vd_group_add(core, image->name, &image->primary, image->options);

    group->from_config = image->from_config;
    group->set_at_runtime = image->set_at_runtime;
    group->config_epoch = image->config_epoch;
    group->vote_epoch = image->vote_epoch;
    group->vote = image->vote;
    group->lineage = image->lineage;
    group->lineage_before = image->lineage_before;
    vd_group_dirty(core, group); /* what configuration added is saved with the first turn */
    for (size_t i = 0; i < image->replica_count; i++) {
        if (vd_node_find(group, &image->replicas[i]) == NULL)
            vd_node_add(core, group, &image->replicas[i])->hinted = image->replicas_are_hints;
    }
    for (size_t i = 0; i < image->peer_count; i++) {
        const struct vd_image_peer *known = &image->peers[i];
        struct vd_peer *peer = vd_peer_find(core, &known->id);

        if (vd_id_equal(&known->id, &core->self) || vd_opinion_find(group, &known->id) != NULL)
            continue;
        if (peer == NULL)
            peer = vd_peer_add(core, &known->id, &known->addr);
        (void)vd_opinion_add(core, group, peer);
    }
}

struct vd_core *vd_core_new(const struct vd_image *image, bool fresh)
{
    struct vd_core *core = vd_alloc(sizeof(*core));

    VD_ASSERT(vd_id_known(&image->self));
    core->self = image->self;
    core->epoch = image->epoch;
    core->set_at_runtime = image->set_at_runtime;
    core->fresh = fresh;
    core->dirty = true; /* the id must be on disk before anybody hears it */
    core->scripts_due = INT64_MAX;
    vd_globals_copy(&core->globals, image->globals);
    for (size_t i = 0; i < image->group_count; i++) {
        restore_group(core, &image->groups[i]);
        if (image->groups[i].config_epoch > core->epoch)
            core->epoch = image->groups[i].config_epoch;
        if (image->groups[i].vote_epoch > core->epoch)
            core->epoch = image->groups[i].vote_epoch;
    }
    return core;
}

static void free_wires(struct vd_core *core)
{
    struct vd_wire *wire;
    size_t at = 0;

    while ((wire = vd_handles_next(&core->wires, &at)) != NULL)
        wire->link.n = 0;
    vd_handles_free(&core->wires);
}

void vd_core_free(struct vd_core *core)
{
    if (core == NULL)
        return;
    free_wires(core);
    while (core->touched != NULL) {
        core->touched->touched = false;
        core->touched = core->touched->touched_next;
    }
    while (core->groups != NULL)
        vd_group_drop(core, core->groups);
    vd_core_saved(core);
    vd_script_free_all(core);
    vd_names_free(core);
    vd_heap_free(&core->group_due);
    vd_heap_free(&core->peer_due);
    vd_globals_free(&core->globals);
    for (size_t i = 0; i < VD_INFO_MODELS; i++)
        vd_text_free(&core->info_models[i]);
    vd_free(core->by_index);
    vd_free(core);
}

/* Settling ---------------------------------------------------------------------- */

static vd_ms settle_links(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;
    vd_ms next = INT64_MAX;

    DL_FOREACH (group->nodes, node) {
        next = vd_min_ms(next, vd_wire_tick(core, &node->command));
        next = vd_min_ms(next, vd_wire_tick(core, &node->subscribe));
    }
    return next;
}

static vd_ms settle_health(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;
    struct vd_opinion *opinion;
    vd_ms next = INT64_MAX;

    DL_FOREACH (group->nodes, node) {
        next = vd_min_ms(next, vd_health_node(core, node));
    }
    DL_FOREACH (group->opinions, opinion) {
        next = vd_min_ms(next, vd_health_opinion(core, opinion));
    }
    return next;
}

static vd_ms settle_members(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *node;
    struct vd_opinion *opinion;
    vd_ms next = INT64_MAX;

    DL_FOREACH (group->nodes, node) {
        next = vd_min_ms(next, vd_repair_node(core, node));
    }
    DL_FOREACH (group->nodes, node) {
        next = vd_min_ms(next, vd_probe_node(core, node));
    }
    DL_FOREACH (group->opinions, opinion) {
        next = vd_min_ms(next, vd_probe_opinion(core, opinion));
    }
    return next;
}

/*
 * The order of a tick: links, the empty restart, S_DOWN, O_DOWN, the
 * failover, what is left to repair, and last what is due to be asked and
 * told. Whatever changes the group on the way touches it again.
 */
static void settle_group(struct vd_core *core, struct vd_group *group)
{
    vd_ms next;

    next = vd_min_ms(vd_maintenance_tick(core, group), vd_forget_expired(core, group));
    next = vd_min_ms(next, settle_links(core, group));
    next = vd_min_ms(next, vd_guard_review(core, group));
    next = vd_min_ms(next, settle_health(core, group));
    next = vd_min_ms(next, vd_quorum_tick(core, group));
    next = vd_min_ms(next, vd_failover_tick(core, group));
    next = vd_min_ms(next, vd_fence_tick(core, group));
    next = vd_min_ms(next, settle_members(core, group));
    if (next == INT64_MAX)
        vd_heap_drop(&core->group_due, &group->due);
    else
        vd_heap_set(&core->group_due, &group->due, vd_max_ms(next, core->now));
}

static void settle_touched(struct vd_core *core)
{
    unsigned rounds = 0;

    while (core->touched != NULL) {
        struct vd_group *group = core->touched;

        core->touched = group->touched_next;
        group->touched = false;
        group->touched_next = NULL;
        settle_group(core, group);
        /* Each touch of a group within one step must bring it on; this ends a circle. */
        VD_ASSERT(++rounds <= SETTLE_MAX + 16 * HASH_COUNT(core->groups));
    }
}

/* One that stays silent is S_DOWN in each of its groups in time, even if nothing else happens
 * there. */
static vd_ms watch_silence(struct vd_core *core, struct vd_peer *peer)
{
    vd_ms since = vd_pulse_counts_from(core, &peer->wire, &peer->pulse, peer->down_after_ms);
    struct vd_opinion *opinion;

    if (since == VD_NEVER)
        return INT64_MAX;
    if (!vd_core_is_overdue(core, since + peer->down_after_ms))
        return vd_core_look_at(core, since + peer->down_after_ms);
    DL_FOREACH2 (peer->opinions, opinion, peer_next) {
        if (opinion->s_down_at == VD_NEVER)
            vd_group_touch(core, opinion->group);
    }
    return INT64_MAX;
}

static void settle_peer(struct vd_core *core, struct vd_peer *peer)
{
    vd_ms next = vd_wire_tick(core, &peer->wire);

    next = vd_min_ms(next, vd_probe_peer(core, peer));
    next = vd_min_ms(next, watch_silence(core, peer));
    if (next == INT64_MAX)
        vd_heap_drop(&core->peer_due, &peer->due);
    else
        vd_heap_set(&core->peer_due, &peer->due, vd_max_ms(next, core->now));
}

#define OWNER(entry, type) ((type *)(void *)((char *)(entry)-offsetof(type, due)))

static void settle_due(struct vd_core *core)
{
    struct vd_heap_entry *top;
    unsigned rounds = 0;

    vd_places_call(core);
    while ((top = vd_heap_top(&core->peer_due)) != NULL && top->key <= core->now) {
        settle_peer(core, OWNER(top, struct vd_peer));
        VD_ASSERT(++rounds <= SETTLE_MAX + 16 * HASH_COUNT(core->peers));
    }
    settle_touched(core);
    rounds = 0;
    while ((top = vd_heap_top(&core->group_due)) != NULL && top->key <= core->now) {
        vd_group_touch(core, OWNER(top, struct vd_group));
        settle_touched(core);
        VD_ASSERT(++rounds <= SETTLE_MAX + 16 * HASH_COUNT(core->groups));
    }
    if (core->scripts_due <= core->now)
        vd_script_tick(core);
}

/* Events ----------------------------------------------------------------------------- */

static void on_start(struct vd_core *core)
{
    size_t count = HASH_COUNT(core->groups);
    struct vd_peer *peer;
    struct vd_peer *next;

    /* Made before there was a clock: everything that counts counts from here. */
    core->started_at = core->now;
    core->awake_since = core->now;
    for (size_t i = 0; i < count; i++) {
        struct vd_group *group = core->by_index[i];
        struct vd_node *node;
        struct vd_opinion *opinion;

        DL_FOREACH (group->nodes, node) {
            vd_node_start(node, core->now);
        }
        DL_FOREACH (group->opinions, opinion) {
            opinion->hello_at = core->now;
        }
        vd_notice_group(core, VD_N_MONITOR, group, "quorum %u", group->options.quorum);
        vd_group_touch(core, group);
    }
    HASH_ITER (hh, core->peers, peer, next) {
        vd_peer_start(core, peer);
    }
}

static void dispatch(struct vd_core *core, const struct vd_event *event)
{
    switch (event->type) {
    case VD_EV_START:
        on_start(core);
        return;
    case VD_EV_DUE:
        return;
    case VD_EV_LINK_UP:
        vd_link_on_up(core, event);
        return;
    case VD_EV_LINK_DOWN:
        vd_link_on_down(core, event);
        return;
    case VD_EV_PONG:
        vd_health_on_pong(core, event);
        return;
    case VD_EV_INFO:
        vd_report_on_info(core, event);
        return;
    case VD_EV_ROLE:
        vd_report_on_role(core, event);
        return;
    case VD_EV_ANSWER:
        vd_quorum_on_answer(core, event);
        return;
    case VD_EV_ACK:
        vd_report_on_ack(core, event);
        return;
    case VD_EV_HELLO:
        vd_hello_on_hello(core, event);
        return;
    case VD_EV_QUESTION:
        vd_election_on_question(core, event);
        return;
    case VD_EV_ORDER:
        vd_order_on_order(core, event);
        return;
    case VD_EV_SCRIPT_EXIT:
        vd_script_on_exit(core, event);
        return;
    case VD_EV_RESOLVED:
        vd_names_on_resolved(core, event);
        return;
    }
    VD_ASSERT(false);
}

/* The loop was away: what grew old meanwhile proves nothing about the others. */
static void notice_stall(struct vd_core *core)
{
    vd_ms due = vd_core_wake_at(core);

    if (due == INT64_MAX || core->now - due <= core->globals.tilt_trigger_ms ||
        core->awake_since == core->now)
        return;
    core->stalls++;
    core->last_stall_ms = core->now - due;
    core->awake_since = core->now;
    vd_notice_plain(core, VD_N_REMARK,
                    "was not running for %lld ms: silence is counted again from now",
                    (long long)core->last_stall_ms);
}

vd_ms vd_core_left_at(const struct vd_core *core, vd_ms at)
{
    unsigned kept = core->slow_count < VD_SLOW_TURNS_KEPT ? core->slow_count : VD_SLOW_TURNS_KEPT;

    for (unsigned i = 0; i < kept; i++) {
        if (core->slow[i].from == at)
            return core->slow[i].left_at;
    }
    return at;
}

static void note_listening(struct vd_core *core, const struct vd_event *event)
{
    if (event->due.left_at > event->due.from && event->due.left_at <= core->now)
        core->slow[core->slow_count++ % VD_SLOW_TURNS_KEPT] =
            (struct vd_slow_turn){event->due.from, event->due.left_at};
    if (event->due.deaf_ms > 0 && event->due.deaf_ms < INT64_MAX / 2)
        core->heard_until -= event->due.deaf_ms;
}

void vd_core_step(struct vd_core *core, const struct vd_event *event, struct vd_effects *out)
{
    VD_ASSERT(event->type == VD_EV_START || event->at >= core->now);
    core->now = event->at;
    core->dice = event->dice;
    core->out = out;
    if (event->type != VD_EV_START)
        notice_stall(core);
    /*
     * Events of one turn arrived while the loop was elsewhere, in whatever
     * order. Judgements on time wait until all have been heard: the drive
     * steps DUE last.
     */
    core->time_counts = event->type == VD_EV_START || event->type == VD_EV_DUE;
    core->heard_until = core->now;
    if (event->type == VD_EV_DUE)
        note_listening(core, event);
    dispatch(core, event);
    settle_touched(core);
    if (core->time_counts)
        settle_due(core);
    core->out = NULL;
}

vd_ms vd_core_wake_at(const struct vd_core *core)
{
    const struct vd_heap_entry *group = vd_heap_top(&core->group_due);
    const struct vd_heap_entry *peer = vd_heap_top(&core->peer_due);
    vd_ms due = vd_min_ms(core->scripts_due, vd_places_due(core));

    if (group != NULL)
        due = vd_min_ms(due, group->key);
    if (peer != NULL)
        due = vd_min_ms(due, peer->key);
    return due;
}
