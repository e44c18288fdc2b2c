/* SPDX-License-Identifier: BSD-3-Clause */
/* May this user do that? The one decision of the access control, see acl.h. */
#include <string.h>
#include <strings.h>

#include "proto/acl_room.h"

bool vd_acl_lets_in(const struct vd_acl_user *user, const struct vd_word *password)
{
    const struct vd_rights *rights = &user->rights;
    char hash[VD_SHA256_HEX + 1];
    bool known = false;

    vd_sha256_hex(password->bytes, password->len, hash);
    for (size_t i = 0; i < rights->passwords.count; i++) {
        unsigned wrong = 0;

        for (size_t j = 0; j < VD_SHA256_HEX; j++)
            wrong |= (unsigned)(hash[j] ^ rights->passwords.list[i][j]);
        known |= wrong == 0;
    }
    return rights->on && (rights->nopass || known);
}

/* Commands -------------------------------------------------------------------------- */

static bool allows_command(const struct vd_selector *selector, unsigned id,
                           const struct vd_word *words, size_t count)
{
    if (selector->commands[id / 64] >> id % 64 & 1)
        return true;
    for (size_t i = 0; i < selector->first_arg_count && count > 1; i++) {
        if (selector->first_args[i].command == id &&
            vd_word_is(&words[1], selector->first_args[i].arg))
            return true;
    }
    return false;
}

/* A pattern to be listened to must be named as it stands: it could match more than it says. */
static bool allows_channel(const struct vd_selector *selector, const struct vd_word *channel,
                           bool pattern)
{
    const struct vd_texts *channels = &selector->channels;

    if (selector->all_channels)
        return true;
    if (pattern)
        return vd_texts_have(channels, channel->bytes, channel->len);
    for (size_t i = 0; i < channels->count; i++) {
        if (vd_glob(channels->list[i], strlen(channels->list[i]), channel->bytes, channel->len,
                    false))
            return true;
    }
    return false;
}

/* The words that are channels to this command: [*from, *to). */
static void find_channels(const struct vd_command *command, size_t count, size_t *from, size_t *to)
{
    *from = 1;
    *to = 1;
    if (command->flags & VD_CMD_CHANNEL)
        *to = 2;
    if (command->flags & (VD_CMD_CHANNELS | VD_CMD_PATTERNS))
        *to = count;
    if (*to > count)
        *to = count;
}

static enum vd_acl_verdict judge(const struct vd_selector *selector,
                                 const struct vd_command *parent, const struct vd_command *command,
                                 const struct vd_word *words, size_t count,
                                 const struct vd_word **channel)
{
    size_t at;
    size_t end;

    if ((command->flags & VD_CMD_NO_AUTH) == 0 &&
        !allows_command(selector, vd_command_id(parent, command), words, count))
        return VD_ACL_NO_COMMAND;
    find_channels(command, count, &at, &end);
    for (; at < end; at++) {
        if (!allows_channel(selector, &words[at], (command->flags & VD_CMD_PATTERNS) != 0)) {
            *channel = &words[at];
            return VD_ACL_NO_CHANNEL;
        }
    }
    return VD_ACL_YES;
}

enum vd_acl_verdict vd_acl_judge(const struct vd_acl_user *user, const struct vd_command *parent,
                                 const struct vd_command *command, const struct vd_word *words,
                                 size_t count, const struct vd_word **channel)
{
    const struct vd_rights *rights = &user->rights;
    const struct vd_selector *root = &rights->root;
    enum vd_acl_verdict worst;

    *channel = NULL;
    /* Whoever may do everything is let through at once: that is nearly everybody. */
    if (root->future && root->all_channels && root->rules.len == 0)
        return VD_ACL_YES;
    worst = judge(root, parent, command, words, count, channel);
    for (size_t i = 0; worst != VD_ACL_YES && i < rights->selector_count; i++) {
        const struct vd_word *refused = NULL;
        enum vd_acl_verdict verdict =
            judge(&rights->selectors[i], parent, command, words, count, &refused);

        if (verdict == VD_ACL_YES)
            return verdict;
        if (verdict > worst || (verdict == worst && refused > *channel)) {
            /* The one that came nearest tells what is missing. */
            worst = verdict;
            *channel = refused;
        }
    }
    return worst;
}

void vd_acl_explain(const struct vd_acl_user *user, enum vd_acl_verdict verdict,
                    const char *command, const struct vd_word *channel, struct vd_resp *resp)
{
    struct vd_text text = {0};

    vd_text_printf(&text, "User %s has no permissions to ", user->name);
    if (verdict == VD_ACL_NO_COMMAND)
        vd_text_printf(&text, "run the '%s' command", command);
    else
        vd_text_printf(&text, "access the '%s' channel", channel->bytes);
    vd_resp_bulk(resp, text.bytes, text.len);
    vd_text_free(&text);
}

bool vd_acl_may_listen(const struct vd_acl_user *user, const struct vd_word *channel, bool pattern)
{
    const struct vd_rights *rights = &user->rights;

    if (allows_channel(&rights->root, channel, pattern))
        return true;
    for (size_t i = 0; i < rights->selector_count; i++) {
        if (allows_channel(&rights->selectors[i], channel, pattern))
            return true;
    }
    return false;
}
