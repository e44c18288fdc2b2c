/* SPDX-License-Identifier: BSD-3-Clause */
/* The states of a failover: see failover_state.h. */
#include "core/failover_state.h"

#include "core/emit.h"
#include "core/handover.h"

#define RETRY_LEAST_MS 100 /* after an attempt that failed: so long, and up to four times more */
#define RETRY_MOST_MS 2000
#define FRESH_INFO_MS 250 /* the choice waits so long for what replicas hold now */

static const struct {
    const char *name;
    unsigned next; /* bit per state that may follow */
} states[VD_FO_COUNT] = {
#define TO(state) (1U << VD_FO_##state)
    [VD_FO_NONE] = {"none", TO(WAIT_START)},
    [VD_FO_WAIT_START] = {"wait_start", TO(SELECT_SLAVE) | TO(NONE)},
    [VD_FO_SELECT_SLAVE] = {"select_slave", TO(SEND_SLAVEOF_NOONE) | TO(NONE)},
    [VD_FO_SEND_SLAVEOF_NOONE] = {"send_slaveof_noone",
                                  TO(WAIT_PROMOTION) | TO(SELECT_SLAVE) | TO(NONE)},
    [VD_FO_WAIT_PROMOTION] = {"wait_promotion", TO(RECONF_SLAVES) | TO(SELECT_SLAVE) | TO(NONE)},
    [VD_FO_RECONF_SLAVES] = {"reconf_slaves", TO(UPDATE_CONFIG) | TO(NONE)},
    [VD_FO_UPDATE_CONFIG] = {"update_config", TO(NONE)},
#undef TO
};

const char *vd_failover_state_name(enum vd_failover_state state)
{
    VD_ASSERT(state < VD_FO_COUNT);
    return states[state].name;
}

bool vd_failover_may_move(enum vd_failover_state from, enum vd_failover_state to)
{
    return (states[from].next & (1U << to)) != 0;
}

void vd_failover_enter(struct vd_core *core, struct vd_group *group, enum vd_failover_state state)
{
    struct vd_failover *failover = &group->failover;

    VD_ASSERT(vd_failover_may_move(failover->state, state));
    failover->state = state;
    failover->entered_at = core->now;
    failover->deadline = state == VD_FO_SELECT_SLAVE ? core->now + FRESH_INFO_MS : INT64_MAX;
    if (state == VD_FO_SELECT_SLAVE)
        vd_notice_group(core, VD_N_SELECT, group, "%s", "");
    if (state == VD_FO_SEND_SLAVEOF_NOONE)
        vd_notice_node(core, VD_N_SEND_NOONE, failover->chosen, "%s", "");
    if (state == VD_FO_WAIT_PROMOTION)
        vd_notice_node(core, VD_N_WAIT_PROMOTION, failover->chosen, "%s", "");
    if (state == VD_FO_RECONF_SLAVES)
        vd_notice_group(core, VD_N_RECONF, group, "%s", "");
    vd_group_touch(core, group);
}

void vd_failover_record(struct vd_core *core, struct vd_group *group, const char *result)
{
    const struct vd_failover *failover = &group->failover;
    struct vd_arena *arena = &core->out->arena;
    struct vd_failover_record *record = vd_arena_alloc(arena, sizeof(*record));
    struct vd_effect *effect;

    record->group = vd_arena_strdup(arena, group->name);
    record->epoch = failover->epoch;
    record->reason = failover->reason;
    record->result = result;
    record->from = failover->from;
    if (failover->chosen != NULL)
        record->to = failover->chosen->addr;
    record->silent_at = failover->silent_at;
    record->sdown_at = failover->sdown_at;
    record->odown_at = failover->odown_at;
    record->started_at = failover->started_at;
    record->elected_at = failover->elected_at;
    record->selected_at = failover->selected_at;
    record->promoted_at = failover->promoted_at;
    record->ended_at = core->now;
    record->loss_bytes = failover->loss_bytes;
    effect = vd_emit(core, VD_EF_RECORD, false);
    effect->record = record;
}

vd_ms vd_failover_retry_at(const struct vd_core *core, vd_ms disputed_ms)
{
    vd_ms least_ms = vd_max_ms(RETRY_LEAST_MS, vd_min_ms(disputed_ms / 16, RETRY_MOST_MS));

    return core->now + least_ms + (vd_ms)(core->dice % (uint64_t)(4 * least_ms));
}

void vd_failover_drop_candidate(struct vd_group *group)
{
    if (group->failover.chosen != NULL)
        group->failover.chosen->promoted = false;
    group->failover.chosen = NULL;
}

void vd_failover_forget_order(struct vd_group *group)
{
    group->failover.forced = false;
    group->failover.coordinated = false;
    group->failover.wanted.port = 0;
}

void vd_failover_give_up(struct vd_core *core, struct vd_group *group, enum vd_notice notice,
                         const char *result)
{
    VD_ASSERT(group->failover.state < VD_FO_RECONF_SLAVES);
    vd_handover_cancel(core, group);
    vd_notice_group(core, notice, group, "%s", "");
    vd_failover_record(core, group, result);
    vd_failover_drop_candidate(group);
    vd_failover_forget_order(group);
    vd_failover_enter(core, group, VD_FO_NONE);
}
