/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of access, one word each, applied to the rights of a user: the
 * language of ACL SETUSER with Redis's reasons for what it refuses. What keys
 * a user may touch is read and kept, though no command of a sentinel has keys.
 */
#include <string.h>
#include <strings.h>

#include "proto/acl_room.h"

static const char syntax[] = "Syntax error";
static const char unknown[] = "Unknown command or category name in ACL";

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Commands ------------------------------------------------------------------------------ */

static void forget_first_args(struct vd_selector *selector, unsigned id)
{
    size_t kept = 0;

    for (size_t i = 0; i < selector->first_arg_count; i++) {
        if (selector->first_args[i].command == id)
            vd_free(selector->first_args[i].arg);
        else
            selector->first_args[kept++] = selector->first_args[i];
    }
    selector->first_arg_count = kept;
}

static void allow(struct vd_selector *selector, const struct vd_command *parent,
                  const struct vd_command *command, bool yes)
{
    unsigned id = vd_command_id(parent, command);

    if (yes)
        selector->commands[id / 64] |= UINT64_C(1) << id % 64;
    else
        selector->commands[id / 64] &= ~(UINT64_C(1) << id % 64);
    forget_first_args(selector, id);
}

static void allow_tree(struct vd_selector *selector, const struct vd_command *command, bool yes)
{
    allow(selector, NULL, command, yes);
    for (size_t i = 0; i < command->sub_count; i++)
        allow(selector, command, &command->subs[i], yes);
}

static void allow_all(struct vd_selector *selector, bool yes)
{
    selector->future = yes;
    memset(selector->commands, yes ? 0xff : 0, sizeof(selector->commands));
    vd_text_clear(&selector->rules);
    while (selector->first_arg_count > 0)
        vd_free(selector->first_args[--selector->first_arg_count].arg);
}

static void allow_category(struct vd_selector *selector, unsigned category, bool yes)
{
    size_t count;
    const struct vd_command *rows = vd_commands(&count);

    for (size_t i = 0; i < count; i++) {
        if (rows[i].categories & category)
            allow(selector, NULL, &rows[i], yes);
        for (size_t j = 0; j < rows[i].sub_count; j++) {
            if (rows[i].subs[j].categories & category)
                allow(selector, &rows[i], &rows[i].subs[j], yes);
        }
    }
}

/*
 * The rule joins those told of the user; what it overrides goes: the same
 * command or category, and subcommands of the same command.
 */
static void note_rule(struct vd_selector *selector, const struct vd_word *rule)
{
    struct vd_text kept = {0};
    const char *at = vd_text_cstr(&selector->rules);

    while (*at == ' ') {
        const char *word = at + 1;
        size_t len = strcspn(word, " ");
        bool same = len >= rule->len &&
                    strncasecmp(word + 1, rule->bytes + 1, rule->len - 1) == 0 &&
                    (len == rule->len || word[rule->len] == '|');

        if (!same)
            vd_text_add(&kept, at, len + 1);
        at = word + len;
    }
    vd_text_putc(&kept, ' ');
    for (size_t i = 0; i < rule->len; i++) {
        char c = rule->bytes[i];

        vd_text_putc(&kept, (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
    vd_text_free(&selector->rules);
    selector->rules = kept;
}

/* "+ping|x": only with x as the first argument. */
static void allow_first_arg(struct vd_selector *selector, const struct vd_command *command,
                            const struct vd_word *arg)
{
    unsigned id = vd_command_id(NULL, command);

    for (size_t i = 0; i < selector->first_arg_count; i++) {
        if (selector->first_args[i].command == id &&
            strcasecmp(selector->first_args[i].arg, arg->bytes) == 0)
            return;
    }
    selector->first_args = vd_realloc(selector->first_args, (selector->first_arg_count + 1) *
                                                                sizeof(selector->first_args[0]));
    selector->first_args[selector->first_arg_count++] =
        (struct vd_first_arg){.command = id, .arg = vd_memdup(arg->bytes, arg->len)};
}

static bool apply_sub(struct vd_selector *selector, const struct vd_word *rule, const char *bar,
                      bool yes, struct vd_err *err)
{
    const char *end = rule->bytes + rule->len;
    struct vd_word arg = {bar + 1, (size_t)(end - bar - 1)};
    char *name = vd_memdup(rule->bytes + 1, (size_t)(bar - rule->bytes - 1));
    const struct vd_command *command =
        vd_command_find(&(struct vd_word){name, (size_t)(bar - rule->bytes - 1)});
    const struct vd_command *sub;

    vd_free(name);
    if (command == NULL)
        return vd_err_set(err, "%s", unknown);
    sub = vd_command_find_sub(command, &arg);
    if (sub != NULL) {
        allow(selector, command, sub, yes);
        note_rule(selector, rule);
        return true;
    }
    if (!yes)
        return vd_err_set(err, "%s", unknown);
    if (arg.len == 0)
        return vd_err_set(err, "%s", syntax);
    if (memchr(arg.bytes, '|', arg.len) != NULL)
        return vd_err_set(err, "Allowing first-arg of a subcommand is not supported");
    if (command->sub_count > 0)
        return vd_err_set(err, "%s", unknown);
    allow_first_arg(selector, command, &arg);
    note_rule(selector, rule);
    return true;
}

static bool has_blank(const struct vd_word *word)
{
    for (size_t i = 0; i < word->len; i++) {
        if (is_blank(word->bytes[i]))
            return true;
    }
    return false;
}

/* "+name", "-name", "+name|sub", "+@category" */
static bool apply_command(struct vd_selector *selector, const struct vd_word *rule,
                          struct vd_err *err)
{
    struct vd_word name = {rule->bytes + 1, rule->len - 1};
    bool yes = rule->bytes[0] == '+';
    const char *bar = memchr(name.bytes, '|', name.len);
    const struct vd_command *command;
    unsigned category;

    if (has_blank(
            rule)) /* differs: Redis takes "+ping|a b", and cannot read the file that has it */
        return vd_err_set(err, "%s", syntax);
    if (vd_word_is(&name, "@all")) {
        allow_all(selector, yes);
        return true;
    }
    if (name.len > 0 && name.bytes[0] == '@') {
        category = vd_command_category_find(name.bytes + 1, name.len - 1);
        if (category == 0)
            return vd_err_set(err, "%s", unknown);
        allow_category(selector, category, yes);
        note_rule(selector, rule);
        return true;
    }
    if (bar != NULL)
        return apply_sub(selector, rule, bar, yes, err);
    command = vd_command_find(&name);
    if (command == NULL)
        return vd_err_set(err, "%s", unknown);
    allow_tree(selector, command, yes);
    note_rule(selector, rule);
    return true;
}

/* Keys and channels ------------------------------------------------------------------------ */

static void clear_keys(struct vd_selector *selector)
{
    while (selector->key_count > 0)
        vd_free(selector->keys[--selector->key_count].pattern);
    selector->all_keys = false;
}

/* "~pattern", "%R~pattern", "%W~pattern", "%RW~pattern" */
static bool apply_key(struct vd_selector *selector, const struct vd_word *rule, struct vd_err *err)
{
    struct vd_key_pattern key = {.reads = true, .writes = true};
    size_t at = 1;

    if (rule->bytes[0] == '%') {
        key.reads = key.writes = false;
        for (; at < rule->len && rule->bytes[at] != '~'; at++) {
            bool *right = (rule->bytes[at] | 0x20) == 'r' ? &key.reads : &key.writes;

            if (((rule->bytes[at] | 0x20) != 'r' && (rule->bytes[at] | 0x20) != 'w') || *right)
                return vd_err_set(err, "%s", syntax);
            *right = true;
        }
        if (at++ >= rule->len || (!key.reads && !key.writes))
            return vd_err_set(err, "%s", syntax);
    }
    if (has_blank(rule))
        return vd_err_set(err, "%s", syntax);
    if (selector->all_keys)
        return vd_err_set(
            err, "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and "
                 "does not have any effect. Try 'resetkeys' to start with an empty list of "
                 "patterns");
    if (key.reads && key.writes && rule->len - at == 1 && rule->bytes[at] == '*') {
        clear_keys(selector);
        selector->all_keys = true;
        return true;
    }
    for (size_t i = 0; i < selector->key_count; i++) {
        if (strcmp(selector->keys[i].pattern, rule->bytes + at) == 0) {
            selector->keys[i].reads |= key.reads;
            selector->keys[i].writes |= key.writes;
            return true;
        }
    }
    key.pattern = vd_memdup(rule->bytes + at, rule->len - at);
    selector->keys =
        vd_realloc(selector->keys, (selector->key_count + 1) * sizeof(selector->keys[0]));
    selector->keys[selector->key_count++] = key;
    return true;
}

static bool apply_channel(struct vd_selector *selector, const struct vd_word *rule,
                          struct vd_err *err)
{
    if (has_blank(rule))
        return vd_err_set(err, "%s", syntax);
    if (rule->len == 2 && rule->bytes[1] == '*') {
        vd_texts_clear(&selector->channels);
        selector->all_channels = true;
        return true;
    }
    if (selector->all_channels)
        return vd_err_set(
            err, "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid "
                 "and does not have any effect. Try 'resetchannels' to start with an empty list "
                 "of channels");
    if (!vd_texts_have(&selector->channels, rule->bytes + 1, rule->len - 1))
        vd_texts_add(&selector->channels, rule->bytes + 1, rule->len - 1);
    return true;
}

/* What a selector may say. */
static bool apply_to_selector(struct vd_selector *selector, const struct vd_word *rule,
                              struct vd_err *err)
{
    if (vd_word_is(rule, "allkeys") || vd_word_is(rule, "~*")) {
        clear_keys(selector);
        selector->all_keys = true;
    } else if (vd_word_is(rule, "resetkeys")) {
        clear_keys(selector);
    } else if (vd_word_is(rule, "allchannels") || vd_word_is(rule, "resetchannels")) {
        vd_texts_clear(&selector->channels);
        selector->all_channels = vd_word_is(rule, "allchannels");
    } else if (vd_word_is(rule, "allcommands") || vd_word_is(rule, "nocommands")) {
        allow_all(selector, vd_word_is(rule, "allcommands"));
    } else if (rule->bytes[0] == '~' || rule->bytes[0] == '%') {
        return apply_key(selector, rule, err);
    } else if (rule->bytes[0] == '&') {
        return apply_channel(selector, rule, err);
    } else if (rule->bytes[0] == '+' || rule->bytes[0] == '-') {
        return apply_command(selector, rule, err);
    } else if (!vd_word_is(rule, "alldbs") && !vd_word_is(rule, "resetdbs")) {
        /* alldbs: a Valkey 9 writes it into its file; there are no databases here. */
        return vd_err_set(err, "%s", syntax);
    }
    return true;
}

/* "(...)" */
static bool add_selector(struct vd_rights *rights, const struct vd_word *rule, struct vd_err *err)
{
    struct vd_selector selector = {0};
    struct vd_arena arena = {0};
    struct vd_words words = {0};
    bool ok = vd_words_split(rule->bytes + 1, rule->len - 2, &arena, &words);

    if (!ok)
        vd_err_set(err, "%s", syntax);
    for (size_t i = 0; ok && i < words.count; i++)
        ok = apply_to_selector(&selector, &words.list[i], err);
    vd_arena_free(&arena);
    if (!ok) {
        vd_selector_free(&selector);
        return false;
    }
    rights->selectors =
        vd_realloc(rights->selectors, (rights->selector_count + 1) * sizeof(rights->selectors[0]));
    rights->selectors[rights->selector_count++] = selector;
    return true;
}

/* Passwords ---------------------------------------------------------------------------------- */

static bool is_hash(const struct vd_word *rule)
{
    for (size_t i = 1; i < rule->len; i++) {
        char c = rule->bytes[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return rule->len == VD_SHA256_HEX + 1;
}

/* ">password", "#hash", "<password", "!hash" */
static bool apply_password(struct vd_rights *rights, const struct vd_word *rule, struct vd_err *err)
{
    bool adds = rule->bytes[0] == '>' || rule->bytes[0] == '#';
    char hash[VD_SHA256_HEX + 1];

    if (rule->bytes[0] == '>' || rule->bytes[0] == '<') {
        vd_sha256_hex(rule->bytes + 1, rule->len - 1, hash);
    } else if (is_hash(rule)) {
        memcpy(hash, rule->bytes + 1, VD_SHA256_HEX);
        hash[VD_SHA256_HEX] = '\0';
    } else {
        return vd_err_set(err, "The password hash must be exactly 64 characters and contain only "
                               "lowercase hexadecimal characters");
    }
    if (!adds) {
        return vd_texts_remove(&rights->passwords, hash, VD_SHA256_HEX) ||
               vd_err_set(err, "The password you are trying to remove from the user does not "
                               "exist");
    }
    if (!vd_texts_have(&rights->passwords, hash, VD_SHA256_HEX))
        vd_texts_add(&rights->passwords, hash, VD_SHA256_HEX);
    rights->nopass = false;
    return true;
}

/* Users --------------------------------------------------------------------------------------- */

bool vd_rights_apply(struct vd_rights *rights, const struct vd_word *rule, bool open_channels,
                     struct vd_err *err)
{
    if (rule->len == 0)
        return true;
    if (rule->bytes[0] != '\0' && strchr("><#!", rule->bytes[0]) != NULL)
        return apply_password(rights, rule, err);
    if (memchr(rule->bytes, '\0', rule->len) != NULL)
        return vd_err_set(err, "%s", syntax);
    if (rule->bytes[0] == '(' && rule->bytes[rule->len - 1] == ')')
        return add_selector(rights, rule, err);
    if (vd_word_is(rule, "on") || vd_word_is(rule, "off")) {
        rights->on = vd_word_is(rule, "on");
    } else if (vd_word_is(rule, "nopass") || vd_word_is(rule, "resetpass")) {
        vd_texts_clear(&rights->passwords);
        rights->nopass = vd_word_is(rule, "nopass");
    } else if (vd_word_is(rule, "sanitize-payload")) {
        rights->sanitize = VD_SANITIZE_YES;
    } else if (vd_word_is(rule, "skip-sanitize-payload")) {
        rights->sanitize = VD_SANITIZE_SKIP;
    } else if (vd_word_is(rule, "clearselectors")) {
        vd_rights_clear_selectors(rights);
    } else if (vd_word_is(rule, "reset")) {
        vd_rights_free(rights);
        vd_rights_init(rights, open_channels);
        rights->sanitize = VD_SANITIZE_YES;
    } else {
        return apply_to_selector(&rights->root, rule, err);
    }
    return true;
}

bool vd_rules_merge(const struct vd_word *rules, size_t count, struct vd_arena *arena,
                    struct vd_words *out, const struct vd_word **open)
{
    struct vd_text text = {0};

    *open = NULL;
    *out = (struct vd_words){.list = vd_arena_alloc(arena, (count + 1) * sizeof(out->list[0]))};
    for (size_t i = 0; i < count; i++) {
        const struct vd_word *rule = &rules[i];
        bool ends = rule->len > 0 && rule->bytes[rule->len - 1] == ')';

        if (*open == NULL && (rule->len == 0 || rule->bytes[0] != '(')) {
            out->list[out->count++] = *rule;
            continue;
        }
        if (*open == NULL)
            *open = rule;
        else
            vd_text_putc(&text, ' ');
        vd_text_add(&text, rule->bytes, rule->len);
        if (!ends)
            continue;
        out->list[out->count++] =
            (struct vd_word){vd_arena_memdup(arena, text.bytes, text.len), text.len};
        vd_text_clear(&text);
        *open = NULL;
    }
    vd_text_free(&text);
    return *open == NULL;
}
