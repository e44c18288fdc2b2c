/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lag: see lag.h. Entries hang on handles of links, which are never used
 * twice: when a link is gone, what was known by it is of no use, and the entry
 * goes with the next round.
 */
#include "shell/lag.h"

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <string.h>
#include <uthash.h>

#include "shell/clock.h"

#define ROUND_S 1.0
#define SLICES_MAX 20 /* of a round: groups beat by turns, so that a thousand are no burst */
#define SLICE_GROUPS 16

struct lag_entry {
    uint64_t link;    /* a primary's command link, or a replica's subscription */
    int64_t sent_us;  /* primary: the last beat; 0: none so far */
    int64_t heard_us; /* replica: when the newest beat that came back was sent; 0: none */
    int64_t lag_us;   /* ... and what it took */
    uint64_t round;   /* last seen in use */
    int32_t samples[VD_LAG_SAMPLES];
    unsigned sampled; /* how many so far */
    UT_hash_handle hh;
};

struct vd_lag {
    struct ev_loop *loop;
    struct vd_links *links;
    const struct vd_drive *drive;
    struct lag_entry *entries;
    ev_timer timer;
    unsigned slice;
    unsigned slices; /* of the present round */
    uint64_t round;
    char self[VD_ID_LEN + 1];
};

static struct lag_entry *find_entry(const struct vd_lag *lag, vd_link link)
{
    struct lag_entry *entry;

    HASH_FIND(hh, lag->entries, &link.n, sizeof(link.n), entry);
    return entry;
}

static struct lag_entry *use_entry(struct vd_lag *lag, vd_link link)
{
    struct lag_entry *entry = find_entry(lag, link);

    if (entry == NULL) {
        entry = vd_alloc(sizeof(*entry));
        entry->link = link.n;
        HASH_ADD(hh, lag->entries, link, sizeof(entry->link), entry);
    }
    entry->round = lag->round;
    return entry;
}

/* "<id> <microseconds of our clock>"; those of other vedettes are none of ours. */
static void on_beat(void *self, vd_link link, const char *text, size_t len)
{
    struct vd_lag *lag = self;
    struct lag_entry *entry = find_entry(lag, link);
    int64_t sent_us;

    if (entry == NULL || len < VD_ID_LEN + 2 || memcmp(text, lag->self, VD_ID_LEN) != 0 ||
        text[VD_ID_LEN] != ' ' ||
        !vd_parse_int64(text + VD_ID_LEN + 1, len - VD_ID_LEN - 1, &sent_us) ||
        sent_us <= entry->heard_us || sent_us > vd_clock_now_us())
        return;
    entry->heard_us = sent_us;
    entry->lag_us = vd_clock_now_us() - sent_us;
}

int64_t vd_lag_us(const struct vd_lag *lag, const struct vd_view_node *primary,
                  const struct vd_view_node *replica)
{
    const struct lag_entry *from;
    const struct lag_entry *to;
    int64_t waiting_us;

    if (lag == NULL)
        return -1;
    from = find_entry(lag, primary->command);
    to = find_entry(lag, replica->subscription);
    if (from == NULL || to == NULL || to->heard_us == 0)
        return -1;
    if (from->sent_us <= to->heard_us)
        return to->lag_us;
    /* The next beat has been on its way since at most a round behind the one that came. */
    waiting_us = vd_clock_now_us() - to->heard_us - (int64_t)(ROUND_S * 1e6);
    return waiting_us > to->lag_us ? waiting_us : to->lag_us;
}

static void sample(struct vd_lag *lag, const struct vd_view_node *primary,
                   const struct vd_view_node *replica)
{
    struct lag_entry *entry = use_entry(lag, replica->subscription);
    int64_t lag_us = vd_lag_us(lag, primary, replica);
    int64_t lag_ms = lag_us < 0 ? -1 : (lag_us + 500) / 1000;

    if (lag->round % VD_LAG_SAMPLE_S == 0)
        entry->samples[entry->sampled++ % VD_LAG_SAMPLES] =
            lag_ms > INT32_MAX ? INT32_MAX : (int32_t)lag_ms;
}

size_t vd_lag_samples(const struct vd_lag *lag, const struct vd_view_node *replica,
                      int32_t out[VD_LAG_SAMPLES])
{
    const struct lag_entry *entry = lag == NULL ? NULL : find_entry(lag, replica->subscription);
    unsigned count;

    if (entry == NULL)
        return 0;
    count = entry->sampled < VD_LAG_SAMPLES ? entry->sampled : VD_LAG_SAMPLES;
    for (unsigned i = 0; i < count; i++)
        out[i] = entry->samples[(entry->sampled - count + i) % VD_LAG_SAMPLES];
    return count;
}

static void beat(struct vd_lag *lag, const struct vd_view_group *group)
{
    struct vd_view_node replica;
    struct lag_entry *entry;
    struct vd_text text = {0};
    int64_t now_us = vd_clock_now_us();

    if (group->primary.command.n == 0)
        return;
    entry = use_entry(lag, group->primary.command);
    for (size_t i = 0; vd_view_replica(lag->drive->core, now_us / 1000, group->name, i, &replica);
         i++)
        if (replica.subscription.n != 0)
            sample(lag, &group->primary, &replica);
    if (group->primary.disconnected || group->primary.muted)
        return;
    vd_text_printf(&text, "%s %lld", lag->self, (long long)now_us);
    entry->sent_us = now_us;
    vd_links_beat(lag->links, group->primary.command, vd_text_cstr(&text));
    vd_text_free(&text);
}

static void forget_gone(struct vd_lag *lag)
{
    struct lag_entry *entry;
    struct lag_entry *next;

    HASH_ITER (hh, lag->entries, entry, next) {
        if (entry->round + 2 > lag->round)
            continue;
        HASH_DEL(lag->entries, entry);
        vd_free(entry);
    }
}

static void begin_round(struct vd_lag *lag)
{
    struct vd_view_core view;
    size_t wanted;

    vd_view_core(lag->drive->core, &view);
    wanted = view.group_count / SLICE_GROUPS + 1;
    lag->slices = wanted < SLICES_MAX ? (unsigned)wanted : SLICES_MAX;
    lag->timer.repeat = ROUND_S / lag->slices;
    ev_timer_again(lag->loop, &lag->timer);
    lag->round++;
    forget_gone(lag);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_lag *lag = timer->data;
    struct vd_view_group group;

    (void)loop;
    (void)events;
    if (lag->slice == 0)
        begin_round(lag);
    for (size_t i = lag->slice; vd_view_group_at(lag->drive->core, vd_clock_now(), i, &group);
         i += lag->slices)
        beat(lag, &group);
    lag->slice = (lag->slice + 1) % lag->slices;
    vd_links_flush(lag->links);
}

struct vd_lag *vd_lag_new(struct ev_loop *loop, struct vd_links *links,
                          const struct vd_drive *drive)
{
    struct vd_lag *lag = vd_alloc(sizeof(*lag));
    struct vd_view_core view;

    lag->loop = loop;
    lag->links = links;
    lag->drive = drive;
    vd_view_core(drive->core, &view);
    memcpy(lag->self, view.self.hex, sizeof(lag->self));
    vd_links_hear_beats(links, on_beat, lag);
    ev_timer_init(&lag->timer, on_timer, ROUND_S, ROUND_S);
    lag->timer.data = lag;
    ev_timer_start(loop, &lag->timer);
    return lag;
}

void vd_lag_free(struct vd_lag *lag)
{
    struct lag_entry *entry;
    struct lag_entry *next;

    if (lag == NULL)
        return;
    ev_timer_stop(lag->loop, &lag->timer);
    vd_links_hear_beats(lag->links, NULL, NULL);
    HASH_ITER (hh, lag->entries, entry, next) {
        HASH_DEL(lag->entries, entry);
        vd_free(entry);
    }
    vd_free(lag);
}
