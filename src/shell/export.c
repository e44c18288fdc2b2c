/* SPDX-License-Identifier: BSD-3-Clause */
/* Export: see export.h. */
#include "shell/export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/classic_want.h"
#include "proto/classic_write.h"
#include "proto/server_option.h"
#include "shell/conf_file.h"
#include "shell/file_replace.h"
#include "shell/restore.h"
#include "shell/store.h"

/* Directives on their way into the text. */
struct directives {
    const char **list;
    size_t count;
    struct vd_arena arena;
};

/* State ------------------------------------------------------------------------------------ */

/* *found is false, and *saved empty, where there is no state. */
static bool load_state(const struct vd_config *config, struct vd_saved *saved, bool *found,
                       struct vd_err *err)
{
    struct vd_store *store;
    bool good;

    memset(saved, 0, sizeof(*saved));
    *found = false;
    if (config->guise != VD_GUISE_OWN)
        return vd_err_set(err, "called by this name, vedette keeps its state in the file itself, "
                               "from which Sentinel can start as it is");
    if (!vd_store_exists(config->server.state_dir))
        return true;
    store = vd_store_open(config->server.state_dir, err);
    if (store == NULL)
        return false;
    good = vd_store_load(store, saved, found, err);
    vd_store_close(store);
    return good;
}

/* Text --------------------------------------------------------------------------------------- */

static bool is_here(const char *dir)
{
    char *here = getcwd(NULL, 0);
    bool same = here != NULL && strcmp(here, dir) == 0;

    free(here);
    return same;
}

static bool is_default(const struct vd_config *config, const struct vd_server_row *row,
                       const struct vd_text *value)
{
    struct vd_config usual;
    struct vd_text text = {0};
    bool same;

    vd_config_init(&usual);
    vd_server_print(&usual.server, row, &text);
    same = strcmp(vd_text_cstr(&text), vd_text_cstr(value)) == 0;
    /* Where the process was started is no choice of anybody's. */
    if (strcmp(row->classic, "dir") == 0)
        same = is_here(config->server.dir);
    if (strcmp(row->classic, "syslog-ident") == 0)
        same = same || !config->server.syslog_enabled;
    vd_text_free(&text);
    vd_config_free(&usual);
    return same;
}

/* A native file has no lines to be kept: what differs from the default is said. */
static void add_settings(const struct vd_config *config, struct directives *out)
{
    size_t count;
    const struct vd_server_row *rows = vd_server_rows(&count);
    struct vd_text value = {0};

    out->list =
        vd_arena_alloc(&out->arena, (count + config->directive_count + 1) * sizeof(out->list[0]));
    for (size_t i = 0; !config->classic && i < count; i++) {
        struct vd_word name = {rows[i].classic,
                               rows[i].classic == NULL ? 0 : strlen(rows[i].classic)};

        if (rows[i].classic == NULL || vd_classic_is_own_directive(&name))
            continue;
        vd_text_clear(&value);
        vd_server_print(&config->server, &rows[i], &value);
        if (value.len > 0 && !is_default(config, &rows[i], &value))
            out->list[out->count++] =
                vd_arena_printf(&out->arena, "%s%s", rows[i].classic, vd_text_cstr(&value));
    }
    vd_text_free(&value);
    for (size_t i = 0; config->classic && i < config->directive_count; i++)
        out->list[out->count++] = config->directives[i];
}

static bool make_text(const struct vd_config *config, const struct vd_saved *saved,
                      struct vd_text *to, struct vd_err *err)
{
    struct directives directives = {0};
    struct vd_classic_content content = {.plain = true};
    struct vd_text old = {0};
    struct vd_arena arena = {0};
    bool good = true;
    bool fresh;

    if (config->classic && config->file != NULL && !vd_conf_file_read(config->file, &old, err))
        good = vd_err_wrap(err, "%s", config->file);
    if (good) {
        add_settings(config, &directives);
        content.image = vd_restore_merge(config, saved, &arena, &fresh);
        content.unsound = saved != NULL && saved->unsound;
        content.directives = directives.list;
        content.directive_count = directives.count;
        content.users = vd_config_has_aclfile(config) ? NULL : config->acl;
        content.requirepass = config->server.requirepass;
        vd_classic_write(&old, &content, to);
    }
    vd_arena_free(&directives.arena);
    vd_arena_free(&arena);
    vd_text_free(&old);
    return good;
}

/* Writing ---------------------------------------------------------------------------------------
 */

static bool write_text(const char *path, const struct vd_text *text, struct vd_err *err)
{
    const struct stat own = {.st_mode = 0600, .st_uid = geteuid(), .st_gid = getegid()};
    struct stat there;
    int fd = -1;

    if (strcmp(path, "-") == 0) {
        return (fwrite(vd_text_cstr(text), 1, text->len, stdout) == text->len &&
                fflush(stdout) == 0) ||
               vd_err_set(err, "cannot write to standard output: %s", strerror(errno));
    }
    if (lstat(path, &there) == 0)
        return vd_err_set(err, "%.200s is there already; remove it, or choose another name", path);
    if (!vd_file_replace(path, text, &own, &fd, err))
        return false;
    return true;
}

bool vd_export(const struct vd_config *config, const char *path, bool *unsound, struct vd_err *err)
{
    struct vd_saved saved;
    struct vd_text text = {0};
    bool found;
    bool good;

    if (config->includes)
        return vd_err_set(err,
                          "%.200s includes other files, which a file that is rewritten cannot; put "
                          "their lines into it",
                          config->file);
    if (config->server.tls.to.servers != config->server.tls.to.peers)
        return vd_err_set(err, "TLS to servers but not to sentinels, or the other way round, is "
                               "nothing that Sentinel can do; set tls-servers and tls-peers alike");
    if (!load_state(config, &saved, &found, err))
        return false;
    *unsound = found && saved.unsound;
    good = make_text(config, found ? &saved : NULL, &text, err) && write_text(path, &text, err);
    vd_text_free(&text);
    vd_saved_free(&saved);
    return good;
}
