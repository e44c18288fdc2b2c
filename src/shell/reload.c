/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reload: what SIGHUP does. The configuration is read anew, compared with the
 * one in force, and every difference becomes what an operator would order:
 * MONITOR, REMOVE, SET. A configuration with a fault changes nothing.
 */
#include <stdio.h>
#include <string.h>

#include "proto/option.h"
#include "shell/config_load.h"
#include "shell/daemon.h"
#include "shell/log.h"
#include "shell/supervise.h"

/* Settings on their way into one order; their texts live in the arena. */
struct changes {
    struct vd_setting *list;
    size_t count;
    size_t room;
    struct vd_arena arena;
};

static void give_order(struct vd_daemon *daemon, const struct vd_order *order)
{
    struct vd_event event = {.type = VD_EV_ORDER};

    event.order.order = order; /* of no client: nobody waits for the reply */
    vd_inbox_push(&daemon->inbox, &event);
}

static void add(struct changes *changes, const struct vd_setting *setting)
{
    if (changes->count == changes->room) {
        changes->room = changes->room == 0 ? 16 : changes->room * 2;
        changes->list = vd_realloc(changes->list, changes->room * sizeof(*changes->list));
    }
    changes->list[changes->count++] = *setting;
}

static void free_changes(struct changes *changes)
{
    vd_free(changes->list);
    vd_arena_free(&changes->arena);
}

/* Renames are one text, and one setting each. */
static void add_renames(struct changes *changes, const struct vd_option_row *row, const char *text)
{
    struct vd_words words;

    if (!vd_words_split(text, strlen(text), &changes->arena, &words))
        return;
    for (size_t i = 0; i + 1 < words.count; i += 2) {
        struct vd_setting setting;

        if (vd_option_parse(row, VD_FORM_PLAIN, &words.list[i], &words.list[i + 1], &setting, NULL))
            add(changes, &setting);
    }
}

/* The new value of an option, as its text has it. */
static void add_change(struct changes *changes, const char *where, enum vd_option option,
                       const char *text)
{
    const struct vd_option_row *row = vd_option_row(option);
    const char *name = row->names[VD_IN_NATIVE];
    const char *shown = row->kind == VD_KIND_SECRET && text[0] != '\0' ? "******" : text;
    const char *kept = vd_arena_strdup(&changes->arena, text);
    struct vd_word word = {.bytes = kept, .len = strlen(kept)};
    struct vd_setting setting = {.option = option, .text = ""};

    vd_log(VD_LOG_NOTICE, "configuration: %s%s is now %s", where, name,
           shown[0] == '\0' ? "unset" : shown);
    if (row->kind == VD_KIND_RENAME) {
        add_renames(changes, row, kept);
        return;
    }
    /* An empty text unsets, and is no value to be parsed. */
    if (text[0] != '\0' && !vd_option_parse(row, VD_FORM_PLAIN, &word, NULL, &setting, NULL))
        return;
    setting.word = row->names[VD_IN_SET] != NULL ? row->names[VD_IN_SET] : name;
    setting.shown = vd_arena_strdup(&changes->arena, shown);
    add(changes, &setting);
}

static bool is_same_place(const struct vd_addr *a, const struct vd_addr *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* `before` NULL: all that its lines say. */
static void set_group(struct vd_daemon *daemon, const struct vd_config_group *before,
                      const struct vd_config_group *after)
{
    struct vd_order order = {.type = VD_ORDER_SET, .name = after->name};
    struct changes changes = {0};
    struct vd_text was = {0};
    struct vd_text now = {0};
    char where[VD_NAME_SIZE + 2];

    (void)snprintf(where, sizeof(where), "%s: ", after->name);
    for (int i = 0; i < VD_OPT_GROUP_COUNT; i++) {
        enum vd_option option = (enum vd_option)i;

        vd_text_clear(&was);
        vd_text_clear(&now);
        vd_option_print_group(option, &after->options, &now);
        if (before != NULL)
            vd_option_print_group(option, &before->options, &was);
        if (before != NULL ? strcmp(vd_text_cstr(&was), vd_text_cstr(&now)) != 0
                           : (after->set & (UINT64_C(1) << i)) != 0)
            add_change(&changes, where, option, vd_text_cstr(&now));
    }
    order.settings = changes.list;
    order.setting_count = changes.count;
    if (changes.count != 0)
        give_order(daemon, &order);
    vd_text_free(&was);
    vd_text_free(&now);
    free_changes(&changes);
}

static void drop_group(struct vd_daemon *daemon, const struct vd_config_group *group)
{
    struct vd_order order = {.type = VD_ORDER_REMOVE, .name = group->name};

    vd_log(VD_LOG_NOTICE, "configuration: %s is gone", group->name);
    give_order(daemon, &order);
}

static void begin_group(struct vd_daemon *daemon, const struct vd_config_group *group)
{
    struct vd_order order = {.type = VD_ORDER_MONITOR,
                             .name = group->name,
                             .addr = group->addr,
                             .quorum = group->options.quorum};

    vd_log(VD_LOG_NOTICE, "configuration: %s is new, at %s port %u", group->name, group->addr.host,
           (unsigned)group->addr.port);
    give_order(daemon, &order);
    set_group(daemon, NULL, group);
}

static void change_groups(struct vd_daemon *daemon, const struct vd_config *before,
                          const struct vd_config *after)
{
    for (size_t i = 0; i < before->group_count; i++) {
        const struct vd_config_group *was = &before->groups[i];
        const struct vd_config_group *now = vd_config_find(after, was->name);

        if (now == NULL || !is_same_place(&was->addr, &now->addr))
            drop_group(daemon, was);
    }
    for (size_t i = 0; i < after->group_count; i++) {
        const struct vd_config_group *now = &after->groups[i];
        const struct vd_config_group *was = vd_config_find(before, now->name);

        if (was == NULL || !is_same_place(&was->addr, &now->addr))
            begin_group(daemon, now);
        else
            set_group(daemon, was, now);
    }
}

static void change_globals(struct vd_daemon *daemon, const struct vd_config *before,
                           const struct vd_config *after)
{
    struct vd_order order = {.type = VD_ORDER_CONFIGURE};
    struct changes changes = {0};
    struct vd_text was = {0};
    struct vd_text now = {0};

    for (int i = VD_OPT_GROUP_COUNT; i < VD_OPT_COUNT; i++) {
        enum vd_option option = (enum vd_option)i;

        vd_text_clear(&was);
        vd_text_clear(&now);
        vd_option_print_global(option, &before->globals, &was);
        vd_option_print_global(option, &after->globals, &now);
        if (strcmp(vd_text_cstr(&was), vd_text_cstr(&now)) != 0)
            add_change(&changes, "", option, vd_text_cstr(&now));
    }
    order.settings = changes.list;
    order.setting_count = changes.count;
    if (changes.count != 0)
        give_order(daemon, &order);
    vd_text_free(&was);
    vd_text_free(&now);
    free_changes(&changes);
}

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

/* What a running process cannot change is said, so that nobody waits for it. */
static void tell_ignored(const struct vd_server_options *before,
                         const struct vd_server_options *after)
{
    bool binds = before->bind_count == after->bind_count;

    for (size_t i = 0; binds && i < before->bind_count; i++)
        binds = is_same_text(before->bind[i], after->bind[i]);
    if (before->port != after->port || !binds ||
        !is_same_text(before->unixsocket, after->unixsocket) || before->tls.port != after->tls.port)
        vd_log(VD_LOG_WARNING,
               "configuration: port, tls-port, bind and unixsocket change at the next start");
    if (before->tls.to.peers != after->tls.to.peers)
        vd_log(VD_LOG_WARNING,
               "configuration: tls-peers holds for new links, but the port that other sentinels "
               "are told changes at the next start");
    if (before->http_port != after->http_port || !is_same_text(before->http_bind, after->http_bind))
        vd_log(VD_LOG_WARNING, "configuration: http-port and http-bind change at the next start");
    if (!is_same_text(before->dir, after->dir) ||
        !is_same_text(before->state_dir, after->state_dir) ||
        !is_same_text(before->pidfile, after->pidfile) || before->daemonize != after->daemonize)
        vd_log(VD_LOG_WARNING,
               "configuration: dir, state-dir, pidfile and daemonize change at the next start");
}

/* New certificates and keys for new connections; files of no use change nothing. */
static void renew_tls(struct vd_daemon *daemon, const struct vd_tls_options *options, bool tell)
{
    struct vd_tls *tls = daemon->turn.tls;
    struct vd_text warnings = {0};
    struct vd_err err;

    if (!vd_tls_load(tls, options, &warnings, &err))
        vd_log(VD_LOG_WARNING, "SIGHUP: the TLS keys stay as they were: %s", err.text);
    else if (tls->keys != NULL)
        vd_log(VD_LOG_NOTICE, "SIGHUP: the TLS files were read anew, for new connections");
    if (tell && warnings.len > 0)
        vd_log(VD_LOG_WARNING, "%.*s", (int)strcspn(warnings.bytes, "\n"), warnings.bytes);
    vd_text_free(&warnings);
}

void vd_daemon_reload(struct vd_daemon *daemon)
{
    struct vd_config *before = daemon->config;
    struct vd_config *after;
    struct vd_err err;

    /* compat: Sentinel ignores the signal. The file is our own state, and we know it. */
    if (before->guise != VD_GUISE_OWN) {
        vd_log(VD_LOG_NOTICE,
               "SIGHUP: nothing but TLS files is read anew, the configuration file is the state");
        renew_tls(daemon, &before->server.tls, true);
        return;
    }
    after = vd_alloc(sizeof(*after));
    vd_config_init(after);
    if (!vd_config_load(after, daemon->argument_count, (const char *const *)daemon->arguments,
                        &err)) {
        vd_log(VD_LOG_WARNING, "SIGHUP: the configuration stays as it was: %s", err.text);
        vd_config_free(after);
        vd_free(after);
        return;
    }
    if (before->server.supervised_systemd)
        vd_supervise_reloading();
    if (!vd_log_open(&after->server, &err))
        vd_log(VD_LOG_WARNING, "SIGHUP: %s", err.text);
    vd_log(VD_LOG_NOTICE, "SIGHUP: the configuration was read anew");
    for (size_t i = 0; i < after->warning_count; i++)
        vd_log(VD_LOG_WARNING, "%s", after->warnings[i]);
    daemon->config = after;
    vd_clients_reconfigure(daemon->turn.clients, after);
    vd_links_reconfigure(daemon->turn.links, &after->server);
    vd_store_configured(daemon->turn.store, after);
    tell_ignored(&before->server, &after->server);
    after->server.port = before->server.port;
    after->server.tls.port = before->server.tls.port;
    renew_tls(daemon, &after->server.tls, false);
    vd_daemon_measure(daemon);
    change_globals(daemon, before, after);
    change_groups(daemon, before, after);
    if (daemon->reloaded != NULL)
        daemon->reloaded(daemon->reloaded_self);
    if (after->server.supervised_systemd)
        vd_supervise_tell("READY=1");
    vd_config_free(before);
    vd_free(before);
}
