/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Oracle, who leads: elections by votes that were given, one leader in an
 * epoch, and what leaders tell servers to be; see oracle.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conduct.h"
#include "core/view.h"
#include "node.h"
#include "oracle_parts.h"
#include "promotion.h"
#include "turning.h"

/* Leaders ------------------------------------------------------------------------------- */

/* Sentinels that it met after its election, in the same turn: they had no vote in it. */
static unsigned count_newcomers(const struct sim_sentinel *s, const struct vd_effect *elected)
{
    const struct vd_effects *effects = &s->drive.effects;
    unsigned count = 0;

    if (elected == NULL)
        return 0;
    for (const struct vd_effect *e = elected; e < effects->list + effects->count; e++)
        count += e->type == VD_EF_NOTICE && strcmp(e->notice.event, "+sentinel") == 0;
    return count;
}

/* An order asks in one epoch after the other, and says +try-failover once: its own vote tells. */
static uint64_t epoch_of(const struct sim_dossier *watched, const struct sim_sentinel *s,
                         unsigned group)
{
    const struct sim_durable *durable = &watched->groups[group];

    return durable->known && strcmp(durable->vote.hex, s->id.hex) == 0 &&
                   durable->vote_epoch > watched->try_epoch[group]
               ? durable->vote_epoch
               : watched->try_epoch[group];
}

static void check_leader(struct sim *sim, struct sim_sentinel *s, unsigned group,
                         const struct vd_effect *elected)
{
    struct sim_dossier *watched = sim_oracle_dossier(sim, s);
    uint64_t epoch = epoch_of(watched, s, group);
    struct sim_fact_key key = {.group = group, .epoch = epoch};
    struct vd_view_group view;
    unsigned votes;
    unsigned voters;
    const struct sim_fact *fact;

    if (!vd_view_group(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), &view))
        return; /* removed in the same turn */
    votes = sim_facts_count(sim->oracle->votes, group, epoch, sim_hash_text(s->id.hex));
    voters = view.peer_count + 1 - count_newcomers(s, elected);
    if (votes < voters / 2 + 1 || votes < view.options->quorum) {
        if (!watched->ordered[group])
            sim_fail(sim, "%s leads %s in epoch %llu by %u votes of %u voters, quorum %u",
                     s->host->name, sim_group_name(group), (unsigned long long)epoch, votes, voters,
                     view.options->quorum);
        sim_oracle_set_loose(sim, group, epoch);
    }
    if (voters < sim->setup.sentinels + sim->setup.originals)
        sim_oracle_set_loose(sim, group, epoch);
    fact = sim_fact_put(&sim->oracle->leaders, &key, s->index + 1U, s->host->name);
    if (fact->what != s->index + 1U && !sim_oracle_is_loose(sim, group, epoch))
        sim_fail(sim, "two leaders of %s in epoch %llu: %s and %s", sim_group_name(group),
                 (unsigned long long)epoch, fact->text, s->host->name);
}

/* "master <name> ...", "... @ <name> ..." or "<name> ...": which group? */
static unsigned group_told(const struct sim *sim, const char *payload)
{
    const char *at = strstr(payload, " @ ");
    char name[VD_NAME_SIZE];

    if (at != NULL
            ? sscanf(at, " @ %255s", name) == 1
            : sscanf(payload, "master %255s", name) == 1 || sscanf(payload, "%255s", name) == 1)
        return sim_oracle_group(sim, name);
    return SIM_GROUPS_MAX;
}

/*
 * Elections and their ends, in the order of the notices: several may pass in
 * one turn. Some may not be told because the save failed, but happened all the
 * same; who was elected unseen is looked at when it acts.
 */
static void follow_notice(struct sim *sim, struct sim_sentinel *s, const struct vd_effect *effect,
                          bool told)
{
    struct sim_dossier *watched = sim_oracle_dossier(sim, s);
    const char *event = effect->notice.event;
    unsigned group = group_told(sim, effect->notice.payload);

    if (strcmp(event, "+new-epoch") == 0)
        watched->new_epoch = strtoull(effect->notice.payload, NULL, 10);
    if (group == SIM_GROUPS_MAX)
        return;
    sim_conduct_on_notice(sim, s, group, watched->ordered[group], told, effect);
    if (strcmp(event, "+try-failover") == 0) {
        watched->try_epoch[group] = watched->new_epoch;
        watched->leading[group] = false;
    } else if (strcmp(event, "+reboot") == 0) {
        watched->rebooted[group] |= strncmp(effect->notice.payload, "master ", 7) == 0;
    } else if (strcmp(event, "+elected-leader") == 0) {
        watched->leading[group] = true;
        watched->unseen[group] = !told;
        if (told)
            check_leader(sim, s, group, effect);
    } else if (strcmp(event, "+switch-master") == 0) {
        watched->rebooted[group] = false;
    } else if (strncmp(event, "-failover-abort", 15) == 0 ||
               strcmp(event, "+promoted-slave") == 0) {
        watched->leading[group] = false;
        watched->ordered[group] = false;
    }
}

void sim_oracle_on_notice(struct sim *sim, struct sim_sentinel *s, const struct vd_effect *effect)
{
    follow_notice(sim, s, effect, true);
}

void sim_oracle_on_untold(struct sim *sim, struct sim_sentinel *s, const struct vd_effect *effect)
{
    follow_notice(sim, s, effect, false);
}

void sim_oracle_on_record(struct sim *sim, struct sim_sentinel *s,
                          const struct vd_failover_record *record)
{
    SIM_SAY(sim, s->host->name, "failover of %s in epoch %llu, by %s: %s, loss bound %lld",
            record->group, (unsigned long long)record->epoch, record->reason, record->result,
            (long long)record->loss_bytes);
    sim_note(sim, record->epoch);
}

/* Of originals only what others must reckon with counts. */
void sim_oracle_on_foreign_leader(struct sim *sim, const struct sim_host *host, unsigned group,
                                  uint64_t epoch, bool unsound)
{
    struct sim_fact_key key = {.group = group, .epoch = epoch};
    const struct sim_fact *fact;

    if (unsound)
        sim_oracle_set_loose(sim, group, epoch);
    fact = sim_fact_put(&sim->oracle->leaders, &key, host->index + 1000U, host->name);
    if (fact->what != host->index + 1000U && !sim_oracle_is_loose(sim, group, epoch))
        sim_fail(sim, "two leaders of %s in epoch %llu: %s and %s", sim_group_name(group),
                 (unsigned long long)epoch, fact->text, host->name);
}

/* Orders to nodes ------------------------------------------------------------------------ */

/* The address that the configuration names from the first: r1 of the group. */
static bool is_configured(const struct sim *sim, unsigned group, const struct sim_host *host)
{
    char name[8];

    (void)snprintf(name, sizeof(name), "r%u", group * sim->setup.nodes + 1);
    return strcmp(host->name, name) == 0;
}

/* It was the primary before, or whoever had its address, and nobody has told it that it is not any
 * more. */
static bool was_ours(const struct sim *sim, const struct sim_node *node)
{
    bool configured = node->index % sim->setup.nodes == 0;

    return configured || is_configured(sim, node->group, node->host) ||
           sim_facts_say(sim->oracle->configs, node->group, node->host->index + 1U);
}

/* One that came back empty at an address of another group was made its replica: it is theirs now.
 */
static bool leads_adoptive(struct sim *sim, struct sim_sentinel *s, const struct sim_node *node)
{
    const struct sim_dossier *watched = sim_oracle_dossier(sim, s);

    for (unsigned g = 0; node->moved && g < sim->setup.groups; g++) {
        if (g != node->group && watched->leading[g] && sim_sentinel_knows(s, g, node->host))
            return true;
    }
    return false;
}

static void check_promotion(struct sim *sim, struct sim_sentinel *s, const struct sim_node *node)
{
    struct sim_dossier *watched = sim_oracle_dossier(sim, s);
    const char *why;

    if (sim_sentinel_names(s, node->group) == node->host)
        return; /* a handover is undone: it stays what it was */
    if (!watched->leading[node->group]) {
        if (leads_adoptive(sim, s, node))
            return;
        sim_fail(sim, "%s promotes %s, but does not lead", s->host->name, node->host->name);
        return;
    }
    if (watched->unseen[node->group])
        check_leader(sim, s, node->group, NULL);
    watched->unseen[node->group] = false;
    sim_conduct_on_promote(sim, s, node, watched->ordered[node->group]);
    why =
        sim_promotion_objection(sim, s, node, was_ours(sim, node), watched->rebooted[node->group]);
    if (why != NULL)
        sim_fail(sim, "%s promotes %s, %s by its last INFO", s->host->name, node->host->name, why);
}

void sim_oracle_on_turn(struct sim *sim, struct sim_sentinel *s, const struct sim_host *to,
                        const struct sim_msg *msg)
{
    const struct sim_node *node = to != NULL ? sim_node_of(sim, to) : NULL;
    const char *why;

    if (node == NULL) {
        /* Or is it where one was before it moved, and the link is not known to be dead? */
        if (to == NULL || to->group >= SIM_GROUPS_MAX)
            sim_fail(sim, "%s turns something that is no data node", s->host->name);
        return;
    }
    if (msg->word == SIM_PROMOTE) {
        check_promotion(sim, s, node);
        return;
    }
    why = sim_turning_objection(sim, s, node, msg->addr);
    if (why != NULL)
        sim_fail(sim, "%s lets %s, %s, follow %s", s->host->name, to->name, why,
                 msg->addr != NULL ? msg->addr->name : "an address that nobody has");
}

void sim_oracle_on_turned(struct sim *sim, const struct sim_node *node, const struct sim_msg *msg)
{
    sim_note(sim, ((uint64_t)node->index << 8) ^ (uint64_t)msg->word);
}
