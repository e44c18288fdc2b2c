/* SPDX-License-Identifier: BSD-3-Clause */
/* Schedule: entries and their words; one table says how each is written. See schedule.h. */
#include "schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentinel.h"

/* Hosts ------------------------------------------------------------------------- */

/* Where the bits of a kind begin in a set of hosts, and how many there are. */
static const struct {
    char letter;
    unsigned first;
    unsigned count;
} hosts[] = {
    [SIM_WHO_SENTINEL] = {'s', 0, SIM_SENTINELS_MAX},
    [SIM_WHO_ORIGINAL] = {'o', SIM_SENTINELS_MAX, SIM_ORIGINALS_MAX},
    [SIM_WHO_NODE] = {'r', SIM_SENTINELS_MAX + SIM_ORIGINALS_MAX, SIM_NODES_MAX},
    [SIM_WHO_CLIENT] = {'c', SIM_SENTINELS_MAX + SIM_ORIGINALS_MAX + SIM_NODES_MAX,
                        SIM_CLIENTS_MAX},
};
_Static_assert(SIM_HOSTS_MAX <= 64, "a set of hosts is a bit each");

uint64_t sim_who_bit(enum sim_who_kind kind, unsigned number)
{
    VD_ASSERT(kind >= SIM_WHO_SENTINEL && kind <= SIM_WHO_CLIENT && number < hosts[kind].count);
    return UINT64_C(1) << (hosts[kind].first + number);
}

/* "<letter><number from 1>" with fewer than `limit` of them. */
static bool read_numbered(const char *word, char letter, unsigned limit, unsigned *number)
{
    uint64_t value;

    if (word[0] != letter || !vd_parse_uint64(word + 1, strlen(word + 1), &value) || value == 0 ||
        value > limit)
        return false;
    *number = (unsigned)value - 1;
    return true;
}

bool sim_who_of_name(const char *name, struct sim_who *who)
{
    *who = (struct sim_who){0};
    for (int kind = SIM_WHO_SENTINEL; kind <= SIM_WHO_CLIENT; kind++) {
        if (read_numbered(name, hosts[kind].letter, hosts[kind].count, &who->number)) {
            who->kind = (enum sim_who_kind)kind;
            return true;
        }
    }
    return false;
}

/* Words ------------------------------------------------------------------------- */

/*
 * How a deed is written behind its name. Each letter is an argument:
 *   p process (s, o, r, primary, leader)    s sentinel (s, o, leader)
 *   v vedette (s, leader)                   n server (r, primary)
 *   h host, any                             H hosts, one or more
 *   a another host                          t another server, or no-one
 *   # number                                w detail, and a number where it takes one
 *   i "new-id", may be left out             O an order
 */
static const struct {
    const char *name;
    const char *arguments;
} deeds[SIM_DO_COUNT] = {
    [SIM_DO_KILL] = {"kill", "p"},
    [SIM_DO_POWER] = {"power", "p"},
    [SIM_DO_PAUSE] = {"pause", "p"},
    [SIM_DO_FREEZE] = {"freeze", "v"},
    [SIM_DO_CRASH] = {"crash", "vw"},
    [SIM_DO_WIPE] = {"wipe", "vi"},
    [SIM_DO_DRIFT] = {"drift", "v#"},
    [SIM_DO_LAG] = {"lag", "v#"},
    [SIM_DO_DRAG] = {"drag", "v#"},
    [SIM_DO_EMPTY] = {"empty", "n"},
    [SIM_DO_BUSY] = {"busy", "n"},
    [SIM_DO_PRIORITY] = {"priority", "n#"},
    [SIM_DO_AUTH] = {"auth", "n"},
    [SIM_DO_DENY] = {"deny", "n"},
    [SIM_DO_TURN] = {"turn", "nt"},
    [SIM_DO_MOVE] = {"move", "n"},
    [SIM_DO_SWAP] = {"swap", "na"},
    [SIM_DO_DISK] = {"disk", "vw"},
    [SIM_DO_SPLIT] = {"split", "H"},
    [SIM_DO_BRIDGE] = {"bridge", "hH"},
    [SIM_DO_ISOLATE] = {"isolate", "h"},
    [SIM_DO_ONE_WAY] = {"one-way", "h"},
    [SIM_DO_DEAF] = {"deaf", "h"},
    [SIM_DO_CUT] = {"cut", "ha"},
    [SIM_DO_SPLIT_PEERS] = {"split-peers", "H"},
    [SIM_DO_SPLIT_NODES] = {"split-nodes", "H"},
    [SIM_DO_LOSS] = {"loss", "#"},
    [SIM_DO_DELAY] = {"delay", "#"},
    [SIM_DO_ECHO] = {"echo", "#"},
    [SIM_DO_RESET] = {"reset", "#"},
    [SIM_DO_BLACKHOLE] = {"blackhole", "#"},
    [SIM_DO_ORDER] = {"order", "sO"},
};

/* A word with a number of its own, or without. */
struct detail {
    const char *name;
    bool number;
};

static const struct detail dooms[] = {
    [SIM_DOOM_NONE] = {NULL, false},
    [SIM_DOOM_BEFORE_SAVE] = {"before-save", true},
    [SIM_DOOM_AFTER_SAVE] = {"after-save", true},
    [SIM_DOOM_AT_EFFECT] = {"effect", true},
};

static const struct detail disks[] = {
    [SIM_DISK_IS_FULL] = {"full", false},
    [SIM_DISK_IS_LATE] = {"late", false},
    [SIM_DISK_IS_SLOW] = {"slow", true},
};

static const struct {
    const char *name;
    const char *arguments; /* g group, * all, o option and number, r server or primary, - none */
} orders[] = {
    [SIM_ORDER_FAILOVER] = {"failover", "g"},
    [SIM_ORDER_SWITCHOVER] = {"switchover", "g"},
    [SIM_ORDER_RESET] = {"reset", "g"},
    [SIM_ORDER_RESET_ALL] = {"reset", "*"},
    [SIM_ORDER_SET] = {"set", "go"},
    [SIM_ORDER_REMOVE] = {"remove", "g"},
    [SIM_ORDER_MONITOR] = {"monitor", "gr"},
    [SIM_ORDER_CRASH_ELECTED] = {"crash-after-election", "-"},
    [SIM_ORDER_CRASH_PROMOTED] = {"crash-after-promotion", "-"},
};

static const struct {
    const char *name;
    enum vd_option option;
} options[] = {
    {"quorum", VD_OPT_QUORUM},
    {"down-after", VD_OPT_DOWN_AFTER},
    {"down-after-refused", VD_OPT_DOWN_AFTER_REFUSED},
    {"failover-timeout", VD_OPT_FAILOVER_TIMEOUT},
    {"parallel-syncs", VD_OPT_PARALLEL_SYNCS},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const struct detail *details_of(enum sim_deed deed, size_t *count)
{
    *count = deed == SIM_DO_CRASH ? COUNT(dooms) : COUNT(disks);
    return deed == SIM_DO_CRASH ? dooms : disks;
}

const char *sim_deed_name(enum sim_deed deed)
{
    return deeds[deed].name;
}

bool sim_deed_leaves_corpse(enum sim_deed deed)
{
    return deed == SIM_DO_KILL || deed == SIM_DO_POWER;
}

bool sim_schedule_add(struct sim_schedule *schedule, const struct sim_schedule_entry *entry)
{
    if (schedule->count == SIM_SCHEDULE_MAX)
        return false;
    schedule->list[schedule->count++] = *entry;
    return true;
}

void sim_schedule_remove(struct sim_schedule *schedule, unsigned index)
{
    VD_ASSERT(index < schedule->count);
    schedule->count--;
    memmove(&schedule->list[index], &schedule->list[index + 1],
            (schedule->count - index) * sizeof(schedule->list[0]));
}

/* Print --------------------------------------------------------------------------- */

static void print_ms(struct vd_text *to, sim_us us)
{
    vd_text_printf(to, "%lld", (long long)(us / 1000));
    if (us % 1000 != 0)
        vd_text_printf(to, ".%03lld", (long long)(us % 1000));
}

static void print_who(struct vd_text *to, const struct sim_who *who)
{
    switch (who->kind) {
    case SIM_WHO_NOBODY:
        vd_text_puts(to, " no-one");
        break;
    case SIM_WHO_PRIMARY:
        vd_text_printf(to, " primary %s", sim_group_name(who->number));
        break;
    case SIM_WHO_LEADER:
        vd_text_printf(to, " leader %s s%u", sim_group_name(who->number), who->other + 1);
        break;
    case SIM_WHO_SENTINEL:
    case SIM_WHO_ORIGINAL:
    case SIM_WHO_NODE:
    case SIM_WHO_CLIENT:
        vd_text_printf(to, " %c%u", hosts[who->kind].letter, who->number + 1);
        break;
    }
}

static void print_side(struct vd_text *to, uint64_t side)
{
    for (int kind = SIM_WHO_SENTINEL; kind <= SIM_WHO_CLIENT; kind++) {
        for (unsigned i = 0; i < hosts[kind].count; i++) {
            if ((side & sim_who_bit((enum sim_who_kind)kind, i)) != 0)
                vd_text_printf(to, " %c%u", hosts[kind].letter, i + 1);
        }
    }
}

static void print_order(struct vd_text *to, const struct sim_schedule_entry *entry)
{
    vd_text_printf(to, " %s", orders[entry->detail].name);
    for (const char *a = orders[entry->detail].arguments; *a != '\0'; a++) {
        if (*a == 'g')
            vd_text_printf(to, " %s", sim_group_name(entry->group));
        else if (*a == '*')
            vd_text_puts(to, " *");
        else if (*a == 'r')
            print_who(to, &entry->other);
        for (size_t i = 0; *a == 'o' && i < COUNT(options); i++) {
            if (options[i].option == entry->option)
                vd_text_printf(to, " %s %lld", options[i].name, (long long)entry->number);
        }
    }
}

void sim_schedule_print_entry(const struct sim_schedule_entry *entry, struct vd_text *to)
{
    size_t count;

    vd_text_puts(to, "at ");
    print_ms(to, entry->at);
    vd_text_printf(to, " %s", deeds[entry->deed].name);
    for (const char *a = deeds[entry->deed].arguments; *a != '\0'; a++) {
        if (strchr("psvnh", *a) != NULL)
            print_who(to, &entry->who);
        else if (*a == 'a' || *a == 't')
            print_who(to, &entry->other);
        else if (*a == 'H')
            print_side(to, entry->side);
        else if (*a == '#')
            vd_text_printf(to, " %lld", (long long)entry->number);
        else if (*a == 'i' && entry->flag)
            vd_text_puts(to, " new-id");
        else if (*a == 'O')
            print_order(to, entry);
        if (*a == 'w') {
            const struct detail *detail = &details_of(entry->deed, &count)[entry->detail];

            vd_text_printf(to, " %s", detail->name);
            if (detail->number)
                vd_text_printf(to, " %lld", (long long)entry->number);
        }
    }
    if (entry->lasts != SIM_FOR_GOOD) {
        vd_text_puts(to, " for ");
        print_ms(to, entry->lasts);
    }
}

/* Parse ---------------------------------------------------------------------------- */

#define WORDS_MAX 80

struct words {
    char bytes[1024];
    const char *list[WORDS_MAX + 1]; /* "" past the end */
    unsigned count;
    unsigned next;
};

static bool split_words(struct words *words, const char *line, struct vd_err *err)
{
    char *save = NULL;

    memset(words, 0, sizeof(*words));
    if (!vd_copy(words->bytes, sizeof(words->bytes), line))
        return vd_err_set(err, "the line is longer than %zu bytes", sizeof(words->bytes) - 1);
    for (char *word = strtok_r(words->bytes, " \t\r\n", &save); word != NULL;
         word = strtok_r(NULL, " \t\r\n", &save)) {
        if (words->count == WORDS_MAX)
            return vd_err_set(err, "the line has more than %d words", WORDS_MAX);
        words->list[words->count++] = word;
    }
    for (unsigned i = words->count; i <= WORDS_MAX; i++)
        words->list[i] = "";
    return true;
}

static const char *peek(const struct words *words)
{
    return words->list[words->next];
}

static const char *take(struct words *words)
{
    return words->next < words->count ? words->list[words->next++] : "";
}

/* Milliseconds with up to three decimals. */
static bool read_ms(const char *word, sim_us *us)
{
    const char *dot = strchr(word, '.');
    size_t whole = dot != NULL ? (size_t)(dot - word) : strlen(word);
    uint64_t ms;
    sim_us part = 0;
    sim_us unit = 100;

    if (!vd_parse_uint64(word, whole, &ms) || ms > 1000000000)
        return false;
    for (const char *c = dot != NULL ? dot + 1 : ""; *c != '\0'; c++, unit /= 10) {
        if (*c < '0' || *c > '9' || unit == 0)
            return false;
        part += unit * (*c - '0');
    }
    *us = (sim_us)ms * 1000 + part;
    return dot == NULL || dot[1] != '\0';
}

static bool read_number(struct words *words, int64_t *number, struct vd_err *err)
{
    const char *word = take(words);

    if (!vd_parse_int64(word, strlen(word), number))
        return vd_err_set(err, "a number is needed, not '%s'", word);
    return true;
}

static bool read_group(struct words *words, unsigned *group, struct vd_err *err)
{
    const char *word = take(words);

    if (!read_numbered(word, 'm', SIM_GROUPS_MAX, group))
        return vd_err_set(err, "a group (m1 to m%d) is needed, not '%s'", SIM_GROUPS_MAX, word);
    return true;
}

/* Which kinds each letter of the table takes. */
static bool takes_kind(char letter, enum sim_who_kind kind)
{
    switch (letter) {
    case 'v':
        return kind == SIM_WHO_SENTINEL || kind == SIM_WHO_LEADER;
    case 's':
        return kind == SIM_WHO_SENTINEL || kind == SIM_WHO_ORIGINAL || kind == SIM_WHO_LEADER;
    case 'n':
    case 't':
        return kind == SIM_WHO_NODE || kind == SIM_WHO_PRIMARY;
    case 'p':
        return kind != SIM_WHO_CLIENT;
    default:
        return true;
    }
}

static bool read_who(struct words *words, char letter, struct sim_who *who, struct vd_err *err)
{
    const char *word = take(words);
    struct sim_who fallback;

    *who = (struct sim_who){0};
    if (letter == 't' && strcmp(word, "no-one") == 0)
        return true;
    if (strcmp(word, "primary") == 0 || strcmp(word, "leader") == 0) {
        who->kind = word[0] == 'p' ? SIM_WHO_PRIMARY : SIM_WHO_LEADER;
        if (!read_group(words, &who->number, err))
            return false;
        if (who->kind == SIM_WHO_LEADER && sim_who_of_name(peek(words), &fallback) &&
            fallback.kind == SIM_WHO_SENTINEL) {
            who->other = fallback.number;
            (void)take(words);
        }
    } else if (!sim_who_of_name(word, who)) {
        return vd_err_set(err, "'%s' is no host: s1, o1, r1, c1, 'primary m1' or 'leader m1'",
                          word);
    }
    if (!takes_kind(letter, who->kind))
        return vd_err_set(err, "'%s' is not the kind of host to which this can happen", word);
    return true;
}

static bool read_side(struct words *words, uint64_t *side, struct vd_err *err)
{
    struct sim_who who;

    *side = 0;
    while (sim_who_of_name(peek(words), &who)) {
        *side |= sim_who_bit(who.kind, who.number);
        (void)take(words);
    }
    if (*side == 0)
        return vd_err_set(err, "the hosts of one side are needed, not '%s'", peek(words));
    return true;
}

static bool read_detail(struct words *words, struct sim_schedule_entry *entry, struct vd_err *err)
{
    const char *word = take(words);
    size_t count;
    const struct detail *details = details_of(entry->deed, &count);

    for (unsigned i = 0; i < count; i++) {
        if (details[i].name == NULL || strcmp(details[i].name, word) != 0)
            continue;
        entry->detail = i;
        return !details[i].number || read_number(words, &entry->number, err);
    }
    return vd_err_set(err, "'%s' is nothing that a %s takes", word, sim_deed_name(entry->deed));
}

static bool read_option(struct words *words, struct sim_schedule_entry *entry, struct vd_err *err)
{
    const char *word = take(words);

    for (size_t i = 0; i < COUNT(options); i++) {
        if (strcmp(options[i].name, word) == 0) {
            entry->option = options[i].option;
            return read_number(words, &entry->number, err);
        }
    }
    return vd_err_set(err, "'%s' is no option that can be set here", word);
}

static bool read_order(struct words *words, struct sim_schedule_entry *entry, struct vd_err *err)
{
    const char *word = take(words);
    unsigned i = 0;

    while (i < COUNT(orders) && strcmp(orders[i].name, word) != 0)
        i++;
    if (i == COUNT(orders))
        return vd_err_set(err, "'%s' is no order", word);
    if (i == SIM_ORDER_RESET && strcmp(peek(words), "*") == 0)
        i = SIM_ORDER_RESET_ALL;
    entry->detail = i;
    for (const char *a = orders[i].arguments; *a != '\0'; a++) {
        if (*a == 'g' && !read_group(words, &entry->group, err))
            return false;
        if (*a == '*')
            (void)take(words);
        if (*a == 'o' && !read_option(words, entry, err))
            return false;
        if (*a == 'r' && !read_who(words, 'n', &entry->other, err))
            return false;
    }
    return true;
}

static bool read_argument(struct words *words, char letter, struct sim_schedule_entry *entry,
                          struct vd_err *err)
{
    switch (letter) {
    case 'a':
        return read_who(words, 'h', &entry->other, err);
    case 't':
        return read_who(words, 't', &entry->other, err);
    case 'H':
        return read_side(words, &entry->side, err);
    case '#':
        return read_number(words, &entry->number, err);
    case 'w':
        return read_detail(words, entry, err);
    case 'O':
        return read_order(words, entry, err);
    case 'i':
        entry->flag = strcmp(peek(words), "new-id") == 0;
        if (entry->flag)
            (void)take(words);
        return true;
    default:
        return read_who(words, letter, &entry->who, err);
    }
}

static bool read_end(struct words *words, struct sim_schedule_entry *entry, struct vd_err *err)
{
    entry->lasts = SIM_FOR_GOOD;
    if (strcmp(peek(words), "for") == 0) {
        (void)take(words);
        if (!read_ms(take(words), &entry->lasts))
            return vd_err_set(err, "milliseconds are needed behind 'for'");
    }
    if (words->next != words->count)
        return vd_err_set(err, "nothing is known of '%s' here", peek(words));
    return true;
}

bool sim_schedule_parse_line(struct sim_schedule *schedule, const char *line, struct vd_err *err)
{
    struct sim_schedule_entry entry = {0};
    struct words words;
    const char *name;

    if (!split_words(&words, line, err))
        return false;
    if (strcmp(take(&words), "at") != 0 || !read_ms(take(&words), &entry.at))
        return vd_err_set(err, "a line begins with 'at' and milliseconds");
    name = take(&words);
    while (entry.deed < SIM_DO_COUNT && strcmp(deeds[entry.deed].name, name) != 0)
        entry.deed++;
    if (entry.deed == SIM_DO_COUNT)
        return vd_err_set(err, "'%s' is nothing that can happen", name);
    for (const char *a = deeds[entry.deed].arguments; *a != '\0'; a++) {
        if (!read_argument(&words, *a, &entry, err))
            return vd_err_wrap(err, "%s", name);
    }
    if (!read_end(&words, &entry, err))
        return vd_err_wrap(err, "%s", name);
    if (!sim_schedule_add(schedule, &entry))
        return vd_err_set(err, "a schedule has %d entries at most", SIM_SCHEDULE_MAX);
    return true;
}
