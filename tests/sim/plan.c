/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plan: from a seed and a mix's menu to a schedule. All luck of the faults is
 * drawn here, before the world begins.
 */
#include "faults.h"
#include "sentinel.h"

struct planner {
    struct sim_schedule *schedule;
    const struct sim_setup *setup;
    struct sim_rng *dice;
};

/* Whom --------------------------------------------------------------------------- */

static unsigned draw_group(struct planner *p)
{
    return (unsigned)sim_below(p->dice, p->setup->groups);
}

static struct sim_who draw_node(struct planner *p)
{
    unsigned group = draw_group(p);
    unsigned any = group * p->setup->nodes + (unsigned)sim_below(p->dice, p->setup->nodes);

    if (sim_chance(p->dice, p->setup->mix->most == 1 ? 1000 : 650))
        return (struct sim_who){.kind = SIM_WHO_PRIMARY, .number = group};
    return (struct sim_who){.kind = SIM_WHO_NODE, .number = any};
}

static struct sim_who draw_fixed_node(struct planner *p)
{
    return (struct sim_who){.kind = SIM_WHO_NODE,
                            .number =
                                (unsigned)sim_below(p->dice, p->setup->groups * p->setup->nodes)};
}

static struct sim_who draw_vedette(struct planner *p)
{
    struct sim_who who = {.kind = SIM_WHO_LEADER, .number = draw_group(p)};
    unsigned any = (unsigned)sim_below(p->dice, p->setup->sentinels);

    who.other = any;
    if (sim_chance(p->dice, 500))
        return (struct sim_who){.kind = SIM_WHO_SENTINEL, .number = any};
    return who;
}

/* A vedette, or an original beside them. */
static struct sim_who draw_sentinel(struct planner *p)
{
    unsigned all = p->setup->sentinels + p->setup->originals;

    if (sim_below(p->dice, all) >= p->setup->sentinels)
        return (struct sim_who){.kind = SIM_WHO_ORIGINAL,
                                .number = (unsigned)sim_below(p->dice, p->setup->originals)};
    return draw_vedette(p);
}

static struct sim_who draw_host(struct planner *p)
{
    switch ((int)sim_below(p->dice, 5)) {
    case 0:
        return (struct sim_who){.kind = SIM_WHO_CLIENT,
                                .number = (unsigned)sim_below(p->dice, p->setup->clients)};
    case 1:
    case 2:
        return draw_node(p);
    default:
        return draw_sentinel(p);
    }
}

static uint64_t draw_hosts_of(struct planner *p, enum sim_who_kind kind, unsigned count)
{
    uint64_t side = 0;

    for (unsigned i = 0; i < count; i++) {
        if (sim_chance(p->dice, 500))
            side |= sim_who_bit(kind, i);
    }
    return side;
}

/* A random part of all that may be parted; never nobody. */
static uint64_t draw_side(struct planner *p, bool sentinels_only)
{
    const struct sim_setup *setup = p->setup;
    uint64_t side = draw_hosts_of(p, SIM_WHO_SENTINEL, setup->sentinels) |
                    draw_hosts_of(p, SIM_WHO_ORIGINAL, setup->originals);

    if (!sentinels_only)
        side |= draw_hosts_of(p, SIM_WHO_NODE, setup->groups * setup->nodes) |
                draw_hosts_of(p, SIM_WHO_CLIENT, setup->clients);
    if (side == 0)
        side = sim_who_bit(SIM_WHO_SENTINEL, (unsigned)sim_below(p->dice, setup->sentinels));
    return side;
}

/* When ----------------------------------------------------------------------------- */

/* How long it lasts: mostly short, sometimes for good. */
static sim_us draw_lasting(struct sim_rng *dice)
{
    switch ((int)sim_below(dice, 4)) {
    case 0:
        return sim_between(dice, 50, 1000) * SIM_MS;
    case 1:
        return sim_between(dice, 1000, 5000) * SIM_MS;
    case 2:
        return sim_between(dice, 5, 30) * SIM_S;
    default:
        return sim_between(dice, 1, 120) * SIM_S;
    }
}

/* Half of them come shortly after the one before: into the middle of what that set off. */
static sim_us draw_at(struct planner *p, sim_us before)
{
    const struct sim_setup *setup = p->setup;
    sim_us soon = before + sim_between(p->dice, 0, 2 * setup->down_after_ms + 500) * SIM_MS;
    sim_us last = setup->faults_end_at - SIM_S;

    if (setup->mix->within_ms != 0) /* what it sets off must end before it is lifted */
        last -= (2 * setup->down_after_ms + 2000) * SIM_MS;
    if (before != 0 && sim_chance(p->dice, 500) && soon < last)
        return soon;
    return sim_between(p->dice, setup->faults_from / SIM_MS, last / SIM_MS) * SIM_MS;
}

/* What ------------------------------------------------------------------------------ */

static void add(struct planner *p, const struct sim_schedule_entry *entry)
{
    if (entry->at < p->setup->faults_end_at)
        (void)sim_schedule_add(p->schedule, entry); /* a full schedule is full of faults */
}

static void plan_node(struct planner *p, enum sim_fault_kind kind, struct sim_schedule_entry *entry)
{
    static const enum sim_deed deeds[] = {
        [SIM_NODE_KILL] = SIM_DO_KILL,   [SIM_NODE_EMPTY] = SIM_DO_EMPTY,
        [SIM_NODE_POWER] = SIM_DO_POWER, [SIM_NODE_PAUSE] = SIM_DO_PAUSE,
        [SIM_NODE_BUSY] = SIM_DO_BUSY,   [SIM_NODE_PRIORITY] = SIM_DO_PRIORITY,
        [SIM_NODE_AUTH] = SIM_DO_AUTH,   [SIM_NODE_DENY] = SIM_DO_DENY,
        [SIM_NODE_TURN] = SIM_DO_TURN,   [SIM_NODE_MASS] = SIM_DO_KILL,
        [SIM_NODE_MOVE] = SIM_DO_MOVE,   [SIM_NODE_SWAP] = SIM_DO_SWAP,
    };

    entry->deed = deeds[kind];
    if (kind == SIM_NODE_MASS) {
        for (unsigned g = 0; g < p->setup->groups; g++) {
            entry->who = (struct sim_who){.kind = SIM_WHO_PRIMARY, .number = g};
            add(p, entry);
        }
        return;
    }
    entry->who = draw_node(p);
    if (kind == SIM_NODE_EMPTY)
        entry->lasts = sim_between(p->dice, 20, 400) * SIM_MS;
    if (kind == SIM_NODE_SWAP)
        entry->other = draw_fixed_node(p);
    if (kind == SIM_NODE_PRIORITY)
        entry->number = (int64_t)sim_below(p->dice, 3) * 50;
    if (kind == SIM_NODE_TURN)
        entry->lasts = SIM_FOR_GOOD;
    if (kind == SIM_NODE_TURN && sim_chance(p->dice, 600)) { /* within its group */
        unsigned group = draw_group(p);
        unsigned one = (unsigned)sim_below(p->dice, p->setup->nodes);
        unsigned step = 1 + (unsigned)sim_below(p->dice, p->setup->nodes - 1);

        entry->who =
            (struct sim_who){.kind = SIM_WHO_NODE, .number = group * p->setup->nodes + one};
        entry->other =
            (struct sim_who){.kind = SIM_WHO_NODE,
                             .number = group * p->setup->nodes + (one + step) % p->setup->nodes};
    }
    add(p, entry);
}

static void plan_stalls(struct planner *p, struct sim_schedule_entry *entry)
{
    unsigned count = 1 + (unsigned)sim_below(p->dice, 6);

    entry->deed = SIM_DO_PAUSE;
    entry->who = draw_sentinel(p);
    for (unsigned i = 0; i < count; i++) {
        entry->lasts = sim_between(p->dice, 50, 1900) * SIM_MS;
        add(p, entry);
        entry->at += entry->lasts + sim_between(p->dice, 1, 1500) * SIM_MS;
    }
}

/* All restart: at once, or in turn, by an update of the machines. */
static void plan_all(struct planner *p, struct sim_schedule_entry *entry)
{
    bool rolling = sim_chance(p->dice, 300);
    sim_us gap = sim_chance(p->dice, 500) ? 0 : sim_between(p->dice, 1, 2000) * SIM_MS;

    entry->deed = SIM_DO_KILL;
    entry->lasts = entry->lasts / 10;
    for (unsigned i = 0; i < p->setup->sentinels + p->setup->originals; i++) {
        bool original = i >= p->setup->sentinels;

        entry->who = (struct sim_who){
            .kind = original ? SIM_WHO_ORIGINAL : SIM_WHO_SENTINEL,
            .number = original ? i - p->setup->sentinels : i,
        };
        add(p, entry);
        if (rolling)
            entry->at += entry->lasts + gap;
        else
            entry->lasts += gap;
    }
}

/* Machines that are short of a processor: most of them, each as it is. */
static void plan_late(struct planner *p, struct sim_schedule_entry *entry)
{
    vd_ms most = 2 * (p->setup->down_after_ms < 700 ? p->setup->down_after_ms : 700);

    entry->deed = sim_chance(p->dice, 500) ? SIM_DO_LAG : SIM_DO_DRAG;
    for (unsigned i = 0; i < p->setup->sentinels; i++) {
        entry->who = (struct sim_who){.kind = SIM_WHO_SENTINEL, .number = i};
        entry->number = sim_between(p->dice, 5, most);
        if (sim_chance(p->dice, 800))
            add(p, entry);
    }
}

static void plan_sentinel(struct planner *p, enum sim_fault_kind kind,
                          struct sim_schedule_entry *entry)
{
    if (kind == SIM_SENTINEL_STALL) {
        plan_stalls(p, entry);
        return;
    }
    if (kind == SIM_SENTINEL_ALL) {
        plan_all(p, entry);
        return;
    }
    if (kind == SIM_SENTINEL_LATE) {
        plan_late(p, entry);
        return;
    }
    switch ((int)kind) {
    case SIM_SENTINEL_DOOM:
        entry->deed = SIM_DO_CRASH;
        entry->detail = (unsigned)sim_between(p->dice, SIM_DOOM_BEFORE_SAVE, SIM_DOOM_AT_EFFECT);
        entry->number = (int64_t)sim_below(p->dice, entry->detail == SIM_DOOM_AT_EFFECT ? 40 : 3);
        entry->lasts = sim_between(p->dice, 1, 3000) * SIM_MS;
        entry->who = draw_vedette(p);
        break;
    case SIM_SENTINEL_FREEZE:
        entry->deed = SIM_DO_FREEZE;
        entry->who = draw_vedette(p);
        break;
    case SIM_SENTINEL_DRIFT:
        entry->deed = SIM_DO_DRIFT;
        entry->who = draw_vedette(p);
        entry->number = sim_between(p->dice, -30000, 30000);
        break;
    case SIM_SENTINEL_AMNESIA:
        entry->deed = SIM_DO_WIPE;
        entry->who = draw_vedette(p);
        entry->flag = sim_chance(p->dice, 500);
        break;
    default:
        entry->deed = kind == SIM_SENTINEL_KILL    ? SIM_DO_KILL
                      : kind == SIM_SENTINEL_POWER ? SIM_DO_POWER
                                                   : SIM_DO_PAUSE;
        entry->who = draw_sentinel(p);
        break;
    }
    add(p, entry);
}

static void plan_disk(struct planner *p, enum sim_fault_kind kind, struct sim_schedule_entry *entry)
{
    bool all = sim_chance(p->dice, 200);
    unsigned one = (unsigned)sim_below(p->dice, p->setup->sentinels);

    entry->deed = SIM_DO_DISK;
    entry->detail = kind == SIM_DISK_SLOW   ? SIM_DISK_IS_SLOW
                    : kind == SIM_DISK_FAIL ? SIM_DISK_IS_FULL
                                            : SIM_DISK_IS_LATE;
    entry->number = kind == SIM_DISK_SLOW ? sim_between(p->dice, 1, 3000) : 0;
    for (unsigned i = 0; i < p->setup->sentinels; i++) {
        entry->who = (struct sim_who){.kind = SIM_WHO_SENTINEL, .number = i};
        if (all || i == one)
            add(p, entry);
    }
}

static void plan_net(struct planner *p, enum sim_fault_kind kind, struct sim_schedule_entry *entry)
{
    switch ((int)kind) {
    case SIM_SPLIT_NODES:
        entry->deed = SIM_DO_SPLIT_NODES;
        entry->side =
            sim_who_bit(SIM_WHO_SENTINEL, (unsigned)sim_below(p->dice, p->setup->sentinels));
        break;
    case SIM_SPLIT_PEERS:
        entry->deed = SIM_DO_SPLIT_PEERS;
        entry->side = draw_side(p, true);
        break;
    case SIM_HICCUP:
        entry->lasts = sim_between(p->dice, 20, 900) * SIM_MS;
        entry->deed = SIM_DO_SPLIT;
        entry->side = draw_side(p, false);
        break;
    case SIM_BRIDGE:
        entry->deed = SIM_DO_BRIDGE;
        entry->who = draw_host(p);
        entry->side = draw_side(p, false);
        break;
    case SIM_ISOLATE:
        entry->deed = SIM_DO_ISOLATE;
        entry->who = draw_host(p);
        break;
    case SIM_ONE_WAY:
        entry->deed = sim_chance(p->dice, 500) ? SIM_DO_ONE_WAY : SIM_DO_DEAF;
        entry->who = draw_host(p);
        break;
    case SIM_CUT:
        entry->deed = SIM_DO_CUT;
        entry->who = draw_host(p);
        entry->other = sim_chance(p->dice, 500) ? draw_fixed_node(p) : draw_sentinel(p);
        break;
    default:
        entry->deed = SIM_DO_SPLIT;
        entry->side = draw_side(p, false);
        break;
    }
    add(p, entry);
}

static void plan_way(struct planner *p, enum sim_fault_kind kind, struct sim_schedule_entry *entry)
{
    switch ((int)kind) {
    case SIM_LOSS:
        entry->deed = SIM_DO_LOSS;
        entry->number = sim_between(p->dice, 20, 400);
        break;
    case SIM_DELAY:
        entry->deed = SIM_DO_DELAY;
        entry->number = sim_between(p->dice, 1, 400);
        break;
    case SIM_ECHO:
        entry->deed = SIM_DO_ECHO;
        entry->number = sim_between(p->dice, 50, 900);
        break;
    default:
        entry->deed = kind == SIM_RESET ? SIM_DO_RESET : SIM_DO_BLACKHOLE;
        entry->lasts = SIM_FOR_GOOD; /* who notices connects anew */
        entry->number = sim_between(p->dice, 50, 900);
        break;
    }
    add(p, entry);
}

static void plan_set(struct planner *p, struct sim_schedule_entry *entry)
{
    entry->detail = SIM_ORDER_SET;
    switch ((int)sim_below(p->dice, 3)) {
    case 0:
        entry->option = VD_OPT_DOWN_AFTER;
        entry->number = sim_between(p->dice, 300, p->setup->down_after_ms + 1000);
        break;
    case 1:
        entry->option = VD_OPT_PARALLEL_SYNCS;
        entry->number = sim_between(p->dice, 1, 5);
        break;
    default:
        entry->option = VD_OPT_FAILOVER_TIMEOUT;
        entry->number = sim_between(p->dice, 1000, p->setup->failover_timeout_ms);
        break;
    }
}

static void plan_order(struct planner *p, enum sim_fault_kind kind,
                       struct sim_schedule_entry *entry)
{
    entry->deed = SIM_DO_ORDER;
    entry->who = (struct sim_who){.kind = SIM_WHO_SENTINEL,
                                  .number = (unsigned)sim_below(p->dice, p->setup->sentinels)};
    if (kind != SIM_OP_SWITCHOVER && kind <= SIM_OP_RESET && p->setup->originals != 0 &&
        sim_chance(p->dice, 400))
        entry->who = (struct sim_who){.kind = SIM_WHO_ORIGINAL,
                                      .number = (unsigned)sim_below(p->dice, p->setup->originals)};
    entry->group = draw_group(p);
    if (kind != SIM_OP_ANEW && kind != SIM_OP_CRASH)
        entry->lasts = SIM_FOR_GOOD;
    switch ((int)kind) {
    case SIM_OP_FAILOVER:
        entry->detail = SIM_ORDER_FAILOVER;
        break;
    case SIM_OP_SWITCHOVER:
        entry->detail = SIM_ORDER_SWITCHOVER;
        break;
    case SIM_OP_RESET:
        entry->detail = sim_chance(p->dice, 500) ? SIM_ORDER_RESET : SIM_ORDER_RESET_ALL;
        break;
    case SIM_OP_SET:
        plan_set(p, entry);
        break;
    case SIM_OP_ANEW:
        entry->detail = SIM_ORDER_REMOVE;
        break;
    default:
        entry->detail =
            sim_chance(p->dice, 500) ? SIM_ORDER_CRASH_ELECTED : SIM_ORDER_CRASH_PROMOTED;
        break;
    }
    add(p, entry);
}

static void plan_one(struct planner *p, enum sim_fault_kind kind, sim_us at)
{
    struct sim_schedule_entry entry = {.at = at, .lasts = draw_lasting(p->dice)};

    if (p->setup->mix->within_ms != 0)
        entry.lasts = SIM_FOR_GOOD;
    if (kind <= SIM_NODE_SWAP)
        plan_node(p, kind, &entry);
    else if (kind <= SIM_SENTINEL_ALL)
        plan_sentinel(p, kind, &entry);
    else if (kind <= SIM_DISK_SLOW)
        plan_disk(p, kind, &entry);
    else if (kind <= SIM_SPLIT_NODES)
        plan_net(p, kind, &entry);
    else if (kind <= SIM_BLACKHOLE)
        plan_way(p, kind, &entry);
    else
        plan_order(p, kind, &entry);
}

static enum sim_fault_kind draw_kind(struct sim_rng *dice, uint64_t kinds)
{
    unsigned count = 0;
    unsigned chosen;

    for (unsigned k = 0; k < SIM_FAULT_COUNT; k++)
        count += (unsigned)((kinds >> k) & 1U);
    chosen = (unsigned)sim_below(dice, count);
    for (unsigned k = 0; k < SIM_FAULT_COUNT; k++) {
        if (((kinds >> k) & 1U) != 0 && chosen-- == 0)
            return (enum sim_fault_kind)k;
    }
    return SIM_NODE_KILL;
}

static uint64_t draw_swarm(struct sim_rng *dice, uint64_t kinds)
{
    uint64_t drawn = 0;
    unsigned wanted = (unsigned)sim_between(dice, 2, 5);

    for (unsigned i = 0; i < wanted; i++)
        drawn |= UINT64_C(1) << draw_kind(dice, kinds);
    /* Without a dead server there is little to decide. */
    return drawn | (UINT64_C(1) << SIM_NODE_KILL);
}

void sim_plan(struct sim_schedule *schedule, const struct sim_setup *setup)
{
    const struct sim_mix *mix = setup->mix;
    struct sim_rng dice;
    struct planner planner = {.schedule = schedule, .setup = setup, .dice = &dice};
    uint64_t kinds;
    unsigned count;
    sim_us before = 0;

    schedule->count = 0;
    sim_rng_seed(&dice, setup->seed, 77);
    if (mix->most == 0)
        return;
    kinds = mix->swarm ? draw_swarm(&dice, mix->kinds) : mix->kinds;
    count = (unsigned)sim_between(&dice, 1, mix->most);
    for (unsigned i = 0; i < count; i++) {
        before = draw_at(&planner, before);
        plan_one(&planner, i == 0 && mix->opener != 0 ? mix->opener : draw_kind(&dice, kinds),
                 before);
    }
}

/* Does it fit? ------------------------------------------------------------------------- */

static unsigned hosts_there(const struct sim_setup *setup, enum sim_who_kind kind)
{
    switch (kind) {
    case SIM_WHO_SENTINEL:
        return setup->sentinels;
    case SIM_WHO_ORIGINAL:
        return setup->originals;
    case SIM_WHO_NODE:
        return setup->groups * setup->nodes;
    case SIM_WHO_CLIENT:
        return setup->clients;
    case SIM_WHO_NOBODY:
        return 1;
    case SIM_WHO_PRIMARY:
    case SIM_WHO_LEADER:
        break;
    }
    return setup->groups;
}

static uint64_t all_hosts(const struct sim_setup *setup)
{
    uint64_t all = 0;

    for (int kind = SIM_WHO_SENTINEL; kind <= SIM_WHO_CLIENT; kind++) {
        for (unsigned i = 0; i < hosts_there(setup, (enum sim_who_kind)kind); i++)
            all |= sim_who_bit((enum sim_who_kind)kind, i);
    }
    return all;
}

bool sim_schedule_fits(const struct sim_schedule *schedule, const struct sim_setup *setup,
                       struct vd_err *err)
{
    for (unsigned i = 0; i < schedule->count; i++) {
        const struct sim_schedule_entry *entry = &schedule->list[i];
        struct vd_text line = {0};

        if (entry->who.number < hosts_there(setup, entry->who.kind) &&
            entry->other.number < hosts_there(setup, entry->other.kind) &&
            (entry->who.kind != SIM_WHO_LEADER || entry->who.other < setup->sentinels) &&
            (entry->side & ~all_hosts(setup)) == 0 && entry->group < setup->groups)
            continue;
        sim_schedule_print_entry(entry, &line);
        (void)vd_err_set(err, "the world has no such host or group: %s", vd_text_cstr(&line));
        vd_text_free(&line);
        return false;
    }
    return true;
}
