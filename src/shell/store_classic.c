/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Store in a classic file: see store.h. The file is read anew for every save,
 * so that what an operator has written into it meanwhile is not lost, and
 * replaced whole. It is locked by the file itself and not by its name, since
 * another takes the name with every save: the new one is locked before it is
 * to be seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/classic_write.h"
#include "shell/conf_file.h"
#include "shell/file_replace.h"
#include "shell/store_port.h"

#define LOCK_TRIES 100 /* another vedette may just be saving */

struct store_classic {
    struct vd_store port; /* first */
    char *path;           /* of the file itself, no link */
    int fd;               /* of the locked file */
    struct stat like;     /* its owner and mode, and ... */
    struct vd_text last;  /* ... text, as read or written last, should it vanish */
};

/* Saving ----------------------------------------------------------------------------------- */

/* The text as it is now. A file that has vanished is made anew from what it was. */
static bool read_old(struct store_classic *store, struct vd_text *old, struct vd_err *err)
{
    struct stat like;

    if (stat(store->path, &like) != 0) {
        if (errno != ENOENT)
            return vd_err_set(err, "cannot read %.200s: %s", store->path, strerror(errno));
        vd_text_add(old, vd_text_cstr(&store->last), store->last.len);
        return true;
    }
    if (!vd_conf_file_read(store->path, old, err))
        return vd_err_wrap(err, "cannot read %.200s", store->path);
    store->like = like;
    return true;
}

/* Takes the text over when it is on disk. */
static bool write_new(struct store_classic *store, struct vd_text *text, struct vd_err *err)
{
    if (!vd_file_replace(store->path, text, &store->like, &store->fd, err))
        return false;
    vd_text_free(&store->last);
    store->last = *text;
    *text = (struct vd_text){0};
    return true;
}

static bool save(struct vd_store *port, const struct vd_image *image, struct vd_err *err)
{
    struct store_classic *store = (struct store_classic *)port;
    const struct vd_config *config = port->config;
    struct vd_classic_content content = {.image = image, .unsound = port->unsound};
    struct vd_text old = {0};
    struct vd_text text = {0};
    bool good = read_old(store, &old, err);

    if (good && config != NULL) {
        content.directives = (const char *const *)config->directives;
        content.directive_count = config->directive_count;
        content.users = vd_config_has_aclfile(config) ? NULL : port->users;
        content.requirepass = config->server.requirepass;
    }
    if (good) {
        vd_classic_write(&old, &content, &text);
        good = write_new(store, &text, err);
    }
    vd_text_free(&old);
    vd_text_free(&text);
    return good;
}

static bool settle(struct vd_store *port, struct vd_err *err)
{
    struct store_classic *store = (struct store_classic *)port;
    struct vd_text old = {0};
    struct vd_text text = {0};
    bool good = read_old(store, &old, err);

    if (good) {
        vd_classic_write_sound(&old, &text);
        good = write_new(store, &text, err);
    }
    vd_text_free(&old);
    vd_text_free(&text);
    return good;
}

static bool load(struct vd_store *port, struct vd_saved *saved, bool *found, struct vd_err *err)
{
    (void)port;
    (void)saved;
    (void)err;
    *found = false;
    return true;
}

/* The log has told it; Sentinel keeps none either. */
static bool record(struct vd_store *port, struct vd_history_entry *entries, size_t count,
                   struct vd_err *err)
{
    (void)port;
    (void)entries;
    (void)count;
    (void)err;
    return true;
}

static void close_store(struct vd_store *port)
{
    struct store_classic *store = (struct store_classic *)port;

    if (store->fd >= 0)
        (void)close(store->fd);
    vd_text_free(&store->last);
    vd_free(store->path);
    vd_free(store);
}

static const struct vd_store_ops ops = {
    .whole = true,
    .save = save,
    .settle = settle,
    .load = load,
    .record = record,
    .close = close_store,
};

/* Opening ---------------------------------------------------------------------------------- */

static bool fail(const char *path, struct vd_err *err)
{
    return vd_err_set(err,
                      "cannot write the configuration file %.200s: %s; it is rewritten while "
                      "the sentinel runs, so make it and its directory writable for this user",
                      path, strerror(errno));
}

/* Does the path still lead to the open file? */
static bool is_current(int fd, const char *path, struct stat *like)
{
    struct stat named;

    return fstat(fd, like) == 0 && stat(path, &named) == 0 && like->st_ino == named.st_ino &&
           like->st_dev == named.st_dev;
}

static bool open_file(struct store_classic *store, struct vd_err *err)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        store->fd = open(store->path, O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (store->fd < 0)
            return fail(store->path, err);
        /* A file system without locks is as good as Sentinel, which has none. */
        if (flock(store->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            return vd_err_set(err,
                              "another vedette runs on %.200s; stop it first, or give each a file "
                              "of its own",
                              store->path);
        if (is_current(store->fd, store->path, &store->like))
            return true;
        (void)close(store->fd);
        store->fd = -1;
    }
    return vd_err_set(err, "%.200s is replaced again and again; is another sentinel running on it?",
                      store->path);
}

struct vd_store *vd_store_open_classic(const char *path, struct vd_err *err)
{
    struct store_classic *store = vd_alloc(sizeof(*store));
    char *resolved = realpath(path, NULL);

    store->port.ops = &ops;
    store->fd = -1;
    if (resolved == NULL) {
        (void)fail(path, err);
    } else {
        store->path = vd_strdup(resolved);
        free(resolved);
        if (open_file(store, err) && read_old(store, &store->last, err))
            return &store->port;
    }
    vd_store_close(&store->port);
    return NULL;
}
