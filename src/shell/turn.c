/* SPDX-License-Identifier: BSD-3-Clause */
/* Turn: see turn.h. */
#include "shell/turn.h"

#include <string.h>
#include <unistd.h>

#include "core/view.h"
#include "proto/addr.h"
#include "shell/clock.h"
#include "shell/log.h"

#define ROUNDS_MAX 64     /* turns in a row; then the loop looks at its sockets again ... */
#define ROUNDS_MOST_MS 10 /* ... after so long at the latest */
#define SLOW_TURN_MS 5    /* from then on it counts when what was sent had really left */
#define CRASH_STATUS 99

/* Performing --------------------------------------------------------------------- */

static void on_resolved(void *self, uint64_t token, const char *host, const char (*ips)[VD_IP_SIZE],
                        size_t count, const char *why)
{
    struct vd_turn *turn = self;
    struct vd_event event = {.type = VD_EV_RESOLVED};

    (void)token;
    (void)why;
    event.resolved.host = host;
    event.resolved.ip = count > 0 ? ips[0] : "";
    vd_inbox_push(turn->inbox, &event);
}

static void notice(struct vd_turn *turn, const struct vd_effect *effect)
{
    const char *event = effect->notice.event;
    struct vd_text text = {0};
    const char *payload;

    vd_text_puts(&text, effect->notice.payload);
    if (effect->notice.job.n != 0)
        vd_text_printf(&text, " %ld", vd_spawn_pid(turn->spawn, effect->notice.job));
    payload = vd_text_cstr(&text);
    vd_log_notice(effect->notice.level, event, payload);
    if (effect->notice.level != VD_NOTICE_DEBUG)
        vd_watch_event(turn->watch, effect->notice.level, event, payload);
    vd_witness_event(turn->witness, event, payload);
    if (effect->notice.level != VD_NOTICE_DEBUG && effect->notice.level != VD_NOTICE_LOG_ONLY)
        vd_clients_publish(turn->clients, event, payload);
    vd_text_free(&text);
}

static void put_addr(const struct vd_addr *addr, struct vd_text *to)
{
    if (addr->port == 0)
        vd_text_puts(to, "none");
    else
        vd_addr_print(addr->host[0] != '\0' ? addr->host : addr->ip, addr->port, to);
}

/* Told at once; written when all else of the turn was done. */
static void record(struct vd_turn *turn, const struct vd_failover_record *record)
{
    struct vd_history_entry entry;
    struct vd_text text = {0};

    vd_history_entry_of(record, &entry);
    vd_text_printf(&text, "failover %s epoch %llu: ", record->group,
                   (unsigned long long)record->epoch);
    vd_phases_print(&entry.phases, &text);
    if (record->loss_bytes >= 0)
        vd_text_printf(&text, "; loss bound %lld bytes", (long long)record->loss_bytes);
    vd_text_puts(&text, "; ");
    put_addr(&record->from, &text);
    vd_text_puts(&text, " -> ");
    put_addr(&record->to, &text);
    vd_text_printf(&text, ", %s, %s", record->reason, record->result);
    vd_log(VD_LOG_WARNING, "%s", vd_text_cstr(&text));
    vd_text_free(&text);
    if (turn->ended_count == turn->ended_room) {
        turn->ended_room = turn->ended_room == 0 ? 4 : turn->ended_room * 2;
        turn->ended = vd_realloc(turn->ended, turn->ended_room * sizeof(turn->ended[0]));
    }
    turn->ended[turn->ended_count++] = entry;
}

/*
 * The failovers that have ended in this turn. The history costs a sync of the
 * disk, one for all of them: what others wait for goes out before.
 */
static void keep_history(struct vd_turn *turn)
{
    struct vd_err err;

    if (turn->ended_count == 0)
        return;
    vd_clients_flush(turn->clients);
    if (!vd_store_record(turn->store, turn->ended, turn->ended_count, &err))
        vd_log(VD_LOG_WARNING, "%zu failover%s missing in the history: %s", turn->ended_count,
               turn->ended_count == 1 ? " is" : "s are", err.text);
    for (size_t i = 0; i < turn->ended_count; i++) {
        vd_watch_failover(turn->watch, &turn->ended[i]);
        vd_witness_tell(turn->witness, &turn->ended[i]);
    }
    turn->ended_count = 0;
}

static void perform(void *self, const struct vd_effect *effect)
{
    struct vd_turn *turn = self;

    switch (effect->type) {
    case VD_EF_RESOLVE:
        vd_resolver_ask(turn->resolver, effect->resolve.host, on_resolved, turn, 0);
        return;
    case VD_EF_CONNECT:
    case VD_EF_CLOSE:
    case VD_EF_SEND:
        vd_links_perform(turn->links, effect);
        return;
    case VD_EF_REPLY:
        vd_clients_reply(turn->clients, effect);
        return;
    case VD_EF_NOTICE:
        notice(turn, effect);
        return;
    case VD_EF_SPAWN:
    case VD_EF_KILL:
        vd_spawn_perform(turn->spawn, effect);
        return;
    case VD_EF_RECORD:
        record(turn, effect->record);
        return;
    case VD_EF_CRASH:
        vd_record_cut(turn->record);
        _exit(CRASH_STATUS);
    }
    VD_ASSERT(false);
}

static void refuse(void *self, const struct vd_effect *effect, const char *reason)
{
    struct vd_turn *turn = self;

    (void)reason; /* told once, when it began: run_once */
    if (effect->type == VD_EF_REPLY)
        vd_clients_refuse(turn->clients, effect);
    if (effect->type == VD_EF_NOTICE)
        vd_log_limited("withheld", VD_LOG_WARNING, "withheld, for it is not saved: %s %s",
                       effect->notice.event, effect->notice.payload);
}

static bool save(void *self, const struct vd_image *image, struct vd_receipt *receipt,
                 struct vd_err *err)
{
    struct vd_turn *turn = self;
    struct vd_arena arena = {0};
    int64_t begun_us = vd_clock_now_us();
    bool good;

    vd_store_set_unsound(turn->store, vd_view_abstains(turn->drive->core, vd_clock_now()));
    if (vd_store_wants_all(turn->store))
        image = vd_core_image_all(turn->drive->core, &arena);
    good = vd_store_save(turn->store, image, receipt, err);
    vd_watch_saved(turn->watch, good, vd_clock_now_us() - begun_us);
    vd_arena_free(&arena);
    return good;
}

const struct vd_drive_ops vd_turn_ops = {.save = save, .perform = perform, .refuse = refuse};

/* Turning ------------------------------------------------------------------------ */

static void tell_mute(bool was_mute, const struct vd_drive *drive)
{
    if (drive->mute && !was_mute)
        vd_log(VD_LOG_WARNING,
               "the state cannot be saved: %s; until it can, this vedette watches and answers, "
               "but does not vote or act",
               drive->error.text);
    if (!drive->mute && was_mute)
        vd_log(VD_LOG_WARNING, "the state can be saved again");
}

/* Once the time is over in which votes that were lost could matter, the state can be trusted. */
static void settle(struct vd_turn *turn)
{
    struct vd_err err;

    if (!vd_store_is_unsound(turn->store) || turn->drive->mute)
        return;
    if (!vd_view_abstains(turn->drive->core, vd_clock_now()) &&
        !vd_store_settle(turn->store, false, &err))
        vd_log_limited("settle", VD_LOG_WARNING, "%s", err.text);
}

/* How well we have listened goes with the turn, as its last event. */
static void push_due(struct vd_turn *turn, vd_ms now)
{
    struct vd_event event = {.type = VD_EV_DUE};

    event.due.deaf_ms = now - turn->hearing.until;
    event.due.from = turn->slow_from;
    event.due.left_at = turn->slow_until;
    turn->slow_from = turn->slow_until = 0;
    vd_inbox_push(turn->inbox, &event);
}

static void note_slow(struct vd_turn *turn, vd_ms now)
{
    vd_ms end = vd_clock_now();

    if (end - now < SLOW_TURN_MS)
        return;
    turn->slow_from = now;
    turn->slow_until = end;
}

/* The inbox is taken whole; what the turn causes is for the next one. */
static void run_once(struct vd_turn *turn, vd_ms now)
{
    struct vd_inbox full;
    bool was_mute = turn->drive->mute;
    uint32_t dice = vd_clock_dice();
    int64_t begun_us = vd_clock_now_us();

    vd_watch_late(turn->watch, vd_drive_wake_at(turn->drive), begun_us);

    push_due(turn, now);
    full = *turn->inbox;
    *turn->inbox = turn->taken;
    turn->taken = full;
    vd_record_expect(turn->record, full.events, full.count, now, dice);
    vd_drive_turn(turn->drive, full.events, full.count, now, dice);
    tell_mute(was_mute, turn->drive);
    vd_links_flush(turn->links);
    note_slow(turn, now);
    keep_history(turn);
    vd_record_turn(turn->record, turn->drive);
    vd_inbox_clear(&turn->taken);
    settle(turn);
    vd_watch_turn(turn->watch, vd_clock_now_us() - begun_us);
}

void vd_turn_run(struct vd_turn *turn)
{
    vd_ms begun_at = vd_clock_now();

    for (int i = 0; i < ROUNDS_MAX; i++) {
        vd_ms now = vd_clock_now();

        if (now - begun_at > ROUNDS_MOST_MS ||
            (turn->inbox->count == 0 && vd_drive_wake_at(turn->drive) > now))
            return;
        run_once(turn, now);
    }
}

static void arm(struct vd_turn *turn)
{
    vd_ms wake_at = vd_drive_wake_at(turn->drive);
    int64_t left_us = 0;

    ev_timer_stop(turn->loop, &turn->due);
    if (turn->inbox->count == 0) {
        if (wake_at == INT64_MAX)
            return;
        left_us = wake_at > 0 ? wake_at * 1000 - vd_clock_now_us() : 0;
    }
    ev_now_update(turn->loop);
    ev_timer_set(&turn->due, left_us > 0 ? (double)left_us * 1e-6 : 0., 0.);
    ev_timer_start(turn->loop, &turn->due);
}

static void before_waiting(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    struct vd_turn *turn = watcher->data;

    (void)loop;
    (void)events;
    vd_turn_run(turn);
    vd_links_flush(turn->links);
    arm(turn);
    vd_hearing_look(&turn->hearing);
}

/* The loop is awake: before_waiting does the rest. */
static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)timer;
    (void)events;
}

void vd_turn_start(struct vd_turn *turn)
{
    struct vd_event event = {.type = VD_EV_START};

    vd_inbox_push(turn->inbox, &event);
    ev_timer_init(&turn->due, on_due, 0., 0.);
    ev_prepare_init(&turn->before, before_waiting);
    turn->before.data = turn;
    ev_prepare_start(turn->loop, &turn->before);
    vd_hearing_start(&turn->hearing, turn->loop);
}

void vd_turn_stop(struct vd_turn *turn)
{
    ev_prepare_stop(turn->loop, &turn->before);
    vd_hearing_stop(&turn->hearing);
    ev_timer_stop(turn->loop, &turn->due);
    vd_inbox_free(&turn->taken);
    vd_free(turn->ended);
    turn->ended = NULL;
    turn->ended_room = 0;
}
