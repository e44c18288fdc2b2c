/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sentinel.conf: it is good, or every fault has its place and reason. Includes
 * find the same text again, which must come to an end.
 */
#include <string.h>

#include "fuzz.h"
#include "proto/conf_classic.h"

struct world {
    const uint8_t *bytes;
    size_t len;
    unsigned reads; /* left */
};

static bool read_file(void *self, const char *path, struct vd_text *to, struct vd_err *err)
{
    struct world *world = self;

    if (strstr(path, "none") != NULL || world->reads == 0)
        return vd_err_set(err, "No such file or directory");
    world->reads--;
    vd_text_add(to, world->bytes, world->len);
    return true;
}

static size_t expand(void *self, const char *pattern, struct vd_arena *arena,
                     const char *const **paths)
{
    const char **list = vd_arena_alloc(arena, sizeof(*list));

    (void)self;
    list[0] = vd_arena_strdup(arena, pattern);
    *paths = list;
    return 1;
}

static bool is_directory(void *self, const char *path, struct vd_err *err)
{
    (void)self;
    return path[0] == '/' || vd_err_set(err, "No such file or directory");
}

static bool is_executable(void *self, const char *path)
{
    (void)self;
    return path[0] == '/';
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct world self = {bytes, len, 4};
    const struct vd_classic_world world = {&self, read_file, expand, is_directory, is_executable};
    const struct vd_classic_input input = {.path = "/etc/sentinel.conf"};
    struct vd_text text = {0};
    struct vd_config config;
    bool good;

    vd_config_init(&config);
    good = vd_conf_classic_read(&config, &input, &world);
    MUST(good == (config.fault_count == 0));
    for (size_t i = 0; i < config.fault_count; i++) {
        MUST(config.faults[i].reason != NULL);
        vd_fault_print(&config.faults[i], &text);
    }
    for (size_t i = 0; i < config.group_count; i++) {
        MUST(vd_config_find(&config, config.groups[i].name) == &config.groups[i]);
        MUST(strlen(config.groups[i].name) < VD_NAME_SIZE);
    }
    vd_text_free(&text);
    vd_config_free(&config);
    return 0;
}
