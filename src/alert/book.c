/* SPDX-License-Identifier: BSD-3-Clause */
/* Book: see book.h. */
#include "alert/book.h"

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <math.h>
#include <string.h>
#include <uthash.h>

#define KEEP_MS 600000   /* a resolved alert is shown for so long */
#define HEARSAY_MS 60000 /* what others told is repeated by them; else it is forgotten */
#define ORPHAN_MS 10000  /* ... and by the next of them */

struct entry {
    struct vd_alert alert;
    UT_hash_handle hh;
};

struct vd_book {
    struct entry *entries;
    uint64_t round;
    size_t missed; /* in this round */
    bool full;     /* in this round no more room can be made */
    vd_ms doubt_until;
};

const char *vd_alert_state_word(enum vd_alert_state state)
{
    static const char *const words[] = {"pending", "firing", "resolved"};

    return words[state];
}

struct vd_book *vd_book_new(void)
{
    struct vd_book *book = vd_alloc(sizeof(*book));

    book->doubt_until = VD_NEVER;
    return book;
}

void vd_book_doubt(struct vd_book *book, vd_ms until)
{
    book->doubt_until = until;
}

static void drop(struct vd_book *book, struct entry *entry)
{
    HASH_DEL(book->entries, entry);
    vd_free(entry->alert.key);
    vd_free(entry->alert.group);
    vd_free(entry->alert.target);
    vd_free(entry);
}

void vd_book_free(struct vd_book *book)
{
    struct entry *entry;
    struct entry *next;

    if (book == NULL)
        return;
    HASH_ITER (hh, book->entries, entry, next) {
        drop(book, entry);
    }
    vd_free(book);
}

/* Entries -------------------------------------------------------------------------- */

static struct entry *find(const struct vd_book *book, const char *rule, const char *group,
                          const char *target)
{
    struct vd_text key = {0};
    struct entry *entry;

    vd_text_printf(&key, "%s %s %s", rule, group, target);
    HASH_FIND(hh, book->entries, key.bytes, key.len, entry);
    vd_text_free(&key);
    return entry;
}

static bool is_idle(const struct vd_alert *alert)
{
    for (unsigned i = 0; i < VD_ALERT_CHANNELS; i++)
        if (alert->tellings[i].in_flight)
            return false;
    return true;
}

/*
 * What is over, of which nobody is owed a word, stays only to be shown, or for a
 * store that cannot be written: then its end may be told once more after a restart.
 */
static void make_room(struct vd_book *book)
{
    struct entry *entry;
    struct entry *next;

    if (book->full)
        return;
    HASH_ITER (hh, book->entries, entry, next) {
        if (entry->alert.state == VD_ALERT_RESOLVED && entry->alert.told == 0 &&
            is_idle(&entry->alert))
            drop(book, entry);
    }
    book->full = HASH_COUNT(book->entries) >= VD_BOOK_MAX;
}

static struct entry *enter(struct vd_book *book, const struct vd_alert_rule *rule,
                           const char *group, const char *target, vd_ms now)
{
    struct entry *entry;
    struct vd_text key = {0};

    if (HASH_COUNT(book->entries) >= VD_BOOK_MAX)
        make_room(book);
    if (HASH_COUNT(book->entries) >= VD_BOOK_MAX) {
        book->missed++;
        return NULL;
    }
    entry = vd_alloc(sizeof(*entry));
    vd_text_printf(&key, "%s %s %s", rule->name, group, target);
    entry->alert = (struct vd_alert){.key = vd_strdup(vd_text_cstr(&key)),
                                     .group = vd_strdup(group),
                                     .target = vd_strdup(target),
                                     .value = NAN,
                                     .bad_at = now,
                                     .good_at = VD_NEVER,
                                     .resolved_at = VD_NEVER,
                                     .heard_at = VD_NEVER,
                                     .doubt_until = VD_NEVER,
                                     .round = book->round};
    vd_text_free(&key);
    HASH_ADD_KEYPTR(hh, book->entries, entry->alert.key, strlen(entry->alert.key), entry);
    return entry;
}

static bool is_bad(const struct vd_alert_rule *rule, double value)
{
    if (isnan(value))
        return false;
    return rule->below ? value < rule->limit : value > rule->limit;
}

static bool is_good(const struct vd_alert_rule *rule, double value)
{
    if (isnan(value))
        return true;
    return rule->below ? value >= rule->clear : value <= rule->clear;
}

/* States --------------------------------------------------------------------------- */

static enum vd_alert_change begin(struct vd_alert *alert, vd_ms now, int64_t wall_ms)
{
    if (now - alert->bad_at < alert->rule.for_ms)
        return VD_ALERT_SAME;
    alert->state = VD_ALERT_FIRING;
    alert->since_ms = wall_ms;
    alert->good_at = VD_NEVER;
    alert->resolved_at = VD_NEVER;
    return VD_ALERT_BEGAN;
}

static enum vd_alert_change look_at_firing(struct vd_alert *alert, bool good, vd_ms now)
{
    if (!good) {
        alert->good_at = VD_NEVER;
        return VD_ALERT_SAME;
    }
    if (alert->good_at == VD_NEVER)
        alert->good_at = now;
    if (now - alert->good_at < alert->rule.clear_ms)
        return VD_ALERT_SAME;
    alert->state = VD_ALERT_RESOLVED;
    alert->resolved_at = now;
    return VD_ALERT_ENDED;
}

static enum vd_alert_change look_again(struct vd_book *book, struct entry *entry, vd_ms now,
                                       int64_t wall_ms, double value)
{
    struct vd_alert *alert = &entry->alert;
    bool bad = is_bad(&alert->rule, value);

    switch (alert->state) {
    case VD_ALERT_PENDING:
        if (bad)
            return begin(alert, now, wall_ms);
        if (alert->told == 0 && !alert->unkept)
            drop(book, entry);
        else
            alert->state = VD_ALERT_RESOLVED;
        return VD_ALERT_SAME;
    case VD_ALERT_FIRING:
        if (bad)
            alert->doubt_until = VD_NEVER;
        return look_at_firing(alert, now >= alert->doubt_until && is_good(&alert->rule, value),
                              now);
    case VD_ALERT_RESOLVED:
        if (!bad)
            return VD_ALERT_SAME;
        alert->state = VD_ALERT_PENDING;
        alert->bad_at = now;
        return begin(alert, now, wall_ms);
    }
    VD_ASSERT(false);
    return VD_ALERT_SAME;
}

static void follow_rule(struct vd_alert *alert, const struct vd_alert_rule *rule)
{
    alert->rule = *rule;
    alert->rule.group = NULL;
}

enum vd_alert_change vd_book_look(struct vd_book *book, const struct vd_alert_rule *rule,
                                  const char *group, const char *target, double value, vd_ms now,
                                  int64_t wall_ms, struct vd_alert **out)
{
    struct entry *entry = find(book, rule->name, group, target);
    enum vd_alert_change change;

    *out = NULL;
    if (entry == NULL) {
        if (!is_bad(rule, value))
            return VD_ALERT_SAME;
        entry = enter(book, rule, group, target, now);
        if (entry == NULL)
            return VD_ALERT_SAME;
    }
    follow_rule(&entry->alert, rule);
    entry->alert.round = book->round;
    if (!isnan(value))
        entry->alert.value = value;
    change = look_again(book, entry, now, wall_ms, value);
    if (change != VD_ALERT_SAME)
        *out = &entry->alert;
    return change;
}

static void set_told(struct vd_alert *alert, unsigned told)
{
    alert->unkept = alert->unkept || told != alert->told;
    alert->told = told;
}

/* Nobody repeats it any more: whoever told it has told the end, and we did not hear that. */
static bool is_stale_hearsay(const struct vd_alert *alert, vd_ms now)
{
    return alert->told != 0 && alert->heard_at != VD_NEVER && now - alert->heard_at > HEARSAY_MS &&
           alert->state == VD_ALERT_RESOLVED;
}

void vd_book_end_round(struct vd_book *book, vd_ms now,
                       void (*changed)(void *self, struct vd_alert *alert), void *self)
{
    struct entry *entry;
    struct entry *next;

    HASH_ITER (hh, book->entries, entry, next) {
        struct vd_alert *alert = &entry->alert;
        bool idle = is_idle(alert);

        if (is_stale_hearsay(alert, now))
            set_told(alert, 0);
        if (alert->state == VD_ALERT_RESOLVED && alert->told == 0 && idle && !alert->unkept &&
            (alert->resolved_at == VD_NEVER || now - alert->resolved_at > KEEP_MS)) {
            drop(book, entry);
        } else if (alert->round != book->round && idle) {
            alert->round = book->round;
            if (look_again(book, entry, now, alert->since_ms, NAN) == VD_ALERT_ENDED)
                changed(self, alert);
        }
    }
    book->round++;
    book->missed = 0;
    book->full = false;
}

size_t vd_book_missed(const struct vd_book *book)
{
    return book->missed;
}

/* Telling -------------------------------------------------------------------------- */

void vd_book_heard(struct vd_book *book, const struct vd_alert_rule *rule, const char *group,
                   const char *target, unsigned channel, bool ended, int64_t since_ms, vd_ms now)
{
    struct entry *entry = find(book, rule->name, group, target);
    struct vd_alert *alert;

    if (entry == NULL) {
        if (ended)
            return;
        entry = enter(book, rule, group, target, now);
        if (entry == NULL)
            return;
        follow_rule(&entry->alert, rule);
        entry->alert.state = VD_ALERT_FIRING;
        entry->alert.since_ms = since_ms;
        entry->alert.doubt_until = book->doubt_until;
    }
    alert = &entry->alert;
    alert->heard_at = now;
    vd_alert_note_told(alert, channel, ended);
    if (!ended && alert->state == VD_ALERT_FIRING)
        alert->since_ms = since_ms;
}

bool vd_alert_owes(const struct vd_alert *alert, unsigned channel, bool *of_end)
{
    unsigned bit = 1U << channel;

    if (alert->state == VD_ALERT_FIRING && (alert->told & bit) == 0 &&
        (alert->rule.channels & bit) != 0) {
        *of_end = false;
        return true;
    }
    *of_end = true;
    return alert->state == VD_ALERT_RESOLVED && (alert->told & bit) != 0;
}

void vd_alert_note_told(struct vd_alert *alert, unsigned channel, bool of_end)
{
    unsigned bit = 1U << channel;

    set_told(alert, of_end ? alert->told & ~bit : alert->told | bit);
    alert->tellings[channel].attempts = 0;
}

bool vd_alert_is_orphan(const struct vd_alert *alert, vd_ms now)
{
    return alert->told != 0 && alert->state == VD_ALERT_FIRING && alert->heard_at != VD_NEVER &&
           now - alert->heard_at > ORPHAN_MS;
}

struct vd_alert *vd_book_find(const struct vd_book *book, const char *key)
{
    struct entry *entry;

    HASH_FIND_STR(book->entries, key, entry);
    return entry == NULL ? NULL : &entry->alert;
}

struct vd_alert *vd_book_next(const struct vd_book *book, const struct vd_alert *after)
{
    struct entry *entry;

    if (after == NULL) {
        entry = book->entries;
    } else {
        HASH_FIND_STR(book->entries, after->key, entry);
        entry = entry == NULL ? NULL : entry->hh.next;
    }
    return entry == NULL ? NULL : &entry->alert;
}

size_t vd_book_count(const struct vd_book *book, enum vd_alert_state state)
{
    size_t count = 0;

    for (const struct entry *entry = book->entries; entry != NULL; entry = entry->hh.next)
        count += entry->alert.state == state;
    return count;
}
