/* SPDX-License-Identifier: BSD-3-Clause */
/* Oracle, what is saved and said: see oracle.h. */
#include "oracle.h"

#include <string.h>

#include "bounds.h"
#include "conduct.h"
#include "core/view.h"
#include "facts.h"
#include "node.h"
#include "oracle_parts.h"

#define LOOK_EVERY 64 /* turns: what it knows is looked through */

bool sim_oracle_is_loose(const struct sim *sim, unsigned group, uint64_t epoch)
{
    struct sim_fact_key key = {.group = group, .epoch = epoch};

    return sim_fact_find(sim->oracle->loose, &key) != NULL;
}

void sim_oracle_set_loose(struct sim *sim, unsigned group, uint64_t epoch)
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

struct sim_dossier *sim_oracle_dossier(const struct sim *sim, const struct sim_sentinel *s)
{
    return &sim->oracle->watched[s->index];
}

unsigned sim_oracle_group(const struct sim *sim, const char *name)
{
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        if (strcmp(sim_group_name(g), name) == 0)
            return g;
    }
    return SIM_GROUPS_MAX;
}

/* Votes and configurations ----------------------------------------------------------- */

/*
 * With a quorum of one, who has lost its state and knows nobody elects itself,
 * in an epoch in which it may have voted before: nothing tells it so.
 */
static bool elects_itself_anew(const struct sim *sim, const struct sim_sentinel *s, unsigned group,
                               const struct vd_id *vote)
{
    struct vd_view_peer peer;

    return sim->setup.quorum == 1 && sim_oracle_dossier(sim, s)->wiped &&
           strcmp(vote->hex, s->id.hex) == 0 &&
           !vd_view_peer(s->drive.core, sim_sentinel_clock(s), sim_group_name(group), 0, &peer);
}

static void check_vote(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                       uint64_t epoch, const struct vd_id *vote)
{
    struct sim_fact_key key = {.who = sim_hash_text(s->id.hex), .group = group, .epoch = epoch};
    struct sim_fact *fact = sim_fact_find(sim->oracle->votes, &key);

    if (fact == NULL) {
        (void)sim_fact_put(&sim->oracle->votes, &key, sim_hash_text(vote->hex), vote->hex);
    } else if (fact->what != sim_hash_text(vote->hex)) {
        if (!elects_itself_anew(sim, s, group, vote))
            sim_fail(sim, "%s voted twice in epoch %llu of %s: for %.8s and for %.8s",
                     s->host->name, (unsigned long long)epoch, sim_group_name(group), fact->text,
                     vote->hex);
        fact->what = sim_hash_text(vote->hex);
        memcpy(fact->text, vote->hex, sizeof(fact->text));
        sim_oracle_set_loose(sim, group, epoch);
    }
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
    if (fact->what != what && !sim_oracle_is_loose(sim, group, epoch))
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
    unsigned group = sim_oracle_group(sim, image->name);
    struct sim_durable *was = &sim_oracle_dossier(sim, s)->groups[group];

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
    struct sim_dossier *watched = sim_oracle_dossier(sim, s);

    if (watched->known && image->epoch < watched->epoch)
        sim_fail(sim, "%s: the epoch falls from %llu to %llu", s->host->name,
                 (unsigned long long)watched->epoch, (unsigned long long)image->epoch);
    watched->known = true;
    watched->epoch = image->epoch;
    for (size_t i = 0; i < image->removed_count; i++) {
        unsigned group = sim_oracle_group(sim, image->removed[i]);

        if (group < SIM_GROUPS_MAX)
            watched->groups[group] = (struct sim_durable){.removed = true, .removed_at = sim->now};
    }
    for (size_t i = 0; i < image->group_count; i++)
        check_durable_group(sim, s, &image->groups[i]);
}

void sim_oracle_on_start(struct sim *sim, struct sim_sentinel *s, bool fresh)
{
    struct sim_dossier *watched = sim_oracle_dossier(sim, s);

    (void)fresh;
    memset(watched->leading, 0, sizeof(watched->leading));
    memset(watched->ordered, 0, sizeof(watched->ordered));
    sim_conduct_on_start(sim, s);
}

void sim_oracle_on_wipe(struct sim *sim, const struct sim_sentinel *s)
{
    *sim_oracle_dossier(sim, s) = (struct sim_dossier){.wiped = true};
}

void sim_oracle_on_order(struct sim *sim, const struct sim_sentinel *s,
                         const struct vd_order *order)
{
    unsigned group = order->name != NULL ? sim_oracle_group(sim, order->name) : SIM_GROUPS_MAX;

    if (order->type == VD_ORDER_FAILOVER && group < SIM_GROUPS_MAX)
        sim_oracle_dossier(sim, s)->ordered[group] = true;
}

/* What is said ------------------------------------------------------------------------- */

/* Of the turn in which the operator has it forgotten: as if said before, and then forgotten. */
static bool is_last_word(const struct sim *sim, const struct sim_durable *durable)
{
    return durable->removed && durable->removed_at == sim->now;
}

void sim_oracle_on_hello(struct sim *sim, const struct sim_sentinel *s,
                         const struct vd_hello *hello)
{
    unsigned group = sim_oracle_group(sim, hello->group);
    const struct sim_dossier *watched = sim_oracle_dossier(sim, s);
    const struct sim_durable *durable = &watched->groups[group];

    if (group == SIM_GROUPS_MAX) {
        sim_fail(sim, "%s tells of a group that nobody has: %s", s->host->name, hello->group);
        return;
    }
    if (hello->epoch > watched->epoch ||
        (!is_last_word(sim, durable) &&
         (!durable->known || hello->config_epoch > durable->config_epoch)))
        sim_fail(sim, "%s says more than it saved: epoch %llu (%llu), configuration %llu (%llu)",
                 s->host->name, (unsigned long long)hello->epoch,
                 (unsigned long long)watched->epoch, (unsigned long long)hello->config_epoch,
                 (unsigned long long)durable->config_epoch);
    if (strcmp(hello->id.hex, s->id.hex) != 0)
        sim_fail(sim, "%s says hello with the id of another", s->host->name);
    check_config(sim, s, group, hello->config_epoch, &hello->primary);
}

/* It has saved its own vote, in a group with this primary: a question tells the address only. */
static bool may_stand(struct sim *sim, const struct sim_sentinel *s, unsigned group, uint64_t epoch)
{
    const struct sim_durable *durable = sim_oracle_dossier(sim, s)->groups;
    const struct sim_host *primary = sim_sentinel_names(s, group);

    for (unsigned g = 0; g < sim->setup.groups; g++) {
        bool is_meant = g == group || (primary != NULL && sim_sentinel_names(s, g) == primary);

        if (is_meant && (durable[g].vote_epoch >= epoch || is_last_word(sim, &durable[g])))
            return true;
    }
    return false;
}

void sim_oracle_on_question(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                            uint64_t epoch, const struct vd_id *candidate)
{
    const struct sim_dossier *watched = sim_oracle_dossier(sim, s);

    if (epoch > watched->epoch)
        sim_fail(sim, "%s asks for epoch %llu, but saved %llu", s->host->name,
                 (unsigned long long)epoch, (unsigned long long)watched->epoch);
    if (strcmp(candidate->hex, "*") == 0)
        return;
    if (strcmp(candidate->hex, s->id.hex) != 0)
        sim_fail(sim, "%s asks for a vote for somebody else", s->host->name);
    else if (group < SIM_GROUPS_MAX && !may_stand(sim, s, group, epoch))
        sim_fail(sim, "%s stands in epoch %llu of %s without having saved its own vote",
                 s->host->name, (unsigned long long)epoch, sim_group_name(group));
}

void sim_oracle_on_answer(struct sim *sim, const struct sim_sentinel *s, unsigned group,
                          uint64_t epoch, const struct vd_id *leader)
{
    const struct sim_durable *durable;

    if (leader->hex[0] == '\0')
        return;
    if (group >= SIM_GROUPS_MAX) {
        sim_fail(sim, "%s gives a vote about an unknown address", s->host->name);
        return;
    }
    durable = &sim_oracle_dossier(sim, s)->groups[group];
    check_vote(sim, s, group, epoch, leader);
    if (is_last_word(sim, durable))
        return;
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

void sim_oracle_on_foreign_config(struct sim *sim, const struct sim_host *host, unsigned group,
                                  uint64_t epoch, const struct sim_host *primary)
{
    config_is(sim, host->name, group, epoch, primary);
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
