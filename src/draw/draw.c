/* SPDX-License-Identifier: BSD-3-Clause */
/* Draw: the story as JSON, between the halves of the page; see draw.h. */
#include "draw/draw.h"

#include <string.h>

/* Text ------------------------------------------------------------------------------- */

/* The length of the UTF-8 character at `bytes`, which end with a NUL; 0: it is none. */
static size_t utf8_len(const unsigned char *bytes)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = bytes[0] < 0x80 ? 1 : bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    uint32_t code = bytes[0];

    if (len == 1)
        return 1;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
        return 0;
    code &= 0xffU >> (len + 1);
    for (size_t i = 1; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (bytes[i] & 0x3f);
    }
    if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return len;
}

/* No '<' leaves here, so that no text can end the script; nothing that is not UTF-8 either. */
static void put_string(const char *text, struct vd_text *to)
{
    const unsigned char *c = (const unsigned char *)(text != NULL ? text : "");

    vd_text_putc(to, '"');
    while (*c != '\0') {
        size_t len = utf8_len(c);

        if (len == 0) {
            vd_text_puts(to, "\\ufffd");
            len = 1;
        } else if (len == 1 && (*c < ' ' || strchr("\"\\<>&'\x7f", *c) != NULL)) {
            vd_text_printf(to, "\\u%04x", *c);
        } else {
            vd_text_add(to, c, len);
        }
        c += len;
    }
    vd_text_putc(to, '"');
}

static void put_key(const char *key, struct vd_text *to)
{
    if (to->len != 0 && strchr("{[", to->bytes[to->len - 1]) == NULL)
        vd_text_putc(to, ',');
    vd_text_printf(to, "\"%s\":", key);
}

static void put_number(int64_t number, struct vd_text *to)
{
    if (to->bytes[to->len - 1] != '[')
        vd_text_putc(to, ',');
    vd_text_put_int(to, number);
}

static void put_instant(int64_t at, struct vd_text *to)
{
    if (at != VD_STORY_NEVER) {
        put_number(at, to);
        return;
    }
    if (to->bytes[to->len - 1] != '[')
        vd_text_putc(to, ',');
    vd_text_puts(to, "null");
}

static void put_text(const char *text, struct vd_text *to)
{
    if (to->bytes[to->len - 1] != '[')
        vd_text_putc(to, ',');
    put_string(text, to);
}

/* Words for the page -------------------------------------------------------------------- */

static const char *const lane_words[] = {
    [VD_LANE_SERVER] = "server",
    [VD_LANE_SENTINEL] = "sentinel",
    [VD_LANE_CLIENT] = "client",
};

static const char *const talk_words[] = {
    [VD_TALK_QUESTION] = "question", [VD_TALK_ORDER] = "order",   [VD_TALK_HELLO] = "hello",
    [VD_TALK_INFO] = "info",         [VD_TALK_PING] = "ping",     [VD_TALK_LINK] = "link",
    [VD_TALK_STREAM] = "stream",     [VD_TALK_CLIENT] = "client",
};

static const char *const mark_words[] = {
    [VD_MARK_NOTICE] = "notice", [VD_MARK_SAVE] = "save",   [VD_MARK_LIFE] = "life",
    [VD_MARK_ROLE] = "role",     [VD_MARK_FAULT] = "fault", [VD_MARK_VERDICT] = "verdict",
    [VD_MARK_END] = "end",
};

static const char *const band_words[] = {
    [VD_BAND_SDOWN] = "sdown",         [VD_BAND_ODOWN] = "odown",
    [VD_BAND_CANDIDATE] = "candidate", [VD_BAND_LEADER] = "leader",
    [VD_BAND_PROMOTED] = "promoted",   [VD_BAND_PRIMARY] = "primary",
    [VD_BAND_REPLICA] = "replica",     [VD_BAND_LOADING] = "loading",
    [VD_BAND_DEAD] = "dead",           [VD_BAND_PAUSED] = "paused",
};

/* Rows: arrays without keys, since there are many; page.js names their places. ------------ */

static void open_row(struct vd_text *to)
{
    if (to->bytes[to->len - 1] == ']')
        vd_text_putc(to, ',');
    vd_text_puts(to, "\n[");
}

static void put_lanes(const struct vd_story *story, struct vd_text *to)
{
    put_key("lanes", to);
    vd_text_putc(to, '[');
    for (size_t i = 0; i < story->lane_count; i++) {
        const struct vd_story_lane *lane = &story->lanes[i];

        open_row(to);
        put_text(lane_words[lane->kind], to);
        put_text(lane->name, to);
        put_text(lane->detail, to);
        put_number(lane->group, to);
        vd_text_putc(to, ']');
    }
    vd_text_putc(to, ']');
}

static void put_messages(const struct vd_story *story, struct vd_text *to)
{
    put_key("messages", to);
    vd_text_putc(to, '[');
    for (size_t i = 0; i < story->message_count; i++) {
        const struct vd_story_message *message = &story->messages[i];

        open_row(to);
        put_number(message->from, to);
        put_number(message->to, to);
        put_instant(message->sent_at, to);
        put_instant(message->heard_at, to);
        put_text(talk_words[message->talk], to);
        put_number(message->group, to);
        put_number(message->estimated, to);
        put_text(message->label, to);
        put_text(message->detail, to);
        vd_text_putc(to, ']');
    }
    vd_text_putc(to, ']');
}

static void put_marks(const struct vd_story *story, struct vd_text *to)
{
    put_key("marks", to);
    vd_text_putc(to, '[');
    for (size_t i = 0; i < story->mark_count; i++) {
        const struct vd_story_mark *mark = &story->marks[i];

        open_row(to);
        put_number(mark->lane, to);
        put_instant(mark->at, to);
        put_text(mark_words[mark->kind], to);
        put_number(mark->group, to);
        put_text(mark->text, to);
        vd_text_putc(to, ']');
    }
    vd_text_putc(to, ']');
}

static void put_bands(const struct vd_story *story, struct vd_text *to)
{
    put_key("bands", to);
    vd_text_putc(to, '[');
    for (size_t i = 0; i < story->band_count; i++) {
        const struct vd_story_band *band = &story->bands[i];

        open_row(to);
        put_number(band->lane, to);
        put_instant(band->from, to);
        put_instant(band->to, to);
        put_text(band_words[band->kind], to);
        put_number(band->group, to);
        put_text(band->text, to);
        vd_text_putc(to, ']');
    }
    vd_text_putc(to, ']');
}

static void put_failovers(const struct vd_story *story, struct vd_text *to)
{
    put_key("failovers", to);
    vd_text_putc(to, '[');
    for (size_t i = 0; i < story->failover_count; i++) {
        const struct vd_story_failover *failover = &story->failovers[i];

        open_row(to);
        put_number(failover->lane, to);
        put_number(failover->group, to);
        vd_text_printf(to, ",\"%llu\",[", (unsigned long long)failover->epoch);
        for (int p = 0; p <= VD_PHASE_COUNT; p++)
            put_instant(failover->at[p], to);
        vd_text_putc(to, ']');
        put_number(failover->loss_bytes, to);
        put_text(failover->reason, to);
        put_text(failover->result, to);
        put_text(failover->from, to);
        put_text(failover->to, to);
        vd_text_putc(to, ']');
    }
    vd_text_putc(to, ']');
}

void vd_draw_json(const struct vd_story *story, struct vd_text *to)
{
    vd_text_putc(to, '{');
    put_key("title", to);
    put_string(story->title, to);
    put_key("about", to);
    put_string(story->about, to);
    put_key("groups", to);
    vd_text_putc(to, '[');
    for (size_t i = 0; i < story->group_count; i++)
        put_text(story->groups[i], to);
    vd_text_putc(to, ']');
    put_lanes(story, to);
    put_messages(story, to);
    put_marks(story, to);
    put_bands(story, to);
    put_failovers(story, to);
    vd_text_puts(to, "}\n");
}

void vd_draw_page(const struct vd_story *story, struct vd_text *to)
{
    vd_text_add(to, vd_draw_head, vd_draw_head_len);
    vd_draw_json(story, to);
    vd_text_add(to, vd_draw_tail, vd_draw_tail_len);
}
