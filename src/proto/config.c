/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration as a value: defaults, release, groups by name, and the lists
 * of what is wrong or worth knowing. It reads nothing.
 */
#include "proto/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* uthash's memory is ours, which never fails. */
#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#define uthash_fatal(message) vd_panic(__FILE__, __LINE__, message)
#include <uthash.h>

#include "proto/acl.h"

struct vd_config_index {
    const char *name; /* the group's own */
    size_t place;
    UT_hash_handle hh;
};

static char **list_two(const char *first, const char *second)
{
    char **list = vd_calloc(2, sizeof(list[0]));

    list[0] = vd_strdup(first);
    list[1] = vd_strdup(second);
    return list;
}

void vd_config_init(struct vd_config *config)
{
    *config = (struct vd_config){0};
    vd_globals_init(&config->globals);
    config->acl = vd_acl_new(false);
    config->server = (struct vd_server_options){
        .port = 26379,
        .bind = list_two("*", "-::*"),
        .bind_count = 2,
        .tcp_backlog = 511,
        .tcp_keepalive_s = 300,
        .maxclients = 10000,
        .tls = {.verify_names = true,
                .auth_clients = VD_TLS_AUTH_YES,
                .session_caching = true,
                .session_cache_size = 20480,
                .session_cache_timeout_s = 300},
        .acllog_max_len = 128,
        .acl_pubsub_closed = true,
        /* differs: Sentinel buffers 1 GB of a client's input and any amount of output. */
        .query_limit = (size_t)1 << 20,
        .output_hard_limit = (size_t)64 << 20,
        .output_hard_limit_pubsub = (size_t)32 << 20,
        .output_soft_limit_pubsub = (size_t)8 << 20,
        .output_soft_pubsub_ms = 60000,
        .log_level = VD_LOG_NOTICE,
        .log_format = VD_LOG_PLAIN,
        .syslog_ident = vd_strdup("vedette"),
        .syslog_facility = vd_strdup("local0"),
        .on_save_failure = VD_SAVE_MUTE,
    };
}

static void free_tls(struct vd_tls_options *tls)
{
    vd_free(tls->cert_file);
    vd_free(tls->key_file);
    vd_free(tls->key_file_pass);
    vd_free(tls->client_cert_file);
    vd_free(tls->client_key_file);
    vd_free(tls->client_key_file_pass);
    vd_free(tls->dh_params_file);
    vd_free(tls->ca_cert_file);
    vd_free(tls->ca_cert_dir);
    vd_free(tls->protocols);
    vd_free(tls->ciphers);
    vd_free(tls->ciphersuites);
}

static void free_server(struct vd_server_options *server)
{
    for (size_t i = 0; i < server->bind_count; i++)
        vd_free(server->bind[i]);
    vd_free(server->bind);
    vd_free(server->unixsocket);
    vd_free(server->bind_source_addr);
    free_tls(&server->tls);
    vd_free(server->requirepass);
    vd_free(server->aclfile);
    vd_free(server->redis_version);
    for (size_t i = 0; i < server->rename_count; i++) {
        vd_free(server->renames[i].from);
        vd_free(server->renames[i].to);
    }
    vd_free(server->renames);
    vd_free(server->dir);
    vd_free(server->logfile);
    vd_free(server->syslog_ident);
    vd_free(server->syslog_facility);
    vd_free(server->pidfile);
    vd_free(server->state_dir);
    vd_free(server->http_bind);
    vd_free(server->http_token);
}

static void free_groups(struct vd_config *config)
{
    struct vd_config_index *entry;
    struct vd_config_index *next;

    HASH_ITER (hh, config->index, entry, next) {
        HASH_DEL(config->index, entry);
        vd_free(entry);
    }
    for (size_t i = 0; i < config->group_count; i++) {
        struct vd_config_group *group = &config->groups[i];

        vd_free(group->name);
        vd_options_free(&group->options);
        vd_free(group->replicas);
        vd_free(group->peers);
        vd_free(group->place);
    }
    vd_free(config->groups);
}

static void free_users(struct vd_config *config)
{
    for (size_t i = 0; i < config->user_count; i++) {
        struct vd_config_user *user = &config->users[i];

        for (size_t j = 0; j < user->words.count; j++)
            vd_free((char *)(uintptr_t)user->words.list[j].bytes);
        vd_free(user->words.list);
        vd_free(user->file);
        vd_free(user->text);
    }
    vd_free(config->users);
}

void vd_config_free(struct vd_config *config)
{
    free_groups(config);
    free_server(&config->server);
    free_users(config);
    vd_alert_config_free(&config->alerts);
    vd_acl_free(config->acl);
    vd_globals_free(&config->globals);
    for (size_t i = 0; i < config->warning_count; i++)
        vd_free(config->warnings[i]);
    vd_free(config->warnings);
    for (size_t i = 0; i < config->directive_count; i++)
        vd_free(config->directives[i]);
    vd_free(config->directives);
    for (size_t i = 0; i < config->fault_count; i++) {
        struct vd_fault *fault = &config->faults[i];

        vd_free(fault->file);
        vd_free(fault->text);
        vd_free(fault->reason);
        vd_free(fault->remedy);
    }
    vd_free(config->faults);
    vd_free(config->file);
    *config = (struct vd_config){0};
}

struct vd_config_group *vd_config_find(const struct vd_config *config, const char *name)
{
    struct vd_config_index *entry;

    HASH_FIND(hh, config->index, name, strlen(name), entry);
    return entry == NULL ? NULL : &config->groups[entry->place];
}

/* Room for one more in a list that doubles when its count is a power of two. */
static void *grow(void *list, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return list;
    VD_ASSERT(count < SIZE_MAX / size / 2);
    return vd_realloc(list, (count == 0 ? 1 : count * 2) * size);
}

struct vd_config_group *vd_config_add(struct vd_config *config, const char *name)
{
    struct vd_config_index *entry = vd_alloc(sizeof(*entry));
    struct vd_config_group *group;

    VD_ASSERT(vd_config_find(config, name) == NULL);
    config->groups = grow(config->groups, config->group_count, sizeof(config->groups[0]));
    group = &config->groups[config->group_count];
    *group = (struct vd_config_group){.name = vd_strdup(name)};
    vd_options_init(&group->options, &config->globals);
    entry->name = group->name;
    entry->place = config->group_count++;
    HASH_ADD_KEYPTR(hh, config->index, entry->name, strlen(entry->name), entry);
    return group;
}

void vd_config_keep(struct vd_config *config, const char *line)
{
    config->directives =
        grow(config->directives, config->directive_count, sizeof(config->directives[0]));
    config->directives[config->directive_count++] = vd_strdup(line);
}

void vd_config_add_user(struct vd_config *config, const char *file, unsigned line, const char *text,
                        const struct vd_word *words, size_t count)
{
    struct vd_config_user *user;

    VD_ASSERT(count > 0);
    config->users = grow(config->users, config->user_count, sizeof(config->users[0]));
    user = &config->users[config->user_count++];
    *user = (struct vd_config_user){.file = vd_strdup(file), .line = line, .text = vd_strdup(text)};
    user->words.list = vd_calloc(count, sizeof(user->words.list[0]));
    for (; user->words.count < count; user->words.count++) {
        const struct vd_word *word = &words[user->words.count];

        user->words.list[user->words.count] =
            (struct vd_word){vd_memdup(word->bytes, word->len), word->len};
    }
}

void vd_config_warn(struct vd_config *config, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    config->warnings = grow(config->warnings, config->warning_count, sizeof(config->warnings[0]));
    config->warnings[config->warning_count++] = vd_strdup(text);
}

bool vd_config_fault(struct vd_config *config, const char *file, unsigned line, const char *text,
                     const char *reason, const char *remedy)
{
    config->faults = grow(config->faults, config->fault_count, sizeof(config->faults[0]));
    config->faults[config->fault_count++] = (struct vd_fault){
        .file = vd_strdup(file),
        .line = line,
        .text = vd_strdup(text),
        .reason = vd_strdup(reason),
        .remedy = vd_strdup(remedy),
    };
    return false;
}

void vd_fault_print(const struct vd_fault *fault, struct vd_text *to)
{
    vd_text_puts(to, fault->file);
    if (fault->line != 0) {
        vd_text_putc(to, ':');
        vd_text_put_int(to, fault->line);
    }
    vd_text_puts(to, ": ");
    vd_text_puts(to, fault->reason);
    /* Sentinel's reasons end in a full stop, ours do not. */
    if (to->bytes[to->len - 1] == '.')
        to->bytes[--to->len] = '\0';
    if (fault->remedy != NULL) {
        vd_text_puts(to, "; ");
        vd_text_puts(to, fault->remedy);
    }
}

bool vd_config_has_aclfile(const struct vd_config *config)
{
    return config->server.aclfile != NULL && config->server.aclfile[0] != '\0';
}
