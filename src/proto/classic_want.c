/* SPDX-License-Identifier: BSD-3-Clause */
/* Wanted lines of a sentinel.conf; see classic_want.h. */
#include "proto/classic_want.h"

#include <string.h>

#include "proto/classic.h"
#include "proto/option.h"

/* What Sentinel knows ------------------------------------------------------------------ */

bool vd_classic_is_own_directive(const struct vd_word *name)
{
    static const char *const own[] = {
        "redis-version", "state-dir",        "on-save-failure", "log-format", "tls-servers",
        "tls-peers",     "tls-verify-names", "http-port",       "http-bind",  "http-token"};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (vd_word_is(name, own[i]))
            return true;
    }
    return false;
}

bool vd_classic_is_own_statement(const char *name)
{
    static const char *const known[] = {"announce-hostnames",
                                        "announce-ip",
                                        "announce-port",
                                        "auth-pass",
                                        "auth-user",
                                        "client-reconfig-script",
                                        "config-epoch",
                                        "current-epoch",
                                        "deny-scripts-reconfig",
                                        "down-after-milliseconds",
                                        "failover-timeout",
                                        "known-replica",
                                        "known-sentinel",
                                        "leader-epoch",
                                        "master-reboot-down-after-period",
                                        "monitor",
                                        "myid",
                                        "notification-script",
                                        "parallel-syncs",
                                        "rename-command",
                                        "resolve-hostnames",
                                        "sentinel-pass",
                                        "sentinel-user"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i], name) == 0)
            return false;
    }
    return true;
}

/* Lines -------------------------------------------------------------------------------- */

static struct vd_classic_want *add(struct vd_classic_wants *wants)
{
    if (wants->count == wants->room) {
        wants->room = wants->room == 0 ? 64 : wants->room * 2;
        wants->list = vd_realloc(wants->list, wants->room * sizeof(wants->list[0]));
    }
    wants->list[wants->count] = (struct vd_classic_want){0};
    return &wants->list[wants->count++];
}

void vd_classic_wants_free(struct vd_classic_wants *wants)
{
    vd_free(wants->list);
    wants->list = NULL;
    wants->count = 0;
    wants->room = 0;
}

void vd_classic_want_line(struct vd_classic_wants *wants, const char *slot, const char *line)
{
    struct vd_classic_want *want = add(wants);

    want->slot = vd_arena_strdup(wants->arena, slot);
    want->line = vd_arena_strdup(wants->arena, line);
}

static void put_word(struct vd_text *to, const char *word)
{
    vd_text_putc(to, ' ');
    vd_words_quote(word, strlen(word), to);
}

/* "<lead><name> [<group>]" */
static const char *make_slot(const struct vd_classic_wants *wants, const char *lead,
                             const char *name, const char *group)
{
    struct vd_text slot = {0};
    const char *kept;

    vd_text_puts(&slot, lead);
    vd_text_puts(&slot, name);
    if (group != NULL)
        put_word(&slot, group);
    kept = vd_arena_memdup(wants->arena, slot.bytes, slot.len);
    vd_text_free(&slot);
    return kept;
}

static const char *make_line(const struct vd_classic_wants *wants, const char *slot,
                             const struct vd_text *values)
{
    return vd_arena_printf(wants->arena, "%s%s", slot, vd_text_cstr(values));
}

/* `values` has a blank before each word. */
static void want_statement(struct vd_classic_wants *wants, const char *name, const char *group,
                           const struct vd_text *values)
{
    struct vd_classic_want *want = add(wants);

    want->slot = make_slot(wants, "sentinel ", name, group);
    want->line = make_line(wants, want->slot, values);
}

static void want_remark(struct vd_classic_wants *wants, const char *name, const char *group,
                        const struct vd_text *values)
{
    struct vd_classic_want *want = add(wants);

    want->slot = make_slot(wants, VD_CLASSIC_REMARK, name, group);
    want->line = make_line(wants, want->slot, values);
}

/* Options ------------------------------------------------------------------------------ */

static void want_option(struct vd_classic_wants *wants, const struct vd_option_row *row,
                        const char *group, const char *value, bool is_default)
{
    const char *name = row->names[VD_IN_CLASSIC];
    struct vd_text values = {0};
    struct vd_classic_want *want;

    put_word(&values, value);
    want_statement(wants, name, group, &values);
    want = &wants->list[wants->count - 1];
    want->optional = is_default;
    if (vd_classic_is_own_statement(name)) {
        want->remark_slot = make_slot(wants, VD_CLASSIC_REMARK, name, group);
        want->remark = make_line(wants, want->remark_slot, &values);
    }
    vd_text_free(&values);
}

static void want_renames(struct vd_classic_wants *wants, const struct vd_image_group *group)
{
    struct vd_text values = {0};

    for (size_t i = 0; i < group->options->rename_count; i++) {
        vd_text_clear(&values);
        put_word(&values, group->options->renames[i].from);
        put_word(&values, group->options->renames[i].to);
        want_statement(wants, "rename-command", group->name, &values);
    }
    vd_text_free(&values);
}

static void want_options(struct vd_classic_wants *wants, const struct vd_image_group *group,
                         const struct vd_options *defaults)
{
    struct vd_text value = {0};
    struct vd_text usual = {0};

    for (int i = 0; i < VD_OPT_GROUP_COUNT; i++) {
        const struct vd_option_row *row = vd_option_row((enum vd_option)i);

        if (row->names[VD_IN_CLASSIC] == NULL || row->kind == VD_KIND_RENAME)
            continue;
        vd_text_clear(&value);
        vd_text_clear(&usual);
        vd_option_print_group(row->option, group->options, &value);
        vd_option_print_group(row->option, defaults, &usual);
        if (value.len > 0)
            want_option(wants, row, group->name, vd_text_cstr(&value),
                        strcmp(vd_text_cstr(&value), vd_text_cstr(&usual)) == 0);
    }
    vd_text_free(&value);
    vd_text_free(&usual);
}

static void want_globals(struct vd_classic_wants *wants, const struct vd_globals *globals)
{
    struct vd_globals defaults;
    struct vd_text value = {0};
    struct vd_text usual = {0};

    vd_globals_init(&defaults);
    for (int i = VD_OPT_GROUP_COUNT; i < VD_OPT_COUNT; i++) {
        const struct vd_option_row *row = vd_option_row((enum vd_option)i);

        if (row->names[VD_IN_CLASSIC] == NULL)
            continue;
        vd_text_clear(&value);
        vd_text_clear(&usual);
        vd_option_print_global(row->option, globals, &value);
        vd_option_print_global(row->option, &defaults, &usual);
        if (value.len > 0)
            want_option(wants, row, NULL, vd_text_cstr(&value),
                        strcmp(vd_text_cstr(&value), vd_text_cstr(&usual)) == 0);
    }
    vd_globals_free(&defaults);
    vd_text_free(&value);
    vd_text_free(&usual);
}

/* Groups --------------------------------------------------------------------------------- */

/*
 * An address as two words. compat: Sentinel writes a name as the address it
 * has found, unless it announces names. differs: where names are resolved they
 * are kept, for the address behind one may change while nobody runs.
 */
static void put_addr(struct vd_text *to, const struct vd_addr *addr,
                     const struct vd_globals *globals)
{
    bool by_name = globals->resolve_hostnames || globals->announce_hostnames;

    put_word(to, addr->host[0] != '\0' && (by_name || addr->ip[0] == '\0') ? addr->host : addr->ip);
    vd_text_putc(to, ' ');
    vd_text_put_int(to, addr->port);
}

static void want_members(struct vd_classic_wants *wants, const struct vd_image_group *group,
                         const struct vd_globals *globals)
{
    struct vd_text values = {0};

    for (size_t i = 0; i < group->replica_count; i++) {
        vd_text_clear(&values);
        put_addr(&values, &group->replicas[i], globals);
        want_statement(wants, "known-replica", group->name, &values);
    }
    for (size_t i = 0; i < group->peer_count; i++) {
        if (group->peers[i].id.hex[0] == '\0')
            continue;
        vd_text_clear(&values);
        put_addr(&values, &group->peers[i].addr, globals);
        put_word(&values, group->peers[i].id.hex);
        want_statement(wants, "known-sentinel", group->name, &values);
    }
    vd_text_free(&values);
}

static void want_epoch(struct vd_classic_wants *wants, const char *name, const char *group,
                       uint64_t epoch)
{
    struct vd_text values = {0};

    vd_text_printf(&values, " %llu", (unsigned long long)epoch);
    want_statement(wants, name, group, &values);
    vd_text_free(&values);
}

/*
 * What Sentinel does not keep. Each names the epoch that it goes with, so that
 * a file that Sentinel has written since is not misread.
 */
static void want_memory(struct vd_classic_wants *wants, const struct vd_image_group *group)
{
    struct vd_text values = {0};

    if (group->vote.hex[0] != '\0') {
        vd_text_printf(&values, " %llu", (unsigned long long)group->vote_epoch);
        put_word(&values, group->vote.hex);
        want_remark(wants, "vote", group->name, &values);
    }
    vd_text_clear(&values);
    if (group->lineage.hex[0] != '\0') {
        vd_text_printf(&values, " %llu", (unsigned long long)group->config_epoch);
        put_word(&values, group->lineage.hex);
        if (group->lineage_before.hex[0] != '\0')
            put_word(&values, group->lineage_before.hex);
        want_remark(wants, "lineage", group->name, &values);
    }
    vd_text_free(&values);
}

static void want_group(struct vd_classic_wants *wants, const struct vd_image_group *group,
                       const struct vd_image *image, const struct vd_options *defaults)
{
    struct vd_text values = {0};

    put_addr(&values, &group->primary, image->globals);
    vd_text_printf(&values, " %u", group->options->quorum);
    want_statement(wants, "monitor", group->name, &values);
    vd_text_free(&values);
    want_options(wants, group, defaults);
    want_renames(wants, group);
    want_epoch(wants, "config-epoch", group->name, group->config_epoch);
    want_epoch(wants, "leader-epoch", group->name, group->vote_epoch);
    want_members(wants, group, image->globals);
    want_memory(wants, group);
}

void vd_classic_want_image(struct vd_classic_wants *wants, const struct vd_image *image,
                           bool unsound)
{
    struct vd_globals globals;
    struct vd_options defaults;
    struct vd_text values = {0};

    if (image->self.hex[0] != '\0') {
        put_word(&values, image->self.hex);
        want_statement(wants, "myid", NULL, &values);
        vd_text_clear(&values);
    }
    /* Not those of SENTINEL DEBUG, which nobody keeps. */
    vd_globals_init(&globals);
    vd_options_init(&defaults, &globals);
    for (size_t i = 0; i < image->group_count; i++)
        want_group(wants, &image->groups[i], image, &defaults);
    vd_options_free(&defaults);
    vd_globals_free(&globals);
    want_epoch(wants, "current-epoch", NULL, image->epoch);
    want_globals(wants, image->globals);
    if (unsound)
        want_remark(wants, "unsound", NULL, &values);
    vd_text_free(&values);
}
