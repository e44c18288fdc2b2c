/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Access control: rules as ACL SETUSER has them, one word per line behind the
 * name (first byte 's'), or a whole file of users. What is refused changes
 * nothing; what is taken is printed in a form that is taken back exactly.
 */
#include <string.h>

#include "fuzz.h"
#include "proto/acl.h"

#define WORDS_MAX 256

static void print(const struct vd_acl *acl, struct vd_text *to)
{
    vd_text_clear(to);
    vd_acl_print(acl, to);
}

/* What is printed means the same. */
static void must_come_back(const struct vd_acl *acl)
{
    struct vd_acl *other = vd_acl_new(false);
    struct vd_text first = {0};
    struct vd_text again = {0};
    struct vd_text faults = {0};

    print(acl, &first);
    MUST(vd_acl_parse(other, "users.acl", vd_text_cstr(&first), first.len, &faults));
    MUST(faults.len == 0);
    print(other, &again);
    MUST(strcmp(vd_text_cstr(&first), vd_text_cstr(&again)) == 0);
    vd_acl_free(other);
    vd_text_free(&first);
    vd_text_free(&again);
    vd_text_free(&faults);
}

/* A NUL stands behind each word, as the reader of requests has it. */
static size_t split(char *bytes, size_t len, struct vd_word *words)
{
    size_t count = 0;
    size_t from = 0;

    for (size_t i = 0; i <= len && count < WORDS_MAX; i++) {
        if (i < len && bytes[i] != '\n')
            continue;
        bytes[i] = '\0';
        words[count++] = (struct vd_word){.bytes = bytes + from, .len = i - from};
        from = i + 1;
    }
    return count;
}

static void judge(struct vd_acl *acl)
{
    static const char *const names[] = {"ping", "sentinel", "subscribe", "client"};
    const struct vd_word words[2] = {{.bytes = "x", .len = 1}, {.bytes = "channel", .len = 7}};
    const struct vd_word *channel = NULL;

    for (size_t i = 0; i < vd_acl_count(acl); i++) {
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            const struct vd_word name = {.bytes = names[k], .len = strlen(names[k])};
            const struct vd_command *command = vd_command_find(&name);

            MUST(command != NULL);
            (void)vd_acl_judge(vd_acl_at(acl, i), NULL, command, words, 2, &channel);
        }
        (void)vd_acl_may_listen(vd_acl_at(acl, i), &words[1], i % 2 == 0);
        MUST(vd_acl_find(acl, vd_acl_name(vd_acl_at(acl, i)),
                         strlen(vd_acl_name(vd_acl_at(acl, i)))) == vd_acl_at(acl, i));
    }
}

static void try_rules(struct vd_acl *acl, char *bytes, size_t len)
{
    struct vd_word words[WORDS_MAX];
    size_t count = split(bytes, len, words);
    struct vd_text before = {0};
    struct vd_text after = {0};
    struct vd_err err = {""};

    print(acl, &before);
    if (!vd_acl_name_valid(&words[0]))
        goto done;
    if (!vd_acl_set(acl, &words[0], &words[1], count - 1, &err)) {
        MUST(err.text[0] != '\0');
        print(acl, &after);
        MUST(strcmp(vd_text_cstr(&before), vd_text_cstr(&after)) == 0);
    }
done:
    vd_text_free(&before);
    vd_text_free(&after);
}

static void try_file(struct vd_acl *acl, const char *bytes, size_t len)
{
    struct vd_text before = {0};
    struct vd_text after = {0};
    struct vd_text faults = {0};

    print(acl, &before);
    if (!vd_acl_parse(acl, "users.acl", bytes, len, &faults)) {
        MUST(faults.len != 0);
        print(acl, &after);
        MUST(strcmp(vd_text_cstr(&before), vd_text_cstr(&after)) == 0);
    }
    vd_text_free(&before);
    vd_text_free(&after);
    vd_text_free(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct vd_acl *acl = vd_acl_new(len % 2 == 0);
    char *text = vd_memdup(bytes, len);

    if (len > 0 && text[0] == 's')
        try_rules(acl, text + 1, len - 1);
    else
        try_file(acl, text, len);
    judge(acl);
    must_come_back(acl);
    vd_acl_free(acl);
    vd_free(text);
    return 0;
}
