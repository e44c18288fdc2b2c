/* SPDX-License-Identifier: BSD-3-Clause */
/* View: see view.h. Reads the model, changes nothing. */
#include "core/view.h"

#include "core/candidate.h"
#include "core/election.h"
#include "core/handover.h"
#include "core/health.h"
#include "core/model.h"
#include "core/quorum.h"

bool vd_view_abstains(const struct vd_core *core, vd_ms now)
{
    bool any = core->fresh && now < vd_election_abstains_until(core);

    if (core->unheard == 0)
        return any; /* each group has a majority: nobody walks thousands for every save */
    for (size_t i = 0; core->fresh && !any && i < HASH_COUNT(core->groups); i++)
        any = vd_election_abstains(core, core->by_index[i]);
    return any;
}

void vd_view_core(const struct vd_core *core, struct vd_view_core *out)
{
    memset(out, 0, sizeof(*out));
    out->self = core->self;
    out->epoch = core->epoch;
    out->globals = &core->globals;
    out->group_count = HASH_COUNT(core->groups);
    out->scripts_running = core->scripts_running;
    out->scripts_queued = core->scripts_count;
    out->simulate_failure = core->simulate_failure;
    out->stalls = core->stalls;
    out->last_stall_ms = core->last_stall_ms;
}

static vd_ms age(vd_ms now, vd_ms at)
{
    return vd_elapsed(now, at, VD_NEVER);
}

static void fill_pulse(vd_ms now, const struct vd_pulse *pulse, vd_ms *pending_ms, vd_ms *ok_ms,
                       vd_ms *reply_ms)
{
    *pending_ms = pulse->silent_since == VD_NEVER ? 0 : now - pulse->silent_since;
    *ok_ms = age(now, pulse->ok_at);
    *reply_ms = age(now, pulse->reply_at);
}

static void fill_node(const struct vd_core *core, vd_ms now, const struct vd_node *node,
                      struct vd_view_node *out)
{
    memset(out, 0, sizeof(*out));
    out->addr = node->addr;
    out->command = node->command.link;
    out->subscription = node->subscribe.link;
    out->run_id = node->run_id.hex;
    out->is_primary = vd_node_is_primary(node);
    out->s_down = node->s_down_at != VD_NEVER;
    out->o_down = node->o_down_at != VD_NEVER;
    out->disconnected = vd_node_is_disconnected(node);
    out->promoted = node->promoted;
    out->script_kill_sent = node->script_kill_sent;
    out->rebooted = node->reboot_at != VD_NEVER || node->empty_restart;
    out->muted = vd_handover_mutes(node);
    out->reconf = node->reconf;
    out->health = vd_health_of(core, node);
    out->pending = node->command.pending;
    fill_pulse(now, &node->pulse, &out->ping_pending_ms, &out->last_ok_pong_ms, &out->last_pong_ms);
    out->s_down_ms = age(now, node->s_down_at);
    out->o_down_ms = age(now, node->o_down_at);
    out->info_ms = age(now, node->info_at);
    /* Before the first INFO, as configured. */
    out->role_reported = node->role != VD_ROLE_UNKNOWN ? node->role
                         : out->is_primary             ? VD_ROLE_PRIMARY
                                                       : VD_ROLE_REPLICA;
    out->role_reported_ms = age(now, node->role_at);
    out->link_down_ms = node->link_down_ms;
    out->link_ok = node->link_up;
    out->follows = node->follows;
    out->priority = node->priority;
    out->offset = node->offset < 0 ? 0 : node->offset;
    out->announced = node->announced;
    out->keys = node->keys;
    out->info = node->info;
    out->down_after_ms = node->group->options.down_after_ms;
}

static void fill_group(const struct vd_core *core, vd_ms now, const struct vd_group *group,
                       struct vd_view_group *out)
{
    memset(out, 0, sizeof(*out));
    out->name = group->name;
    out->options = &group->options;
    out->config_epoch = group->config_epoch;
    fill_node(core, now, group->primary, &out->primary);
    out->address = group->primary->addr;
    out->replica_count = group->node_count - 1;
    out->peer_count = group->opinion_count;
    out->usable = vd_quorum_usable(group);
    out->abstains = vd_election_abstains(core, group);
    out->failover_in_progress = group->failover.state != VD_FO_NONE;
    out->forced = group->failover.forced;
    out->coordinated = group->failover.coordinated;
    out->failover_state = group->failover.state;
    out->failover_state_ms = age(now, group->failover.entered_at);
    out->failover_epoch = group->failover.epoch;
    out->vote = group->vote;
    out->vote_epoch = group->vote_epoch;
    out->paused_ms = group->paused_until != VD_NEVER && group->paused_until > now
                         ? group->paused_until - now
                         : 0;
    out->fenced = group->fenced != NULL && group->fence == VD_FENCE_HOLDS;
    out->failovers = group->failover_count;
    out->switches = group->switch_count;
    out->last_switch_ms = group->switch_count == 0 ? VD_NEVER : age(now, group->switches[0]);
}

bool vd_view_group(const struct vd_core *core, vd_ms now, const char *name,
                   struct vd_view_group *out)
{
    const struct vd_group *group = vd_group_find(core, name);

    if (group == NULL)
        return false;
    fill_group(core, now, group, out);
    return true;
}

bool vd_view_group_at(const struct vd_core *core, vd_ms now, size_t index,
                      struct vd_view_group *out)
{
    if (index >= HASH_COUNT(core->groups))
        return false;
    fill_group(core, now, core->by_index[index], out);
    return true;
}

const struct vd_addr *vd_view_address(const struct vd_core *core, const char *name)
{
    const struct vd_group *group = vd_group_find(core, name);

    return group == NULL ? NULL : &group->primary->addr;
}

bool vd_view_replica(const struct vd_core *core, vd_ms now, const char *group_name, size_t index,
                     struct vd_view_node *out)
{
    const struct vd_group *group = vd_group_find(core, group_name);
    const struct vd_node *node;

    if (group == NULL)
        return false;
    DL_FOREACH (group->nodes, node) {
        if (vd_node_is_primary(node))
            continue;
        if (index-- == 0) {
            fill_node(core, now, node, out);
            return true;
        }
    }
    return false;
}

bool vd_view_candidate(const struct vd_core *core, const char *group_name, size_t index,
                       struct vd_view_candidate *out)
{
    const struct vd_group *group = vd_group_find(core, group_name);
    const struct vd_node *node;
    int64_t best = -1;

    if (group == NULL)
        return false;
    DL_FOREACH (group->nodes, node) {
        best = node->offset > best ? node->offset : best;
    }
    DL_FOREACH (group->nodes, node) {
        if (index-- != 0)
            continue;
        memset(out, 0, sizeof(*out));
        out->addr = node->addr;
        out->verdict = vd_unfit_text(vd_candidate_fit(core, node));
        out->is_chosen = vd_candidate_select(core, group, NULL) == node;
        out->priority = node->priority;
        out->offset = node->offset;
        out->lag_bytes = node->offset < 0 ? -1 : best - node->offset;
        out->link_down_ms = node->link_down_ms;
        return true;
    }
    return false;
}

static void fill_peer(vd_ms now, const struct vd_opinion *opinion, struct vd_view_peer *out)
{
    const struct vd_peer *peer = opinion->peer;

    memset(out, 0, sizeof(*out));
    out->addr = peer->addr;
    out->link = peer->wire.link;
    out->id = peer->id;
    out->s_down = opinion->s_down_at != VD_NEVER;
    out->disconnected = !peer->wire.up;
    out->primary_down = opinion->primary_down;
    out->pending = peer->wire.pending;
    out->groups = peer->opinion_count;
    fill_pulse(now, &peer->pulse, &out->ping_pending_ms, &out->last_ok_pong_ms, &out->last_pong_ms);
    out->s_down_ms = age(now, opinion->s_down_at);
    out->last_hello_ms = age(now, opinion->hello_at);
    out->voted_for = opinion->voted_for;
    out->voted_epoch = opinion->voted_epoch;
    out->down_after_ms = opinion->group->options.down_after_ms;
}

bool vd_view_peer(const struct vd_core *core, vd_ms now, const char *group_name, size_t index,
                  struct vd_view_peer *out)
{
    const struct vd_group *group = vd_group_find(core, group_name);
    const struct vd_opinion *opinion;

    if (group == NULL)
        return false;
    DL_FOREACH (group->opinions, opinion) {
        if (index-- == 0) {
            fill_peer(now, opinion, out);
            return true;
        }
    }
    return false;
}

bool vd_view_script(const struct vd_core *core, vd_ms now, size_t index, struct vd_view_script *out)
{
    const struct vd_script *script;

    DL_FOREACH (core->scripts, script) {
        if (index-- != 0)
            continue;
        memset(out, 0, sizeof(*out));
        out->argv = (const char *const *)script->argv;
        out->running = script->job.n != 0;
        out->job = script->job;
        out->run_ms = out->running ? now - script->started_at : 0;
        out->delay_ms = out->running || script->start_at <= now ? 0 : script->start_at - now;
        out->runs = script->runs;
        return true;
    }
    return false;
}

const char *vd_view_shown(const struct vd_core *core, const struct vd_addr *addr)
{
    return vd_addr_shown(core, addr);
}
