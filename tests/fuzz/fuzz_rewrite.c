/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rewriting sentinel.conf: what a good file says is still said when it was
 * written anew, by a file that is good as well and does not change any more.
 */
#include <string.h>

#include "fuzz.h"
#include "proto/acl.h"
#include "proto/classic_write.h"
#include "proto/conf_classic.h"

static bool read_file(void *self, const char *path, struct vd_text *to, struct vd_err *err)
{
    const struct vd_text *text = self;

    if (strcmp(path, "/etc/sentinel.conf") != 0)
        return vd_err_set(err, "No such file or directory");
    vd_text_add(to, vd_text_cstr(text), text->len);
    return true;
}

static size_t expand(void *self, const char *pattern, struct vd_arena *arena,
                     const char *const **paths)
{
    (void)self;
    (void)pattern;
    (void)arena;
    *paths = NULL;
    return 0;
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

/* False when the file is not good, or includes others. */
static bool load(struct vd_config *config, struct vd_text *text)
{
    const struct vd_classic_world world = {text, read_file, expand, is_directory, is_executable};
    const struct vd_classic_input input = {.path = "/etc/sentinel.conf"};
    bool good;

    vd_config_init(config);
    config->guise = VD_GUISE_REDIS;
    config->keeps = true;
    good = vd_conf_classic_read(config, &input, &world);
    if (good)
        vd_config_make_users(config);
    return config->fault_count == 0 && !config->includes;
}

/* What a process would save that has just read the file. */
static void make_image(const struct vd_config *config, struct vd_arena *arena,
                       struct vd_image *image)
{
    struct vd_image_group *groups =
        vd_arena_alloc(arena, (config->group_count + 1) * sizeof(*groups));

    for (size_t i = 0; i < config->group_count; i++) {
        const struct vd_config_group *group = &config->groups[i];

        groups[i] = (struct vd_image_group){
            .name = group->name,
            .primary = group->addr,
            .config_epoch = group->config_epoch,
            .vote_epoch = group->leader_epoch,
            .vote = group->vote,
            .lineage = group->lineage,
            .lineage_before = group->lineage_before,
            .options = &group->options,
            .replicas = group->replicas,
            .replica_count = group->replica_count,
            .peers = group->peers,
            .peer_count = group->peer_count,
        };
    }
    *image = (struct vd_image){.self = config->myid,
                               .epoch = config->current_epoch,
                               .globals = &config->globals,
                               .groups = groups,
                               .group_count = config->group_count};
}

static void rewrite(const struct vd_text *old, const struct vd_config *config, bool plain,
                    struct vd_text *to)
{
    struct vd_arena arena = {0};
    struct vd_image image;
    struct vd_classic_content content = {.image = &image,
                                         .unsound = config->unsound,
                                         .directives = (const char *const *)config->directives,
                                         .directive_count = config->directive_count,
                                         .users = config->acl,
                                         .requirepass = config->server.requirepass,
                                         .plain = plain};

    make_image(config, &arena, &image);
    vd_classic_write(old, &content, to);
    vd_arena_free(&arena);
}

static void check_same(const struct vd_config *a, const struct vd_config *b)
{
    MUST(strcmp(a->myid.hex, b->myid.hex) == 0 && a->current_epoch == b->current_epoch);
    MUST(a->unsound == b->unsound && a->group_count == b->group_count);
    for (size_t i = 0; i < a->group_count; i++) {
        const struct vd_config_group *one = &a->groups[i];
        const struct vd_config_group *other = vd_config_find(b, one->name);

        MUST(other != NULL && other->addr.port == one->addr.port);
        MUST(strcmp(one->addr.ip, other->addr.ip) == 0);
        MUST(one->config_epoch == other->config_epoch && one->leader_epoch == other->leader_epoch);
        MUST(strcmp(one->vote.hex, other->vote.hex) == 0);
        MUST(strcmp(one->lineage.hex, other->lineage.hex) == 0);
        MUST(one->replica_count == other->replica_count && one->peer_count == other->peer_count);
        MUST(one->options.rename_count == other->options.rename_count);
        MUST(one->options.quorum == other->options.quorum);
        MUST(one->options.down_after_ms == other->options.down_after_ms);
        MUST(one->options.down_after_refused_ms == other->options.down_after_refused_ms);
        MUST((one->options.auth_pass == NULL) == (other->options.auth_pass == NULL));
        MUST(one->options.auth_pass == NULL ||
             strcmp(one->options.auth_pass, other->options.auth_pass) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct vd_text first = {0};
    struct vd_config before;

    vd_text_add(&first, bytes, len);
    if (load(&before, &first)) {
        for (int plain = 0; plain < 2; plain++) {
            struct vd_text second = {0};
            struct vd_text third = {0};
            struct vd_config after;

            rewrite(&first, &before, plain != 0, &second);
            MUST(load(&after, &second));
            check_same(&before, &after);
            rewrite(&second, &after, plain != 0, &third);
            MUST(strcmp(vd_text_cstr(&second), vd_text_cstr(&third)) == 0);
            vd_text_free(&second);
            vd_text_free(&third);
            vd_config_free(&after);
        }
    }
    vd_config_free(&before);
    vd_text_free(&first);
    return 0;
}
