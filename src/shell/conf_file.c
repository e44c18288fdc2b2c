/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of the configuration, see conf_file.h. */
#include "shell/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 20)
#define SECRET_MAX ((size_t)64 << 10)
#define INCLUDE_DEPTH 10 /* libconfig's own */

/* Reading ------------------------------------------------------------------------------- */

static bool read_all(int fd, size_t max, struct vd_text *to, struct vd_err *err)
{
    char chunk[16384];

    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got == 0)
            return true;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return vd_err_set(err, "%s", strerror(errno));
        if (to->len + (size_t)got > max)
            return vd_err_set(err, "larger than %zu bytes", max);
        vd_text_add(to, chunk, (size_t)got);
    }
}

static bool read_file(const char *path, size_t max, struct vd_text *to, mode_t *mode,
                      struct vd_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat about;
    bool ok;

    if (fd < 0)
        return vd_err_set(err, "%s", strerror(errno));
    if (fstat(fd, &about) != 0)
        ok = vd_err_set(err, "%s", strerror(errno));
    else if (S_ISDIR(about.st_mode))
        ok = vd_err_set(err, "%s", strerror(EISDIR));
    else
        ok = read_all(fd, max, to, err);
    (void)close(fd);
    if (ok)
        *mode = about.st_mode;
    return ok;
}

bool vd_conf_file_read(const char *path, struct vd_text *to, struct vd_err *err)
{
    mode_t mode;

    return read_file(path, FILE_MAX, to, &mode, err);
}

bool vd_conf_stdin_read(struct vd_text *to, struct vd_err *err)
{
    static struct vd_text kept;
    static bool read_before;

    if (!read_before && !read_all(STDIN_FILENO, FILE_MAX, &kept, err))
        return false;
    read_before = true;
    vd_text_add(to, vd_text_cstr(&kept), kept.len);
    return true;
}

/* Paths ------------------------------------------------------------------------------------ */

char *vd_conf_directory(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return vd_strdup(".");
    return vd_memdup(path, slash == path ? 1 : (size_t)(slash - path));
}

char *vd_conf_join(const char *dir, const char *path)
{
    struct vd_text joined = {0};

    if (path[0] != '/' && dir != NULL && dir[0] != '\0') {
        vd_text_puts(&joined, dir);
        if (joined.bytes[joined.len - 1] != '/')
            vd_text_putc(&joined, '/');
    }
    vd_text_puts(&joined, path);
    return joined.bytes;
}

bool vd_conf_is_directory(const char *path, struct vd_err *err)
{
    struct stat about;

    if (stat(path, &about) != 0)
        return vd_err_set(err, "%s", strerror(errno));
    return S_ISDIR(about.st_mode) || vd_err_set(err, "%s", strerror(ENOTDIR));
}

bool vd_conf_is_executable(const char *dir, const char *path)
{
    char *joined = vd_conf_join(dir, path);
    struct stat about;
    bool ok = access(joined, X_OK) == 0 && stat(joined, &about) == 0 && !S_ISDIR(about.st_mode);

    vd_free(joined);
    return ok;
}

/* Secrets ------------------------------------------------------------------------------------ */

bool vd_conf_secret_read(struct vd_config *config, const char *file, unsigned line,
                         struct vd_text *value, struct vd_err *err)
{
    char *dir = vd_conf_directory(file);
    char *path = vd_conf_join(dir, vd_text_cstr(value));
    mode_t mode = 0;
    bool ok;

    vd_text_clear(value);
    ok = read_file(path, SECRET_MAX, value, &mode, err);
    if (!ok)
        vd_err_wrap(err, "names the file '%.200s', which cannot be read", path);
    if (ok && value->len > 0 && value->bytes[value->len - 1] == '\n')
        value->bytes[--value->len] = '\0';
    if (ok && value->len > 0 && value->bytes[value->len - 1] == '\r')
        value->bytes[--value->len] = '\0';
    if (ok && value->len == 0)
        ok = vd_err_set(err, "names the file '%.200s', which is empty", path);
    if (ok && memchr(value->bytes, '\n', value->len) != NULL)
        ok = vd_err_set(err, "names the file '%.200s', which has more than one line", path);
    if (ok && (mode & S_IROTH) != 0)
        vd_config_warn(config, "%s:%u: everybody may read the secret in %.200s; chmod o-r it", file,
                       line, path);
    vd_free(path);
    vd_free(dir);
    return ok;
}

/* Includes ------------------------------------------------------------------------------------- */

/* The name in a line `@include "name"`, as libconfig sees one; false when the line is none. */
static bool find_include(const char *line, size_t len, struct vd_text *name)
{
    static const char word[] = "@include";
    size_t at = 0;
    const char *stop;

    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    if (len - at < sizeof(word) || memcmp(line + at, word, sizeof(word) - 1) != 0)
        return false;
    at += sizeof(word) - 1;
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    if (at == len || line[at] != '"')
        return false;
    at++;
    stop = memchr(line + at, '"', len - at);
    if (stop == NULL)
        return false;
    vd_text_clear(name);
    vd_text_add(name, line + at, (size_t)(stop - line) - at);
    return true;
}

static bool check_text(struct vd_config *config, const char *path, const char *dir,
                       const struct vd_text *text, unsigned depth);

static bool check_include(struct vd_config *config, const char *path, unsigned line,
                          const char *dir, const char *name, unsigned depth)
{
    char *included = vd_conf_join(dir, name);
    struct vd_text text = {0};
    struct vd_err err = {""};
    mode_t mode = 0;
    bool ok;

    if (depth > INCLUDE_DEPTH)
        ok = vd_err_set(&err, "includes are nested too deeply");
    else if (name[0] == '/')
        ok = vd_err_set(&err, "the path of an include must be relative");
    else
        ok = read_file(included, FILE_MAX, &text, &mode, &err);
    if (!ok) {
        vd_err_wrap(&err, "cannot include '%.200s'", included);
        vd_config_fault(config, path, line, NULL, err.text,
                        "paths begin at the directory of the configuration file");
    } else {
        ok = check_text(config, included, dir, &text, depth);
    }
    vd_text_free(&text);
    vd_free(included);
    return ok;
}

static bool check_text(struct vd_config *config, const char *path, const char *dir,
                       const struct vd_text *text, unsigned depth)
{
    const char *at = vd_text_cstr(text);
    const char *end = at + text->len;
    struct vd_text name = {0};
    bool ok = true;

    if (memchr(at, '\0', text->len) != NULL)
        return vd_config_fault(config, path, 0, NULL, "there is a NUL byte in it",
                               "write it as plain text");
    for (unsigned line = 1; at < end && ok; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        if (stop == NULL)
            stop = end;
        if (find_include(at, (size_t)(stop - at), &name))
            ok = check_include(config, path, line, dir, vd_text_cstr(&name), depth + 1);
        at = stop + 1;
    }
    vd_text_free(&name);
    return ok;
}

bool vd_conf_native_text(struct vd_config *config, const char *path, const char *dir,
                         struct vd_text *to)
{
    struct vd_err err = {""};

    if (!vd_conf_file_read(path, to, &err))
        return vd_config_fault(config, path, 0, NULL, err.text, "give the path of a readable file");
    return check_text(config, path, dir, to, 0);
}
