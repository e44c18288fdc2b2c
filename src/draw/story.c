/* SPDX-License-Identifier: BSD-3-Clause */
/* Story: lists that grow, and states that follow one another; see story.h. */
#include "draw/story.h"

#include <string.h>

#include "base/text.h"

/* Room for one more in a list: doubled whenever the count is a power of two. */
static void *grow(void *list, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return list;
    return vd_realloc(list, (count == 0 ? 1 : 2 * count) * size);
}
#define GROW(list, count) ((list) = grow((list), (count), sizeof(*(list))))

void vd_story_free(struct vd_story *story)
{
    vd_arena_free(&story->arena);
    vd_free((void *)story->groups);
    vd_free(story->lanes);
    vd_free(story->messages);
    vd_free(story->marks);
    vd_free(story->bands);
    vd_free(story->failovers);
    *story = (struct vd_story){0};
}

static const char *keep(struct vd_story *story, const char *text)
{
    return text == NULL || text[0] == '\0' ? "" : vd_arena_strdup(&story->arena, text);
}

void vd_story_name(struct vd_story *story, const char *title, const char *about)
{
    story->title = keep(story, title);
    story->about = keep(story, about);
}

int vd_story_add_lane(struct vd_story *story, const struct vd_story_lane *lane)
{
    struct vd_story_lane *added;

    GROW(story->lanes, story->lane_count);
    added = &story->lanes[story->lane_count];
    *added = *lane;
    added->name = keep(story, lane->name);
    added->detail = keep(story, lane->detail);
    return (int)story->lane_count++;
}

int vd_story_group(struct vd_story *story, const char *name)
{
    for (size_t i = 0; i < story->group_count; i++) {
        if (strcmp(story->groups[i], name) == 0)
            return (int)i;
    }
    story->groups = grow((void *)story->groups, story->group_count, sizeof(*story->groups));
    story->groups[story->group_count] = keep(story, name);
    return (int)story->group_count++;
}

size_t vd_story_tell(struct vd_story *story, const struct vd_story_message *message)
{
    struct vd_story_message *added;

    GROW(story->messages, story->message_count);
    added = &story->messages[story->message_count];
    *added = *message;
    added->label = keep(story, message->label);
    added->detail = keep(story, message->detail);
    added->order = story->message_count + story->mark_count;
    return story->message_count++;
}

void vd_story_arrived(struct vd_story *story, size_t message, int64_t at)
{
    VD_ASSERT(message < story->message_count);
    story->messages[message].heard_at = at;
}

void vd_story_mark(struct vd_story *story, const struct vd_story_mark *mark)
{
    struct vd_story_mark *added;

    GROW(story->marks, story->mark_count);
    added = &story->marks[story->mark_count];
    *added = *mark;
    added->text = keep(story, mark->text);
    added->order = story->message_count + story->mark_count;
    story->mark_count++;
}

void vd_story_failover(struct vd_story *story, const struct vd_story_failover *failover)
{
    struct vd_story_failover *added;

    GROW(story->failovers, story->failover_count);
    added = &story->failovers[story->failover_count++];
    *added = *failover;
    added->reason = keep(story, failover->reason);
    added->result = keep(story, failover->result);
    added->from = keep(story, failover->from);
    added->to = keep(story, failover->to);
}

/* States --------------------------------------------------------------------------- */

enum sort { SORT_HEALTH, SORT_OFFICE, SORT_SERVER };

static enum sort sort_of(enum vd_band kind)
{
    if (kind <= VD_BAND_ODOWN)
        return SORT_HEALTH;
    return kind <= VD_BAND_PROMOTED ? SORT_OFFICE : SORT_SERVER;
}

/* The open one of this sort; at most one is. */
static struct vd_story_band *find_open(struct vd_story *story, int lane, int group, enum sort sort)
{
    for (size_t i = story->band_count; i-- > 0;) {
        struct vd_story_band *band = &story->bands[i];

        if (band->lane == lane && band->group == group && sort_of(band->kind) == sort)
            return band->to == VD_STORY_NEVER ? band : NULL;
    }
    return NULL;
}

void vd_story_leave(struct vd_story *story, int lane, int group, enum vd_band sort, int64_t at)
{
    struct vd_story_band *open = find_open(story, lane, group, sort_of(sort));

    if (open != NULL)
        open->to = at;
}

void vd_story_enter(struct vd_story *story, int lane, int group, enum vd_band kind, int64_t at,
                    const char *text)
{
    struct vd_story_band *open = find_open(story, lane, group, sort_of(kind));

    if (open != NULL && open->kind == kind && strcmp(open->text, text) == 0)
        return;
    if (open != NULL)
        open->to = at;
    GROW(story->bands, story->band_count);
    story->bands[story->band_count++] = (struct vd_story_band){
        .lane = lane,
        .from = at,
        .to = VD_STORY_NEVER,
        .kind = kind,
        .group = group,
        .text = keep(story, text),
    };
}

void vd_story_end_lane(struct vd_story *story, int lane, int64_t at)
{
    for (size_t i = 0; i < story->band_count; i++) {
        if (story->bands[i].lane == lane && story->bands[i].to == VD_STORY_NEVER)
            story->bands[i].to = at;
    }
}

/* Notices ---------------------------------------------------------------------------- */

/* The group's name in "master <name> ...", "<type> <name> <ip> <port> @ <name> ..." and
 * "<name> <ip> <port> <ip> <port>"; empty where there is none. */
static void read_group(const char *event, const char *payload, struct vd_text *name)
{
    const char *from = payload;
    const char *at = strstr(payload, " @ ");

    if (at != NULL)
        from = at + 3;
    else if (strncmp(payload, "master ", 7) == 0)
        from = payload + 7;
    else if (strcmp(event, "+switch-master") != 0)
        return;
    vd_text_add(name, from, strcspn(from, " "));
}

/* Does it say something of the group's primary, or only of one of its other instances? */
static bool is_of_primary(const char *payload)
{
    return strncmp(payload, "master ", 7) == 0;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void move_states(struct vd_story *story, int lane, int group, int64_t at, const char *event,
                        bool of_primary)
{
    bool leads = find_open(story, lane, group, SORT_OFFICE) != NULL;

    if (strcmp(event, "+sdown") == 0 && of_primary) {
        vd_story_enter(story, lane, group, VD_BAND_SDOWN, at, "S_DOWN");
    } else if (strcmp(event, "+odown") == 0) {
        vd_story_enter(story, lane, group, VD_BAND_ODOWN, at, "O_DOWN");
    } else if (strcmp(event, "-odown") == 0) {
        vd_story_enter(story, lane, group, VD_BAND_SDOWN, at, "S_DOWN");
    } else if (strcmp(event, "-sdown") == 0 && of_primary) {
        vd_story_leave(story, lane, group, VD_BAND_SDOWN, at);
    } else if (strcmp(event, "+try-failover") == 0) {
        vd_story_enter(story, lane, group, VD_BAND_CANDIDATE, at, "candidate");
    } else if (strcmp(event, "+elected-leader") == 0) {
        vd_story_enter(story, lane, group, VD_BAND_LEADER, at, "leader");
    } else if (strcmp(event, "+promoted-slave") == 0 && leads) {
        vd_story_enter(story, lane, group, VD_BAND_PROMOTED, at, "promoted");
    } else if (strcmp(event, "+switch-master") == 0) {
        vd_story_leave(story, lane, group, VD_BAND_SDOWN, at);
    } else if (starts_with(event, "failover-end") || starts_with(event, "+failover-end") ||
               starts_with(event, "-failover-abort")) {
        vd_story_leave(story, lane, group, VD_BAND_LEADER, at);
    }
}

void vd_story_notice(struct vd_story *story, int lane, int64_t at, const char *event,
                     const char *payload)
{
    struct vd_text text = {0};
    int group = VD_STORY_NOBODY;

    payload = payload != NULL ? payload : "";
    read_group(event, payload, &text);
    if (text.len != 0)
        group = vd_story_group(story, vd_text_cstr(&text));
    vd_text_clear(&text);
    vd_text_printf(&text, "%s%s%s", event, payload[0] != '\0' ? " " : "", payload);
    vd_story_mark(story, &(struct vd_story_mark){.lane = lane,
                                                 .at = at,
                                                 .kind = VD_MARK_NOTICE,
                                                 .group = group,
                                                 .text = vd_text_cstr(&text)});
    vd_text_free(&text);
    if (group != VD_STORY_NOBODY)
        move_states(story, lane, group, at, event, is_of_primary(payload));
}
