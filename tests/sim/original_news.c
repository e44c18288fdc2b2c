/* SPDX-License-Identifier: BSD-3-Clause */
/* Original: what INFO and hellos tell it, and what it puts right; see original.h. */
#include <string.h>

#include "oracle.h"
#include "original.h"

#define INFO_PERIOD (10 * SIM_S)
#define PUBLISH_PERIOD (2 * SIM_S)

/* INFO --------------------------------------------------------------------------------------- */

static bool primary_looks_sane(const struct sim_original *o, const struct sim_original_group *group)
{
    return group->primary.role == VD_ROLE_PRIMARY && !group->primary.s_down && !group->o_down &&
           group->primary.info_at >= 0 && o->sim->now - group->primary.info_at < 2 * INFO_PERIOD;
}

static bool was_quiet(const struct sim_original *o, const struct sim_watched *w, sim_us time)
{
    return w->s_down_at < 0 || o->sim->now - w->s_down_at > time;
}

static void promoted_is_primary(struct sim_original *o, unsigned g)
{
    struct sim_original_group *group = &o->groups[g];

    group->config_epoch = group->failover_epoch;
    sim_original_enter(o, g, SIM_OS_RECONF, "+promoted-slave");
    sim_original_save(o);
    sim_oracle_on_foreign_config(o->sim, o->host, g, group->config_epoch, group->promoted->at);
    group->primary.published_at = 0; /* to all, at once */
    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++)
        group->replicas[i].published_at = 0;
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++)
        o->peers[p].published_at = 0;
}

static void repair(struct sim_original *o, unsigned g, struct sim_watched *w)
{
    struct sim_original_group *group = &o->groups[g];
    sim_us now = o->sim->now;
    sim_us wait = 4 * PUBLISH_PERIOD;

    if (!primary_looks_sane(o, group) || w->promoted)
        return;
    if (w->role == VD_ROLE_PRIMARY) {
        if (was_quiet(o, w, wait) && now - w->role_at > wait) {
            sim_original_say(o, "+convert-to-slave", g, w->at);
            sim_original_turn(o, w, group->primary.at);
        }
    } else if (w->follows != group->primary.at && was_quiet(o, w, sim_original_patience(o)) &&
               now - w->follows_at > sim_original_patience(o)) {
        sim_original_say(o, "+fix-slave-config", g, w->at);
        sim_original_turn(o, w, group->primary.at);
    }
}

static void learn(struct sim_original *o, unsigned g, struct sim_watched *w,
                  const struct vd_info *info)
{
    struct sim_original_group *group = &o->groups[g];
    const struct sim_host *follows = NULL;

    w->run_id = info->run_id;
    if (info->role != w->role) {
        w->role = info->role;
        w->role_at = o->sim->now;
        w->follows_at = o->sim->now;
    }
    if (info->role == VD_ROLE_REPLICA)
        follows = sim_host_find(o->sim->net, &info->primary);
    if (follows != w->follows) {
        w->follows = follows;
        w->follows_at = o->sim->now;
    }
    w->link_up = info->link_up;
    w->link_down_ms = info->link_down_ms;
    w->priority = info->priority;
    w->offset = info->replica_offset;
    for (size_t i = 0; w == &group->primary && i < info->replica_count; i++) {
        const struct sim_host *at = sim_host_find(o->sim->net, &info->replicas[i].addr);

        if (at != NULL && sim_original_replica(group, at, false, o) == NULL) {
            (void)sim_original_replica(group, at, true, o);
            sim_original_save(o);
        }
    }
}

void sim_original_informed(struct sim_original *o, unsigned g, struct sim_watched *w,
                           const struct vd_info *info)
{
    struct sim_original_group *group = &o->groups[g];

    if (g == SIM_GROUPS_MAX)
        return;
    learn(o, g, w, info);
    if (o->tilt_at >= 0 || w == &group->primary)
        return;
    if (w->promoted && w->role == VD_ROLE_PRIMARY && group->state == SIM_OS_WAIT_PROMOTION)
        promoted_is_primary(o, g);
    else
        repair(o, g, w);
    if (group->state != SIM_OS_RECONF || w->role != VD_ROLE_REPLICA)
        return;
    if (w->reconf == SIM_OR_SENT && w->follows == group->promoted->at)
        w->reconf = SIM_OR_INPROG;
    if (w->reconf == SIM_OR_INPROG && w->link_up)
        w->reconf = SIM_OR_DONE;
}

/* Hello --------------------------------------------------------------------------------------- */

static void forget_peer(struct sim_original *o, unsigned p)
{
    sim_original_unlink(&o->peers[p]);
    o->peers[p] = (struct sim_watched){.at = NULL};
    for (unsigned g = 0; g < o->sim->setup.groups; g++)
        o->groups[g].opinions[p] = (struct sim_original_opinion){.member = false};
}

/* The peer's place; who had its address under another id is gone. */
static int meet(struct sim_original *o, unsigned g, const struct vd_hello *hello)
{
    const struct sim_host *at = sim_host_find(o->sim->net, &hello->peer);
    int empty = -1;

    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        bool same_id = strcmp(o->peers[p].id.hex, hello->id.hex) == 0;

        if (o->peers[p].at != NULL && o->peers[p].at == at && same_id) {
            if (!o->groups[g].opinions[p].member)
                sim_original_say(o, "+sentinel", g, at);
            o->groups[g].opinions[p].member = true;
            return (int)p;
        }
        if (o->peers[p].at != NULL && (same_id || o->peers[p].at == at))
            forget_peer(o, p);
        if (o->peers[p].at == NULL && empty < 0)
            empty = (int)p;
    }
    if (at == NULL || empty < 0)
        return -1;
    sim_original_watch(o, &o->peers[empty], at);
    o->peers[empty].is_peer = true;
    o->peers[empty].id = hello->id;
    o->groups[g].opinions[empty].member = true;
    sim_original_say(o, "+sentinel", g, at);
    sim_original_save(o);
    return empty;
}

void sim_original_hello(struct sim_original *o, const struct vd_hello *hello)
{
    const struct sim_host *named = sim_host_find(o->sim->net, &hello->primary);
    unsigned g = 0;

    while (g < o->sim->setup.groups && strcmp(sim_group_name(g), hello->group) != 0)
        g++;
    if (g == o->sim->setup.groups || named == NULL || meet(o, g, hello) < 0)
        return;
    if (hello->epoch > o->epoch) {
        o->epoch = hello->epoch;
        sim_original_save(o);
        sim_original_say(o, "+new-epoch", g, NULL);
    }
    if (hello->config_epoch <= o->groups[g].config_epoch)
        return;
    o->groups[g].config_epoch = hello->config_epoch;
    sim_original_save(o);
    if (named != o->groups[g].primary.at)
        sim_original_switch(o, g, named);
}
