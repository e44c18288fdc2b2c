/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Load: see load.h. Of each server a few snapshots of its counters are kept;
 * the present rate is the difference to the oldest of them. A counter that
 * fell says that the server was restarted: it counts from 0 then.
 */
#include "shell/load.h"

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uthash.h>

#include "proto/figures.h"
#include "shell/clock.h"
#include "shell/stream.h"

#define ROUND_S 5.
#define SLICES_MAX 50
#define SLICE_GROUPS 16
#define SHOTS 6
#define SHOT_MS 9000     /* between two of them, at least: a window of a minute */
#define GAP_MS 600000    /* what lies between two INFOs further apart is not known */
#define USE_MAX_S 86400. /* then all that was used is halved */

enum counter {
    COUNT_NET_IN,
    COUNT_NET_OUT,
    COUNT_EVICTED,
    COUNT_REJECTED,
    COUNT_HITS,
    COUNT_MISSES,
    COUNT_CPU, /* seconds */
    COUNTERS,
};

/* -1 where it is not known. */
struct shot {
    vd_ms at;
    double counters[COUNTERS];
};

struct entry {
    char *key;
    struct shot shots[SHOTS]; /* a ring */
    unsigned taken;           /* how many so far */
    struct shot last;
    double rss; /* with `last`; -1 unknown */
    struct vd_load_use use;
    uint64_t round; /* last seen */
    UT_hash_handle hh;
};

struct vd_load {
    struct ev_loop *loop;
    const struct vd_drive *drive;
    struct entry *entries;
    ev_timer timer;
    unsigned slice;
    unsigned slices;
    uint64_t round;
    struct vd_load_use own;
    vd_ms own_at;
    double own_cpu_s;
    double own_sent;
};

/* "group host:port" */
static void print_key(const char *group, const struct vd_addr *node, struct vd_text *to)
{
    vd_text_printf(to, "%s %s:%u", group, node->host, (unsigned)node->port);
}

static struct entry *find_entry(const struct vd_load *load, const char *group,
                                const struct vd_addr *node)
{
    struct vd_text key = {0};
    struct entry *entry;

    if (load == NULL)
        return NULL;
    print_key(group, node, &key);
    HASH_FIND(hh, load->entries, key.bytes, key.len, entry);
    vd_text_free(&key);
    return entry;
}

static struct entry *use_entry(struct vd_load *load, const char *group, const struct vd_addr *node)
{
    struct entry *entry = find_entry(load, group, node);
    struct vd_text key = {0};

    if (entry == NULL) {
        print_key(group, node, &key);
        entry = vd_alloc(sizeof(*entry));
        entry->key = vd_strdup(vd_text_cstr(&key));
        HASH_ADD_KEYPTR(hh, load->entries, entry->key, strlen(entry->key), entry);
        vd_text_free(&key);
    }
    entry->round = load->round;
    return entry;
}

static void drop_entry(struct vd_load *load, struct entry *entry)
{
    HASH_DEL(load->entries, entry);
    vd_free(entry->key);
    vd_free(entry);
}

/* What was counted between two shots; -1: not known. */
static double difference(const struct shot *from, const struct shot *to, enum counter counter)
{
    double before = from->counters[counter];
    double after = to->counters[counter];

    if (before < 0 || after < 0)
        return -1;
    return after >= before ? after - before : after;
}

static void read_shot(const struct vd_figures *figures, vd_ms at, struct shot *out)
{
    out->at = at;
    out->counters[COUNT_NET_IN] = (double)figures->net_in;
    out->counters[COUNT_NET_OUT] = (double)figures->net_out;
    out->counters[COUNT_EVICTED] = (double)figures->evicted;
    out->counters[COUNT_REJECTED] = (double)figures->rejected;
    out->counters[COUNT_HITS] = (double)figures->hits;
    out->counters[COUNT_MISSES] = (double)figures->misses;
    out->counters[COUNT_CPU] = figures->cpu_sys_s < 0 || figures->cpu_user_s < 0
                                   ? -1
                                   : figures->cpu_sys_s + figures->cpu_user_s;
}

/* So that what a server did last week does not hide what it does now. */
static void fade(struct vd_load_use *use)
{
    if (use->observed_s < USE_MAX_S)
        return;
    use->observed_s /= 2;
    use->memory_byte_s /= 2;
    use->cpu_s /= 2;
    use->egress_bytes /= 2;
}

static void add_use(struct entry *entry, const struct shot *now)
{
    vd_ms took_ms = now->at - entry->last.at;
    double cpu_s = difference(&entry->last, now, COUNT_CPU);
    double egress = difference(&entry->last, now, COUNT_NET_OUT);

    if (took_ms <= 0 || took_ms > GAP_MS)
        return;
    entry->use.observed_s += (double)took_ms / 1000.;
    if (entry->rss >= 0)
        entry->use.memory_byte_s += entry->rss * (double)took_ms / 1000.;
    if (cpu_s >= 0)
        entry->use.cpu_s += cpu_s;
    if (egress >= 0)
        entry->use.egress_bytes += egress;
    fade(&entry->use);
}

static bool is_seen(const struct entry *entry, vd_ms info_at)
{
    return entry->taken > 0 && info_at <= entry->last.at;
}

static void take(struct entry *entry, const struct vd_figures *figures, vd_ms info_at)
{
    struct shot shot;

    read_shot(figures, info_at, &shot);
    if (entry->taken > 0)
        add_use(entry, &shot);
    entry->last = shot;
    entry->rss = (double)(figures->rss_memory >= 0 ? figures->rss_memory : figures->used_memory);
    if (entry->taken == 0 || info_at - entry->shots[(entry->taken - 1) % SHOTS].at >= SHOT_MS)
        entry->shots[entry->taken++ % SHOTS] = shot;
}

void vd_load_take(struct vd_load *load, const char *group, const struct vd_addr *node,
                  const char *info, vd_ms info_at)
{
    struct entry *entry = use_entry(load, group, node);
    struct vd_figures figures;

    if (is_seen(entry, info_at))
        return;
    vd_figures_read(info, strlen(info), &figures);
    take(entry, &figures, info_at);
}

/* Answers -------------------------------------------------------------------------- */

bool vd_load_rates(const struct vd_load *load, const char *group, const struct vd_addr *node,
                   struct vd_load_rates *out)
{
    const struct entry *entry = find_entry(load, group, node);
    double rates[COUNTERS];
    const struct shot *from;

    *out = (struct vd_load_rates){-1, -1, -1, -1, -1, -1, -1};
    if (entry == NULL || entry->taken == 0)
        return false;
    from = &entry->shots[entry->taken < SHOTS ? 0 : entry->taken % SHOTS];
    if (entry->last.at <= from->at)
        return false;
    for (int i = 0; i < COUNTERS; i++) {
        rates[i] = difference(from, &entry->last, (enum counter)i);
        if (rates[i] >= 0)
            rates[i] = rates[i] * 1000. / (double)(entry->last.at - from->at);
    }
    *out = (struct vd_load_rates){.cpu = rates[COUNT_CPU],
                                  .net_in = rates[COUNT_NET_IN],
                                  .net_out = rates[COUNT_NET_OUT],
                                  .evictions = rates[COUNT_EVICTED],
                                  .rejections = rates[COUNT_REJECTED],
                                  .hits = rates[COUNT_HITS],
                                  .misses = rates[COUNT_MISSES]};
    return true;
}

bool vd_load_use(const struct vd_load *load, const char *group, const struct vd_addr *node,
                 struct vd_load_use *out)
{
    const struct entry *entry = find_entry(load, group, node);

    *out = (struct vd_load_use){0};
    if (entry == NULL || entry->use.observed_s <= 0)
        return false;
    *out = entry->use;
    return true;
}

void vd_load_own_use(const struct vd_load *load, struct vd_load_use *out)
{
    *out = (struct vd_load_use){0};
    if (load != NULL)
        *out = load->own;
}

double vd_load_hit_ratio(const struct vd_load_rates *rates)
{
    if (rates->hits < 0 || rates->misses < 0 || rates->hits + rates->misses <= 0)
        return -1;
    return rates->hits / (rates->hits + rates->misses);
}

/* This process --------------------------------------------------------------------- */

/* The second number of /proc/self/statm, in pages. */
int64_t vd_load_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128] = "";
    const char *second;
    int64_t pages;
    bool good;

    if (file == NULL)
        return -1;
    good = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file);
    second = strchr(line, ' ');
    if (!good || second == NULL || !vd_parse_int64(second + 1, strcspn(second + 1, " "), &pages))
        return -1;
    return pages * sysconf(_SC_PAGESIZE);
}

static double read_own_cpu_s(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void take_own(struct vd_load *load)
{
    vd_ms now = vd_clock_now();
    double cpu_s = read_own_cpu_s();
    double sent = (double)vd_stream_sent();
    double took_s = (double)(now - load->own_at) / 1000.;
    int64_t resident = vd_load_resident();

    if (load->own_at != 0 && took_s > 0) {
        load->own.observed_s += took_s;
        load->own.memory_byte_s += resident < 0 ? 0 : (double)resident * took_s;
        load->own.cpu_s += cpu_s - load->own_cpu_s;
        load->own.egress_bytes += sent - load->own_sent;
        fade(&load->own);
    }
    load->own_at = now;
    load->own_cpu_s = cpu_s;
    load->own_sent = sent;
}

/* Looking -------------------------------------------------------------------------- */

/* `now` is that of the view: by another the same INFO would seem to be a new one. */
static void look_at(struct vd_load *load, vd_ms now, const char *group,
                    const struct vd_view_node *node)
{
    struct vd_figures figures;
    struct entry *entry;

    if (node->info == NULL || node->info_ms == VD_NEVER)
        return;
    entry = use_entry(load, group, &node->addr);
    if (is_seen(entry, now - node->info_ms))
        return;
    vd_figures_of(node->info, &figures);
    take(entry, &figures, now - node->info_ms);
}

static void look_at_group(struct vd_load *load, vd_ms now, const struct vd_view_group *group)
{
    struct vd_view_node replica;

    look_at(load, now, group->name, &group->primary);
    for (size_t i = 0; vd_view_replica(load->drive->core, now, group->name, i, &replica); i++)
        look_at(load, now, group->name, &replica);
}

static void begin_round(struct vd_load *load)
{
    struct vd_view_core view;
    struct entry *entry;
    struct entry *next;
    size_t wanted;

    vd_view_core(load->drive->core, &view);
    wanted = view.group_count / SLICE_GROUPS + 1;
    load->slices = wanted < SLICES_MAX ? (unsigned)wanted : SLICES_MAX;
    load->timer.repeat = ROUND_S / load->slices;
    ev_timer_again(load->loop, &load->timer);
    load->round++;
    HASH_ITER (hh, load->entries, entry, next) {
        if (entry->round + 2 <= load->round)
            drop_entry(load, entry);
    }
    take_own(load);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_load *load = timer->data;
    vd_ms now = vd_clock_now();
    struct vd_view_group group;

    (void)loop;
    (void)events;
    if (load->slice == 0)
        begin_round(load);
    for (size_t i = load->slice; vd_view_group_at(load->drive->core, now, i, &group);
         i += load->slices)
        look_at_group(load, now, &group);
    load->slice = (load->slice + 1) % load->slices;
}

struct vd_load *vd_load_new(struct ev_loop *loop, const struct vd_drive *drive)
{
    struct vd_load *load = vd_alloc(sizeof(*load));

    load->loop = loop;
    load->drive = drive;
    load->slices = 1;
    take_own(load);
    ev_timer_init(&load->timer, on_timer, 1., ROUND_S);
    load->timer.data = load;
    ev_timer_start(loop, &load->timer);
    return load;
}

void vd_load_free(struct vd_load *load)
{
    struct entry *entry;
    struct entry *next;

    if (load == NULL)
        return;
    ev_timer_stop(load->loop, &load->timer);
    HASH_ITER (hh, load->entries, entry, next) {
        drop_entry(load, entry);
    }
    vd_free(load);
}
