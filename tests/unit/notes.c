/* SPDX-License-Identifier: BSD-3-Clause */
/* Notes: values of the protocol in short, see notes.h. */
#include "notes.h"

#include <stdlib.h>
#include <string.h>

struct vd_arena notes_arena;

static void forget(void)
{
    vd_arena_free(&notes_arena);
}

TCase *notes_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, NULL, forget);
    return tests;
}

struct vd_value *notes_value(const char *note)
{
    struct vd_value *value = vd_arena_alloc(&notes_arena, sizeof(*value));
    const char *rest = note + 1;

    value->text = rest;
    value->len = strlen(rest);
    switch (note[0]) {
    case '+':
        value->type = VD_VALUE_STATUS;
        break;
    case '-':
        value->type = VD_VALUE_ERROR;
        break;
    case '$':
        value->type = VD_VALUE_TEXT;
        break;
    case ':':
        value->type = VD_VALUE_INTEGER;
        value->number = strtoll(rest, NULL, 10);
        break;
    case '~':
        value->type = VD_VALUE_NIL;
        break;
    case '*':
        value->type = VD_VALUE_ARRAY;
        value->elements = vd_arena_alloc(&notes_arena, 16 * sizeof(*value->elements));
        while (*rest != '\0') {
            size_t len = strcspn(rest, "|");

            ck_assert_uint_lt(value->count, 16);
            value->elements[value->count++] = notes_value(vd_arena_memdup(&notes_arena, rest, len));
            rest += len + (rest[len] == '|');
        }
        break;
    default:
        ck_abort_msg("a bad note: %s", note);
    }
    return value;
}

const char *notes_spell(const struct vd_text *from)
{
    struct vd_text to = {0};
    const char *at = vd_text_cstr(from);
    const char *copy;

    while (*at == '*') {
        long words = strtol(at + 1, NULL, 10);

        at = strstr(at, "\r\n") + 2;
        for (long i = 0; i < words; i++) {
            size_t len = strtoul(at + 1, NULL, 10);

            at = strstr(at, "\r\n") + 2;
            if (i > 0)
                vd_text_putc(&to, ' ');
            vd_text_add(&to, at, len);
            at += len + 2;
        }
        vd_text_putc(&to, '\n');
    }
    copy = vd_arena_strdup(&notes_arena, vd_text_cstr(&to));
    vd_text_free(&to);
    return copy;
}

struct vd_effect notes_send(enum vd_request request)
{
    struct vd_effect effect = {.type = VD_EF_SEND};

    effect.send.link.n = 7;
    effect.send.ticket.n = 9;
    effect.send.request = request;
    return effect;
}
