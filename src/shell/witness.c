/* SPDX-License-Identifier: BSD-3-Clause */
/* Witness: see witness.h. */
#include "shell/witness.h"

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "core/view.h"
#include "proto/addr.h"
#include "shell/clock.h"
#include "shell/log.h"

#define LOOK_S 1.    /* a leader that has not spoken by then may do so later */
#define KEEP_MAX 200 /* rows at a time: the loop stands still meanwhile */

/* What we see of a group while its primary is down, and until its switch is in the history. */
struct sight {
    char *group;
    vd_ms sdown_at;
    vd_ms odown_at;
    struct vd_history_entry seen; /* group NULL: nothing yet; texts are not its own */
    struct vd_id leader;
    UT_hash_handle hh;
};

struct vd_witness {
    struct ev_loop *loop;
    const struct vd_drive *drive;
    struct vd_links *links;
    struct vd_store *store;
    struct vd_watch *watch;
    struct sight *sights;
    ev_timer timer;
};

/* Sights ------------------------------------------------------------------------------- */

static struct sight *find(struct vd_witness *witness, const char *group)
{
    struct sight *sight;

    HASH_FIND_STR(witness->sights, group, sight);
    if (sight != NULL)
        return sight;
    sight = vd_alloc(sizeof(*sight));
    sight->group = vd_strdup(group);
    sight->sdown_at = VD_NEVER;
    sight->odown_at = VD_NEVER;
    HASH_ADD_KEYPTR(hh, witness->sights, sight->group, strlen(sight->group), sight);
    return sight;
}

static void drop(struct vd_witness *witness, struct sight *sight)
{
    VD_ASSERT(witness->sights != NULL);
    HASH_DEL(witness->sights, sight);
    vd_free(sight->group);
    vd_free(sight);
}

static void look_soon(struct vd_witness *witness)
{
    if (!ev_is_active(&witness->timer))
        ev_timer_again(witness->loop, &witness->timer);
}

/* "GROUP host port host port" */
static bool read_switch(const char *payload, struct vd_history_entry *out)
{
    char words[5][VD_HOST_SIZE + 4];
    uint16_t from;
    uint16_t to;

    return sscanf(payload, "%256s %256s %256s %256s %256s", words[0], words[1], words[2], words[3],
                  words[4]) == 5 &&
           vd_port_parse(words[2], strlen(words[2]), &from) &&
           vd_port_parse(words[4], strlen(words[4]), &to) &&
           vd_addr_set(&out->from, words[1], strlen(words[1]), from) &&
           vd_addr_set(&out->to, words[3], strlen(words[3]), to);
}

static int64_t between(vd_ms from, vd_ms to)
{
    return from == VD_NEVER || to == VD_NEVER || to < from ? -1 : to - from;
}

static void note_switch(struct vd_witness *witness, const char *name, const char *payload)
{
    vd_ms now = vd_clock_now();
    struct vd_view_group view;
    struct vd_history_entry *seen;
    struct sight *sight;

    if (!vd_view_group(witness->drive->core, now, name, &view) || view.config_epoch == 0)
        return;
    sight = find(witness, name);
    seen = &sight->seen;
    *seen = (struct vd_history_entry){.source = VD_HISTORY_SEEN,
                                      .reason = sight->sdown_at == VD_NEVER ? "unknown" : "down",
                                      .result = "switched",
                                      .epoch = view.config_epoch,
                                      .phases = {VD_NEVER, -1, -1, -1, -1, -1, -1, -1},
                                      .loss_bytes = -1};
    if (!read_switch(payload, seen))
        return;
    seen->group = sight->group;
    seen->phases.agreement_ms = between(sight->sdown_at, sight->odown_at);
    seen->phases.total_ms = between(sight->sdown_at, now);
    seen->at_ms = vd_clock_wall_ms() - (seen->phases.total_ms < 0 ? 0 : seen->phases.total_ms);
    memset(&sight->leader, 0, sizeof(sight->leader));
    if (view.vote_epoch == view.config_epoch)
        sight->leader = view.vote;
    seen->leader = sight->leader.hex;
    sight->sdown_at = VD_NEVER;
    sight->odown_at = VD_NEVER;
    look_soon(witness);
}

static void note_state(struct vd_witness *witness, const char *event, const char *group)
{
    bool is_down = strcmp(event, "+sdown") == 0;
    struct sight *sight;

    if (!is_down && strcmp(event, "+odown") != 0) {
        HASH_FIND_STR(witness->sights, group, sight);
        if (sight != NULL && sight->seen.group == NULL)
            drop(witness, sight);
        return;
    }
    sight = find(witness, group);
    if (is_down)
        sight->sdown_at = vd_clock_now();
    else
        sight->odown_at = vd_clock_now();
}

void vd_witness_event(struct vd_witness *witness, const char *name, const char *payload)
{
    bool is_switch = strcmp(name, "+switch-master") == 0;
    bool is_state = strcmp(name, "+sdown") == 0 || strcmp(name, "-sdown") == 0 ||
                    strcmp(name, "+odown") == 0 || strcmp(name, "-monitor") == 0;
    struct vd_text group = {0};

    if (witness == NULL || (!is_switch && !is_state) ||
        (is_state && strncmp(payload, "master ", strlen("master ")) != 0))
        return;
    if (vd_watch_group_of(name, payload, &group) && is_switch)
        note_switch(witness, vd_text_cstr(&group), payload);
    else if (group.len > 0)
        note_state(witness, name, vd_text_cstr(&group));
    vd_text_free(&group);
}

/* Keeping ------------------------------------------------------------------------------ */

/* What we led ourselves tells more; and while it lasts, it is not over. */
static bool leads(const struct vd_witness *witness, const struct sight *sight)
{
    struct vd_view_group view;

    return vd_view_group(witness->drive->core, vd_clock_now(), sight->group, &view) &&
           view.failover_in_progress && view.failover_epoch == sight->seen.epoch;
}

static bool take_sights(struct vd_witness *witness)
{
    struct sight *sight;
    struct sight *next;
    bool waits = false;

    HASH_ITER (hh, witness->sights, sight, next) {
        if (sight->seen.group == NULL)
            continue;
        if (leads(witness, sight)) {
            waits = true;
            continue;
        }
        vd_watch_witness(witness->watch, &sight->seen);
        sight->seen.group = NULL;
        if (sight->sdown_at == VD_NEVER)
            drop(witness, sight);
    }
    return waits;
}

/* True: there are more. */
static bool keep(struct vd_witness *witness)
{
    struct vd_watch *watch = witness->watch;
    struct vd_history_entry *entries;
    struct vd_err err;
    size_t unkept = 0;
    size_t count = 0;

    for (size_t i = 0; i < watch->failover_count; i++)
        unkept += watch->failovers[i].unkept;
    if (unkept == 0)
        return false;
    entries = vd_calloc(KEEP_MAX, sizeof(entries[0]));
    for (size_t i = 0; i < watch->failover_count && count < KEEP_MAX; i++)
        if (watch->failovers[i].unkept)
            entries[count++] = watch->failovers[i];
    if (!vd_store_witness(witness->store, entries, count, &err))
        vd_log_limited("witness", VD_LOG_WARNING,
                       "%zu failover%s that others led missing in the history: %s", count,
                       count == 1 ? " is" : "s are", err.text);
    for (size_t i = 0, kept = 0; kept < count; i++) {
        if (!watch->failovers[i].unkept)
            continue;
        watch->failovers[i].unkept = false;
        watch->failovers[i].id = entries[kept++].id;
    }
    vd_free(entries);
    return unkept > count;
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_witness *witness = timer->data;
    bool waits = take_sights(witness);

    (void)events;
    if (!keep(witness) && !waits)
        ev_timer_stop(loop, timer);
}

/* Words -------------------------------------------------------------------------------- */

void vd_witness_tell(struct vd_witness *witness, const struct vd_history_entry *entry)
{
    struct vd_text text = {0};
    struct vd_view_core core;
    struct vd_view_peer peer;
    vd_ms now = vd_clock_now();

    if (witness == NULL)
        return;
    vd_view_core(witness->drive->core, &core);
    vd_witness_print(entry, core.self.hex, vd_clock_wall_ms(), &text);
    for (size_t i = 0; vd_view_peer(witness->drive->core, now, entry->group, i, &peer); i++)
        vd_links_tell(witness->links, peer.link, vd_text_cstr(&text));
    vd_text_free(&text);
}

/* An epoch that our core has not heard of cannot be that of a failover that is over. */
static bool has_been(const struct vd_witness *witness, uint64_t epoch)
{
    struct vd_view_core core;

    vd_view_core(witness->drive->core, &core);
    return epoch > 0 && epoch <= core.epoch;
}

static bool is_peer(const struct vd_witness *witness, const char *group, const char *id)
{
    struct vd_view_peer peer;

    for (size_t i = 0;
         id[0] != '\0' && vd_view_peer(witness->drive->core, vd_clock_now(), group, i, &peer); i++)
        if (strcmp(peer.id.hex, id) == 0)
            return true;
    return false;
}

void vd_witness_hear(struct vd_witness *witness, const char *text, size_t len)
{
    struct vd_history_entry entry;
    char *word;

    if (witness == NULL)
        return;
    word = vd_memdup(text, len);
    if (vd_witness_parse(word, vd_clock_wall_ms(), &entry) && has_been(witness, entry.epoch) &&
        is_peer(witness, entry.group, entry.leader) && vd_watch_witness(witness->watch, &entry))
        look_soon(witness);
    vd_free(word);
}

/* Life --------------------------------------------------------------------------------- */

struct vd_witness *vd_witness_new(struct ev_loop *loop, const struct vd_drive *drive,
                                  struct vd_links *links, struct vd_store *store,
                                  struct vd_watch *watch)
{
    struct vd_witness *witness = vd_alloc(sizeof(*witness));

    witness->loop = loop;
    witness->drive = drive;
    witness->links = links;
    witness->store = store;
    witness->watch = watch;
    ev_timer_init(&witness->timer, on_timer, 0., LOOK_S);
    witness->timer.data = witness;
    return witness;
}

void vd_witness_free(struct vd_witness *witness)
{
    struct sight *sight;
    struct sight *next;

    if (witness == NULL)
        return;
    ev_timer_stop(witness->loop, &witness->timer);
    (void)take_sights(witness);
    while (keep(witness))
        continue;
    HASH_ITER (hh, witness->sights, sight, next) {
        drop(witness, sight);
    }
    vd_free(witness);
}
