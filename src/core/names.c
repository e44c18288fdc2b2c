/* SPDX-License-Identifier: BSD-3-Clause */
/* Names: see names.h. */
#include "core/names.h"

#include "base/text.h"
#include "core/emit.h"

#define VALID_MS 10000
#define NAMES_MAX 4096

static void ask(struct vd_core *core, struct vd_name_entry *entry)
{
    struct vd_effect *effect;

    if (entry->asked)
        return;
    entry->asked = true;
    effect = vd_emit(core, VD_EF_RESOLVE, false);
    effect->resolve.host = vd_arena_strdup(&core->out->arena, entry->host);
}

/* The one known longest makes room: names that matter are asked for again. */
static bool evict(struct vd_core *core)
{
    struct vd_name_entry *oldest = core->names;

    if (oldest->asked)
        return false;
    HASH_DEL(core->names, oldest);
    vd_free(oldest->host);
    vd_free(oldest);
    return true;
}

bool vd_names_complete(struct vd_core *core, struct vd_addr *addr)
{
    struct vd_name_entry *entry;

    if (addr->ip[0] != '\0')
        return true;
    if (!core->globals.resolve_hostnames || addr->host[0] == '\0')
        return false;
    HASH_FIND_STR(core->names, addr->host, entry);
    if (entry == NULL) {
        if (HASH_COUNT(core->names) >= NAMES_MAX && !evict(core))
            return false;
        entry = vd_alloc(sizeof(*entry));
        entry->host = vd_strdup(addr->host);
        entry->at = VD_NEVER;
        HASH_ADD_KEYPTR(hh, core->names, entry->host, strlen(entry->host), entry);
    }
    if (entry->at == VD_NEVER || core->now - entry->at > VALID_MS)
        ask(core, entry);
    return entry->ip[0] != '\0' && vd_copy(addr->ip, sizeof(addr->ip), entry->ip);
}

void vd_names_on_resolved(struct vd_core *core, const struct vd_event *event)
{
    struct vd_name_entry *entry;

    HASH_FIND_STR(core->names, event->resolved.host, entry);
    if (entry == NULL)
        return;
    entry->asked = false;
    entry->at = core->now;
    /* The last good answer stays while the name server does not answer. */
    if (event->resolved.ip[0] != '\0' && !vd_copy(entry->ip, sizeof(entry->ip), event->resolved.ip))
        entry->ip[0] = '\0';
}

void vd_names_free(struct vd_core *core)
{
    struct vd_name_entry *entry;
    struct vd_name_entry *next;

    HASH_ITER (hh, core->names, entry, next) {
        HASH_DEL(core->names, entry);
        vd_free(entry->host);
        vd_free(entry);
    }
}
