/* SPDX-License-Identifier: BSD-3-Clause */
/* Handover: see handover.h. */
#include "core/handover.h"

#include "base/text.h"
#include "core/emit.h"
#include "core/health.h"
#include "core/notice.h"
#include "core/reconf.h"

#define NEAR_LOOK_MS 20   /* a replica that is far behind is looked at so often */
#define NEAR_PLAIN_MS 500 /* a plain order waits no longer for it to come near */
#define DRAIN_LEAST_MS 100
#define DRAIN_MOST_MS 2000
#define DEMOTE_MS 2000 /* a primary that does not answer its demotion is not waited for */
#define CHECK_MS 300   /* what was under way to the chosen one arrives by then, or never */

static struct vd_node *primary_of(const struct vd_group *group)
{
    return group->primary;
}

static void ask(struct vd_core *core, struct vd_node *node)
{
    /* A wish that cannot be sent now stays one: to touch the group again would go in circles. */
    if (node->info_ticket.n != 0 || node->info_wanted)
        return;
    node->info_wanted = true;
    vd_group_touch(core, node->group);
}

/* From here on only what is asked later counts. */
static void enter(struct vd_core *core, struct vd_group *group, enum vd_handover step,
                  vd_ms limit_ms)
{
    struct vd_failover *failover = &group->failover;

    failover->handover = step;
    failover->handover_until = core->now + limit_ms;
    failover->handover_mark = core->next_handle;
    failover->handover_ticket.n = 0;
    vd_group_touch(core, group);
}

static bool has_told(const struct vd_group *group, const struct vd_node *node)
{
    return node->info_heard > group->failover.handover_mark;
}

/* INFO of a node that has not told since the mark is asked; of one that has, after a moment. */
static vd_ms look_again(struct vd_core *core, struct vd_group *group, struct vd_node *node,
                        vd_ms after_ms)
{
    if (node->info_ticket.n != 0)
        return INT64_MAX;
    if (has_told(group, node) && node->info_sent_at + after_ms > core->now)
        return node->info_sent_at + after_ms;
    ask(core, node);
    return INT64_MAX;
}

/*
 * While writes are held back so are other sentinels' hellos, and behind them
 * on their links the PINGs: long before that looks like death, it is over.
 */
static vd_ms drain_limit(const struct vd_group *group)
{
    vd_ms limit = vd_min_ms(group->options.down_after_ms, group->options.failover_timeout_ms) / 2;

    return vd_max_ms(DRAIN_LEAST_MS, vd_min_ms(limit, DRAIN_MOST_MS));
}

static bool is_willing(const struct vd_core *core, const struct vd_node *primary)
{
    return primary->role == VD_ROLE_PRIMARY && primary->can_hand_over && !primary->hands_over &&
           !primary->empty_restart && !primary->loading && vd_health_reaches(core, primary);
}

static vd_ticket send(struct vd_core *core, struct vd_node *node, enum vd_request request,
                      vd_ms pause_ms)
{
    struct vd_effect *effect = vd_emit_send(core, &node->command, request);

    effect->send.pause_ms = pause_ms;
    return effect->send.ticket;
}

static enum vd_handover_says fail(const char **why, const char *text)
{
    *why = text;
    return VD_HANDOVER_FAILED;
}

/* It cannot be done without loss any more: the end for COORDINATED, the old way for the others. */
static enum vd_handover_says do_without(const struct vd_group *group, const char **why,
                                        const char *text)
{
    return group->failover.coordinated ? fail(why, text) : VD_HANDOVER_PROMOTE;
}

/* Steps ---------------------------------------------------------------------------- */

static enum vd_handover_says pause_writes(struct vd_core *core, struct vd_group *group)
{
    vd_ms limit = drain_limit(group);

    enter(core, group, VD_HO_PAUSING, limit);
    group->failover.handover_ticket = send(core, primary_of(group), VD_RQ_PAUSE, 2 * limit);
    return VD_HANDOVER_WAIT;
}

static enum vd_handover_says let_server(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *primary = primary_of(group);
    struct vd_effect *effect;

    enter(core, group, VD_HO_SERVER, group->options.failover_timeout_ms);
    /* Its clients stay held back after it, until they have been sent away. */
    (void)send(core, primary, VD_RQ_PAUSE, group->options.failover_timeout_ms);
    effect = vd_emit_send(core, &primary->command, VD_RQ_HANDOVER);
    effect->send.pause_ms = group->options.failover_timeout_ms;
    effect->send.addr = failover->chosen->addr;
    VD_ASSERT(vd_copy(effect->send.addr.host, sizeof(effect->send.addr.host),
                      vd_addr_shown(core, &failover->chosen->addr)));
    failover->handover_ticket = effect->send.ticket;
    return VD_HANDOVER_WATCH;
}

static bool is_left_to_server(const struct vd_core *core, const struct vd_group *group)
{
    enum vd_switchover way = group->options.handover;

    return (way == VD_SWITCHOVER_AUTO ? core->globals.default_handover : way) ==
           VD_SWITCHOVER_SERVER;
}

static enum vd_handover_says begin(struct vd_core *core, struct vd_group *group, const char **why)
{
    const struct vd_failover *failover = &group->failover;
    const struct vd_node *primary = primary_of(group);

    if (!failover->forced && !failover->coordinated)
        return VD_HANDOVER_PROMOTE;
    if (!is_willing(core, primary))
        return do_without(group, why, "the primary cannot hand over");
    if (failover->coordinated && is_left_to_server(core, group))
        return let_server(core, group);
    if (failover->chosen->offset >= primary->offset - group->options.candidate_max_lag_bytes)
        return pause_writes(core, group);
    enter(core, group, VD_HO_NEARING,
          failover->coordinated ? group->options.failover_timeout_ms / 2 : NEAR_PLAIN_MS);
    return VD_HANDOVER_WAIT;
}

static enum vd_handover_says tick_nearing(struct vd_core *core, struct vd_group *group, vd_ms *next,
                                          const char **why)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *primary = primary_of(group);
    bool both_told = has_told(group, primary) && has_told(group, failover->chosen);

    if (!is_willing(core, primary))
        return do_without(group, why, "the primary cannot hand over");
    if (both_told &&
        failover->chosen->offset >= primary->offset - group->options.candidate_max_lag_bytes)
        return pause_writes(core, group);
    if (core->now >= failover->handover_until)
        return failover->coordinated ? fail(why, "the replica does not come near")
                                     : pause_writes(core, group);
    *next = vd_min_ms(failover->handover_until, core->now + NEAR_LOOK_MS);
    *next = vd_min_ms(*next, look_again(core, group, primary, NEAR_LOOK_MS));
    *next = vd_min_ms(*next, look_again(core, group, failover->chosen, NEAR_LOOK_MS));
    return VD_HANDOVER_WAIT;
}

static enum vd_handover_says demote(struct vd_core *core, struct vd_group *group)
{
    struct vd_node *primary = primary_of(group);

    enter(core, group, VD_HO_DEMOTING, DEMOTE_MS);
    vd_reconf_turn_to(core, primary, &group->failover.chosen->addr);
    group->failover.handover_ticket = primary->turn_ticket;
    primary->held_back = true;
    return VD_HANDOVER_WAIT;
}

static enum vd_handover_says tick_draining(struct vd_core *core, struct vd_group *group,
                                           vd_ms *next, const char **why)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *primary = primary_of(group);

    if (!primary->command.up)
        return do_without(group, why, "the link to the primary was lost");
    if (failover->handover == VD_HO_DRAINING && has_told(group, primary) &&
        has_told(group, failover->chosen) && primary->role == VD_ROLE_PRIMARY &&
        failover->chosen->offset >= primary->offset)
        return demote(core, group);
    if (core->now >= failover->handover_until)
        return do_without(group, why, "the replica did not catch up in time");
    *next = failover->handover_until;
    if (failover->handover == VD_HO_DRAINING) {
        /* At once at first, less often as it takes its time. */
        vd_ms pace = 1 + (drain_limit(group) - (failover->handover_until - core->now)) / 16;

        *next = vd_min_ms(*next, look_again(core, group, primary, pace));
        *next = vd_min_ms(*next, look_again(core, group, failover->chosen, pace));
    }
    return VD_HANDOVER_WAIT;
}

/*
 * The reply may be lost with its link: then the primary's word on the next one
 * tells whether it obeyed.
 */
static enum vd_handover_says tick_demoting(struct vd_core *core, struct vd_group *group,
                                           vd_ms *next, const char **why)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *primary = primary_of(group);

    if (core->now >= failover->handover_until)
        return do_without(group, why, "the primary does not answer its demotion");
    *next = failover->handover_until;
    if (primary->turn_ticket.n != 0 || !has_told(group, primary))
        return VD_HANDOVER_WAIT;
    if (primary->role != VD_ROLE_REPLICA)
        return do_without(group, why, "the primary was not demoted");
    enter(core, group, VD_HO_CHECKING, CHECK_MS);
    return VD_HANDOVER_WAIT;
}

static enum vd_handover_says tick_checking(struct vd_core *core, struct vd_group *group,
                                           vd_ms *next, const char **why)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *primary = primary_of(group);

    if (has_told(group, primary)) {
        if (primary->role != VD_ROLE_REPLICA)
            return fail(why, "the primary was made one again");
        if (primary->offset <= failover->chosen->offset) {
            failover->handover = VD_HO_DEMOTED;
            failover->loss_bytes = 0;
            return VD_HANDOVER_PROMOTE;
        }
    }
    if (core->now >= failover->handover_until)
        return fail(why, "the primary holds more than the replica");
    *next = vd_min_ms(failover->handover_until, look_again(core, group, primary, CHECK_MS));
    *next = vd_min_ms(*next, look_again(core, group, failover->chosen, 1));
    return VD_HANDOVER_WAIT;
}

enum vd_handover_says vd_handover_tick(struct vd_core *core, struct vd_group *group, vd_ms *next,
                                       const char **why)
{
    const struct vd_node *chosen = group->failover.chosen;

    *next = INT64_MAX;
    if (group->failover.handover != VD_HO_NONE && (chosen == NULL || !chosen->command.up))
        return fail(why, "the link to the replica was lost");
    switch (group->failover.handover) {
    case VD_HO_NONE:
        return begin(core, group, why);
    case VD_HO_NEARING:
        return tick_nearing(core, group, next, why);
    case VD_HO_PAUSING:
    case VD_HO_DRAINING:
        return tick_draining(core, group, next, why);
    case VD_HO_DEMOTING:
        return tick_demoting(core, group, next, why);
    case VD_HO_CHECKING:
        return tick_checking(core, group, next, why);
    case VD_HO_DEMOTED:
        return VD_HANDOVER_PROMOTE;
    case VD_HO_SERVER:
        return VD_HANDOVER_WATCH;
    }
    VD_ASSERT(false);
    return VD_HANDOVER_FAILED;
}

/* Replies ---------------------------------------------------------------------------- */

static void remark(struct vd_core *core, struct vd_node *node, const char *what,
                   const struct vd_event *event)
{
    vd_notice_node(core, VD_N_REMARK, node, "%s: %s", what,
                   event->ack.text != NULL ? event->ack.text : "no reason given");
}

static void on_paused(struct vd_core *core, struct vd_group *group, const struct vd_event *event)
{
    if (event->ack.ok) {
        enter(core, group, VD_HO_DRAINING, drain_limit(group));
        return;
    }
    remark(core, primary_of(group), "does not hold writes back", event);
    if (group->failover.coordinated && !event->ack.unsent)
        (void)let_server(core, group);
    else
        group->failover.handover_until = core->now; /* without: at the next tick */
    vd_group_touch(core, group);
}

bool vd_handover_on_ack(struct vd_core *core, struct vd_node *node, const struct vd_event *event)
{
    struct vd_group *group = node->group;
    struct vd_failover *failover = &group->failover;

    if (failover->handover_ticket.n == 0 || failover->handover_ticket.n != event->ack.ticket.n ||
        !vd_node_is_primary(node))
        return false;
    failover->handover_ticket.n = 0;
    vd_group_touch(core, group);
    if (failover->handover == VD_HO_PAUSING) {
        on_paused(core, group, event);
    } else if (failover->handover == VD_HO_DEMOTING) {
        node->turn_ticket.n = 0;
        vd_handover_release(core, node);
        if (event->ack.ok) {
            enter(core, group, VD_HO_CHECKING, CHECK_MS);
        } else {
            remark(core, node, "refuses to be demoted", event);
            failover->handover = VD_HO_DRAINING; /* no further than that */
            failover->handover_until = core->now;
        }
    } else if (!event->ack.ok) {
        remark(core, node, "refuses FAILOVER", event);
        failover->deadline = core->now;
    }
    return true;
}

void vd_handover_release(struct vd_core *core, struct vd_node *node)
{
    if (!node->held_back || node->turn_ticket.n != 0 || !node->command.up)
        return;
    node->held_back = false;
    (void)send(core, node, VD_RQ_UNPAUSE, 0);
}

/* The end ------------------------------------------------------------------------------- */

void vd_handover_cancel(struct vd_core *core, struct vd_group *group)
{
    struct vd_failover *failover = &group->failover;
    struct vd_node *primary = primary_of(group);
    enum vd_handover step = failover->handover;

    failover->handover = VD_HO_NONE;
    failover->handover_ticket.n = 0;
    if (step == VD_HO_NONE || step == VD_HO_NEARING)
        return;
    if (!primary->command.up) {
        primary->held_back = true; /* until the link is back, or the pause ends */
        return;
    }
    if (step == VD_HO_SERVER)
        (void)send(core, primary, VD_RQ_ABORT, 0);
    if (step == VD_HO_DEMOTING || step == VD_HO_CHECKING || step == VD_HO_DEMOTED) {
        vd_notice_node(core, VD_N_REMARK, primary, "is made primary again");
        primary->turn_ticket = send(core, primary, VD_RQ_PROMOTE, 0);
        primary->turn_sent_at = core->now;
    }
    primary->held_back = true;
    vd_handover_release(core, primary);
    ask(core, primary);
}

void vd_handover_hold(struct vd_group *group)
{
    enum vd_handover step = group->failover.handover;

    if (step == VD_HO_PAUSING || step == VD_HO_DRAINING || step == VD_HO_SERVER)
        primary_of(group)->held_back = true;
}

void vd_handover_finish(struct vd_core *core, struct vd_group *group, struct vd_node *former)
{
    struct vd_failover *failover = &group->failover;
    enum vd_handover step = failover->handover;

    failover->handover = VD_HO_NONE;
    failover->handover_ticket.n = 0;
    /* The server promoted it, but sent nobody away and wrote no file. */
    if (step == VD_HO_SERVER && failover->chosen->command.up)
        (void)send(core, failover->chosen, VD_RQ_PROMOTE, 0);
    vd_handover_release(core, former);
}

bool vd_handover_mutes(const struct vd_node *node)
{
    const struct vd_failover *failover = &node->group->failover;
    enum vd_handover step = failover->handover;

    if (node->hands_over || node->held_back ||
        (node == node->group->fenced && node->group->fence != VD_FENCE_REFUSED) ||
        (step == VD_HO_SERVER && node == failover->chosen))
        return true;
    return vd_node_is_primary(node) && (step == VD_HO_PAUSING || step == VD_HO_DRAINING ||
                                        step == VD_HO_DEMOTING || step == VD_HO_SERVER);
}
