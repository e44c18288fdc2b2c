/* SPDX-License-Identifier: BSD-3-Clause */
/* Users: where they are kept, how they come, change and go. See acl.h. */
#include <string.h>

#include "proto/acl_room.h"

/* Texts ----------------------------------------------------------------------------- */

static size_t texts_place(const struct vd_texts *texts, const char *bytes, size_t len)
{
    size_t i = 0;

    while (i < texts->count &&
           (strlen(texts->list[i]) != len || memcmp(texts->list[i], bytes, len) != 0))
        i++;
    return i;
}

bool vd_texts_have(const struct vd_texts *texts, const char *bytes, size_t len)
{
    return texts_place(texts, bytes, len) < texts->count;
}

void vd_texts_add(struct vd_texts *texts, const char *bytes, size_t len)
{
    texts->list = vd_realloc(texts->list, (texts->count + 1) * sizeof(texts->list[0]));
    texts->list[texts->count++] = vd_memdup(bytes, len);
}

bool vd_texts_remove(struct vd_texts *texts, const char *bytes, size_t len)
{
    size_t place = texts_place(texts, bytes, len);

    if (place == texts->count)
        return false;
    vd_free(texts->list[place]);
    texts->count--;
    memmove(&texts->list[place], &texts->list[place + 1],
            (texts->count - place) * sizeof(texts->list[0]));
    return true;
}

void vd_texts_clear(struct vd_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        vd_free(texts->list[i]);
    vd_free(texts->list);
    *texts = (struct vd_texts){0};
}

static void texts_copy(struct vd_texts *to, const struct vd_texts *from)
{
    *to = (struct vd_texts){0};
    for (size_t i = 0; i < from->count; i++)
        vd_texts_add(to, from->list[i], strlen(from->list[i]));
}

/* Rights ---------------------------------------------------------------------------- */

void vd_selector_free(struct vd_selector *selector)
{
    vd_text_free(&selector->rules);
    for (size_t i = 0; i < selector->first_arg_count; i++)
        vd_free(selector->first_args[i].arg);
    vd_free(selector->first_args);
    for (size_t i = 0; i < selector->key_count; i++)
        vd_free(selector->keys[i].pattern);
    vd_free(selector->keys);
    vd_texts_clear(&selector->channels);
    *selector = (struct vd_selector){0};
}

static void selector_copy(struct vd_selector *to, const struct vd_selector *from)
{
    *to = *from;
    to->rules = (struct vd_text){0};
    vd_text_puts(&to->rules, vd_text_cstr(&from->rules));
    to->first_args = vd_calloc(from->first_arg_count + 1, sizeof(to->first_args[0]));
    for (size_t i = 0; i < from->first_arg_count; i++) {
        to->first_args[i] = from->first_args[i];
        to->first_args[i].arg = vd_strdup(from->first_args[i].arg);
    }
    to->keys = vd_calloc(from->key_count + 1, sizeof(to->keys[0]));
    for (size_t i = 0; i < from->key_count; i++) {
        to->keys[i] = from->keys[i];
        to->keys[i].pattern = vd_strdup(from->keys[i].pattern);
    }
    texts_copy(&to->channels, &from->channels);
}

void vd_rights_init(struct vd_rights *rights, bool open_channels)
{
    *rights = (struct vd_rights){0};
    rights->root.all_channels = open_channels;
}

void vd_rights_copy(struct vd_rights *to, const struct vd_rights *from)
{
    *to = *from;
    texts_copy(&to->passwords, &from->passwords);
    selector_copy(&to->root, &from->root);
    to->selectors = vd_calloc(from->selector_count + 1, sizeof(to->selectors[0]));
    for (size_t i = 0; i < from->selector_count; i++)
        selector_copy(&to->selectors[i], &from->selectors[i]);
}

void vd_rights_clear_selectors(struct vd_rights *rights)
{
    for (size_t i = 0; i < rights->selector_count; i++)
        vd_selector_free(&rights->selectors[i]);
    vd_free(rights->selectors);
    rights->selectors = NULL;
    rights->selector_count = 0;
}

void vd_rights_free(struct vd_rights *rights)
{
    vd_texts_clear(&rights->passwords);
    vd_selector_free(&rights->root);
    vd_rights_clear_selectors(rights);
}

/* Users ------------------------------------------------------------------------------- */

struct vd_acl_user *vd_acl_hold(struct vd_acl_user *user)
{
    user->holders++;
    return user;
}

void vd_acl_drop(struct vd_acl_user *user)
{
    if (user == NULL || --user->holders > 0)
        return;
    vd_rights_free(&user->rights);
    vd_free(user->name);
    vd_free(user);
}

/* Where a user of that name is, or would have to stand; *found tells which. */
static size_t find_place(const struct vd_acl *acl, const char *name, size_t len, bool *found)
{
    size_t low = 0;
    size_t high = acl->user_count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *known = acl->users[middle]->name;
        size_t known_len = strlen(known);
        int order = memcmp(known, name, known_len < len ? known_len : len);

        if (order == 0 && known_len == len) {
            *found = true;
            return middle;
        }
        if (order < 0 || (order == 0 && known_len < len))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct vd_acl_user *vd_acl_find(const struct vd_acl *acl, const char *name, size_t len)
{
    bool found;
    size_t place = find_place(acl, name, len, &found);

    return found ? acl->users[place] : NULL;
}

struct vd_acl_user *vd_acl_default(const struct vd_acl *acl)
{
    struct vd_acl_user *user = vd_acl_find(acl, "default", 7);

    VD_ASSERT(user != NULL);
    return user;
}

size_t vd_acl_count(const struct vd_acl *acl)
{
    return acl->user_count;
}

struct vd_acl_user *vd_acl_at(const struct vd_acl *acl, size_t index)
{
    VD_ASSERT(index < acl->user_count);
    return acl->users[index];
}

const char *vd_acl_name(const struct vd_acl_user *user)
{
    return user->name;
}

bool vd_acl_is_on(const struct vd_acl_user *user)
{
    return user->rights.on;
}

bool vd_acl_is_open(const struct vd_acl_user *user)
{
    return user->rights.nopass;
}

bool vd_acl_is_gone(const struct vd_acl_user *user)
{
    return user->gone;
}

bool vd_acl_name_valid(const struct vd_word *name)
{
    for (size_t i = 0; i < name->len; i++) {
        unsigned char c = (unsigned char)name->bytes[i];

        if (c == '\0' || c == ' ' || (c >= '\t' && c <= '\r'))
            return false;
    }
    return name->len > 0;
}

/* The user gets these rights, which are taken over; it is made if there is none. */
static void give(struct vd_acl *acl, const char *name, size_t len, const struct vd_rights *rights)
{
    bool found;
    size_t place = find_place(acl, name, len, &found);
    struct vd_acl_user *user;

    if (found) {
        vd_rights_free(&acl->users[place]->rights);
        acl->users[place]->rights = *rights;
        return;
    }
    user = vd_alloc(sizeof(*user));
    user->name = vd_memdup(name, len);
    user->rights = *rights;
    acl->users = vd_realloc(acl->users, (acl->user_count + 1) * sizeof(acl->users[0]));
    memmove(&acl->users[place + 1], &acl->users[place],
            (acl->user_count - place) * sizeof(acl->users[0]));
    acl->users[place] = vd_acl_hold(user);
    acl->user_count++;
}

static void dismiss(struct vd_acl *acl, size_t place)
{
    acl->users[place]->gone = true;
    vd_acl_drop(acl->users[place]);
    acl->user_count--;
    memmove(&acl->users[place], &acl->users[place + 1],
            (acl->user_count - place) * sizeof(acl->users[0]));
}

struct vd_acl *vd_acl_new(bool open_channels)
{
    static const struct vd_word name = {"default", 7};
    static const struct vd_word all[] = {
        {"on", 2}, {"nopass", 6}, {"~*", 2}, {"&*", 2}, {"+@all", 5}};
    struct vd_acl *acl = vd_alloc(sizeof(*acl));
    bool made;

    acl->open_channels = open_channels;
    made = vd_acl_set(acl, &name, all, sizeof(all) / sizeof(all[0]), NULL);
    VD_ASSERT(made);
    return acl;
}

void vd_acl_free(struct vd_acl *acl)
{
    if (acl == NULL)
        return;
    while (acl->user_count > 0)
        dismiss(acl, acl->user_count - 1);
    vd_free(acl->users);
    vd_acl_log_reset(acl);
    vd_free(acl);
}

bool vd_acl_delete(struct vd_acl *acl, const struct vd_word *name)
{
    bool found;
    size_t place = find_place(acl, name->bytes, name->len, &found);

    VD_ASSERT(name->len != 7 || memcmp(name->bytes, "default", 7) != 0);
    if (found)
        dismiss(acl, place);
    return found;
}

/* Changes ------------------------------------------------------------------------------- */

/* The reason stands in *err; ACL SETUSER names the rule before it, a file does not. */
static bool refuse(struct vd_err *err, bool setuser, const struct vd_word *rule)
{
    if (!setuser)
        return false;
    return vd_err_wrap(err, "Error in ACL SETUSER modifier '%.200s'", rule->bytes);
}

static bool change(struct vd_acl *acl, const struct vd_word *name, struct vd_rights *rights,
                   const struct vd_word *rules, size_t count, bool setuser, struct vd_err *err)
{
    struct vd_arena arena = {0};
    struct vd_words merged;
    const struct vd_word *open;
    bool ok = vd_rules_merge(rules, count, &arena, &merged, &open);

    if (!ok && setuser)
        vd_err_set(err, "Unmatched parenthesis in acl selector starting at '%.200s'.", open->bytes);
    else if (!ok)
        vd_err_set(err, "Unmatched parenthesis in selector definition");
    for (size_t i = 0; ok && i < merged.count; i++) {
        ok = vd_rights_apply(rights, &merged.list[i], acl->open_channels, err);
        if (!ok)
            refuse(err, setuser, &merged.list[i]);
    }
    if (ok)
        give(acl, name->bytes, name->len, rights);
    else
        vd_rights_free(rights);
    vd_arena_free(&arena);
    return ok;
}

bool vd_acl_set(struct vd_acl *acl, const struct vd_word *name, const struct vd_word *rules,
                size_t count, struct vd_err *err)
{
    const struct vd_acl_user *user = vd_acl_find(acl, name->bytes, name->len);
    struct vd_rights rights;

    if (user != NULL)
        vd_rights_copy(&rights, &user->rights);
    else
        vd_rights_init(&rights, acl->open_channels);
    return change(acl, name, &rights, rules, count, true, err);
}

bool vd_acl_declare(struct vd_acl *acl, const struct vd_word *name, const struct vd_word *rules,
                    size_t count, struct vd_err *err)
{
    struct vd_rights rights;

    vd_rights_init(&rights, acl->open_channels);
    return change(acl, name, &rights, rules, count, false, err);
}

void vd_acl_require(struct vd_acl *acl, const char *password)
{
    struct vd_rights *rights = &vd_acl_default(acl)->rights;
    char hash[VD_SHA256_HEX + 1];

    vd_texts_clear(&rights->passwords);
    rights->nopass = password == NULL || password[0] == '\0';
    if (rights->nopass)
        return;
    vd_sha256_hex(password, strlen(password), hash);
    vd_texts_add(&rights->passwords, hash, VD_SHA256_HEX);
}

void vd_acl_adopt(struct vd_acl *acl, const struct vd_acl *from)
{
    size_t i = 0;

    acl->open_channels = from->open_channels;
    while (i < acl->user_count) {
        const char *name = acl->users[i]->name;

        if (vd_acl_find(from, name, strlen(name)) == NULL)
            dismiss(acl, i);
        else
            i++;
    }
    for (i = 0; i < from->user_count; i++) {
        const struct vd_acl_user *user = from->users[i];
        struct vd_rights rights;

        vd_rights_copy(&rights, &user->rights);
        give(acl, user->name, strlen(user->name), &rights);
    }
}
