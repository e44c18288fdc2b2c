/* SPDX-License-Identifier: BSD-3-Clause */
/* Oracle: see oracle.h. */
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "conduct.h"
#include "core/view.h"
#include "facts.h"
#include "node.h"
#include "promotion.h"
#include "turning.h"

#define LOOK_EVERY 64 /* turns: what it knows is looked through */

/* What of a sentinel is durable, as far as anybody may rely on it. */
struct durable_group {
    bool known;
    bool removed; /* ... no more, by order, since: */
    sim_us removed_at;
    uint64_t config_epoch;
    uint64_t vote_epoch;
    struct vd_id vote;
    struct vd_addr primary;
};

struct watched {
    bool known;
    uint64_t epoch;
    struct durable_group groups[SIM_GROUPS_MAX];
    /* from its notices, in their order */
    uint64_t new_epoch;
    uint64_t try_epoch[SIM_GROUPS_MAX];
    bool leading[SIM_GROUPS_MAX];
    bool unseen[SIM_GROUPS_MAX];   /* ... elected while it was mute */
    bool rebooted[SIM_GROUPS_MAX]; /* it said +reboot of the primary that it still names */
    bool ordered[SIM_GROUPS_MAX];  /* FAILOVER was ordered here, and not done yet */
};

struct sim_oracle {
    struct watched watched[SIM_SENTINELS_MAX];
    struct sim_fact *votes;
    struct sim_fact *leaders;
    struct sim_fact *configs;
    struct sim_conduct *conduct;
    struct sim_fact *loose;            /* epochs in which nothing was promised */
    sim_us dual_since[SIM_GROUPS_MAX]; /* -1: one primary at most */
};

static bool is_loose(const struct sim *sim, unsigned group, uint64_t epoch)
{
    struct sim_fact_key key = {.group = group, .epoch = epoch};

    return sim_fact_find(sim->oracle->loose, &key) != NULL;
}

static void set_loose(struct sim *sim, unsigned group, uint64_t epoch)
{
    struct sim_fact_key key = {.group = group, .epoch = epoch};

    (void)sim_fact_put(&sim->oracle->loose, &key, 1, "");
}

struct sim_oracle *sim_oracle_new(struct sim *sim)
{
    struct sim_oracle *oracle = vd_alloc(sizeof(*oracle));

    sim->conduct = oracle->conduct = sim_conduct_new();
    for (unsigned g = 0; g < SIM_GROUPS_MAX; g++)
        oracle->dual_since[g] = -1;
    return oracle;
}

void sim_oracle_free(struct sim_oracle *oracle)
{
    sim_facts_free(oracle->votes);
    sim_facts_free(oracle->leaders);
    sim_facts_free(oracle->configs);
    sim_facts_free(oracle->loose);
    sim_conduct_free(oracle->conduct);
    vd_free(oracle);
}

static struct watched *watch(const struct sim *sim, const struct sim_sentinel *s)
{
    return &sim->oracle->watched[s->index];
}

static unsigned group_number(const struct sim *sim, const char *name)
{
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        if (strcmp(sim_group_name(g), name) == 0)
            return g;
    }
    return SIM_GROUPS_MAX;
}

/* Votes and configurations ----------------------------------------------------------- */

static void check_vote(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                       uint64_t epoch, const struct vd_id *vote)
{
    struct sim_fact_key key = {.who = sim_hash_text(s->id.hex), .group = group, .epoch = epoch};
    const struct sim_fact *fact =
        sim_fact_put(&sim->oracle->votes, &key, sim_hash_text(vote->hex), vote->hex);

    if (fact->what != sim_hash_text(vote->hex))
        sim_fail(sim, "%s voted twice in epoch %llu of %s: for %.8s and for %.8s", s->host->name,
                 (unsigned long long)epoch, sim_group_name(group), fact->text, vote->hex);
}

static void config_is(struct sim *sim, const char *who, unsigned group, uint64_t epoch,
                      const struct sim_host *host)
{
    struct sim_fact_key key = {.group = group, .epoch = epoch};
    uint64_t what = host->index + 1U;
    const struct sim_fact *fact;

    if (sim_fact_find(sim->oracle->configs, &key) == NULL)
        sim->stats.switches++;
    fact = sim_fact_put(&sim->oracle->configs, &key, what, host->name);
    if (fact->what != what && !is_loose(sim, group, epoch))
        sim_fail(sim, "%s says that %s is primary of %s in epoch %llu, which is %s elsewhere", who,
                 host->name, sim_group_name(group), (unsigned long long)epoch, fact->text);
}

static void check_config(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                         uint64_t epoch, const struct vd_addr *primary)
{
    const struct sim_host *host = sim_host_find(sim->net, primary);

    if (epoch == 0)
        return; /* as configured, or as found before the first failover */
    if (host == NULL)
        sim_fail(sim, "%s names a primary that nobody has: %s", s->host->name, primary->host);
    else
        config_is(sim, s->host->name, group, epoch, host);
}

/* The disk --------------------------------------------------------------------------- */

static void check_durable_group(struct sim *sim, const struct sim_sentinel *s,
                                const struct vd_image_group *image)
{
    unsigned group = group_number(sim, image->name);
    struct durable_group *was = &watch(sim, s)->groups[group];

    if (group == SIM_GROUPS_MAX) {
        sim_fail(sim, "%s saves a group that nobody has: %s", s->host->name, image->name);
        return;
    }
    if (was->known &&
        (image->config_epoch < was->config_epoch || image->vote_epoch < was->vote_epoch))
        sim_fail(sim, "%s: epochs of %s fall: configuration %llu to %llu, vote %llu to %llu",
                 s->host->name, image->name, (unsigned long long)was->config_epoch,
                 (unsigned long long)image->config_epoch, (unsigned long long)was->vote_epoch,
                 (unsigned long long)image->vote_epoch);
    was->known = true;
    was->removed = false;
    was->config_epoch = image->config_epoch;
    was->vote_epoch = image->vote_epoch;
    was->vote = image->vote;
    was->primary = image->primary;
    if (image->vote.hex[0] != '\0')
        check_vote(sim, s, group, image->vote_epoch, &image->vote);
    check_config(sim, s, group, image->config_epoch, &image->primary);
}

void sim_oracle_on_durable(struct sim *sim, const struct sim_sentinel *s,
                           const struct vd_image *image)
{
    struct watched *watched = watch(sim, s);

    if (watched->known && image->epoch < watched->epoch)
        sim_fail(sim, "%s: the epoch falls from %llu to %llu", s->host->name,
                 (unsigned long long)watched->epoch, (unsigned long long)image->epoch);
    watched->known = true;
    watched->epoch = image->epoch;
    for (size_t i = 0; i < image->removed_count; i++) {
        unsigned group = group_number(sim, image->removed[i]);

        if (group < SIM_GROUPS_MAX)
            watched->groups[group] =
                (struct durable_group){.removed = true, .removed_at = sim->now};
    }
    for (size_t i = 0; i < image->group_count; i++)
        check_durable_group(sim, s, &image->groups[i]);
}

void sim_oracle_on_start(struct sim *sim, struct sim_sentinel *s, bool fresh)
{
    struct watched *watched = watch(sim, s);

    (void)fresh;
    memset(watched->leading, 0, sizeof(watched->leading));
    memset(watched->ordered, 0, sizeof(watched->ordered));
    sim_conduct_on_start(sim, s);
}

void sim_oracle_on_wipe(struct sim *sim, const struct sim_sentinel *s)
{
    *watch(sim, s) = (struct watched){0};
}

void sim_oracle_on_order(struct sim *sim, const struct sim_sentinel *s,
                         const struct vd_order *order)
{
    unsigned group = order->name != NULL ? group_number(sim, order->name) : SIM_GROUPS_MAX;

    if (order->type == VD_ORDER_FAILOVER && group < SIM_GROUPS_MAX)
        watch(sim, s)->ordered[group] = true;
}

/* What is said ------------------------------------------------------------------------- */

void sim_oracle_on_hello(struct sim *sim, const struct sim_sentinel *s,
                         const struct vd_hello *hello)
{
    unsigned group = group_number(sim, hello->group);
    const struct watched *watched = watch(sim, s);
    const struct durable_group *durable = &watched->groups[group];
    bool is_last_word;

    if (group == SIM_GROUPS_MAX) {
        sim_fail(sim, "%s tells of a group that nobody has: %s", s->host->name, hello->group);
        return;
    }
    /* Of the turn in which the operator has it forgotten: as if said before, and then forgotten. */
    is_last_word = durable->removed && durable->removed_at == sim->now;
    if (hello->epoch > watched->epoch ||
        (!is_last_word && (!durable->known || hello->config_epoch > durable->config_epoch)))
        sim_fail(sim, "%s says more than it saved: epoch %llu (%llu), configuration %llu (%llu)",
                 s->host->name, (unsigned long long)hello->epoch,
                 (unsigned long long)watched->epoch, (unsigned long long)hello->config_epoch,
                 (unsigned long long)durable->config_epoch);
    if (strcmp(hello->id.hex, s->id.hex) != 0)
        sim_fail(sim, "%s says hello with the id of another", s->host->name);
    check_config(sim, s, group, hello->config_epoch, &hello->primary);
}

void sim_oracle_on_question(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                            uint64_t epoch, const struct vd_id *candidate)
{
    const struct watched *watched = watch(sim, s);

    if (epoch > watched->epoch)
        sim_fail(sim, "%s asks for epoch %llu, but saved %llu", s->host->name,
                 (unsigned long long)epoch, (unsigned long long)watched->epoch);
    if (strcmp(candidate->hex, "*") == 0)
        return;
    if (strcmp(candidate->hex, s->id.hex) != 0)
        sim_fail(sim, "%s asks for a vote for somebody else", s->host->name);
    else if (group < SIM_GROUPS_MAX && watched->groups[group].vote_epoch < epoch)
        sim_fail(sim, "%s stands in epoch %llu of %s without having saved its own vote",
                 s->host->name, (unsigned long long)epoch, sim_group_name(group));
}

void sim_oracle_on_answer(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                          uint64_t epoch, const struct vd_id *leader)
{
    const struct durable_group *durable;

    if (leader->hex[0] == '\0')
        return;
    if (group >= SIM_GROUPS_MAX) {
        sim_fail(sim, "%s gives a vote about an unknown address", s->host->name);
        return;
    }
    durable = &watch(sim, s)->groups[group];
    check_vote(sim, s, group, epoch, leader);
    if (!durable->known || epoch > durable->vote_epoch ||
        (epoch == durable->vote_epoch && strcmp(durable->vote.hex, leader->hex) != 0))
        sim_fail(sim, "%s tells a vote of epoch %llu that it has not saved (saved: %llu)",
                 s->host->name, (unsigned long long)epoch, (unsigned long long)durable->vote_epoch);
}

/* Of originals only what others must reckon with counts. */
void sim_oracle_on_foreign_vote(struct sim *sim, const struct vd_id *voter, unsigned group,
                                uint64_t epoch, const struct vd_id *vote)
{
    struct sim_fact_key key = {.who = sim_hash_text(voter->hex), .group = group, .epoch = epoch};

    (void)sim_fact_put(&sim->oracle->votes, &key, sim_hash_text(vote->hex), vote->hex);
}

void sim_oracle_on_foreign_leader(struct sim *sim, const struct sim_host *host, unsigned group,
                                  uint64_t epoch, bool unsound)
{
    struct sim_fact_key key = {.group = group, .epoch = epoch};
    const struct sim_fact *fact;

    if (unsound)
        set_loose(sim, group, epoch);
    fact = sim_fact_put(&sim->oracle->leaders, &key, host->index + 1000U, host->name);
    if (fact->what != host->index + 1000U && !is_loose(sim, group, epoch))
        sim_fail(sim, "two leaders of %s in epoch %llu: %s and %s", sim_group_name(group),
                 (unsigned long long)epoch, fact->text, host->name);
}

void sim_oracle_on_foreign_config(struct sim *sim, const struct sim_host *host, unsigned group,
                                  uint64_t epoch, const struct sim_host *primary)
{
    config_is(sim, host->name, group, epoch, primary);
}

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
static uint64_t epoch_of(const struct watched *watched, const struct sim_sentinel *s,
                         unsigned group)
{
    const struct durable_group *durable = &watched->groups[group];

    return durable->known && strcmp(durable->vote.hex, s->id.hex) == 0 &&
                   durable->vote_epoch > watched->try_epoch[group]
               ? durable->vote_epoch
               : watched->try_epoch[group];
}

static void check_leader(struct sim *sim, struct sim_sentinel *s, unsigned group,
                         const struct vd_effect *elected)
{
    struct watched *watched = watch(sim, s);
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
        set_loose(sim, group, epoch);
    }
    if (voters < sim->setup.sentinels + sim->setup.originals)
        set_loose(sim, group, epoch);
    fact = sim_fact_put(&sim->oracle->leaders, &key, s->index + 1U, s->host->name);
    if (fact->what != s->index + 1U && !is_loose(sim, group, epoch))
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
        return group_number(sim, name);
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
    struct watched *watched = watch(sim, s);
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
    const struct watched *watched = watch(sim, s);

    for (unsigned g = 0; node->moved && g < sim->setup.groups; g++) {
        if (g != node->group && watched->leading[g] && sim_sentinel_knows(s, g, node->host))
            return true;
    }
    return false;
}

static void check_promotion(struct sim *sim, struct sim_sentinel *s, const struct sim_node *node)
{
    struct watched *watched = watch(sim, s);
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

bool sim_oracle_is_dual(const struct sim *sim, unsigned group)
{
    return sim->oracle->dual_since[group] >= 0;
}

bool sim_oracle_was_split(const struct sim *sim, unsigned group)
{
    return sim_facts_are_split(sim->oracle->votes, group);
}

void sim_oracle_on_roles(struct sim *sim)
{
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        sim_us *since = &sim->oracle->dual_since[g];
        unsigned primaries = 0;

        for (unsigned i = 0; i < sim->node_count; i++)
            primaries += sim->nodes[i]->group == g && sim_node_takes_writes(sim->nodes[i]);
        if (primaries > 1 && *since < 0) {
            *since = sim->now;
        } else if (primaries <= 1 && *since >= 0) {
            sim->stats.dual_us += sim->now - *since;
            *since = -1;
        }
    }
}

void sim_oracle_after_turn(struct sim *sim, struct sim_sentinel *s)
{
    unsigned most = 3 * (2 * sim->node_count + sim->setup.sentinels + sim->setup.originals);

    if (s->link_count > most)
        sim_fail(sim, "%s has %u links open to %u nodes and %u sentinels", s->host->name,
                 s->link_count, sim->node_count, sim->setup.sentinels);
    if (sim->stats.turns % LOOK_EVERY == 0)
        sim_bounds_look(sim, s);
}
