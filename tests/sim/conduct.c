/* SPDX-License-Identifier: BSD-3-Clause */
/* Conduct: see conduct.h. */
#include "conduct.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "core/view.h"
#include "faults.h"
#include "node.h"

#define HELD_LATELY (30 * SIM_S) /* answers may have been under way for so long */
#define PONG_GAP (600 * SIM_MS)  /* between replies of a primary that is reached all the time */
#define PONG_FRESH (250 * SIM_MS)
#define REACHED_FOR (3 * SIM_S) /* longer than an election: no vote was given before */
#define HEARD_LATELY (1500 * SIM_MS)
#define HEARD_BEFORE (2 * SIM_MS) /* what came in this very moment may not have been read yet */
#define REFUSED_FOR (10 * SIM_S)
#define SWITCHES_KEPT 8
#define DAMPING_MS 1000

/* How a sentinel has been reaching an address; a server may come back to one that it left. */
struct reach {
    sim_us since; /* without a gap; -1: it has not */
    sim_us last;
    bool down; /* S_DOWN by its notices */
    sim_us down_until;
    bool was_down;
    sim_us promoted_at; /* told to be primary; -1: never */
};

/* A sentinel in a group, since its start. */
struct course {
    vd_ms odown_at; /* by its clock; VD_NEVER: it is not */
    bool hurried;   /* ... of one that had come back empty: that is not waited for */
    vd_ms switches[SWITCHES_KEPT];
    uint64_t untold[SWITCHES_KEPT]; /* of these, those not told yet: hashes; 0: told */
    unsigned switch_count;
    bool turning[SIM_HOSTS_MAX]; /* +slave-reconf-sent, and not done */
};

struct sim_conduct {
    struct reach reach[SIM_SENTINELS_MAX][SIM_HOSTS_MAX];
    struct course course[SIM_SENTINELS_MAX][SIM_GROUPS_MAX];
};

struct sim_conduct *sim_conduct_new(void)
{
    struct sim_conduct *conduct = vd_alloc(sizeof(*conduct));

    for (unsigned i = 0; i < SIM_SENTINELS_MAX; i++) {
        for (unsigned k = 0; k < SIM_HOSTS_MAX; k++)
            conduct->reach[i][k] = (struct reach){.since = -1, .promoted_at = -1};
        for (unsigned g = 0; g < SIM_GROUPS_MAX; g++)
            conduct->course[i][g] = (struct course){.odown_at = VD_NEVER};
    }
    return conduct;
}

void sim_conduct_free(struct sim_conduct *conduct)
{
    vd_free(conduct);
}

static void set_down(struct sim *sim, struct reach *reach, bool down)
{
    if (reach->down && !down) {
        reach->was_down = true;
        reach->down_until = sim->now;
    }
    reach->down = down;
}

void sim_conduct_on_start(struct sim *sim, const struct sim_sentinel *s)
{
    for (unsigned k = 0; k < sim->net->host_count; k++) {
        struct reach *reach = &sim->conduct->reach[s->index][k];

        set_down(sim, reach, false);
        reach->since = -1;
        reach->promoted_at = -1;
    }
    for (unsigned g = 0; g < SIM_GROUPS_MAX; g++)
        sim->conduct->course[s->index][g] = (struct course){.odown_at = VD_NEVER};
}

void sim_conduct_on_pong(struct sim *sim, const struct sim_sentinel *s, const struct sim_host *from)
{
    struct reach *reach = &sim->conduct->reach[s->index][from->index];

    if (reach->since < 0 || sim->now - reach->last > PONG_GAP ||
        sim->now - reach->last >= sim->setup.down_after_ms * SIM_MS / 2)
        reach->since = sim->now;
    reach->last = sim->now;
}

/* Whom a notice is about: "master NAME IP PORT", "slave NAME IP PORT @ ...". NULL: no server. */
static const struct sim_host *host_told(const struct sim *sim, const char *payload)
{
    char type[16];
    struct vd_addr addr = {0};
    unsigned port;

    if (sscanf(payload, "%15s %*s %45s %u", type, addr.ip, &port) != 3 ||
        strcmp(type, "sentinel") == 0)
        return NULL;
    addr.port = (uint16_t)port;
    return sim_host_find(sim->net, &addr);
}

/* O_DOWN ----------------------------------------------------------------------------- */

static void check_odown(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                        const struct sim_host *primary)
{
    struct vd_view_group view;
    unsigned held = sim->setup.originals; /* what these think is not looked at */

    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        const struct reach *reach = &sim->conduct->reach[i][primary->index];

        held += reach->down || (reach->was_down && sim->now - reach->down_until <= HELD_LATELY);
    }
    if (vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), &view) &&
        held < view.options->quorum)
        sim_fail(sim, "%s counts %s as O_DOWN, which %u held for down, quorum %u", s->host->name,
                 primary->name, held, view.options->quorum);
}

/* Elections ---------------------------------------------------------------------------- */

/* It has had a good answer a moment ago, as all the time before, on a link that is up. */
static bool reaches(const struct sim *sim, const struct sim_sentinel *s, unsigned group,
                    const struct sim_host *primary)
{
    const struct reach *reach = &sim->conduct->reach[s->index][primary->index];
    struct vd_view_group view;

    if (!sim_sentinel_is_awake(s) || s->frozen != 0 || reach->down || reach->since < 0 ||
        sim->now - reach->since < REACHED_FOR || sim->now - reach->last > PONG_FRESH)
        return false;
    return sim_sentinel_names(s, group) == primary &&
           vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), &view) &&
           !view.primary.disconnected;
}

static void check_need(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                       const struct sim_host *primary)
{
    struct vd_view_group view;
    unsigned reaching = 0;

    if (sim->setup.originals != 0)
        return; /* they give their votes to whoever asks */
    if (s->thawed_at >= 0 && sim->now - s->thawed_at < REACHED_FOR)
        return; /* no clock tells it how old the votes are that it found when it woke */
    if (!vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), &view) ||
        view.peer_count + 1 < sim->setup.sentinels || view.primary.health == VD_HEALTH_REBOOTED ||
        view.primary.role_reported != VD_ROLE_PRIMARY)
        return; /* it does not know the others, or has other reasons */
    for (unsigned i = 0; i < sim->setup.sentinels; i++)
        reaching += reaches(sim, sim->sentinels[i], group, primary);
    if (reaching >= sim->setup.sentinels / 2 + 1)
        sim_fail(sim, "%s is elected to replace %s, which %u of %u sentinels have been reaching",
                 s->host->name, primary->name, reaching, sim->setup.sentinels);
}

static void check_damping(struct sim *sim, const struct sim_sentinel *s, unsigned group)
{
    const struct course *course = &sim->conduct->course[s->index][group];
    vd_ms now = sim_sentinel_clock(s);
    struct vd_view_group view;
    unsigned recent = 0;
    vd_ms wait_ms;

    if (course->odown_at == VD_NEVER || course->hurried ||
        !vd_view_group(s->drive.core, now, sim_group_name(group), &view) ||
        view.primary.health == VD_HEALTH_REBOOTED)
        return;
    for (unsigned i = 0; i < course->switch_count && i < SWITCHES_KEPT; i++)
        recent += now - course->switches[i] <= view.options->failover_timeout_ms;
    if (recent < 2)
        return;
    wait_ms = (vd_ms)DAMPING_MS << (recent - 2);
    if (wait_ms > view.options->failover_timeout_ms)
        wait_ms = view.options->failover_timeout_ms;
    if (now - course->odown_at < wait_ms)
        sim_fail(sim, "%s tries failover %u of %s within failover-timeout after %lld ms, not %lld",
                 s->host->name, recent + 1, sim_group_name(group),
                 (long long)(now - course->odown_at), (long long)wait_ms);
}

/* One that could not be told is told when saving works again: the same one. */
static void remember_switch(const struct sim_sentinel *s, struct course *course,
                            const char *payload, bool told)
{
    uint64_t hash = sim_hash_text(payload);

    for (unsigned i = 0; told && i < SWITCHES_KEPT; i++) {
        if (course->untold[i] == hash) {
            course->untold[i] = 0;
            return;
        }
    }
    memmove(course->untold + 1, course->untold, (SWITCHES_KEPT - 1) * sizeof(uint64_t));
    course->untold[0] = told ? 0 : hash;
    memmove(course->switches + 1, course->switches, (SWITCHES_KEPT - 1) * sizeof(vd_ms));
    course->switches[0] = sim_sentinel_clock(s);
    course->switch_count++;
    course->odown_at = VD_NEVER;
    memset(course->turning, 0, sizeof(course->turning));
}

/* Reconfiguration ----------------------------------------------------------------------- */

static void check_syncs(struct sim *sim, const struct sim_sentinel *s, unsigned group)
{
    const struct course *course = &sim->conduct->course[s->index][group];
    struct vd_view_group view;
    unsigned turning = 0;

    for (unsigned k = 0; k < sim->net->host_count; k++)
        turning += course->turning[k] && !sim->conduct->reach[s->index][k].down;
    if (vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), &view) &&
        turning > view.options->parallel_syncs)
        sim_fail(sim, "%s turns %u replicas of %s at a time, parallel-syncs %u", s->host->name,
                 turning, sim_group_name(group), view.options->parallel_syncs);
}

static bool is_reborn(const struct sim_sentinel *s, unsigned group)
{
    struct vd_view_group view;

    return vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), &view) &&
           view.primary.health == VD_HEALTH_REBOOTED;
}

static void follow_host(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                        const char *event, const struct sim_host *host)
{
    struct course *course = &sim->conduct->course[s->index][group];
    struct reach *reach = &sim->conduct->reach[s->index][host->index];

    if (strcmp(event, "+sdown") == 0 && sim->setup.mix->no_switch)
        sim_fail(sim, "%s holds %s for down, with which nothing is wrong", s->host->name,
                 host->name);
    if (strcmp(event, "+sdown") == 0 || strcmp(event, "-sdown") == 0) {
        set_down(sim, reach, event[0] == '+');
        course->turning[host->index] = false; /* the dead do not count, nor when they return */
    } else if (strcmp(event, "+slave-reconf-sent") == 0) {
        course->turning[host->index] = !reach->down;
        check_syncs(sim, s, group);
    } else if (strcmp(event, "+slave-reconf-done") == 0 ||
               strcmp(event, "-slave-reconf-sent-timeout") == 0) {
        course->turning[host->index] = false;
    } else if (strcmp(event, "+odown") == 0) {
        course->odown_at = sim_sentinel_clock(s);
        course->hurried = is_reborn(s, group);
        check_odown(sim, s, group, host);
    } else if (strcmp(event, "-odown") == 0) {
        course->odown_at = VD_NEVER;
    } else if (strcmp(event, "+slave") == 0) {
        set_down(sim, reach, false); /* a new one, or one in a new role: told again if it is down */
    }
}

void sim_conduct_on_notice(struct sim *sim, struct sim_sentinel *s, unsigned group, bool ordered,
                           bool told, const struct vd_effect *effect)
{
    struct course *course = &sim->conduct->course[s->index][group];
    const char *event = effect->notice.event;
    const struct sim_host *host;

    if (strcmp(event, "+switch-master") == 0) {
        remember_switch(s, course, effect->notice.payload, told);
        return;
    }
    host = host_told(sim, effect->notice.payload);
    if (host == NULL || host->group != group)
        return;
    if (strcmp(event, "+reset-master") == 0 || strcmp(event, "+monitor") == 0)
        *course = (struct course){.odown_at = VD_NEVER}; /* it has forgotten */
    else if (strcmp(event, "+try-failover") == 0 && !ordered)
        check_damping(sim, s, group);
    else if (strcmp(event, "+elected-leader") == 0 && !ordered)
        check_need(sim, s, group, host);
    else if (strcmp(event, "+failover-end") == 0)
        memset(course->turning, 0, sizeof(course->turning));
    else
        follow_host(sim, s, group, event, host);
}

/* The choice ------------------------------------------------------------------------------ */

static bool is_heard(const struct sim *sim, const struct sim_heard *heard)
{
    sim_us age = sim->now - heard->at;

    return heard->known && age >= HEARD_BEFORE && age <= HEARD_LATELY;
}

/* On a link that has been up since: what was heard on one before may be of a former life. */
static bool is_linked(const struct sim_sentinel *s, const struct sim_host *to, sim_us since)
{
    const struct sim_link *link;

    DL_FOREACH (s->links, link) {
        if (link->to == to && link->kind == VD_LINK_COMMAND && link->state == SIM_LINK_UP &&
            link->up_at <= since)
            return true;
    }
    return false;
}

/* By all that the sentinel knows this one could be promoted, too, and holds more. */
static bool is_better(const struct sim *sim, const struct sim_sentinel *s, unsigned other,
                      const struct sim_heard *chosen)
{
    const struct sim_heard *heard = &s->heard[other];
    const struct reach *reach = &sim->conduct->reach[s->index][sim->nodes[other]->host->index];
    const struct sim_saved_group *saved =
        sim_saved_find(&s->disk.platter, sim_group_name(sim->nodes[other]->group));

    return is_heard(sim, heard) && is_linked(s, sim->nodes[other]->host, heard->at) &&
           heard->role == VD_ROLE_REPLICA && !heard->loading && !heard->syncing &&
           heard->priority == chosen->priority && heard->offset > 1 &&
           heard->offset > chosen->offset && heard->link_down_ms <= chosen->link_down_ms &&
           strcmp(heard->replid.hex, chosen->replid.hex) == 0 && saved != NULL &&
           strcmp(saved->image.lineage.hex, heard->replid.hex) == 0 && !reach->down &&
           reach->since >= 0 && sim->now - reach->last <= HEARD_LATELY &&
           (reach->promoted_at < 0 || sim->now - reach->promoted_at > REFUSED_FOR) &&
           sim_sentinel_knows(s, sim->nodes[other]->group, sim->nodes[other]->host) &&
           sim_sentinel_names(s, sim->nodes[other]->group) != sim->nodes[other]->host;
}

void sim_conduct_on_promote(struct sim *sim, struct sim_sentinel *s, const struct sim_node *node,
                            bool ordered)
{
    const struct sim_heard *chosen = &s->heard[node->index];

    sim->conduct->reach[s->index][node->host->index].promoted_at = sim->now;
    if (ordered || !is_heard(sim, chosen) || chosen->role != VD_ROLE_REPLICA ||
        chosen->priority == 0)
        return;
    for (unsigned k = 0; k < sim->node_count; k++) {
        if (k == node->index || sim->nodes[k]->group != node->group ||
            !is_better(sim, s, k, chosen))
            continue;
        sim_fail(sim, "%s promotes %s at offset %lld, though %s is at %lld", s->host->name,
                 node->host->name, (long long)chosen->offset, sim->nodes[k]->host->name,
                 (long long)s->heard[k].offset);
        return;
    }
}
