/* SPDX-License-Identifier: BSD-3-Clause */
/* Replacing a file whole; see file_replace.h. */
#include "shell/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "shell/conf_file.h"

static bool write_all(int fd, const struct vd_text *bytes)
{
    size_t done = 0;

    while (done < bytes->len) {
        ssize_t put = write(fd, bytes->bytes + done, bytes->len - done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

/*
 * The owner first: giving a file away clears bits of its mode. Who may not give
 * it away keeps it; it is then readable by its owner only, unless it was by all.
 */
static bool liken(int fd, const struct stat *like)
{
    mode_t mode = like->st_mode & 07777;
    struct stat own;

    if (fstat(fd, &own) != 0)
        return false;
    if ((own.st_uid != like->st_uid || own.st_gid != like->st_gid) &&
        fchown(fd, like->st_uid, like->st_gid) != 0) {
        if (errno != EPERM)
            return false;
        if (own.st_gid != like->st_gid && fchown(fd, (uid_t)-1, like->st_gid) != 0 &&
            (mode & S_IROTH) == 0)
            mode &= (mode_t)~S_IRWXG;
    }
    return fchmod(fd, mode) == 0;
}

static bool sync_directory(const char *path)
{
    char *directory = vd_conf_directory(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    int reason = errno;

    if (fd >= 0)
        (void)close(fd);
    vd_free(directory);
    errno = reason;
    return good;
}

static bool fail(const char *what, const char *path, struct vd_err *err)
{
    const char *remedy =
        errno == ENOSPC || errno == EDQUOT
            ? "make room on the disk"
            : "this user must be able to make files in its directory and to replace it";

    return vd_err_set(err, "cannot %s %.200s: %s; %s", what, path, strerror(errno), remedy);
}

/* Written, owned, synced and locked, all before anybody sees it under its name. */
static bool fill(int fd, const struct vd_text *bytes, const struct stat *like, bool lock)
{
    return write_all(fd, bytes) && liken(fd, like) && fsync(fd) == 0 &&
           !(lock && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK);
}

bool vd_file_replace(const char *path, const struct vd_text *bytes, const struct stat *like,
                     int *fd, struct vd_err *err)
{
    struct vd_text name = {0};
    bool keep = *fd >= 0;
    bool good;
    int new_fd;

    vd_text_printf(&name, "%s.XXXXXX", path);
    new_fd = mkostemp(name.bytes, O_CLOEXEC);
    if (new_fd < 0) {
        (void)fail("write a new file beside", path, err);
        vd_text_free(&name);
        return false;
    }
    good = fill(new_fd, bytes, like, keep) && rename(name.bytes, path) == 0;
    if (!good) {
        (void)fail("write", path, err);
        (void)unlink(name.bytes);
    }
    vd_text_free(&name);
    if (good && keep) {
        (void)close(*fd);
        *fd = new_fd;
    } else {
        (void)close(new_fd);
    }
    return good && (sync_directory(path) || fail("sync the directory of", path, err));
}
