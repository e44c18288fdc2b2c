/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts: see facts.h. */
#include "base/mem.h"

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include "facts.h"

#include <stdio.h>

struct sim_fact *sim_fact_find(struct sim_fact *facts, const struct sim_fact_key *key)
{
    struct sim_fact *fact;

    /* A key is three numbers and no gap: every byte of it is set. */
    HASH_FIND(hh, facts, key, sizeof(*key), fact); /* NOLINT(clang-analyzer-core.*) */
    return fact;
}

const struct sim_fact *sim_fact_put(struct sim_fact **facts, const struct sim_fact_key *key,
                                    uint64_t what, const char *text)
{
    struct sim_fact *fact = sim_fact_find(*facts, key);

    if (fact != NULL)
        return fact;
    fact = vd_alloc(sizeof(*fact));
    fact->key = *key;
    fact->what = what;
    (void)snprintf(fact->text, sizeof(fact->text), "%s", text);
    HASH_ADD(hh, *facts, key, sizeof(fact->key), fact);
    return fact;
}

unsigned sim_facts_count(const struct sim_fact *facts, unsigned group, uint64_t epoch,
                         uint64_t what)
{
    unsigned count = 0;

    for (const struct sim_fact *fact = facts; fact != NULL; fact = fact->hh.next)
        count += fact->key.group == group && fact->key.epoch == epoch && fact->what == what;
    return count;
}

static bool is_split(const struct sim_fact *facts, unsigned group, uint64_t epoch)
{
    unsigned all = 0;
    unsigned most = 0;

    for (const struct sim_fact *fact = facts; fact != NULL; fact = fact->hh.next) {
        if (fact->key.group == group && fact->key.epoch == epoch) {
            unsigned alike = sim_facts_count(facts, group, epoch, fact->what);

            most = alike > most ? alike : most;
            all++;
        }
    }
    return 2 * most <= all;
}

bool sim_facts_say(const struct sim_fact *facts, unsigned group, uint64_t what)
{
    for (const struct sim_fact *fact = facts; fact != NULL; fact = fact->hh.next) {
        if (fact->key.group == group && fact->what == what)
            return true;
    }
    return false;
}

bool sim_facts_are_split(const struct sim_fact *facts, unsigned group)
{
    for (const struct sim_fact *fact = facts; fact != NULL; fact = fact->hh.next) {
        if (fact->key.group == group && is_split(facts, group, fact->key.epoch))
            return true;
    }
    return false;
}

void sim_facts_free(struct sim_fact *facts)
{
    struct sim_fact *fact;
    struct sim_fact *next;

    HASH_ITER (hh, facts, fact, next) {
        HASH_DEL(facts, fact);
        vd_free(fact);
    }
}
