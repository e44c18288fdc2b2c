/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounds: see bounds.h. */
#include "bounds.h"

#include <stdlib.h>
#include <string.h>

#include "core/script.h"
#include "core/view.h"
#include "oracle.h"

#define SENDS_PER_LINK 60  /* a second; PING is 10 at most, INFO 1 */
#define SENDS_PER_GROUP 12 /* a peer that disagrees is asked 10 times, and told once */
#define PENDING_MAX 200    /* requests on a link that nobody has answered */
#define ATTEMPTS_MAX 12    /* a second: a lost election is retried after 100 ms at the earliest */
#define PAYLOAD_MAX 1024
#define LOG_ONLY(level) ((level) == VD_NOTICE_LOG_ONLY || (level) == VD_NOTICE_DEBUG)

/* How many in the present second, this one included. */
static unsigned count(struct sim_rate *rate, sim_us now)
{
    if (now - rate->since >= SIM_S) {
        rate->since = now;
        rate->count = 0;
    }
    return ++rate->count;
}

void sim_bounds_on_send(struct sim *sim, struct sim_sentinel *s, struct sim_link *link,
                        enum vd_request request)
{
    unsigned most = SENDS_PER_LINK + SENDS_PER_GROUP * sim->setup.groups;

    /* While a primary is drained, INFO is asked as fast as it is answered. */
    if (request != VD_RQ_INFO && count(&link->sends, sim->now) > most)
        sim_fail(sim, "%s sends more than %u requests a second on link %llu", s->host->name, most,
                 (unsigned long long)link->handle.n);
    if (++link->pending > PENDING_MAX)
        sim_fail(sim, "%s has more than %d requests without an answer on link %llu", s->host->name,
                 PENDING_MAX, (unsigned long long)link->handle.n);
}

/* Notices ---------------------------------------------------------------------------- */

static bool is_event_name(const char *event)
{
    if (event[0] != '+' && event[0] != '-')
        return false;
    for (const char *c = event + 1; *c != '\0'; c++) {
        if ((*c < 'a' || *c > 'z') && *c != '-')
            return false;
    }
    return event[1] != '\0';
}

/* One line of words with one blank between them. */
static bool is_plain(const char *payload)
{
    size_t len = strlen(payload);

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)payload[i] < ' ' || (payload[i] == ' ' && payload[i + 1] == ' '))
            return false;
    }
    return len < PAYLOAD_MAX && (len == 0 || (payload[0] != ' ' && payload[len - 1] != ' '));
}

static bool is_port(const char *word)
{
    char *end;
    long port = strtol(word, &end, 10);

    return end != word && *end == '\0' && port > 0 && port < 65536;
}

/* "<type> <name> <ip> <port> @ <group> <ip> <port> ...", the part from @ on not for a primary. */
static bool is_instance(const char *payload)
{
    char copy[PAYLOAD_MAX];
    char *words[8] = {NULL};
    char *save = NULL;
    unsigned n = 0;
    bool primary = strncmp(payload, "master ", 7) == 0;

    if (!primary && strncmp(payload, "slave ", 6) != 0 && strncmp(payload, "sentinel ", 9) != 0)
        return true; /* of another shape */
    if (!vd_copy(copy, sizeof(copy), payload))
        return false;
    for (char *word = strtok_r(copy, " ", &save); word != NULL && n < 8;
         word = strtok_r(NULL, " ", &save))
        words[n++] = word;
    if (n < 4 || !is_port(words[3]))
        return false;
    return primary || (n == 8 && strcmp(words[4], "@") == 0 && is_port(words[7]));
}

void sim_bounds_on_notice(struct sim *sim, struct sim_sentinel *s, const struct vd_effect *effect)
{
    const char *event = effect->notice.event;
    const char *payload = effect->notice.payload;

    if (LOG_ONLY(effect->notice.level))
        return;
    if (!is_event_name(event) || !is_plain(payload) || !is_instance(payload))
        sim_fail(sim, "%s publishes what is no event: '%s' '%s'", s->host->name, event, payload);
    if (strcmp(event, "+try-failover") == 0 &&
        count(&s->attempts, sim->now) > ATTEMPTS_MAX * sim->setup.groups)
        sim_fail(sim, "%s tries more than %u elections a second", s->host->name,
                 ATTEMPTS_MAX * sim->setup.groups);
}

/* Members and scripts -------------------------------------------------------------------- */

void sim_bounds_on_spawn(struct sim *sim, const struct sim_sentinel *s)
{
    if (s->scripts > VD_SCRIPT_RUNNING_MAX)
        sim_fail(sim, "%s runs %u scripts at a time", s->host->name, s->scripts);
}

static void look_at_group(struct sim *sim, const struct sim_sentinel *s, const char *name)
{
    vd_ms now = sim_sentinel_clock(s);
    uint64_t seen = 0;
    struct vd_view_node node;
    struct vd_view_group group;
    unsigned lives = sim->setup.originals;

    for (size_t i = 0; vd_view_replica(s->drive.core, now, name, i, &node); i++) {
        const struct sim_host *host = sim_host_find(sim->net, &node.addr);

        if (host == NULL || (seen >> host->index & 1U) != 0)
            sim_fail(sim, "%s has a replica in %s that is nobody, or is there twice: %s",
                     s->host->name, name, node.addr.host);
        else
            seen |= UINT64_C(1) << host->index;
    }
    for (unsigned i = 0; i < sim->setup.sentinels; i++)
        lives += sim->sentinels[i]->lives;
    if (vd_view_group(s->drive.core, now, name, &group) && group.peer_count + 1 > lives)
        sim_fail(sim, "%s counts %u peers in %s, more than ever lived", s->host->name,
                 group.peer_count, name);
}

void sim_bounds_look(struct sim *sim, const struct sim_sentinel *s)
{
    struct vd_view_core view;

    for (unsigned g = 0; g < sim->setup.groups; g++)
        look_at_group(sim, s, sim_group_name(g));
    vd_view_core(s->drive.core, &view);
    if (view.scripts_queued > VD_SCRIPT_QUEUE_MAX || view.scripts_running > VD_SCRIPT_RUNNING_MAX)
        sim_fail(sim, "%s: %u scripts run and %u wait", s->host->name, view.scripts_running,
                 view.scripts_queued);
}
