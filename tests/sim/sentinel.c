/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentinel: process, clock and turns; see sentinel.h. */
#include "sentinel.h"

#include <stdio.h>
#include <string.h>

#include "oracle.h"
#include "tell.h"

#define CHECK_EVERY 16 /* turns, and whenever something is saved: the whole state is looked at */
#define SLOW_TURN (5 * SIM_MS) /* what the daemon tells its core of */
#define WAKING (300)           /* us until a process that was woken runs */

static const struct sim_host_ops host_ops;
static void run_turn(struct sim *sim, void *self);
static void plan_next_turn(struct sim_sentinel *s);
static void forget_events(struct sim_sentinel *s);

/* Clock --------------------------------------------------------------------------- */

static sim_us clock_us(const struct sim_sentinel *s, sim_us now)
{
    return s->clock_offset + now + now * s->drift_ppm / 1000000;
}

vd_ms sim_sentinel_clock(const struct sim_sentinel *s)
{
    return clock_us(s, s->clock_stopped ? s->stopped_at : s->sim->now) / 1000;
}

/* The first instant of the world at which this clock shows `at`. */
static sim_us find_instant(const struct sim_sentinel *s, vd_ms at)
{
    sim_us shown = at * 1000 - s->clock_offset;
    sim_us guess = shown - shown * s->drift_ppm / (1000000 + s->drift_ppm);

    while (clock_us(s, guess) >= at * 1000)
        guess -= 1;
    while (clock_us(s, guess) < at * 1000)
        guess += 1;
    return guess;
}

/* The same, kept: it is asked for after every turn, mostly for the same wake. */
static sim_us when_clock_shows(struct sim_sentinel *s, vd_ms at)
{
    struct sim_instant *kept = &s->wake;

    if (kept->shown != at || kept->offset != s->clock_offset || kept->drift != s->drift_ppm)
        *kept = (struct sim_instant){at, s->clock_offset, s->drift_ppm, find_instant(s, at)};
    return kept->at;
}

/* Life ------------------------------------------------------------------------------ */

static void draw_id(struct sim_sentinel *s)
{
    uint64_t state = s->sim->setup.seed * 31U + s->index * 7919U + s->lives++ * 104729U;
    uint64_t a = sim_split(&state);
    uint64_t b = sim_split(&state);

    (void)snprintf(s->id.hex, sizeof(s->id.hex), "%08x%016llx%016llx",
                   (unsigned)(sim_split(&state) & 0xffffffffU), (unsigned long long)a,
                   (unsigned long long)b);
}

static void run_revive(struct sim *sim, void *self)
{
    struct sim_sentinel *s = self;

    (void)sim;
    if (!s->running)
        sim_sentinel_start(s);
}

static void run_unblock(struct sim *sim, void *self)
{
    struct sim_sentinel *s = self;

    (void)sim;
    s->slow_until = sim_sentinel_clock(s);
    sim_sentinel_resume(s);
}

/* What has arrived in the meantime, and then nothing for as long again. */
static void run_read(struct sim *sim, void *self)
{
    struct sim_sentinel *s = self;

    sim_after(sim, &s->read, s->lag);
    if (!sim_sentinel_is_awake(s))
        return;
    sim_host_catch_up(sim->net, s->host);
    if (!s->running)
        return;
    s->read_at = sim->now;
    sim_host_lag(s->host);
}

struct sim_sentinel *sim_sentinel_new(struct sim *sim, unsigned index)
{
    struct sim_sentinel *s = vd_alloc(sizeof(*s));
    char name[8];

    (void)snprintf(name, sizeof(name), "s%u", index + 1);
    s->sim = sim;
    s->index = index;
    s->host = sim_host_new(sim->net, name, 1, index + 1, 26379, &host_ops, s);
    s->clock_offset = sim_between(&sim->times, 1, 1000000) * SIM_S + (sim_us)index * 333;
    s->thawed_at = -1;
    s->drift_ppm = sim_between(&sim->times, -500, 500);
    if (sim->setup.exact)
        s->drift_ppm = 0;
    s->turn = (struct sim_task){.run = run_turn, .self = s};
    s->revive = (struct sim_task){.run = run_revive, .self = s};
    s->unblock = (struct sim_task){.run = run_unblock, .self = s};
    s->read = (struct sim_task){.run = run_read, .self = s};
    draw_id(s);
    return s;
}

void sim_sentinel_free(struct sim_sentinel *s)
{
    if (s->running) {
        sim_scripts_forget(s);
        sim_links_forget(s);
        sim_callers_forget(s);
        vd_drive_free(&s->drive);
    }
    sim_disk_free(&s->disk);
    forget_events(s);
    vd_arena_free(&s->arena);
    vd_free(s->events);
    vd_free(s->texts);
    vd_free(s);
}

struct sim_sentinel *sim_sentinel_of(const struct sim *sim, const struct sim_host *host)
{
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (sim->sentinels[i]->host == host)
            return sim->sentinels[i];
    }
    return NULL;
}

void sim_sentinel_start(struct sim_sentinel *s)
{
    struct sim *sim = s->sim;
    struct sim_saved saved = {0};
    struct vd_arena arena = {0};
    struct vd_event start = {.type = VD_EV_START};
    bool fresh = !s->disk.platter.exists;
    bool is_unsound =
        !fresh && (sim->setup.save_failure == SIM_SAVE_VOLATILE || s->disk.platter.unsound);
    bool stale = sim->setup.mutant == SIM_MUTANT_STALE_EPOCH && s->disk.older.exists;

    VD_ASSERT(!s->running);
    if (fresh)
        sim_sentinel_configure(s, &saved, false);
    else
        sim_saved_copy(&saved, stale ? &s->disk.older : &s->disk.platter);
    sim_saved_copy(&s->disk.cached, &s->disk.platter);
    if (s->disk.behind)
        sim_oracle_on_wipe(sim,
                           s); /* what it said rests on nothing any more, but its votes count */
    s->disk.behind = false;
    vd_drive_init(&s->drive, vd_core_new(sim_saved_image(&saved, &arena), fresh || is_unsound),
                  &sim_sentinel_drive_ops, s);
    sim_saved_free(&saved);
    vd_arena_free(&arena);
    s->running = true;
    s->last_link = 0;
    s->doom = SIM_DOOM_NONE;
    memset(s->heard, 0, sizeof(s->heard));
    if (!s->host->powered)
        sim_host_power(sim->net, s->host, true);
    sim_host_listen(s->host);
    SIM_TELL(sim, s->host, VD_MARK_LIFE, "starts%s",
             fresh        ? " without state"
             : is_unsound ? " with state that may lack votes"
                          : "");
    sim_oracle_on_start(sim, s, fresh);
    sim_sentinel_push(s, &start);
}

void sim_sentinel_kill(struct sim_sentinel *s, bool power)
{
    struct sim *sim = s->sim;

    if (!s->running)
        return;
    VD_ASSERT(!s->in_turn);
    s->running = false;
    SIM_TELL(sim, s->host, VD_MARK_LIFE, power ? "loses power" : "is killed");
    s->turn_missed = false;
    s->frozen = 0;
    forget_events(s);
    sim_cancel(sim, &s->turn);
    sim_cancel(sim, &s->unblock);
    sim_cancel(sim, &s->read);
    s->lag = s->drag = 0;
    s->slow_from = s->slow_until = 0;
    sim_scripts_forget(s);
    sim_links_forget(s);
    sim_callers_forget(s);
    vd_drive_free(&s->drive);
    if (power)
        sim_host_power(sim->net, s->host, false);
    else
        sim_host_die(sim->net, s->host);
}

void sim_sentinel_wipe(struct sim_sentinel *s, bool new_id)
{
    VD_ASSERT(!s->running);
    sim_disk_free(&s->disk);
    s->disk = (struct sim_disk){0};
    if (new_id)
        draw_id(s);
    sim_oracle_on_wipe(s->sim, s);
}

void sim_sentinel_pause(struct sim_sentinel *s)
{
    if (s->running)
        sim_host_pause(s->host);
}

void sim_sentinel_resume(struct sim_sentinel *s)
{
    if (!s->running || s->host->paused == 0)
        return;
    sim_host_resume(s->sim->net, s->host);
    if (s->host->paused == 0 && s->turn_missed && s->running) {
        s->turn_missed = false;
        sim_after(s->sim, &s->turn, 0);
    }
}

void sim_sentinel_freeze(struct sim_sentinel *s)
{
    if (!s->running)
        return;
    if (s->frozen++ == 0)
        s->frozen_shown = clock_us(s, s->sim->now);
    sim_sentinel_pause(s);
}

void sim_sentinel_thaw(struct sim_sentinel *s)
{
    if (s->frozen == 0)
        return;             /* it died meanwhile */
    if (--s->frozen == 0) { /* and not a microsecond more: clocks never go back */
        s->clock_offset -= clock_us(s, s->sim->now) - s->frozen_shown - 2;
        s->thawed_at = s->sim->now;
    }
    sim_sentinel_resume(s);
}

void sim_sentinel_lag(struct sim_sentinel *s, sim_us lag)
{
    if (!s->running)
        return;
    sim_cancel(s->sim, &s->read);
    if (s->lag == 0)
        s->read_at = s->sim->now;
    s->lag = lag;
    if (lag == 0) {
        sim_host_catch_up(s->sim->net, s->host);
        return;
    }
    sim_host_lag(s->host);
    sim_after(s->sim, &s->read, lag);
}

void sim_sentinel_drift(struct sim_sentinel *s, int64_t ppm)
{
    sim_us now = s->sim->now;

    /* What it shows now it goes on from, and not a microsecond before. */
    s->clock_offset += now * s->drift_ppm / 1000000 - now * ppm / 1000000 + 2;
    s->drift_ppm = ppm;
    if (s->running && s->frozen == 0)
        plan_next_turn(s);
}

void sim_sentinel_doom(struct sim_sentinel *s, enum sim_doom doom, unsigned after,
                       sim_us revive_after)
{
    s->doom = doom;
    s->doom_after = after;
    s->revive_after = revive_after;
}

/* Turns ---------------------------------------------------------------------------- */

/* Luck for the core; where there is none, each sentinel has its own number. */
static uint32_t draw_luck(const struct sim_sentinel *s)
{
    return s->sim->setup.exact ? 100 * s->index : (uint32_t)sim_draw(&s->sim->dice);
}

void sim_sentinel_push(struct sim_sentinel *s, struct vd_event *event)
{
    struct sim *sim = s->sim;
    sim_us soon = sim->now + sim_between(&sim->times, 5, WAKING);

    VD_ASSERT(s->running);
    VD_ASSERT(!s->in_turn);
    event->at = sim_sentinel_clock(s);
    event->dice = draw_luck(s);
    if (s->event_count == s->event_room) {
        s->event_room = s->event_room == 0 ? 16 : s->event_room * 2;
        s->events = vd_realloc(s->events, s->event_room * sizeof(struct vd_event));
    }
    s->events[s->event_count++] = *event;
    if (!sim_is_set(&s->turn) || s->turn.entry.key > soon)
        sim_at(sim, &s->turn, soon);
}

void sim_sentinel_hold(struct sim_sentinel *s, struct sim_payload *payload)
{
    if (s->text_count == s->text_room) {
        s->text_room = s->text_room == 0 ? 16 : s->text_room * 2;
        s->texts = vd_realloc(s->texts, s->text_room * sizeof(*s->texts));
    }
    payload->refs++;
    s->texts[s->text_count++] = payload;
}

/* The events of the last turn, and what they pointed to. */
static void forget_events(struct sim_sentinel *s)
{
    s->event_count = 0;
    while (s->text_count > 0)
        sim_payload_drop(s->texts[--s->text_count]);
    vd_arena_reset(&s->arena);
}

static void plan_next_turn(struct sim_sentinel *s)
{
    vd_ms wake_at = vd_drive_wake_at(&s->drive);
    sim_us when;

    if (wake_at == INT64_MAX || s->clock_stopped)
        return;
    when = when_clock_shows(s, wake_at);
    /* A machine is never exact: it wakes a little late, and never twice in no time. */
    if (when <= s->sim->now)
        when = s->sim->now + 1;
    when += (sim_us)sim_below(&s->sim->times, 60);
    if (!sim_is_set(&s->turn) || s->turn.entry.key > when)
        sim_at(s->sim, &s->turn, when);
}

/* How well it has listened, and when it has spoken, as the daemon tells its core. */
static void push_due(struct sim_sentinel *s)
{
    struct vd_event due = {.type = VD_EV_DUE};

    if (s->lag != 0)
        due.due.deaf_ms = (s->sim->now - s->read_at) / SIM_MS + 1;
    due.due.from = s->slow_from;
    due.due.left_at = s->slow_until;
    s->slow_from = s->slow_until = 0;
    sim_sentinel_push(s, &due);
    sim_cancel(s->sim, &s->turn);
}

static void die_in_turn(struct sim_sentinel *s)
{
    s->dead = false;
    sim_sentinel_kill(s, false);
    sim_after(s->sim, &s->revive, s->revive_after);
}

static void run_turn(struct sim *sim, void *self)
{
    struct sim_sentinel *s = self;
    uint32_t luck = draw_luck(s);
    vd_ms began;
    sim_us blocked;

    if (s->host->paused != 0) {
        s->turn_missed = true;
        return;
    }
    if (sim->setup.mutant == SIM_MUTANT_UNSEEDED) {
        static uint32_t unseeded;

        luck = unseeded++;
        sim_note(sim, luck);
    }
    sim->stats.turns++;
    sim_note(sim, (uint64_t)sim_sentinel_clock(s) ^ ((uint64_t)s->event_count << 48));
    if (s->lag != 0 || s->slow_from != 0)
        push_due(s);
    s->in_turn = true;
    s->host->busy = s->drag != 0 ? sim_between(&sim->times, 0, s->drag) : 0;
    began = sim_sentinel_clock(s);
    vd_drive_turn(&s->drive, s->events, s->event_count, sim_sentinel_clock(s), luck);
    s->in_turn = false;
    forget_events(s);
    blocked = s->host->busy;
    s->host->busy = 0;
    if (s->dead) {
        die_in_turn(s);
        return;
    }
    if (sim->failed)
        return; /* its last word shall be what was seen from outside */
    if (sim->stats.turns % CHECK_EVERY == 0 || s->drive.last.image != NULL)
        vd_core_check(s->drive.core);
    sim_sentinel_settle(s);
    sim_links_after_turn(s);
    sim_callers_after_turn(s);
    sim_oracle_after_turn(sim, s);
    plan_next_turn(s);
    if (blocked > 0) {
        s->slow_from = blocked >= SLOW_TURN ? began : 0;
        sim_sentinel_pause(s);
        sim_after(sim, &s->unblock, blocked);
    }
}

/* The network's side --------------------------------------------------------------------- */

static void on_accepted(void *self, struct sim_conn *conn)
{
    sim_callers_accepted(self, conn);
}

static void on_connected(void *self, struct sim_conn *conn)
{
    sim_links_connected(self, conn);
}

static void on_lost(void *self, struct sim_conn *conn, enum vd_down_reason reason)
{
    struct sim_sentinel *s = self;

    if (sim_end(conn, s->host) == 0)
        sim_links_lost(s, conn, reason);
    else
        sim_callers_lost(s, conn);
}

static void on_heard(void *self, struct sim_conn *conn, const struct sim_msg *msg)
{
    struct sim_sentinel *s = self;

    if (sim_end(conn, s->host) == 0)
        sim_links_heard(s, conn, msg);
    else
        sim_callers_heard(s, conn, msg);
}

static const struct sim_host_ops host_ops = {
    .accepted = on_accepted,
    .connected = on_connected,
    .lost = on_lost,
    .heard = on_heard,
};
