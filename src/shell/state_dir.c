/* SPDX-License-Identifier: BSD-3-Clause */
/* State directory: see state_dir.h. */
#include "shell/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "shell/log.h"

char *vd_state_dir_join(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *path = vd_alloc(size);

    (void)snprintf(path, size, "%s/%s", dir, name);
    return path;
}

/* A new entry is not there for certain until its directory is on disk. */
static void sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

static bool make_one(const char *path, mode_t mode)
{
    char *parent;
    char *slash;

    if (mkdir(path, mode) != 0)
        return errno == EEXIST;
    parent = vd_strdup(path);
    slash = strrchr(parent, '/');
    if (slash != NULL)
        slash[slash == parent ? 1 : 0] = '\0';
    sync_directory(slash != NULL ? parent : ".");
    vd_free(parent);
    return true;
}

/* The directory for us alone; what is missing above it as usual. */
static bool make_directory(const char *path, struct vd_err *err)
{
    char *copy = vd_strdup(path);
    size_t len = strlen(copy);
    struct stat status;
    bool good = true;

    while (len > 1 && copy[len - 1] == '/')
        copy[--len] = '\0';
    for (char *slash = strchr(copy + 1, '/'); good && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        good = make_one(copy, 0755);
        *slash = '/';
    }
    good = good && make_one(copy, 0700);
    vd_free(copy);
    if (!good)
        return vd_err_set(err,
                          "cannot make the state directory %s: %s; make it, or change state-dir",
                          path, strerror(errno));
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        return vd_err_set(err, "the state directory %s is no directory; change state-dir", path);
    return true;
}

static void read_holder(int fd, char *to, size_t size)
{
    ssize_t got = pread(fd, to, size - 1, 0);

    to[got > 0 ? got : 0] = '\0';
    to[strcspn(to, "\n")] = '\0';
}

static bool lock_directory(struct vd_state_dir *dir, struct vd_err *err)
{
    char *path = vd_state_dir_join(dir->path, "vedette.lock");
    char text[32];
    bool told;
    int len;

    dir->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    vd_free(path);
    if (dir->lock < 0)
        return vd_err_set(err,
                          "cannot write in the state directory %s: %s; make it writable for this "
                          "user, or change state-dir",
                          dir->path, strerror(errno));
    if (flock(dir->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return vd_err_set(err, "cannot lock the state directory %s: %s", dir->path,
                              strerror(errno));
        read_holder(dir->lock, text, sizeof(text));
        return vd_err_set(err,
                          "the state directory %s is in use by another vedette (pid %s); stop it, "
                          "or give this one a state-dir of its own",
                          dir->path, text[0] == '\0' ? "unknown" : text);
    }
    len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    /* Only for the message above, which does without. */
    told = ftruncate(dir->lock, 0) == 0 && pwrite(dir->lock, text, (size_t)len, 0) == len;
    (void)told;
    return true;
}

static bool make_reserve(struct vd_state_dir *dir)
{
    int fd = open(dir->reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int error;

    if (fd < 0)
        return false;
    error = posix_fallocate(fd, 0, VD_RESERVE_BYTES);
    if (error == 0 && fsync(fd) != 0)
        error = errno;
    (void)close(fd);
    if (error != 0)
        (void)unlink(dir->reserve);
    return error == 0;
}

bool vd_state_dir_open(struct vd_state_dir *dir, const char *path, struct vd_err *err)
{
    memset(dir, 0, sizeof(*dir));
    dir->lock = -1;
    dir->path = vd_strdup(path);
    dir->reserve = vd_state_dir_join(path, "vedette.reserve");
    if (!make_directory(path, err) || !lock_directory(dir, err)) {
        vd_state_dir_close(dir);
        return false;
    }
    dir->has_reserve = make_reserve(dir);
    if (!dir->has_reserve)
        vd_log(VD_LOG_WARNING,
               "no room for the reserve %s: should the disk be full, votes cannot be saved",
               dir->reserve);
    return true;
}

void vd_state_dir_sync(const struct vd_state_dir *dir)
{
    sync_directory(dir->path);
}

void vd_state_dir_close(struct vd_state_dir *dir)
{
    if (dir->lock >= 0)
        (void)close(dir->lock);
    dir->lock = -1;
    vd_free(dir->path);
    vd_free(dir->reserve);
    dir->path = NULL;
    dir->reserve = NULL;
}

bool vd_state_dir_release(struct vd_state_dir *dir)
{
    if (!dir->has_reserve)
        return false;
    dir->has_reserve = false;
    if (unlink(dir->reserve) != 0)
        return false;
    vd_log(VD_LOG_WARNING, "no space left for the state in %s: the reserve was given up; make room",
           dir->path);
    return true;
}

void vd_state_dir_refill(struct vd_state_dir *dir)
{
    struct statvfs status;

    if (dir->has_reserve || statvfs(dir->path, &status) != 0 ||
        (uint64_t)status.f_bavail * status.f_frsize < UINT64_C(8) * VD_RESERVE_BYTES)
        return;
    dir->has_reserve = make_reserve(dir);
    if (dir->has_reserve)
        vd_log(VD_LOG_NOTICE, "there is room again: the reserve %s is back", dir->reserve);
}
