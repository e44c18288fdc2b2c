/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options as clients set them: SENTINEL SET, CONFIG SET and DEBUG, each with
 * Sentinel's own words for what is wrong. Values are judged by the rows; here
 * is only who said it and how that is answered.
 */
#include <string.h>

#include "proto/option.h"

/* A word for an error reply: bounded, and without what could end the reply. */
struct quoted {
    char text[160];
};

static struct quoted quote(const struct vd_word *word)
{
    struct quoted out;
    size_t len = word->len < sizeof(out.text) - 1 ? word->len : sizeof(out.text) - 1;

    for (size_t i = 0; i < len; i++) {
        char c = word->bytes[i];

        out.text[i] = c == '\0' || c == '\r' || c == '\n' ? ' ' : c;
    }
    out.text[len] = '\0';
    return out;
}

/* SENTINEL SET ------------------------------------------------------------------ */

static bool check_script(const struct vd_option_row *row, const struct vd_word *value,
                         const struct vd_option_world *world, struct vd_err *err)
{
    if (world->deny_scripts_reconfig)
        return vd_err_set(err, "ERR Reconfiguration of scripts path is denied for security "
                               "reasons. Check the deny-scripts-reconfig configuration directive "
                               "in your Sentinel configuration");
    if (value->len == 0 || world->is_executable(value->bytes))
        return true;
    return vd_err_set(err, "ERR %s script seems non existing or non executable",
                      row->option == VD_OPT_NOTIFICATION_SCRIPT ? "Notification"
                                                                : "Client reconfiguration");
}

static bool refuse_set(const struct vd_word *option, const struct vd_word *value,
                       struct vd_err *err)
{
    return vd_err_set(err, "ERR Invalid argument '%s' for SENTINEL SET '%s'", quote(value).text,
                      quote(option).text);
}

static const char *show(const struct vd_option_row *row, const struct vd_word *values,
                        struct vd_arena *arena)
{
    if (row->kind == VD_KIND_SECRET)
        return "******";
    if (row->kind == VD_KIND_RENAME)
        return vd_arena_printf(arena, "%s %s", values[0].bytes, values[1].bytes);
    return values[0].bytes;
}

bool vd_option_set(const struct vd_word *words, size_t count, size_t *at,
                   const struct vd_option_world *world, struct vd_arena *arena,
                   struct vd_setting *out, struct vd_err *err)
{
    const struct vd_word *option = &words[*at];
    const struct vd_word *values = option + 1;
    const struct vd_option_row *row = vd_option_find(VD_IN_SET, option->bytes, option->len);
    size_t wanted = row != NULL && row->kind == VD_KIND_RENAME ? 2 : 1;

    if (row == NULL || count - *at - 1 < wanted)
        return vd_err_set(err, "ERR Unknown option or number of arguments for SENTINEL SET '%s'",
                          quote(option).text);
    if (row->kind == VD_KIND_RENAME && values[1].len == 0)
        return refuse_set(option, &values[1], err);
    if (!vd_option_parse(row, VD_FORM_PLAIN, &values[0], wanted == 2 ? &values[1] : NULL, out,
                         NULL))
        return refuse_set(option, &values[0], err);
    if (row->kind == VD_KIND_SCRIPT && !check_script(row, &values[0], world, err))
        return false;
    out->word = option->bytes;
    out->shown = show(row, values, arena);
    *at += 1 + wanted;
    return true;
}

/* SENTINEL CONFIG SET ------------------------------------------------------------ */

static bool has_option(const struct vd_setting *settings, size_t count, enum vd_option option)
{
    for (size_t i = 0; i < count; i++) {
        if (settings[i].option == option)
            return true;
    }
    return false;
}

bool vd_option_config_set(const struct vd_word *words, size_t count, struct vd_arena *arena,
                          const struct vd_setting **out, size_t *out_count, struct vd_err *err)
{
    struct vd_setting *settings = vd_arena_alloc(arena, (count / 2 + 1) * sizeof(settings[0]));
    size_t done = 0;

    for (size_t i = 0; i < count; i += 2) {
        const struct vd_word *name = &words[i];
        const struct vd_option_row *row = vd_option_find(VD_IN_CONFIG, name->bytes, name->len);

        if (row == NULL)
            return vd_err_set(err, "ERR Invalid argument '%s' to SENTINEL CONFIG SET",
                              quote(name).text);
        if (has_option(settings, done, row->option))
            return vd_err_set(err, "ERR Duplicate argument '%s' to SENTINEL CONFIG SET",
                              quote(name).text);
        if (i + 1 == count)
            return vd_err_set(err, "ERR Missing argument '%s' value", quote(name).text);
        if (!vd_option_parse(row, VD_FORM_PLAIN, &words[i + 1], NULL, &settings[done], NULL))
            return vd_err_set(err, "ERR Invalid value '%s' to SENTINEL CONFIG SET '%s'",
                              row->kind == VD_KIND_SECRET ? "******" : quote(&words[i + 1]).text,
                              quote(name).text);
        settings[done].word = name->bytes;
        settings[done].shown = row->kind == VD_KIND_SECRET ? "******" : words[i + 1].bytes;
        done++;
    }
    *out = settings;
    *out_count = done;
    return true;
}

/* SENTINEL DEBUG ------------------------------------------------------------------ */

bool vd_option_debug(const struct vd_word *words, size_t count, size_t *at, struct vd_setting *out,
                     struct vd_err *err)
{
    const struct vd_word *name = &words[*at];
    const struct vd_option_row *row = vd_option_find(VD_IN_DEBUG, name->bytes, name->len);

    if (row == NULL || count - *at < 2)
        return vd_err_set(err, "ERR Unknown option or number of arguments for SENTINEL DEBUG '%s'",
                          quote(name).text);
    if (!vd_option_parse(row, VD_FORM_PLAIN, &name[1], NULL, out, NULL))
        return vd_err_set(err, "ERR Invalid argument '%s' for SENTINEL DEBUG '%s'",
                          quote(&name[1]).text, quote(name).text);
    out->word = name->bytes;
    out->shown = name[1].bytes;
    *at += 2;
    return true;
}
