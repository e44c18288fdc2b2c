/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values of options: from text, to text, and back exactly. What is legal is in
 * the rows (option_table.c); what commands make of it in option_command.c.
 */
#include <string.h>

#include "proto/addr.h"
#include "proto/option.h"

/* From text --------------------------------------------------------------------- */

static bool parse_number(const struct vd_option_row *row, const struct vd_word *value,
                         struct vd_setting *out, struct vd_err *err)
{
    if (vd_parse_int64(value->bytes, value->len, &out->number) && out->number >= row->min &&
        out->number <= row->max)
        return true;
    return vd_err_set(err, "must be a whole number from %lld to %lld", (long long)row->min,
                      (long long)row->max);
}

static bool parse_duration(const struct vd_option_row *row, enum vd_option_form form,
                           const struct vd_word *value, struct vd_setting *out, struct vd_err *err)
{
    bool plain = form == VD_FORM_PLAIN && vd_parse_int64(value->bytes, value->len, &out->number);
    bool with_unit = (form == VD_FORM_UNITS || row->units) &&
                     vd_duration_parse(value->bytes, value->len, &out->number);

    if (!plain && !with_unit)
        return vd_err_set(err, form == VD_FORM_UNITS
                                   ? "must be a duration with its unit, such as \"500ms\" or \"3s\""
                                   : "must be a whole number of milliseconds");
    if (out->number < row->min)
        return vd_err_set(err, row->min == 0 ? "must not be negative" : "must be more than 0");
    if (out->number > row->max)
        return vd_err_set(err, "is too long");
    return true;
}

static bool parse_size(const struct vd_word *value, struct vd_setting *out, struct vd_err *err)
{
    if (vd_size_parse(value->bytes, value->len, &out->number))
        return true;
    return vd_err_set(err, "must be a size, such as \"100kb\" or \"1mb\"");
}

static bool parse_bool(enum vd_option_form form, const struct vd_word *value,
                       struct vd_setting *out, struct vd_err *err)
{
    bool words = form == VD_FORM_UNITS; /* the native file also knows true and false */

    out->number = vd_word_is(value, "yes") || (words && vd_word_is(value, "true"));
    if (out->number != 0 || vd_word_is(value, "no") || (words && vd_word_is(value, "false")))
        return true;
    return vd_err_set(err, words ? "must be true or false" : "must be yes or no");
}

static bool parse_choice(const struct vd_option_row *row, const struct vd_word *value,
                         struct vd_setting *out, struct vd_err *err)
{
    struct vd_text list = {0};

    for (out->number = 0; row->choices[out->number] != NULL; out->number++) {
        if (vd_word_is(value, row->choices[out->number]))
            return true;
    }
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        vd_text_puts(&list, i == 0 ? "" : ", ");
        vd_text_puts(&list, row->choices[i]);
    }
    vd_err_set(err, "must be one of %s", vd_text_cstr(&list));
    vd_text_free(&list);
    return false;
}

static bool parse_text(const struct vd_option_row *row, const struct vd_word *value,
                       struct vd_setting *out, struct vd_err *err)
{
    struct vd_addr addr;

    if (memchr(value->bytes, '\0', value->len) != NULL)
        return vd_err_set(err, "must not hold a NUL byte");
    if (row->kind == VD_KIND_HOST && value->len > 0 &&
        !vd_addr_set(&addr, value->bytes, value->len, 0))
        return vd_err_set(err, "must be an IP address or a host name");
    out->text = value->bytes;
    return true;
}

bool vd_option_parse(const struct vd_option_row *row, enum vd_option_form form,
                     const struct vd_word *value, const struct vd_word *value2,
                     struct vd_setting *out, struct vd_err *err)
{
    *out = (struct vd_setting){.option = row->option};
    switch (row->kind) {
    case VD_KIND_COUNT:
        return parse_number(row, value, out, err);
    case VD_KIND_DURATION:
        return parse_duration(row, form, value, out, err);
    case VD_KIND_SIZE:
        return parse_size(value, out, err);
    case VD_KIND_BOOL:
        return parse_bool(form, value, out, err);
    case VD_KIND_CHOICE:
        return parse_choice(row, value, out, err);
    case VD_KIND_TEXT:
    case VD_KIND_HOST:
    case VD_KIND_SECRET:
    case VD_KIND_SCRIPT:
        return parse_text(row, value, out, err);
    case VD_KIND_RENAME:
        VD_ASSERT(value2 != NULL);
        if (value->len == 0 || memchr(value->bytes, '\0', value->len) != NULL ||
            memchr(value2->bytes, '\0', value2->len) != NULL)
            return vd_err_set(err, "must be a command and its new name");
        out->text = value->bytes;
        out->text2 = value2->bytes;
        return true;
    }
    vd_panic(__FILE__, __LINE__, "unknown kind of option");
}

/* To text ------------------------------------------------------------------------ */

static int64_t get_group_number(enum vd_option option, const struct vd_options *options)
{
    switch ((int)option) {
    case VD_OPT_QUORUM:
        return options->quorum;
    case VD_OPT_DOWN_AFTER:
        return options->down_after_ms;
    case VD_OPT_DOWN_AFTER_REFUSED:
        return options->down_after_refused_ms;
    case VD_OPT_FAILOVER_TIMEOUT:
        return options->failover_timeout_ms;
    case VD_OPT_PARALLEL_SYNCS:
        return options->parallel_syncs;
    case VD_OPT_REBOOT_DOWN_AFTER:
        return options->reboot_down_after_ms;
    case VD_OPT_REBOOT_FAILOVER:
        return options->reboot_failover;
    case VD_OPT_HANDOVER:
        return options->handover;
    case VD_OPT_REPLICA_EXPIRY:
        return options->replica_expiry_ms;
    case VD_OPT_FENCE_ISOLATED_PRIMARY:
        return options->fence_isolated_primary;
    case VD_OPT_CANDIDATE_MAX_LAG_BYTES:
        return options->candidate_max_lag_bytes;
    case VD_OPT_CANDIDATE_MAX_LAG_MS:
        return options->candidate_max_lag_ms;
    default:
        vd_panic(__FILE__, __LINE__, "not a number of a group");
    }
}

static const char *get_group_text(enum vd_option option, const struct vd_options *options)
{
    switch ((int)option) {
    case VD_OPT_AUTH_USER:
        return options->auth_user;
    case VD_OPT_AUTH_PASS:
        return options->auth_pass;
    case VD_OPT_NOTIFICATION_SCRIPT:
        return options->notification_script;
    case VD_OPT_CLIENT_RECONFIG_SCRIPT:
        return options->client_reconfig_script;
    default:
        vd_panic(__FILE__, __LINE__, "not a text of a group");
    }
}

static int64_t get_global_number(enum vd_option option, const struct vd_globals *globals)
{
    switch ((int)option) {
    case VD_OPT_RESOLVE_HOSTNAMES:
        return globals->resolve_hostnames;
    case VD_OPT_ANNOUNCE_HOSTNAMES:
        return globals->announce_hostnames;
    case VD_OPT_ANNOUNCE_PORT:
        return globals->announce_port;
    case VD_OPT_DENY_SCRIPTS_RECONFIG:
        return globals->deny_scripts_reconfig;
    case VD_OPT_ABSTAIN:
        return globals->abstain_ms;
    case VD_OPT_MAX_GROUPS:
        return globals->max_groups;
    case VD_OPT_MAX_PEERS:
        return globals->max_peers;
    case VD_OPT_MAX_REPLICAS:
        return globals->max_replicas;
    case VD_OPT_DEFAULT_HANDOVER:
        return globals->default_handover;
    case VD_OPT_INFO_PERIOD:
        return globals->info_period_ms;
    case VD_OPT_PING_PERIOD:
        return globals->ping_period_ms;
    case VD_OPT_ASK_PERIOD:
        return globals->ask_period_ms;
    case VD_OPT_PUBLISH_PERIOD:
        return globals->publish_period_ms;
    case VD_OPT_DEFAULT_DOWN_AFTER:
        return globals->default_down_after_ms;
    case VD_OPT_DEFAULT_FAILOVER_TIMEOUT:
        return globals->default_failover_timeout_ms;
    case VD_OPT_TILT_TRIGGER:
        return globals->tilt_trigger_ms;
    case VD_OPT_TILT_PERIOD:
        return globals->tilt_period_ms;
    case VD_OPT_REPLICA_RECONF_TIMEOUT:
        return globals->replica_reconf_timeout_ms;
    case VD_OPT_MIN_LINK_RECONNECT:
        return globals->min_link_reconnect_ms;
    case VD_OPT_ELECTION_TIMEOUT:
        return globals->election_timeout_ms;
    case VD_OPT_SCRIPT_MAX_RUNTIME:
        return globals->script_max_runtime_ms;
    case VD_OPT_SCRIPT_RETRY_DELAY:
        return globals->script_retry_delay_ms;
    default:
        vd_panic(__FILE__, __LINE__, "not a number of the process");
    }
}

static const char *get_global_text(enum vd_option option, const struct vd_globals *globals)
{
    switch ((int)option) {
    case VD_OPT_ANNOUNCE_IP:
        return globals->announce_ip;
    case VD_OPT_SENTINEL_USER:
        return globals->sentinel_user;
    case VD_OPT_SENTINEL_PASS:
        return globals->sentinel_pass;
    default:
        vd_panic(__FILE__, __LINE__, "not a text of the process");
    }
}

static bool is_text(const struct vd_option_row *row)
{
    return row->kind == VD_KIND_TEXT || row->kind == VD_KIND_HOST || row->kind == VD_KIND_SECRET ||
           row->kind == VD_KIND_SCRIPT;
}

static void print_number(const struct vd_option_row *row, int64_t number, struct vd_text *to)
{
    if (row->kind == VD_KIND_BOOL)
        vd_text_puts(to, number != 0 ? "yes" : "no");
    else if (row->kind == VD_KIND_CHOICE)
        vd_text_puts(to, row->choices[number]);
    else
        vd_text_put_int(to, number);
}

static void print_renames(const struct vd_options *options, struct vd_text *to)
{
    for (size_t i = 0; i < options->rename_count; i++) {
        const struct vd_rename *rename = &options->renames[i];

        vd_text_puts(to, i == 0 ? "" : " ");
        vd_words_quote(rename->from, strlen(rename->from), to);
        vd_text_putc(to, ' ');
        vd_words_quote(rename->to, strlen(rename->to), to);
    }
}

void vd_option_print_group(enum vd_option option, const struct vd_options *options,
                           struct vd_text *to)
{
    const struct vd_option_row *row = vd_option_row(option);
    const char *text;

    if (row->kind == VD_KIND_RENAME) {
        print_renames(options, to);
    } else if (is_text(row)) {
        text = get_group_text(option, options);
        vd_text_puts(to, text == NULL ? "" : text);
    } else {
        print_number(row, get_group_number(option, options), to);
    }
}

void vd_option_print_global(enum vd_option option, const struct vd_globals *globals,
                            struct vd_text *to)
{
    const struct vd_option_row *row = vd_option_row(option);
    const char *text;

    if (is_text(row)) {
        text = get_global_text(option, globals);
        vd_text_puts(to, text == NULL ? "" : text);
    } else {
        print_number(row, get_global_number(option, globals), to);
    }
}

/* And back ------------------------------------------------------------------------- */

/* All of them at once: a list that is bad anywhere changes nothing. */
static bool read_renames(const char *text, struct vd_options *options, struct vd_err *err)
{
    struct vd_arena arena = {0};
    struct vd_words words;
    struct vd_setting setting = {.option = VD_OPT_RENAME_COMMAND};
    bool ok = vd_words_split(text, strlen(text), &arena, &words) && words.count % 2 == 0;

    for (size_t i = 0; ok && i < words.count; i++)
        ok = words.list[i].len > 0;
    if (ok) {
        vd_options_apply(options, &setting); /* no command: takes back all */
        for (size_t i = 0; i < words.count; i += 2) {
            setting.text = words.list[i].bytes;
            setting.text2 = words.list[i + 1].bytes;
            vd_options_apply(options, &setting);
        }
    } else {
        vd_err_set(err, "must be pairs of a command and its new name");
    }
    vd_arena_free(&arena);
    return ok;
}

bool vd_option_read_group(enum vd_option option, const char *text, struct vd_options *options,
                          struct vd_err *err)
{
    const struct vd_option_row *row = vd_option_row(option);
    struct vd_word value = {text, strlen(text)};
    struct vd_setting setting;

    if (row->kind == VD_KIND_RENAME)
        return read_renames(text, options, err);
    if (!vd_option_parse(row, VD_FORM_PLAIN, &value, NULL, &setting, err))
        return false;
    vd_options_apply(options, &setting);
    return true;
}

bool vd_option_read_global(enum vd_option option, const char *text, struct vd_globals *globals,
                           struct vd_err *err)
{
    struct vd_word value = {text, strlen(text)};
    struct vd_setting setting;

    if (!vd_option_parse(vd_option_row(option), VD_FORM_PLAIN, &value, NULL, &setting, err))
        return false;
    vd_globals_apply(globals, &setting);
    return true;
}
