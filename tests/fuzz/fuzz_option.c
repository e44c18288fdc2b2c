/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values of options: the first byte is the option, the second the form, the
 * rest the text. What is taken is printed in a form that is taken back exactly.
 */
#include <string.h>

#include "fuzz.h"
#include "proto/option.h"

static void try_group(enum vd_option option, const char *text)
{
    struct vd_options options;
    struct vd_globals globals;
    struct vd_text line = {0};
    struct vd_text again = {0};
    struct vd_err err = {""};

    vd_globals_init(&globals);
    vd_options_init(&options, &globals);
    if (vd_option_read_group(option, text, &options, &err)) {
        vd_option_print_group(option, &options, &line);
        MUST(vd_option_read_group(option, vd_text_cstr(&line), &options, &err));
        vd_option_print_group(option, &options, &again);
        MUST(strcmp(vd_text_cstr(&line), vd_text_cstr(&again)) == 0);
    } else {
        MUST(err.text[0] != '\0');
    }
    vd_options_free(&options);
    vd_globals_free(&globals);
    vd_text_free(&line);
    vd_text_free(&again);
}

static void try_global(enum vd_option option, const char *text)
{
    struct vd_globals globals;
    struct vd_text line = {0};
    struct vd_text again = {0};
    struct vd_err err = {""};

    vd_globals_init(&globals);
    if (vd_option_read_global(option, text, &globals, &err)) {
        vd_option_print_global(option, &globals, &line);
        MUST(vd_option_read_global(option, vd_text_cstr(&line), &globals, &err));
        vd_option_print_global(option, &globals, &again);
        MUST(strcmp(vd_text_cstr(&line), vd_text_cstr(&again)) == 0);
    } else {
        MUST(err.text[0] != '\0');
    }
    vd_globals_free(&globals);
    vd_text_free(&line);
    vd_text_free(&again);
}

static bool is_executable(const char *path)
{
    return path[0] == '/';
}

/* The words as of SENTINEL SET, CONFIG SET, DEBUG. */
static void try_commands(const char *text, size_t len, struct vd_arena *arena)
{
    const struct vd_option_world world = {.is_executable = is_executable};
    const struct vd_setting *settings;
    struct vd_setting setting;
    struct vd_words words;
    struct vd_err err = {""};
    size_t count;

    if (!vd_words_split(text, len, arena, &words))
        return;
    for (size_t at = 0; at < words.count;) {
        size_t was = at;

        if (!vd_option_set(words.list, words.count, &at, &world, arena, &setting, &err))
            break;
        MUST(at > was && at <= words.count && setting.option < VD_OPT_GROUP_COUNT);
    }
    for (size_t at = 0; at < words.count;) {
        size_t was = at;

        if (!vd_option_debug(words.list, words.count, &at, &setting, &err))
            break;
        MUST(at > was && at <= words.count);
    }
    err.text[0] = '\0';
    MUST(vd_option_config_set(words.list, words.count, arena, &settings, &count, &err) ||
         err.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct vd_arena arena = {0};
    struct vd_setting setting;
    struct vd_word word;
    struct vd_err err = {""};
    enum vd_option option;
    char *text;

    if (len < 2)
        return 0;
    option = (enum vd_option)(bytes[0] % VD_OPT_COUNT);
    text = vd_memdup(bytes + 2, len - 2);
    word = (struct vd_word){text, len - 2};
    MUST(vd_option_parse(vd_option_row(option),
                         (bytes[1] & 1U) != 0 ? VD_FORM_UNITS : VD_FORM_PLAIN, &word, &word,
                         &setting, &err) ||
         err.text[0] != '\0');
    if (option < VD_OPT_GROUP_COUNT)
        try_group(option, text);
    else
        try_global(option, text);
    try_commands(text, len - 2, &arena);
    vd_arena_free(&arena);
    vd_free(text);
    return 0;
}
