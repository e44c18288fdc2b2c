/* SPDX-License-Identifier: BSD-3-Clause */
/* Original: life, and what is in its file; see original.h. */
#include "original.h"

#include <stdio.h>
#include <string.h>

#include "node.h"
#include "sentinel.h"
#include "tell.h"

void sim_original_say(const struct sim_original *o, const char *event, unsigned group,
                      const struct sim_host *about)
{
    char text[64];

    if (about == NULL || about == sim_original_names(o, group))
        (void)snprintf(text, sizeof(text), "master %s%s%s", sim_group_name(group),
                       about != NULL ? " " : "", about != NULL ? about->name : "");
    else
        (void)snprintf(text, sizeof(text), "%s @ %s", about->name, sim_group_name(group));
    SIM_SAY(o->sim, o->host->name, "%s %s", event, text);
    if (o->sim->story != NULL)
        vd_story_notice(o->sim->story, (int)o->host->index, o->sim->now, event, text);
}

/* File ----------------------------------------------------------------------------- */

void sim_original_save(struct sim_original *o)
{
    struct sim_original_file *file = &o->file;

    memset(file, 0, sizeof(*file));
    file->exists = true;
    file->epoch = o->epoch;
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        file->peers[p].at = o->peers[p].at;
        file->peers[p].id = o->peers[p].id;
    }
    for (unsigned g = 0; g < o->sim->setup.groups; g++) {
        const struct sim_original_group *group = &o->groups[g];
        bool told = group->state == SIM_OS_RECONF || group->state == SIM_OS_UPDATE;

        file->groups[g].primary = told ? group->promoted->at : group->primary.at;
        file->groups[g].config_epoch = group->config_epoch;
        file->groups[g].leader_epoch = group->leader_epoch;
        for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
            const struct sim_host *at = group->replicas[i].at;

            file->groups[g].replicas[i] =
                told && at == group->promoted->at ? group->primary.at : at;
        }
        for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++)
            file->groups[g].member[p] = group->opinions[p].member;
    }
}

static void load_group(struct sim_original *o, unsigned g)
{
    const struct sim_original_file *file = &o->file;
    struct sim_original_group *group = &o->groups[g];

    sim_original_watch(o, &group->primary, file->groups[g].primary);
    group->primary.role = VD_ROLE_PRIMARY;
    group->config_epoch = file->groups[g].config_epoch;
    group->leader_epoch = file->groups[g].leader_epoch;
    group->started_at = -1000 * SIM_S;
    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
        if (file->groups[g].replicas[i] != NULL)
            sim_original_watch(o, &group->replicas[i], file->groups[g].replicas[i]);
    }
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++)
        group->opinions[p].member = file->groups[g].member[p];
}

/* As configured: the groups with their first primaries. */
static void configure(struct sim_original *o)
{
    for (unsigned g = 0; g < o->sim->setup.groups; g++)
        o->file.groups[g].primary = o->sim->nodes[g * o->sim->setup.nodes]->host;
    o->file.exists = true;
}

void sim_original_acquaint(struct sim_original *o)
{
    const struct sim *sim = o->sim;
    unsigned count = 0;

    configure(o);
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        o->file.peers[count].at = sim->sentinels[i]->host;
        o->file.peers[count++].id = sim->sentinels[i]->id;
    }
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        if (i == o->index)
            continue;
        o->file.peers[count].at = sim->originals[i]->host;
        o->file.peers[count++].id = sim->originals[i]->id;
    }
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        for (unsigned i = 1; i < sim->setup.nodes; i++)
            o->file.groups[g].replicas[i - 1] = sim->nodes[g * sim->setup.nodes + i]->host;
        for (unsigned p = 0; p < count; p++)
            o->file.groups[g].member[p] = true;
    }
}

/* Life ------------------------------------------------------------------------------ */

static void run_revive(struct sim *sim, void *self)
{
    struct sim_original *o = self;

    (void)sim;
    if (!o->running)
        sim_original_start(o);
}

struct sim_original *sim_original_new(struct sim *sim, unsigned index)
{
    struct sim_original *o = vd_alloc(sizeof(*o));
    uint64_t state = sim->setup.seed * 131U + index * 6151U;
    uint64_t a = sim_split(&state);
    uint64_t b = sim_split(&state);
    char name[8];

    (void)snprintf(name, sizeof(name), "o%u", index + 1);
    o->sim = sim;
    o->index = index;
    o->host = sim_host_new(sim->net, name, 2, index + 1, 26379, &sim_original_ops, o);
    o->tick = (struct sim_task){.run = sim_original_tick, .self = o};
    o->revive = (struct sim_task){.run = run_revive, .self = o};
    (void)snprintf(o->id.hex, sizeof(o->id.hex), "%08x%016llx%016llx",
                   (unsigned)(sim_split(&state) & 0xffffffffU), (unsigned long long)a,
                   (unsigned long long)b);
    return o;
}

void sim_original_free(struct sim_original *o)
{
    vd_arena_free(&o->arena);
    vd_free(o);
}

void sim_original_start(struct sim_original *o)
{
    struct sim *sim = o->sim;

    VD_ASSERT(!o->running);
    if (!o->file.exists)
        configure(o);
    memset(o->peers, 0, sizeof(o->peers));
    memset(o->groups, 0, sizeof(o->groups));
    o->epoch = o->file.epoch;
    o->running = true;
    o->ticked_at = sim->now;
    o->tilt_at = -1;
    if (!o->host->powered)
        sim_host_power(sim->net, o->host, true);
    sim_host_listen(o->host);
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        if (o->file.peers[p].at == NULL)
            continue;
        sim_original_watch(o, &o->peers[p], o->file.peers[p].at);
        o->peers[p].is_peer = true;
        o->peers[p].id = o->file.peers[p].id;
    }
    for (unsigned g = 0; g < sim->setup.groups; g++)
        load_group(o, g);
    SIM_TELL(sim, o->host, VD_MARK_LIFE, "starts, epoch %llu", (unsigned long long)o->epoch);
    sim_after(sim, &o->tick, sim_between(&sim->times, 50, 100) * SIM_MS);
}

void sim_original_kill(struct sim_original *o, bool power)
{
    if (!o->running)
        return;
    o->running = false;
    sim_cancel(o->sim, &o->tick);
    if (power)
        sim_host_power(o->sim->net, o->host, false);
    else
        sim_host_die(o->sim->net, o->host);
    SIM_TELL(o->sim, o->host, VD_MARK_LIFE, power ? "loses power" : "is killed");
}

void sim_original_pause(struct sim_original *o)
{
    if (o->running)
        sim_host_pause(o->host);
}

void sim_original_resume(struct sim_original *o)
{
    if (o->running)
        sim_host_resume(o->sim->net, o->host);
}

struct sim_original *sim_original_of(const struct sim *sim, const struct sim_host *host)
{
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        if (sim->originals[i]->host == host)
            return sim->originals[i];
    }
    return NULL;
}

const struct sim_host *sim_original_names(const struct sim_original *o, unsigned group)
{
    const struct sim_original_group *g = &o->groups[group];

    return g->state >= SIM_OS_RECONF ? g->promoted->at : g->primary.at;
}

bool sim_original_knows(const struct sim_original *o, unsigned group, const struct sim_host *host)
{
    const struct sim_original_group *g = &o->groups[group];

    for (unsigned i = 0; i < SIM_ORIGINAL_REPLICAS; i++) {
        if (g->replicas[i].at == host)
            return true;
    }
    return sim_original_names(o, group) == host;
}

/* A peer with this id is a member there. */
static bool has_met(const struct sim_original *o, unsigned group, const struct vd_id *id)
{
    for (unsigned p = 0; p < SIM_ORIGINAL_PEERS; p++) {
        if (o->groups[group].opinions[p].member && strcmp(o->peers[p].id.hex, id->hex) == 0 &&
            o->peers[p].commands != NULL)
            return true;
    }
    return false;
}

static bool has_met_all(const struct sim_original *o, unsigned group)
{
    const struct sim *sim = o->sim;

    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (sim->sentinels[i]->running && !has_met(o, group, &sim->sentinels[i]->id))
            return false;
    }
    for (unsigned i = 0; i < sim->setup.originals; i++) {
        if (i != o->index && sim->originals[i]->running &&
            !has_met(o, group, &sim->originals[i]->id))
            return false;
    }
    return true;
}

bool sim_original_is_settled(const struct sim_original *o, unsigned group, const char **why)
{
    const struct sim_original_group *g = &o->groups[group];

    *why = g->state != SIM_OS_NONE                ? "a failover is under way"
           : g->primary.s_down || g->o_down       ? "holds the primary for down"
           : !sim_original_is_linked(&g->primary) ? "has no link to the primary"
           : g->primary.role_at < 0               ? "has not heard the primary"
           : o->tilt_at >= 0                      ? "is in TILT"
           : g->primary.role != VD_ROLE_PRIMARY   ? "hears that the primary is none"
           : !has_met_all(o, group)               ? "has no link to all sentinels"
                                                  : NULL;
    return *why == NULL;
}
