/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Merging configuration and saved state, group by group. Every rule compares
 * a line of the configuration as it is with what it was when the state was
 * saved: as long as it is the same, what has happened since stands.
 */
#include "shell/restore.h"

#include <string.h>

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <uthash.h>

#include "proto/option.h"
#include "shell/log.h"
#include "shell/store.h"

/* A name that the saved state knows something about. */
struct known {
    const char *name;
    const struct vd_image_group *group; /* NULL: none saved */
    const struct vd_saved_group *about; /* goes with group */
    const struct vd_tombstone *tombstone;
    UT_hash_handle hh;
};

struct merge {
    const struct vd_config *config;
    const struct vd_saved *saved; /* NULL: none */
    struct vd_arena *arena;
    struct known *known;
    struct vd_image *image;
    struct vd_image_group *groups;
    const char **removed;
};

/* What is known ---------------------------------------------------------------------- */

static struct known *find_known(const struct merge *m, const char *name)
{
    struct known *known;

    HASH_FIND(hh, m->known, name, strlen(name), known);
    return known;
}

static struct known *learn(struct merge *m, const char *name)
{
    struct known *known = find_known(m, name);

    if (known == NULL) {
        known = vd_alloc(sizeof(*known));
        known->name = name;
        HASH_ADD_KEYPTR(hh, m->known, name, strlen(name), known);
    }
    return known;
}

static void learn_all(struct merge *m)
{
    if (m->saved == NULL)
        return;
    for (size_t i = 0; i < m->saved->image.group_count; i++) {
        struct known *known = learn(m, m->saved->image.groups[i].name);

        known->group = &m->saved->image.groups[i];
        known->about = &m->saved->groups[i];
    }
    for (size_t i = 0; i < m->saved->tombstone_count; i++)
        learn(m, m->saved->tombstones[i].name)->tombstone = &m->saved->tombstones[i];
}

static void forget_all(struct merge *m)
{
    struct known *known;
    struct known *next;

    HASH_ITER (hh, m->known, known, next) {
        HASH_DEL(m->known, known);
        vd_free(known);
    }
}

static bool is_same_line(const struct vd_addr *saved, const struct vd_addr *now)
{
    return saved->port == now->port && strcmp(saved->host, now->host) == 0;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Options ------------------------------------------------------------------------------ */

/* One option from `from` to `to`, whose texts are borrowed: neither is ever released here. */
static void borrow_group_option(enum vd_option option, const struct vd_options *from,
                                struct vd_options *to)
{
    struct vd_text text = {0};

    switch ((int)option) {
    case VD_OPT_AUTH_USER:
        to->auth_user = from->auth_user;
        return;
    case VD_OPT_AUTH_PASS:
        to->auth_pass = from->auth_pass;
        return;
    case VD_OPT_NOTIFICATION_SCRIPT:
        to->notification_script = from->notification_script;
        return;
    case VD_OPT_CLIENT_RECONFIG_SCRIPT:
        to->client_reconfig_script = from->client_reconfig_script;
        return;
    case VD_OPT_RENAME_COMMAND:
        to->renames = from->renames;
        to->rename_count = from->rename_count;
        return;
    default:
        vd_option_print_group(option, from, &text);
        VD_ASSERT(vd_option_read_group(option, vd_text_cstr(&text), to, NULL));
        vd_text_free(&text);
    }
}

static void borrow_global_option(enum vd_option option, const struct vd_globals *from,
                                 struct vd_globals *to)
{
    struct vd_text text = {0};

    switch ((int)option) {
    case VD_OPT_ANNOUNCE_IP:
        to->announce_ip = from->announce_ip;
        return;
    case VD_OPT_SENTINEL_USER:
        to->sentinel_user = from->sentinel_user;
        return;
    case VD_OPT_SENTINEL_PASS:
        to->sentinel_pass = from->sentinel_pass;
        return;
    default:
        vd_option_print_global(option, from, &text);
        VD_ASSERT(vd_option_read_global(option, vd_text_cstr(&text), to, NULL));
        vd_text_free(&text);
    }
}

/* The configuration's options, and over them what was set at runtime and still stands. */
static const struct vd_options *merge_options(struct merge *m, const struct vd_config_group *line,
                                              const struct known *known, uint64_t *set)
{
    struct vd_options *merged = vd_arena_alloc(m->arena, sizeof(*merged));

    *merged = line->options;
    *set = 0;
    for (int i = 0; known != NULL && i < VD_OPT_GROUP_COUNT; i++) {
        enum vd_option option = (enum vd_option)i;
        uint64_t bit = UINT64_C(1) << i;
        struct vd_text now = {0};

        if ((known->group->set_at_runtime & bit) == 0)
            continue;
        vd_option_print_group(option, &line->options, &now);
        if (is_same_text(known->about->configured_text[i],
                         (line->set & bit) != 0 ? vd_text_cstr(&now) : NULL)) {
            borrow_group_option(option, known->group->options, merged);
            *set |= bit;
        } else {
            vd_log(VD_LOG_NOTICE,
                   "%s: the configured %s has changed and replaces the value set "
                   "at runtime",
                   line->name, vd_option_row(option)->names[VD_IN_NATIVE]);
        }
        vd_text_free(&now);
    }
    return merged;
}

static void merge_globals(struct merge *m)
{
    struct vd_globals *merged = vd_arena_alloc(m->arena, sizeof(*merged));

    *merged = m->config->globals;
    m->image->globals = merged;
    for (int i = 0; m->saved != NULL && i < VD_OPT_COUNT - VD_OPT_GROUP_COUNT; i++) {
        enum vd_option option = (enum vd_option)(i + VD_OPT_GROUP_COUNT);
        uint64_t bit = UINT64_C(1) << i;
        struct vd_text now = {0};

        if ((m->saved->image.set_at_runtime & bit) == 0)
            continue;
        vd_option_print_global(option, &m->config->globals, &now);
        if (is_same_text(m->saved->configured_global[i],
                         (m->config->globals_set & bit) != 0 ? vd_text_cstr(&now) : NULL)) {
            borrow_global_option(option, m->saved->image.globals, merged);
            m->image->set_at_runtime |= bit;
        } else {
            vd_log(VD_LOG_NOTICE,
                   "the configured %s has changed and replaces the value set at runtime",
                   vd_option_row(option)->names[VD_IN_NATIVE]);
        }
        vd_text_free(&now);
    }
}

/* Groups --------------------------------------------------------------------------------- */

static bool is_member(const struct vd_image_group *group, const struct vd_addr *addr)
{
    if (is_same_line(&group->primary, addr))
        return true;
    for (size_t i = 0; i < group->replica_count; i++) {
        if (is_same_line(&group->replicas[i], addr))
            return true;
    }
    return false;
}

/*
 * Was it the configuration's when it was saved? A line that was added while
 * the daemon ran has come in by MONITOR, as an operator's group does, but the
 * store has noted its line; a tombstone tells the two apart.
 */
static bool was_configured(const struct known *known)
{
    return known->group->from_config ||
           (known->about->configured.port != 0 && known->tombstone == NULL);
}

static void add_epoch(struct merge *m, uint64_t epoch)
{
    if (epoch > m->image->epoch)
        m->image->epoch = epoch;
}

/* Nothing is saved of it: what a classic file brings along counts. */
static void add_new(struct merge *m, const struct vd_config_group *line)
{
    uint64_t none;

    m->groups[m->image->group_count++] = (struct vd_image_group){
        .name = line->name,
        .from_config = true,
        .primary = line->addr,
        .config_epoch = line->config_epoch,
        .vote_epoch = line->leader_epoch,
        .vote = line->vote,
        .lineage = line->lineage,
        .lineage_before = line->lineage_before,
        .options = merge_options(m, line, NULL, &none),
        .replicas = line->replicas,
        .replica_count = line->replica_count,
        .replicas_are_hints = line->replicas_are_hints,
        .peers = line->peers,
        .peer_count = line->peer_count,
    };
    add_epoch(m, line->config_epoch);
}

/*
 * A line of the configuration, of whose group there is state. Votes and epochs
 * are kept whatever has changed: to forget them would be to vote twice.
 */
static void add_known(struct merge *m, const struct vd_config_group *line,
                      const struct known *known)
{
    struct vd_image_group *group = &m->groups[m->image->group_count++];
    bool had_line = was_configured(known);

    *group = *known->group;
    group->from_config = true;
    group->options = merge_options(m, line, had_line ? known : NULL, &group->set_at_runtime);
    /* Saved before any primary had told of itself: they are still what the configuration said. */
    group->replicas_are_hints =
        line->replicas_are_hints && group->config_epoch == 0 && group->lineage.hex[0] == '\0';
    /* A group of MONITOR's that gets its line is the same if the line names one of its servers. */
    if (had_line ? is_same_line(&known->about->configured, &line->addr)
                 : is_member(known->group, &line->addr))
        return;
    vd_log(VD_LOG_WARNING,
           "%s: the configured address has changed to %s port %u and replaces the saved one "
           "(%s port %u)",
           line->name, line->addr.host, line->addr.port, known->group->primary.host,
           known->group->primary.port);
    group->primary = line->addr;
    group->lineage = (struct vd_id){""};
    group->lineage_before = (struct vd_id){""};
    group->replicas = NULL;
    group->replica_count = 0;
}

/* A group that lives in the state alone: all of its options are saved. */
static void add_runtime(struct merge *m, const struct vd_image_group *saved)
{
    m->groups[m->image->group_count++] = *saved;
}

static void add_line(struct merge *m, const struct vd_config_group *line)
{
    const struct known *known = find_known(m, line->name);
    bool buried = known != NULL && known->tombstone != NULL &&
                  is_same_line(&known->tombstone->configured, &line->addr);

    if (known == NULL || (known->group == NULL && !buried))
        add_new(m, line);
    else if (!buried)
        add_known(m, line, known);
    else if (known->group == NULL)
        vd_log(VD_LOG_NOTICE,
               "%s: removed at runtime, not monitored until its address in the "
               "configuration changes",
               line->name);
    else if (!known->group->from_config)
        add_runtime(m, known->group); /* removed, and monitored anew by command */
    else
        add_known(m, line, known);
}

static void add_others(struct merge *m)
{
    for (size_t i = 0; m->saved != NULL && i < m->saved->image.group_count; i++) {
        const struct vd_image_group *group = &m->saved->image.groups[i];

        if (vd_config_find(m->config, group->name) != NULL)
            continue;
        if (!was_configured(find_known(m, group->name))) {
            add_runtime(m, group);
            continue;
        }
        vd_log(VD_LOG_NOTICE, "%s: no longer in the configuration, dropped", group->name);
        m->removed[m->image->removed_count++] = group->name;
    }
}

static void merge_identity(struct merge *m)
{
    const struct vd_id *configured = &m->config->myid;

    m->image->epoch = m->config->current_epoch;
    m->image->self = *configured;
    if (m->saved == NULL || m->saved->image.self.hex[0] == '\0')
        return;
    add_epoch(m, m->saved->image.epoch);
    m->image->self = m->saved->image.self;
    if (configured->hex[0] != '\0' && strcmp(configured->hex, m->image->self.hex) != 0)
        vd_log(VD_LOG_WARNING,
               "the configured id %s is not taken: the state knows this sentinel as %s",
               configured->hex, m->image->self.hex);
}

const struct vd_image *vd_restore_merge(const struct vd_config *config,
                                        const struct vd_saved *saved, struct vd_arena *arena,
                                        bool *fresh)
{
    size_t saved_count = saved == NULL ? 0 : saved->image.group_count;
    struct merge m = {.config = config, .saved = saved, .arena = arena};

    m.image = vd_arena_alloc(arena, sizeof(*m.image));
    m.groups = vd_arena_alloc(arena, (config->group_count + saved_count + 1) * sizeof(m.groups[0]));
    m.removed = vd_arena_alloc(arena, (saved_count + 1) * sizeof(m.removed[0]));
    if (config->guise == VD_GUISE_OWN)
        *fresh = saved == NULL || saved->image.self.hex[0] == '\0';
    else
        *fresh = !config->remembers; /* the file is the state */
    learn_all(&m);
    merge_identity(&m);
    merge_globals(&m);
    for (size_t i = 0; i < config->group_count; i++)
        add_line(&m, &config->groups[i]);
    add_others(&m);
    forget_all(&m);
    m.image->groups = m.groups;
    m.image->removed = m.removed;
    return m.image;
}
