/* SPDX-License-Identifier: BSD-3-Clause */
/* What was denied to whom, the newest first. See acl.h. */
#include <string.h>

#include "proto/acl_room.h"

/* The same denial within this time is counted, not told again. */
#define GROUP_MS 60000

static void entry_free(struct vd_log_entry *entry)
{
    vd_free(entry->object);
    vd_free(entry->user);
    vd_free(entry->client);
    vd_free(entry);
}

static void keep_first(struct vd_acl *acl, size_t most)
{
    while (acl->log_count > most)
        entry_free(acl->log[--acl->log_count]);
}

void vd_acl_log_reset(struct vd_acl *acl)
{
    keep_first(acl, 0);
    vd_free(acl->log);
    acl->log = NULL;
}

/* Its place; log_count when there is none. */
static size_t find_same(const struct vd_acl *acl, const struct vd_denial *denial, int64_t wall_ms)
{
    size_t i = 0;

    for (; i < acl->log_count; i++) {
        const struct vd_log_entry *entry = acl->log[i];

        if (entry->reason == denial->reason && wall_ms - entry->updated_ms <= GROUP_MS &&
            strcmp(entry->object, denial->object) == 0 && strcmp(entry->user, denial->user) == 0)
            break;
    }
    return i;
}

static struct vd_log_entry *make_entry(struct vd_acl *acl, const struct vd_denial *denial,
                                       int64_t wall_ms)
{
    struct vd_log_entry *entry = vd_alloc(sizeof(*entry));

    entry->id = acl->last_log_id++;
    entry->reason = denial->reason;
    entry->object = vd_strdup(denial->object);
    entry->user = vd_strdup(denial->user);
    entry->created_ms = wall_ms;
    acl->log = vd_realloc(acl->log, (acl->log_count + 1) * sizeof(acl->log[0]));
    acl->log_count++;
    return entry;
}

void vd_acl_log(struct vd_acl *acl, const struct vd_denial *denial, const char *client,
                int64_t wall_ms, size_t most)
{
    size_t place = find_same(acl, denial, wall_ms);
    struct vd_log_entry *entry =
        place < acl->log_count ? acl->log[place] : make_entry(acl, denial, wall_ms);

    entry->count++;
    entry->updated_ms = wall_ms;
    vd_free(entry->client);
    entry->client = vd_strdup(client);
    memmove(&acl->log[1], &acl->log[0], place * sizeof(acl->log[0]));
    acl->log[0] = entry;
    keep_first(acl, most);
}

static const char *reason_name(enum vd_denial_reason reason)
{
    switch (reason) {
    case VD_DENIAL_AUTH:
        return "auth";
    case VD_DENIAL_COMMAND:
        return "command";
    case VD_DENIAL_CHANNEL:
        return "channel";
    case VD_DENIAL_NONE:
        break;
    }
    return "none";
}

static void render_text(struct vd_resp *resp, const char *name, const char *value)
{
    vd_resp_bulk_cstr(resp, name);
    vd_resp_bulk_cstr(resp, value);
}

static void render_number(struct vd_resp *resp, const char *name, int64_t value)
{
    vd_resp_bulk_cstr(resp, name);
    vd_resp_int(resp, value);
}

static void render_entry(const struct vd_log_entry *entry, int64_t wall_ms, struct vd_resp *resp)
{
    vd_resp_map(resp, 10);
    render_number(resp, "count", (int64_t)entry->count);
    render_text(resp, "reason", reason_name(entry->reason));
    render_text(resp, "context", "toplevel");
    render_text(resp, "object", entry->object);
    render_text(resp, "username", entry->user);
    vd_resp_bulk_cstr(resp, "age-seconds");
    vd_resp_double(resp, (double)(wall_ms - entry->updated_ms) / 1000.0);
    render_text(resp, "client-info", entry->client);
    render_number(resp, "entry-id", (int64_t)entry->id);
    render_number(resp, "timestamp-created", entry->created_ms);
    render_number(resp, "timestamp-last-updated", entry->updated_ms);
}

void vd_acl_log_render(const struct vd_acl *acl, size_t most, int64_t wall_ms, struct vd_resp *resp)
{
    size_t count = most < acl->log_count ? most : acl->log_count;

    vd_resp_array(resp, count);
    for (size_t i = 0; i < count; i++)
        render_entry(acl->log[i], wall_ms, resp);
}
