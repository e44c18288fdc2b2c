/* SPDX-License-Identifier: BSD-3-Clause */
/* Circle: see circle.h. */
#include "alert/circle.h"

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <string.h>
#include <uthash.h>

#include "proto/hello.h"

#define PREFIX VD_WORD_ALERTS "1,"
#define FIELDS_MAX 10
#define MET_MS 60000 /* who is in no group any more is forgotten after so long */

struct member {
    char id[VD_ID_LEN + 1];
    vd_link link;
    vd_ms met_at;
    vd_ms heard_at; /* VD_NEVER */
    bool ready;
    UT_hash_handle hh;
};

struct vd_circle {
    struct vd_links *links;
    const struct vd_drive *drive;
    struct member *members;
    vd_ms begins_at;
    vd_ms back_until; /* we stand back */
    char self[VD_ID_LEN + 1];
};

struct vd_circle *vd_circle_new(struct vd_links *links, const struct vd_drive *drive, vd_ms now)
{
    struct vd_circle *circle = vd_alloc(sizeof(*circle));
    struct vd_view_core view;

    circle->links = links;
    circle->drive = drive;
    circle->begins_at = now + VD_CIRCLE_LOST_MS;
    circle->back_until = now;
    vd_view_core(drive->core, &view);
    memcpy(circle->self, view.self.hex, sizeof(circle->self));
    return circle;
}

void vd_circle_free(struct vd_circle *circle)
{
    struct member *member;
    struct member *next;

    if (circle == NULL)
        return;
    HASH_ITER (hh, circle->members, member, next) {
        HASH_DEL(circle->members, member);
        vd_free(member);
    }
    vd_free(circle);
}

void vd_circle_meet(struct vd_circle *circle, const char *group, vd_ms now)
{
    struct vd_view_peer peer;
    struct member *member;

    for (size_t i = 0; vd_view_peer(circle->drive->core, now, group, i, &peer); i++) {
        if (peer.id.hex[0] == '\0')
            continue;
        HASH_FIND_STR(circle->members, peer.id.hex, member);
        if (member == NULL) {
            member = vd_alloc(sizeof(*member));
            memcpy(member->id, peer.id.hex, sizeof(member->id));
            member->heard_at = VD_NEVER;
            HASH_ADD_STR(circle->members, id, member);
        }
        member->link = peer.link;
        member->met_at = now;
    }
}

/* Hearing -------------------------------------------------------------------------- */

/* Cuts the text at its commas; the last field may have some. */
static size_t split(char *text, const char *fields[FIELDS_MAX])
{
    size_t count = 0;
    char *comma;

    while (count < FIELDS_MAX) {
        fields[count++] = text;
        comma = count < FIELDS_MAX ? strchr(text, ',') : NULL;
        if (comma == NULL)
            break;
        *comma = '\0';
        text = comma + 1;
    }
    return count;
}

static bool read_told(const char *const fields[FIELDS_MAX], struct vd_told *out)
{
    bool fires = strcmp(fields[5], "firing") == 0;

    *out = (struct vd_told){.channel = fields[4],
                            .ended = !fires,
                            .rule = fields[7],
                            .group = fields[8],
                            .target = fields[9]};
    return (fires || strcmp(fields[5], "resolved") == 0) &&
           vd_parse_int64(fields[6], strlen(fields[6]), &out->since_ms);
}

bool vd_circle_hear(struct vd_circle *circle, const char *text, vd_ms now, struct vd_text *scratch,
                    struct vd_told *out)
{
    const char *fields[FIELDS_MAX] = {NULL};
    struct member *member;
    size_t count;

    if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
        return false;
    vd_text_clear(scratch);
    vd_text_puts(scratch, text);
    (void)vd_text_cstr(scratch);
    count = split(scratch->bytes, fields);
    if (count < 5)
        return false;
    HASH_FIND_STR(circle->members, fields[2], member);
    if (member == NULL)
        return false;
    if (strcmp(fields[3], "here") == 0) {
        member->heard_at = now;
        member->ready = strcmp(fields[4], "1") == 0;
        return false;
    }
    return strcmp(fields[3], "told") == 0 && count == FIELDS_MAX && read_told(fields, out);
}

/* Saying --------------------------------------------------------------------------- */

static void say(struct vd_circle *circle, const char *text)
{
    const struct member *member;

    for (member = circle->members; member != NULL; member = member->hh.next)
        vd_links_tell(circle->links, member->link, text);
    vd_links_flush(circle->links);
}

static void forget_strangers(struct vd_circle *circle, vd_ms now)
{
    struct member *member;
    struct member *next;

    HASH_ITER (hh, circle->members, member, next) {
        if (now - member->met_at <= MET_MS)
            continue;
        HASH_DEL(circle->members, member);
        vd_free(member);
    }
}

static bool is_ready(const struct vd_circle *circle, vd_ms now)
{
    return now >= circle->begins_at && now >= circle->back_until;
}

void vd_circle_say_here(struct vd_circle *circle, vd_ms now)
{
    struct vd_text text = {0};

    forget_strangers(circle, now);
    vd_text_printf(&text, PREFIX "%s,here,%d", circle->self, is_ready(circle, now));
    say(circle, vd_text_cstr(&text));
    vd_text_free(&text);
}

void vd_circle_say_told(struct vd_circle *circle, const struct vd_told *told)
{
    struct vd_text text = {0};

    vd_text_printf(&text, PREFIX "%s,told,%s,%s,%lld,%s,%s,%s", circle->self, told->channel,
                   told->ended ? "resolved" : "firing", (long long)told->since_ms, told->rule,
                   told->group, told->target);
    say(circle, vd_text_cstr(&text));
    vd_text_free(&text);
}

/* Who tells ------------------------------------------------------------------------ */

bool vd_circle_has_begun(const struct vd_circle *circle, vd_ms now)
{
    return now >= circle->begins_at;
}

void vd_circle_stand_back(struct vd_circle *circle, vd_ms until)
{
    circle->back_until = until;
}

static bool comes_before(const struct vd_circle *circle, const struct vd_view_peer *peer, vd_ms now)
{
    const struct member *member;

    if (peer->s_down || peer->disconnected)
        return false;
    HASH_FIND_STR(circle->members, peer->id.hex, member);
    if (member == NULL || member->heard_at == VD_NEVER ||
        now - member->heard_at >= VD_CIRCLE_LOST_MS)
        return false;
    if (member->ready != is_ready(circle, now - VD_CIRCLE_HERE_MS))
        return member->ready;
    return strcmp(peer->id.hex, circle->self) < 0;
}

bool vd_circle_leads(const struct vd_circle *circle, const char *group, vd_ms now)
{
    struct vd_view_peer peer;

    /* Who tells until now must have heard first that we are ready: else both would. */
    if (!vd_circle_has_begun(circle, now - VD_CIRCLE_HERE_MS))
        return false;
    for (size_t i = 0; vd_view_peer(circle->drive->core, now, group, i, &peer); i++)
        if (comes_before(circle, &peer, now))
            return false;
    return true;
}
