/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The users that a configuration declares become the ones that there are, once
 * all of it was read: requirepass first, then the lines, which win, as in
 * Redis; where the two disagree it is said.
 */
#include <string.h>

#include "proto/acl.h"
#include "proto/config.h"

static bool refuse(struct vd_config *config, const struct vd_config_user *user, const char *reason)
{
    struct vd_text text = {0};

    vd_text_printf(&text, "Error in user declaration '%.100s': %.300s", user->words.list[0].bytes,
                   reason);
    vd_config_fault(config, user->file, user->line, user->text, text.bytes,
                    "correct or remove it; the rules are those of ACL SETUSER");
    vd_text_free(&text);
    return false;
}

static bool is_same_name(const struct vd_word *a, const struct vd_word *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool declare(struct vd_config *config, size_t index)
{
    const struct vd_config_user *user = &config->users[index];
    const struct vd_words *words = &user->words;
    struct vd_err err = {""};

    if (!vd_acl_name_valid(&words->list[0]))
        return refuse(config, user, "Spaces not allowed in ACL usernames");
    for (size_t i = 0; i < index; i++) {
        if (is_same_name(&config->users[i].words.list[0], &words->list[0]))
            return refuse(config, user,
                          "Duplicate user found. A user can only be defined once in config files");
    }
    return vd_acl_declare(config->acl, &words->list[0], words->list + 1, words->count - 1, &err) ||
           refuse(config, user, err.text);
}

/* A password that does not count must not go unnoticed. */
static void compare(struct vd_config *config, const struct vd_config_user *user)
{
    const char *required = config->server.requirepass;
    const struct vd_acl_user *them = vd_acl_default(config->acl);

    if (required == NULL)
        return;
    if (vd_acl_is_open(them))
        vd_config_warn(config,
                       "%s:%u: user default needs no password, though requirepass is set: this "
                       "line wins",
                       user->file, user->line);
    else if (vd_acl_is_on(them) &&
             !vd_acl_lets_in(them, &(struct vd_word){required, strlen(required)}))
        vd_config_warn(config,
                       "%s:%u: user default has another password than requirepass: this line wins",
                       user->file, user->line);
}

/*
 * What peers are asked for is what one asks of them: of a line with the
 * password itself it is taken over, as requirepass would have it.
 */
static void take_password(struct vd_config *config, const struct vd_config_user *user)
{
    for (size_t i = 1; i < user->words.count && config->server.requirepass == NULL; i++) {
        const struct vd_word *rule = &user->words.list[i];

        if (rule->len > 1 && rule->bytes[0] == '>' && strlen(rule->bytes) == rule->len)
            config->server.requirepass = vd_strdup(rule->bytes + 1);
    }
}

void vd_config_make_users(struct vd_config *config)
{
    static const struct vd_word name = {"default", 7};
    const struct vd_config_user *own = NULL;
    bool ok = true;

    vd_acl_free(config->acl);
    config->acl = vd_acl_new(!config->server.acl_pubsub_closed);
    vd_acl_require(config->acl, config->server.requirepass);
    for (size_t i = 0; i < config->user_count; i++) {
        ok = declare(config, i) && ok;
        if (is_same_name(&config->users[i].words.list[0], &name))
            own = &config->users[i];
    }
    if (ok && own != NULL) {
        compare(config, own);
        take_password(config, own);
    }
}
