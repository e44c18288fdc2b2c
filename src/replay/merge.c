/* SPDX-License-Identifier: BSD-3-Clause */
/* Merge: lanes, messages and states out of several tapes; see merge.h. */
#include "replay/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define AWHILE_US 300        /* on the way, where nothing better is known */
#define TOGETHER_US 30000000 /* what is said is heard within, or is another one */
#define CLOCKS_US 2000       /* what is left between clocks that were set */

struct merge {
    struct vd_tape *tapes;
    size_t count;
    int64_t *shifts;
    int64_t from;
    int64_t to;
    struct vd_story *story;
    int *own;     /* each tape's lane */
    int **lanes;  /* of each tape's places */
    size_t *seen; /* [tape * count + other]: where to look on for what it heard */
    struct state *states;
    size_t state_count;
    struct vd_text text;
};

struct state {
    int64_t at;
    int lane;
    const struct vd_tape_item *item;
};

/* Lanes ------------------------------------------------------------------------------- */

static int find_lane(const struct vd_story *story, const char *name)
{
    for (size_t i = 0; i < story->lane_count; i++) {
        if (strcmp(story->lanes[i].name, name) == 0)
            return (int)i;
    }
    return VD_STORY_NOBODY;
}

static int lane_of(struct merge *merge, const char *name, enum vd_lane_kind kind,
                   const char *detail)
{
    int lane = find_lane(merge->story, name);

    if (lane != VD_STORY_NOBODY)
        return lane;
    return vd_story_add_lane(
        merge->story, &(struct vd_story_lane){
                          .kind = kind, .name = name, .detail = detail, .group = VD_STORY_NOBODY});
}

static void add_lanes(struct merge *merge)
{
    for (size_t i = 0; i < merge->count; i++) {
        const struct vd_tape *tape = &merge->tapes[i];

        vd_text_clear(&merge->text);
        vd_text_printf(&merge->text, "id %s, vedette %s, recorded in %s", tape->id, tape->version,
                       tape->file);
        merge->own[i] = lane_of(merge, tape->name != NULL ? tape->name : tape->file,
                                VD_LANE_SENTINEL, vd_text_cstr(&merge->text));
    }
    for (size_t i = 0; i < merge->count; i++) {
        const struct vd_tape *tape = &merge->tapes[i];

        merge->lanes[i] = vd_calloc(tape->place_count + 1, sizeof(int));
        for (size_t k = 0; k < tape->place_count; k++)
            merge->lanes[i][k] =
                lane_of(merge, tape->places[k].name,
                        tape->places[k].is_sentinel ? VD_LANE_SENTINEL : VD_LANE_SERVER,
                        tape->places[k].is_sentinel ? "without a recording" : "a data server");
    }
}

/* The tape of this lane; count: it has none. */
static size_t tape_of(const struct merge *merge, int lane)
{
    size_t i = 0;

    while (i < merge->count && merge->own[i] != lane)
        i++;
    return i;
}

/* Words ------------------------------------------------------------------------------- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Whole ids become the names of their lanes, or their first eight digits. */
static const char *name_ids(struct merge *merge, const char *text)
{
    vd_text_clear(&merge->text);
    while (*text != '\0') {
        size_t len = 0;
        size_t owner = 0;

        while (is_hex(text[len]))
            len++;
        if (len != VD_ID_LEN) {
            vd_text_add(&merge->text, text, len + (text[len] != '\0'));
            text += len + (text[len] != '\0');
            continue;
        }
        while (owner < merge->count && strncmp(merge->tapes[owner].id, text, len) != 0)
            owner++;
        if (owner < merge->count)
            vd_text_puts(&merge->text, merge->story->lanes[merge->own[owner]].name);
        else
            vd_text_add(&merge->text, text, 8);
        text += len;
    }
    return vd_text_cstr(&merge->text);
}

/* Messages ------------------------------------------------------------------------------ */

static bool is_within(const struct merge *merge, int64_t at)
{
    return at >= merge->from && at <= merge->to;
}

static void tell(struct merge *merge, const struct vd_tape_item *item, int from, int to,
                 int64_t sent_at, int64_t heard_at, bool estimated, const char *label)
{
    struct vd_story_message message = {
        .from = from,
        .to = to,
        .sent_at = sent_at,
        .heard_at = heard_at,
        .talk = item->talk,
        .group = item->group != NULL ? vd_story_group(merge->story, item->group) : VD_STORY_NOBODY,
        .estimated = estimated,
        .detail = item->detail,
    };

    if (!is_within(merge, sent_at) || from == to)
        return;
    message.label = name_ids(merge, label);
    (void)vd_story_tell(merge->story, &message);
}

/* What the other recording says of the same message; NULL: it has none, or does not know it. */
static struct vd_tape_item *find_other(struct merge *merge, size_t tape, size_t other,
                                       const struct vd_tape_item *said)
{
    int64_t sent_at = said->at + merge->shifts[tape];
    size_t *seen;

    if (said->key == NULL || other == merge->count)
        return NULL;
    seen = &merge->seen[tape * merge->count + other];
    while (*seen < merge->tapes[other].item_count &&
           merge->tapes[other].items[*seen].at + merge->shifts[other] < sent_at - CLOCKS_US)
        ++*seen;
    for (size_t i = *seen; i < merge->tapes[other].item_count; i++) {
        struct vd_tape_item *item = &merge->tapes[other].items[i];

        if (item->at + merge->shifts[other] > sent_at + TOGETHER_US)
            return NULL;
        if (item->kind == VD_TAPE_ASKED && !item->taken && item->talk == said->talk &&
            strncmp(item->who, merge->tapes[tape].id, 8) == 0 && strcmp(item->key, said->key) == 0)
            return item;
    }
    return NULL;
}

static void tell_said(struct merge *merge, size_t tape, struct vd_tape_item *said)
{
    int64_t shift = merge->shifts[tape];
    int own = merge->own[tape];
    int lane = merge->lanes[tape][said->place];
    size_t other = tape_of(merge, lane);
    struct vd_tape_item *asked = find_other(merge, tape, other, said);
    const struct vd_tape_item *answer =
        said->answer != 0 ? &merge->tapes[tape].items[said->answer] : NULL;
    int64_t sent_at = said->at + shift;
    int64_t heard_at = VD_STORY_NEVER;
    int64_t left_at;

    if (asked != NULL) {
        asked->taken = true;
        heard_at = asked->at + merge->shifts[other];
        if (heard_at <= sent_at) /* within what recordings know of time */
            heard_at = sent_at + AWHILE_US / 2;
    } else if (answer != NULL) {
        heard_at = (said->at + answer->at) / 2 + shift;
    }
    tell(merge, said, own, lane, sent_at, heard_at, asked == NULL && heard_at != VD_STORY_NEVER,
         said->label);
    if (answer == NULL)
        return;
    left_at = asked != NULL && asked->until != VD_STORY_NEVER ? asked->until + merge->shifts[other]
                                                              : heard_at;
    if (left_at < heard_at)
        left_at = heard_at;
    tell(merge, answer, lane, own, left_at,
         answer->at + shift > left_at ? answer->at + shift : left_at + AWHILE_US / 2, asked == NULL,
         answer->label);
}

/* Who asks without a recording of its own: by the id in its hello, or by what it calls itself. */
static void tell_asked(struct merge *merge, size_t tape, const struct vd_tape_item *asked)
{
    int64_t shift = merge->shifts[tape];
    char name[32];
    int from;

    if (asked->taken)
        return;
    vd_text_clear(&merge->text);
    vd_text_printf(&merge->text, "%.8s", asked->who[0] != '\0' ? asked->who : "a client");
    if (!vd_copy(name, sizeof(name), vd_text_cstr(&merge->text)))
        return;
    from = lane_of(merge, name, asked->who[0] != '\0' ? VD_LANE_SENTINEL : VD_LANE_CLIENT,
                   "without a recording");
    tell(merge, asked, from, merge->own[tape], asked->at + shift - AWHILE_US, asked->at + shift,
         true, asked->label);
    if (asked->until != VD_STORY_NEVER && asked->reply != NULL)
        tell(merge, asked, merge->own[tape], from, asked->until + shift,
             asked->until + shift + AWHILE_US, true, asked->reply);
}

/* The rest ------------------------------------------------------------------------------ */

static void tell_mark(struct merge *merge, int lane, int64_t at, enum vd_mark kind,
                      const char *text)
{
    if (is_within(merge, at))
        vd_story_mark(merge->story, &(struct vd_story_mark){.lane = lane,
                                                            .at = at,
                                                            .kind = kind,
                                                            .group = VD_STORY_NOBODY,
                                                            .text = name_ids(merge, text)});
}

static void tell_failover(struct merge *merge, size_t tape, const struct vd_tape_item *item)
{
    struct vd_story_failover failover = *item->failover;

    failover.lane = merge->own[tape];
    failover.group = vd_story_group(merge->story, item->group);
    for (int p = 0; p <= VD_PHASE_COUNT; p++) {
        if (failover.at[p] != VD_STORY_NEVER)
            failover.at[p] += merge->shifts[tape];
    }
    vd_story_failover(merge->story, &failover);
}

static void add_state(struct merge *merge, size_t tape, const struct vd_tape_item *item)
{
    if (merge->state_count == 0 || (merge->state_count & (merge->state_count - 1)) == 0)
        merge->states =
            vd_realloc(merge->states, (merge->state_count == 0 ? 1 : 2 * merge->state_count) *
                                          sizeof(*merge->states));
    merge->states[merge->state_count++] =
        (struct state){item->at + merge->shifts[tape], merge->lanes[tape][item->place], item};
}

static void tell_item(struct merge *merge, size_t tape, struct vd_tape_item *item)
{
    int64_t at = item->at + merge->shifts[tape];

    switch (item->kind) {
    case VD_TAPE_SAID:
        tell_said(merge, tape, item);
        break;
    case VD_TAPE_HEARD:
        tell(merge, item, merge->lanes[tape][item->place], merge->own[tape], at - AWHILE_US, at,
             true, item->label);
        break;
    case VD_TAPE_NOTICE:
        if (is_within(merge, at))
            vd_story_notice(merge->story, merge->own[tape], at, item->label,
                            name_ids(merge, item->detail));
        break;
    case VD_TAPE_MARK:
        tell_mark(merge, merge->own[tape], at, item->mark, item->label);
        break;
    case VD_TAPE_STATE:
        add_state(merge, tape, item);
        break;
    case VD_TAPE_FAILOVER:
        tell_failover(merge, tape, item);
        break;
    case VD_TAPE_LEFT_OUT:
    case VD_TAPE_ANSWER: /* with the SAID before it */
    case VD_TAPE_ASKED:  /* when all who asked have been gone through */
        break;
    }
}

static int compare_states(const void *a, const void *b)
{
    const struct state *left = a;
    const struct state *right = b;

    return (left->at > right->at) - (left->at < right->at);
}

static void tell_states(struct merge *merge)
{
    if (merge->state_count != 0)
        qsort(merge->states, merge->state_count, sizeof(*merge->states), compare_states);
    for (size_t i = 0; i < merge->state_count; i++)
        vd_story_enter(merge->story, merge->states[i].lane, VD_STORY_NOBODY,
                       merge->states[i].item->band, merge->states[i].at,
                       merge->states[i].item->label);
}

static void finish_lanes(struct merge *merge)
{
    int64_t last = 0;

    for (size_t i = 0; i < merge->count; i++) {
        int64_t ended_at = merge->tapes[i].ended_at * 1000 + merge->shifts[i];

        vd_story_end_lane(merge->story, merge->own[i], ended_at);
        last = ended_at > last ? ended_at : last;
    }
    for (size_t i = 0; i < merge->story->lane_count; i++)
        vd_story_end_lane(merge->story, (int)i, last);
}

void vd_merge_tapes(struct vd_tape *tapes, size_t count, int64_t from, int64_t to,
                    struct vd_story *story)
{
    struct merge merge = {.tapes = tapes, .count = count, .from = from, .to = to, .story = story};

    merge.shifts = vd_calloc(count + 1, sizeof(*merge.shifts));
    merge.own = vd_calloc(count + 1, sizeof(*merge.own));
    merge.lanes = vd_calloc(count + 1, sizeof(*merge.lanes));
    merge.seen = vd_calloc(count * count + 1, sizeof(*merge.seen));
    vd_merge_clocks(tapes, count, merge.shifts);
    add_lanes(&merge);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < tapes[i].item_count; k++)
            tell_item(&merge, i, &tapes[i].items[k]);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < tapes[i].item_count; k++) {
            if (tapes[i].items[k].kind == VD_TAPE_ASKED)
                tell_asked(&merge, i, &tapes[i].items[k]);
        }
        vd_free(merge.lanes[i]);
    }
    tell_states(&merge);
    finish_lanes(&merge);
    vd_free(merge.shifts);
    vd_free(merge.own);
    vd_free(merge.seen);
    vd_free((void *)merge.lanes);
    vd_free(merge.states);
    vd_text_free(&merge.text);
}
