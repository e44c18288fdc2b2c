/* SPDX-License-Identifier: BSD-3-Clause */
/* What was denied to whom, the newest first. See acl.h. */
#include <string.h>

#include <utlist.h>

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

void vd_acl_log_reset(struct vd_acl *acl)
{
    struct vd_log_entry *entry;
    struct vd_log_entry *next;

    DL_FOREACH_SAFE (acl->log, entry, next) {
        DL_DELETE(acl->log, entry);
        entry_free(entry);
    }
    acl->log_count = 0;
}

static struct vd_log_entry *find_same(const struct vd_acl *acl, const struct vd_denial *denial,
                                      int64_t wall_ms)
{
    struct vd_log_entry *entry;

    DL_FOREACH (acl->log, entry) {
        if (entry->reason == denial->reason && wall_ms - entry->updated_ms <= GROUP_MS &&
            strcmp(entry->object, denial->object) == 0 && strcmp(entry->user, denial->user) == 0)
            return entry;
    }
    return NULL;
}

void vd_acl_log(struct vd_acl *acl, const struct vd_denial *denial, const char *client,
                int64_t wall_ms, size_t most)
{
    struct vd_log_entry *entry = find_same(acl, denial, wall_ms);

    if (most == 0)
        return;
    if (entry != NULL) {
        DL_DELETE(acl->log, entry);
        vd_free(entry->client);
    } else {
        entry = vd_alloc(sizeof(*entry));
        entry->id = acl->last_log_id++;
        entry->reason = denial->reason;
        entry->object = vd_strdup(denial->object);
        entry->user = vd_strdup(denial->user);
        entry->created_ms = wall_ms;
        acl->log_count++;
    }
    entry->count++;
    entry->updated_ms = wall_ms;
    entry->client = vd_strdup(client);
    DL_PREPEND(acl->log, entry);
    while (acl->log_count > most) {
        struct vd_log_entry *last = acl->log->prev;

        DL_DELETE(acl->log, last);
        entry_free(last);
        acl->log_count--;
    }
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
    const struct vd_log_entry *entry;
    size_t count = most < acl->log_count ? most : acl->log_count;

    vd_resp_array(resp, count);
    for (entry = acl->log; count > 0; entry = entry->next, count--)
        render_entry(entry, wall_ms, resp);
}
