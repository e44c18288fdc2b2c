/* SPDX-License-Identifier: BSD-3-Clause */
/* Watch: see watch.h. */
#include "shell/watch.h"

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <string.h>
#include <uthash.h>

#include "shell/clock.h"

/* More than are kept: a thousand at once must not move all the others a thousand times. */
#define FAILOVERS_ROOM (VD_HISTORY_MAX + VD_HISTORY_MAX / 4)

struct vd_watch_group {
    char *name;
    struct vd_watch_counts counts;
    UT_hash_handle hh;
};

struct vd_watch *vd_watch_new(void)
{
    struct vd_watch *watch = vd_alloc(sizeof(*watch));

    watch->started_at_ms = vd_clock_wall_ms();
    return watch;
}

static void free_event(struct vd_watch_event *event)
{
    vd_free(event->name);
    vd_free(event->payload);
    vd_free(event->group);
}

static void free_text(const char *text)
{
    union {
        const char *in;
        void *out;
    } owned = {.in = text};

    vd_free(owned.out);
}

static void free_entry(const struct vd_history_entry *entry)
{
    free_text(entry->group);
    free_text(entry->reason);
    free_text(entry->result);
    free_text(entry->leader);
}

static void copy_entry(struct vd_history_entry *to, const struct vd_history_entry *from)
{
    *to = *from;
    to->group = vd_strdup(from->group);
    to->reason = vd_strdup(from->reason);
    to->result = vd_strdup(from->result);
    to->leader = vd_strdup(from->leader == NULL ? "" : from->leader);
}

void vd_watch_free(struct vd_watch *watch)
{
    struct vd_watch_group *group;
    struct vd_watch_group *next;

    if (watch == NULL)
        return;
    HASH_ITER (hh, watch->groups, group, next) {
        HASH_DEL(watch->groups, group);
        vd_free(group->name);
        vd_free(group);
    }
    for (size_t i = 0; i < VD_WATCH_EVENTS; i++)
        free_event(&watch->events[i]);
    for (size_t i = 0; i < watch->failover_count; i++)
        free_entry(&watch->failovers[i]);
    vd_free(watch->failover_room);
    vd_free(watch);
}

/* Events ------------------------------------------------------------------------- */

/*
 * "master NAME ip port ...", "slave NAME ip port @ GROUP ip port ...", and of
 * +switch-master "GROUP ip port ip port".
 */
bool vd_watch_group_of(const char *name, const char *payload, struct vd_text *group)
{
    const char *at = NULL;
    const char *member = strstr(payload, " @ ");

    vd_text_clear(group);
    if (strcmp(name, "+switch-master") == 0)
        at = payload;
    else if (strncmp(payload, "master ", strlen("master ")) == 0)
        at = payload + strlen("master ");
    else if (member != NULL)
        at = member + strlen(" @ ");
    if (at == NULL || *at == '\0')
        return false;
    vd_text_add(group, at, strcspn(at, " "));
    return true;
}

static void count(struct vd_watch *watch, const char *event, const char *name)
{
    bool is_role = strcmp(event, "+role-change") == 0 || strcmp(event, "-role-change") == 0;
    bool is_reboot = strcmp(event, "+reboot") == 0;
    struct vd_watch_group *group;

    if (!is_role && !is_reboot)
        return;
    HASH_FIND_STR(watch->groups, name, group);
    if (group == NULL) {
        group = vd_alloc(sizeof(*group));
        group->name = vd_strdup(name);
        HASH_ADD_KEYPTR(hh, watch->groups, group->name, strlen(group->name), group);
    }
    group->counts.role_changes += is_role;
    group->counts.reboots += is_reboot;
}

const struct vd_watch_counts *vd_watch_counts(const struct vd_watch *watch, const char *group)
{
    const struct vd_watch_group *known;

    HASH_FIND_STR(watch->groups, group, known);
    return known == NULL ? NULL : &known->counts;
}

void vd_watch_event(struct vd_watch *watch, enum vd_notice_level level, const char *name,
                    const char *payload)
{
    struct vd_watch_event *event;
    struct vd_text group = {0};

    if (watch == NULL)
        return;
    event = &watch->events[++watch->last_event % VD_WATCH_EVENTS];
    free_event(event);
    event->id = watch->last_event;
    event->at_ms = vd_clock_wall_ms();
    event->level = level;
    event->name = vd_strdup(name);
    event->payload = vd_strdup(payload);
    event->group = vd_strdup(vd_watch_group_of(name, payload, &group) ? vd_text_cstr(&group) : "");
    vd_text_free(&group);
    count(watch, name, event->group);
    if (watch->on_event != NULL)
        watch->on_event(watch->self, event);
}

const struct vd_watch_event *vd_watch_find(const struct vd_watch *watch, uint64_t id)
{
    const struct vd_watch_event *event = &watch->events[id % VD_WATCH_EVENTS];

    return id != 0 && event->id == id ? event : NULL;
}

/* Failovers ---------------------------------------------------------------------- */

void vd_watch_failover(struct vd_watch *watch, const struct vd_history_entry *entry)
{
    if (watch == NULL)
        return;
    if (watch->failover_room == NULL) {
        watch->failover_room = vd_calloc(FAILOVERS_ROOM, sizeof(watch->failovers[0]));
        watch->failovers = watch->failover_room;
    }
    if (watch->failover_count == VD_HISTORY_MAX) {
        free_entry(watch->failovers++);
        watch->failover_count--;
    }
    if (watch->failovers + watch->failover_count == watch->failover_room + FAILOVERS_ROOM) {
        memmove(watch->failover_room, watch->failovers,
                watch->failover_count * sizeof(watch->failovers[0]));
        watch->failovers = watch->failover_room;
    }
    copy_entry(&watch->failovers[watch->failover_count++], entry);
}

static struct vd_history_entry *find_failover(struct vd_watch *watch, const char *group,
                                              uint64_t epoch)
{
    for (size_t i = watch->failover_count; i > 0; i--)
        if (watch->failovers[i - 1].epoch == epoch &&
            strcmp(watch->failovers[i - 1].group, group) == 0)
            return &watch->failovers[i - 1];
    return NULL;
}

/* If there are too many: the oldest goes. */
static void limit_told(struct vd_watch *watch)
{
    size_t oldest = watch->failover_count;
    size_t count = 0;

    for (size_t i = watch->failover_count; i > 0; i--) {
        if (watch->failovers[i - 1].source != VD_HISTORY_TOLD)
            continue;
        oldest = i - 1;
        count++;
    }
    if (count <= VD_HISTORY_TOLD_MAX)
        return;
    free_entry(&watch->failovers[oldest]);
    memmove(watch->failovers + 1, watch->failovers, oldest * sizeof(watch->failovers[0]));
    watch->failovers++;
    watch->failover_count--;
}

bool vd_watch_witness(struct vd_watch *watch, const struct vd_history_entry *entry)
{
    struct vd_history_entry *known = find_failover(watch, entry->group, entry->epoch);
    int64_t id;

    if (known != NULL && known->source <= entry->source)
        return false;
    if (known != NULL) {
        id = known->id; /* its row is written over */
        free_entry(known);
        copy_entry(known, entry);
        known->id = id;
    } else {
        vd_watch_failover(watch, entry);
        known = &watch->failovers[watch->failover_count - 1];
    }
    known->unkept = true;
    limit_told(watch);
    return true;
}

size_t vd_watch_failovers_since(const struct vd_watch *watch, const char *group, int64_t since_ms,
                                const struct vd_history_entry **last)
{
    size_t count = 0;

    *last = NULL;
    for (size_t i = watch->failover_count; i > 0; i--) {
        const struct vd_history_entry *one = &watch->failovers[i - 1];

        /* What others tell comes late, and says itself how old it is. */
        if (one->source != VD_HISTORY_LED)
            continue;
        if (one->at_ms < since_ms)
            break;
        if (strcmp(one->group, group) != 0)
            continue;
        if (*last == NULL)
            *last = one;
        count++;
    }
    return count;
}

/* Its own work --------------------------------------------------------------------- */

void vd_watch_saved(struct vd_watch *watch, bool good, int64_t took_us)
{
    if (watch == NULL)
        return;
    vd_histogram_add(&watch->save, took_us);
    watch->saves_failed += !good;
}

void vd_watch_turn(struct vd_watch *watch, int64_t took_us)
{
    if (watch != NULL)
        vd_histogram_add(&watch->turn, took_us);
}

void vd_watch_late(struct vd_watch *watch, vd_ms wake_at, int64_t now_us)
{
    if (watch != NULL && wake_at > 0 && wake_at <= now_us / 1000)
        vd_histogram_add(&watch->late, now_us - wake_at * 1000);
}
