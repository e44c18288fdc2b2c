/* SPDX-License-Identifier: BSD-3-Clause */
/* Users as text: the lines of ACL LIST and of files, and the reply of ACL GETUSER. See acl.h. */
#include <string.h>

#include "proto/acl_room.h"

/* Out ------------------------------------------------------------------------------- */

static void put_commands(const struct vd_selector *selector, struct vd_text *to)
{
    vd_text_puts(to, selector->future ? "+@all" : "-@all");
    vd_text_puts(to, vd_text_cstr(&selector->rules));
}

/* Each with a blank behind it. */
static void put_keys(const struct vd_selector *selector, struct vd_text *to)
{
    if (selector->all_keys)
        vd_text_puts(to, "~* ");
    for (size_t i = 0; i < selector->key_count; i++) {
        const struct vd_key_pattern *key = &selector->keys[i];

        if (!key->reads)
            vd_text_puts(to, "%W");
        else if (!key->writes)
            vd_text_puts(to, "%R");
        vd_text_printf(to, "~%s ", key->pattern);
    }
}

static void put_channels(const struct vd_selector *selector, struct vd_text *to)
{
    if (selector->all_channels)
        vd_text_puts(to, "&* ");
    for (size_t i = 0; i < selector->channels.count; i++)
        vd_text_printf(to, "&%s ", selector->channels.list[i]);
}

static void put_selector(const struct vd_selector *selector, struct vd_text *to)
{
    put_keys(selector, to);
    if (!selector->all_channels)
        vd_text_puts(to, "resetchannels ");
    put_channels(selector, to);
    put_commands(selector, to);
}

/* Name, passwords and the root selector. */
static void put_user(const struct vd_acl_user *user, struct vd_text *to)
{
    const struct vd_rights *rights = &user->rights;

    vd_text_printf(to, "user %s %s ", user->name, rights->on ? "on" : "off");
    if (rights->nopass)
        vd_text_puts(to, "nopass ");
    if (rights->sanitize == VD_SANITIZE_YES)
        vd_text_puts(to, "sanitize-payload ");
    if (rights->sanitize == VD_SANITIZE_SKIP)
        vd_text_puts(to, "skip-sanitize-payload ");
    for (size_t i = 0; i < rights->passwords.count; i++)
        vd_text_printf(to, "#%s ", rights->passwords.list[i]);
    put_selector(&rights->root, to);
}

void vd_acl_describe(const struct vd_acl_user *user, struct vd_text *to)
{
    const struct vd_rights *rights = &user->rights;

    put_user(user, to);
    for (size_t i = 0; i < rights->selector_count; i++) {
        vd_text_puts(to, " (");
        put_selector(&rights->selectors[i], to);
        vd_text_putc(to, ')');
    }
}

/* Words with a quote or a backslash in them are quoted. */
static void put_quoted(const char *line, struct vd_text *to)
{
    while (*line != '\0') {
        size_t len = strcspn(line, " ");
        size_t plain = strcspn(line, " \"'\\");

        if (plain < len)
            vd_words_quote(line, len, to);
        else
            vd_text_add(to, line, len);
        line += len;
        if (*line == ' ')
            vd_text_putc(to, *line++);
    }
}

/* One whose words are quoted, or might be taken for its end, is one word and quoted as a whole. */
static void put_quoted_selector(const struct vd_selector *selector, struct vd_text *to)
{
    struct vd_text plain = {0};
    struct vd_text whole = {0};

    put_selector(selector, &plain);
    vd_text_putc(&whole, '(');
    put_quoted(vd_text_cstr(&plain), &whole);
    vd_text_putc(&whole, ')');
    if (strpbrk(vd_text_cstr(&plain), "\"'\\)") != NULL)
        vd_words_quote(whole.bytes, whole.len, to);
    else
        vd_text_add(to, whole.bytes, whole.len);
    vd_text_free(&plain);
    vd_text_free(&whole);
}

void vd_acl_print_user(const struct vd_acl_user *user, struct vd_text *to)
{
    struct vd_text line = {0};

    put_user(user, &line);
    put_quoted(vd_text_cstr(&line), to);
    for (size_t i = 0; i < user->rights.selector_count; i++) {
        vd_text_putc(to, ' ');
        put_quoted_selector(&user->rights.selectors[i], to);
    }
    vd_text_free(&line);
}

void vd_acl_print(const struct vd_acl *acl, struct vd_text *to)
{
    for (size_t i = 0; i < acl->user_count; i++) {
        vd_acl_print_user(acl->users[i], to);
        vd_text_putc(to, '\n');
    }
}

/* GETUSER --------------------------------------------------------------------------- */

/* The text without the blank at its end. */
static void render_text(struct vd_text *text, struct vd_resp *resp)
{
    size_t len = text->len;

    if (len > 0 && text->bytes[len - 1] == ' ')
        len--;
    vd_resp_bulk(resp, vd_text_cstr(text), len);
    vd_text_clear(text);
}

/* Three pairs of a map. */
static void render_selector(const struct vd_selector *selector, struct vd_resp *resp)
{
    struct vd_text text = {0};

    vd_resp_bulk_cstr(resp, "commands");
    put_commands(selector, &text);
    render_text(&text, resp);
    vd_resp_bulk_cstr(resp, "keys");
    put_keys(selector, &text);
    render_text(&text, resp);
    vd_resp_bulk_cstr(resp, "channels");
    put_channels(selector, &text);
    render_text(&text, resp);
    vd_text_free(&text);
}

void vd_acl_render(const struct vd_acl_user *user, bool databases, struct vd_resp *resp)
{
    const struct vd_rights *rights = &user->rights;
    bool says_sanitize = rights->sanitize != VD_SANITIZE_UNSAID;

    vd_resp_map(resp, databases ? 7 : 6);
    vd_resp_bulk_cstr(resp, "flags");
    vd_resp_set(resp, 1 + (size_t)rights->nopass + (size_t)says_sanitize);
    vd_resp_bulk_cstr(resp, rights->on ? "on" : "off");
    if (rights->nopass)
        vd_resp_bulk_cstr(resp, "nopass");
    if (says_sanitize)
        vd_resp_bulk_cstr(resp, rights->sanitize == VD_SANITIZE_YES ? "sanitize-payload"
                                                                    : "skip-sanitize-payload");
    vd_resp_bulk_cstr(resp, "passwords");
    vd_resp_array(resp, rights->passwords.count);
    for (size_t i = 0; i < rights->passwords.count; i++)
        vd_resp_bulk_cstr(resp, rights->passwords.list[i]);
    render_selector(&rights->root, resp);
    if (databases) {
        vd_resp_bulk_cstr(resp, "databases");
        vd_resp_bulk_cstr(resp, "alldbs");
    }
    vd_resp_bulk_cstr(resp, "selectors");
    vd_resp_array(resp, rights->selector_count);
    for (size_t i = 0; i < rights->selector_count; i++) {
        vd_resp_map(resp, 3);
        render_selector(&rights->selectors[i], resp);
    }
}

/* In -------------------------------------------------------------------------------- */

static bool parse_line(struct vd_acl *acl, const char *file, unsigned number,
                       const struct vd_words *words, struct vd_text *faults)
{
    struct vd_err err = {""};

    if (words->count < 2 || !vd_word_is(&words->list[0], "user")) {
        vd_text_printf(faults, "%s:%u should start with user keyword followed by the username. ",
                       file, number);
        return false;
    }
    if (!vd_acl_name_valid(&words->list[1])) {
        vd_text_printf(faults,
                       "'%s:%u: username '%s' must not be empty or contain spaces or null "
                       "characters. ",
                       file, number, words->list[1].bytes);
        return false;
    }
    if (!vd_acl_declare(acl, &words->list[1], words->list + 2, words->count - 2, &err)) {
        vd_text_printf(faults, "%s:%u: %s. ", file, number, err.text);
        return false;
    }
    return true;
}

/* Was a user of that name declared in a line before? Notes that it is now. */
static bool is_second(struct vd_texts *names, const struct vd_words *words)
{
    const struct vd_word *name = &words->list[1];

    if (words->count < 2 || vd_texts_have(names, name->bytes, name->len))
        return words->count >= 2;
    vd_texts_add(names, name->bytes, name->len);
    return false;
}

/* The lines into fresh users. */
static bool parse_all(struct vd_acl *fresh, const char *file, const char *at, const char *end,
                      struct vd_text *faults)
{
    struct vd_arena arena = {0};
    struct vd_texts names = {0};
    bool ok = true;

    for (unsigned number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct vd_words words;

        if (stop == NULL)
            stop = end;
        vd_arena_reset(&arena);
        if (!vd_words_split(at, (size_t)(stop - at), &arena, &words)) {
            vd_text_printf(faults, "%s:%u: unbalanced quotes in acl line. ", file, number);
            ok = false;
        } else if (words.count > 0 && words.list[0].bytes[0] != '#') {
            /* differs: a comment is no fault here. */
            if (is_second(&names, &words)) {
                vd_text_printf(faults, "WARNING: Duplicate user '%s' found on line %u. ",
                               words.list[1].bytes, number);
                ok = false;
            } else if (!parse_line(fresh, file, number, &words, faults)) {
                ok = false;
            }
        }
        at = stop + 1;
    }
    vd_texts_clear(&names);
    vd_arena_free(&arena);
    return ok;
}

bool vd_acl_parse(struct vd_acl *acl, const char *file, const char *bytes, size_t len,
                  struct vd_text *faults)
{
    struct vd_acl *fresh = vd_acl_new(acl->open_channels);
    bool ok = parse_all(fresh, file, bytes, bytes + len, faults);

    if (ok)
        vd_acl_adopt(acl, fresh);
    vd_acl_free(fresh);
    return ok;
}
