/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of sentinel.conf: a world of a few files that exist in the tests only. */
#ifndef VD_TESTS_CLASSIC_WORLD_H
#define VD_TESTS_CLASSIC_WORLD_H

#include <check.h>
#include <string.h>

#include "proto/conf_classic.h"

static const char *file_text; /* of "s.conf" */
static size_t file_len;       /* 0: up to its NUL */

static bool read_fake(void *self, const char *path, struct vd_text *to, struct vd_err *err)
{
    (void)self;
    if (strcmp(path, "s.conf") == 0)
        vd_text_add(to, file_text, file_len != 0 ? file_len : strlen(file_text));
    else if (strcmp(path, "-") == 0)
        vd_text_puts(to, "port 7001\nloglevel debug\n");
    else if (strcmp(path, "conf.d/a.conf") == 0 || strcmp(path, "/d/conf.d/a.conf") == 0)
        vd_text_puts(to, "\nport 7002\n");
    else if (strcmp(path, "conf.d/b.conf") == 0)
        vd_text_puts(to, "port 7003\nsentinel monitor b 10.0.0.2 6379 2\n\nport bad\n");
    else if (strcmp(path, "loop.conf") == 0)
        vd_text_puts(to, "include loop.conf\n");
    else
        return vd_err_set(err, "No such file or directory");
    return true;
}

static size_t expand_fake(void *self, const char *pattern, struct vd_arena *arena,
                          const char *const **paths)
{
    static const char *const found[] = {"conf.d/a.conf", "conf.d/b.conf"};

    (void)self;
    (void)arena;
    *paths = found;
    return strcmp(pattern, "conf.d/*.conf") == 0 ? 2 : 0;
}

static bool is_directory_fake(void *self, const char *path, struct vd_err *err)
{
    (void)self;
    return strcmp(path, "/nosuch") != 0 || vd_err_set(err, "No such file or directory");
}

static bool is_executable_fake(void *self, const char *path)
{
    (void)self;
    return strcmp(path, "/bin/true") == 0 || strcmp(path, "/d/notify.sh") == 0;
}

static const struct vd_classic_world world = {
    .read = read_fake,
    .expand = expand_fake,
    .is_directory = is_directory_fake,
    .is_executable = is_executable_fake,
};

static struct vd_config config;

static void setup(void)
{
    file_len = 0;
    vd_config_init(&config);
}

static void teardown(void)
{
    vd_config_free(&config);
}

static inline bool load(const char *text)
{
    struct vd_classic_input input = {.path = "s.conf"};

    file_text = text;
    if (!vd_conf_classic_read(&config, &input, &world))
        return false;
    vd_config_make_users(&config);
    return config.fault_count == 0;
}

static inline void load_ok(const char *text)
{
    if (!load(text)) {
        struct vd_text fault = {0};

        vd_fault_print(&config.faults[0], &fault);
        ck_abort_msg("%s", fault.bytes);
    }
}

#define ID "0123456789abcdef0123456789abcdef01234567"
#define ID2 "1123456789abcdef0123456789abcdef01234567"
#define M "sentinel monitor m 10.0.0.1 6379 2\n"

#endif
