/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transcript of a scenario: the same story that a picture is drawn from,
 * as lines. Times are milliseconds; a message stands where it was sent.
 */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

#define LATE_US 20000 /* on the way for longer than this is worth a word */

struct line {
    int64_t at;
    size_t order; /* as it was told: lines of one instant keep it */
    const struct vd_story_message *message;
    const struct vd_story_mark *mark;
};

static int compare(const void *a, const void *b)
{
    const struct line *left = a;
    const struct line *right = b;

    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

/* Nothing where it is still the same. */
static void put_time(int64_t at, int64_t before, struct vd_text *to)
{
    if (at / 100 == before / 100)
        vd_text_printf(to, "%9s  ", "");
    else
        vd_text_printf(to, "%7lld.%lld  ", (long long)(at / 1000), (long long)(at % 1000 / 100));
}

/*
 * Notices that say in other words what the lines around them say: left out,
 * unless all are wanted.
 */
static bool is_echo(const char *text)
{
    static const char *const echoes[] = {
        "+failover-state-",    "+new-epoch ",           "+slave ",
        "+sentinel ",          "+role-change ",         "-role-change ",
        "+slave-reconf-sent ", "+slave-reconf-inprog ", "+vote-for-leader ",
        "+sdown slave ",       "-sdown slave ",
    };

    for (size_t i = 0; i < sizeof(echoes) / sizeof(echoes[0]); i++) {
        if (strncmp(text, echoes[i], strlen(echoes[i])) == 0)
            return true;
    }
    return false;
}

static void put_message(const struct vd_story *story, const struct vd_story_message *message,
                        struct vd_text *to)
{
    vd_text_printf(to, "%-3s -> %-3s  %s", story->lanes[message->from].name,
                   story->lanes[message->to].name, message->label);
    if (message->heard_at == VD_STORY_NEVER)
        vd_text_puts(to, "  (lost)");
    else if (message->heard_at - message->sent_at > LATE_US)
        vd_text_printf(to, "  (heard at %lld)", (long long)(message->heard_at / 1000));
}

static void put_mark(const struct vd_story *story, const struct vd_story_mark *mark,
                     struct vd_text *to)
{
    if (mark->kind == VD_MARK_END)
        vd_text_printf(to, "end        %s", mark->text);
    else if (mark->kind == VD_MARK_FAULT)
        vd_text_printf(to, "==         %s", mark->text);
    else if (mark->kind == VD_MARK_VERDICT)
        vd_text_printf(to, "!!         %s", mark->text);
    else
        vd_text_printf(to, "%-9s  %s", mark->lane < 0 ? "" : story->lanes[mark->lane].name,
                       mark->text);
}

static bool shows_message(const struct sim_scenario *scenario,
                          const struct vd_story_message *message)
{
    return message->sent_at >= scenario->from && (scenario->talks >> message->talk & 1U) != 0;
}

static bool shows_mark(const struct sim_scenario *scenario, const struct vd_story_mark *mark)
{
    if (mark->at < scenario->from || (scenario->marks >> mark->kind & 1U) == 0)
        return false;
    return mark->kind != VD_MARK_NOTICE || scenario->echoes || !is_echo(mark->text);
}

void sim_scenario_tell(const struct sim_scenario *scenario, const struct vd_story *story,
                       struct vd_text *to)
{
    struct line *lines = vd_calloc(story->message_count + story->mark_count + 1, sizeof(*lines));
    size_t count = 0;

    for (size_t i = 0; i < story->message_count; i++) {
        const struct vd_story_message *message = &story->messages[i];

        if (shows_message(scenario, message))
            lines[count++] = (struct line){message->sent_at, message->order, message, NULL};
    }
    for (size_t i = 0; i < story->mark_count; i++) {
        const struct vd_story_mark *mark = &story->marks[i];

        if (shows_mark(scenario, mark))
            lines[count++] = (struct line){mark->at, mark->order, NULL, mark};
    }
    qsort(lines, count, sizeof(*lines), compare);
    for (size_t i = 0; i < count; i++) {
        put_time(lines[i].at, i > 0 ? lines[i - 1].at : -1000000, to);
        if (lines[i].message != NULL)
            put_message(story, lines[i].message, to);
        else
            put_mark(story, lines[i].mark, to);
        vd_text_putc(to, '\n');
    }
    vd_free(lines);
}
