/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options as the core holds them: defaults, deep copies, and the one place
 * where a setting is put into its field. What a value may be is decided before
 * it comes here (proto/option); a setting that does not fit is a programmer's
 * error.
 */
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "core/core.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)

static void set_text(char **field, const char *text)
{
    char *copy = text != NULL && text[0] != '\0' ? vd_strdup(text) : NULL;

    vd_free(*field);
    *field = copy;
}

static unsigned as_unsigned(int64_t number)
{
    VD_ASSERT(number >= 0);
    VD_ASSERT(number <= INT_MAX);
    return (unsigned)number;
}

static vd_ms as_ms(int64_t number)
{
    VD_ASSERT(number >= 0);
    return number;
}

/* Renames ---------------------------------------------------------------- */

static char *copy_upper(const char *text)
{
    char *copy = vd_strdup(text);

    for (char *c = copy; *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
    return copy;
}

static void drop_rename(struct vd_options *options, size_t index)
{
    vd_free(options->renames[index].from);
    vd_free(options->renames[index].to);
    options->rename_count--;
    /* Order is kept: it is the order in which they are shown and saved. */
    memmove(&options->renames[index], &options->renames[index + 1],
            (options->rename_count - index) * sizeof(options->renames[0]));
}

static void add_rename(struct vd_options *options, const char *from, const char *to)
{
    struct vd_rename *added;

    options->renames =
        vd_realloc(options->renames, (options->rename_count + 1) * sizeof(options->renames[0]));
    added = &options->renames[options->rename_count++];
    added->from = copy_upper(from);
    added->to = vd_strdup(to);
}

/* A new name equal to the command, or none, takes the rename back. No command at all takes back
 * all. */
static void apply_rename(struct vd_options *options, const char *from, const char *to)
{
    if (from == NULL || from[0] == '\0') {
        while (options->rename_count > 0)
            drop_rename(options, options->rename_count - 1);
        return;
    }
    for (size_t i = 0; i < options->rename_count; i++) {
        if (strcasecmp(options->renames[i].from, from) == 0) {
            drop_rename(options, i);
            break;
        }
    }
    if (to != NULL && to[0] != '\0' && strcasecmp(from, to) != 0)
        add_rename(options, from, to);
}

/* Options of a group ------------------------------------------------------- */

void vd_options_init(struct vd_options *options, const struct vd_globals *globals)
{
    *options = (struct vd_options){
        .quorum = 2,
        .down_after_ms = globals->default_down_after_ms,
        .failover_timeout_ms = globals->default_failover_timeout_ms,
        .parallel_syncs = 1,
        .reboot_failover = VD_REBOOT_EMPTY,
        .replica_expiry_ms = 24 * 60 * (vd_ms)MINUTE,
        .candidate_max_lag_bytes = 1024 * 1024,
        .candidate_max_lag_ms = 10 * SECOND,
    };
}

void vd_options_copy(struct vd_options *to, const struct vd_options *from)
{
    *to = *from;
    to->auth_user = vd_strdup(from->auth_user);
    to->auth_pass = vd_strdup(from->auth_pass);
    to->notification_script = vd_strdup(from->notification_script);
    to->client_reconfig_script = vd_strdup(from->client_reconfig_script);
    to->renames = NULL;
    to->rename_count = 0;
    for (size_t i = 0; i < from->rename_count; i++)
        add_rename(to, from->renames[i].from, from->renames[i].to);
}

void vd_options_free(struct vd_options *options)
{
    apply_rename(options, NULL, NULL);
    vd_free(options->renames);
    vd_free(options->auth_user);
    vd_free(options->auth_pass);
    vd_free(options->notification_script);
    vd_free(options->client_reconfig_script);
    *options = (struct vd_options){0};
}

void vd_options_apply(struct vd_options *options, const struct vd_setting *setting)
{
    int64_t number = setting->number;

    VD_ASSERT(setting->option < VD_OPT_GROUP_COUNT);
    switch ((int)setting->option) {
    case VD_OPT_QUORUM:
        options->quorum = as_unsigned(number);
        break;
    case VD_OPT_DOWN_AFTER:
        options->down_after_ms = as_ms(number);
        break;
    case VD_OPT_DOWN_AFTER_REFUSED:
        options->down_after_refused_ms = as_ms(number);
        break;
    case VD_OPT_FAILOVER_TIMEOUT:
        options->failover_timeout_ms = as_ms(number);
        break;
    case VD_OPT_PARALLEL_SYNCS:
        options->parallel_syncs = as_unsigned(number);
        break;
    case VD_OPT_REBOOT_DOWN_AFTER:
        options->reboot_down_after_ms = as_ms(number);
        break;
    case VD_OPT_REBOOT_FAILOVER:
        VD_ASSERT(number >= VD_REBOOT_EMPTY && number <= VD_REBOOT_NEVER);
        options->reboot_failover = (enum vd_reboot_failover)number;
        break;
    case VD_OPT_REPLICA_EXPIRY:
        options->replica_expiry_ms = as_ms(number);
        break;
    case VD_OPT_FENCE_ISOLATED_PRIMARY:
        options->fence_isolated_primary = number != 0;
        break;
    case VD_OPT_HANDOVER:
        VD_ASSERT(number >= VD_SWITCHOVER_AUTO && number <= VD_SWITCHOVER_SERVER);
        options->handover = (enum vd_switchover)number;
        break;
    case VD_OPT_CANDIDATE_MAX_LAG_BYTES:
        VD_ASSERT(number >= 0);
        options->candidate_max_lag_bytes = number;
        break;
    case VD_OPT_CANDIDATE_MAX_LAG_MS:
        options->candidate_max_lag_ms = as_ms(number);
        break;
    case VD_OPT_AUTH_USER:
        set_text(&options->auth_user, setting->text);
        break;
    case VD_OPT_AUTH_PASS:
        set_text(&options->auth_pass, setting->text);
        break;
    case VD_OPT_NOTIFICATION_SCRIPT:
        set_text(&options->notification_script, setting->text);
        break;
    case VD_OPT_CLIENT_RECONFIG_SCRIPT:
        set_text(&options->client_reconfig_script, setting->text);
        break;
    case VD_OPT_RENAME_COMMAND:
        apply_rename(options, setting->text, setting->text2);
        break;
    default:
        vd_panic(__FILE__, __LINE__, "not an option of a group");
    }
}

/* Options of the process ----------------------------------------------------- */

void vd_globals_init(struct vd_globals *globals)
{
    *globals = (struct vd_globals){
        .deny_scripts_reconfig = true,
        .listen_port = 26379,
        .info_period_ms = 10 * SECOND,
        .ping_period_ms = SECOND,
        .ask_period_ms = SECOND,
        .publish_period_ms = 2 * SECOND,
        .default_down_after_ms = 30 * SECOND,
        .default_failover_timeout_ms = 3 * MINUTE,
        .tilt_trigger_ms = 2 * SECOND,
        .tilt_period_ms = 30 * SECOND,
        .replica_reconf_timeout_ms = 10 * SECOND,
        .min_link_reconnect_ms = 15 * SECOND,
        .election_timeout_ms = 10 * SECOND,
        .script_max_runtime_ms = MINUTE,
        .script_retry_delay_ms = 30 * SECOND,
        .abstain_ms = 10 * SECOND,
        .max_groups = 10000,
        .max_peers = 64,
        .max_replicas = 128,
        .default_handover = VD_SWITCHOVER_PAUSE,
    };
}

void vd_globals_copy(struct vd_globals *to, const struct vd_globals *from)
{
    *to = *from;
    to->announce_ip = vd_strdup(from->announce_ip);
    to->sentinel_user = vd_strdup(from->sentinel_user);
    to->sentinel_pass = vd_strdup(from->sentinel_pass);
}

void vd_globals_free(struct vd_globals *globals)
{
    vd_free(globals->announce_ip);
    vd_free(globals->sentinel_user);
    vd_free(globals->sentinel_pass);
    *globals = (struct vd_globals){0};
}

/* The durations, which differ in nothing but their place. */
static vd_ms *find_duration(struct vd_globals *globals, enum vd_option option)
{
    switch ((int)option) {
    case VD_OPT_ABSTAIN:
        return &globals->abstain_ms;
    case VD_OPT_INFO_PERIOD:
        return &globals->info_period_ms;
    case VD_OPT_PING_PERIOD:
        return &globals->ping_period_ms;
    case VD_OPT_ASK_PERIOD:
        return &globals->ask_period_ms;
    case VD_OPT_PUBLISH_PERIOD:
        return &globals->publish_period_ms;
    case VD_OPT_DEFAULT_DOWN_AFTER:
        return &globals->default_down_after_ms;
    case VD_OPT_DEFAULT_FAILOVER_TIMEOUT:
        return &globals->default_failover_timeout_ms;
    case VD_OPT_TILT_TRIGGER:
        return &globals->tilt_trigger_ms;
    case VD_OPT_TILT_PERIOD:
        return &globals->tilt_period_ms;
    case VD_OPT_REPLICA_RECONF_TIMEOUT:
        return &globals->replica_reconf_timeout_ms;
    case VD_OPT_MIN_LINK_RECONNECT:
        return &globals->min_link_reconnect_ms;
    case VD_OPT_ELECTION_TIMEOUT:
        return &globals->election_timeout_ms;
    case VD_OPT_SCRIPT_MAX_RUNTIME:
        return &globals->script_max_runtime_ms;
    case VD_OPT_SCRIPT_RETRY_DELAY:
        return &globals->script_retry_delay_ms;
    default:
        return NULL;
    }
}

void vd_globals_apply(struct vd_globals *globals, const struct vd_setting *setting)
{
    int64_t number = setting->number;
    vd_ms *duration = find_duration(globals, setting->option);

    if (duration != NULL) {
        *duration = as_ms(number);
        return;
    }
    switch ((int)setting->option) {
    case VD_OPT_RESOLVE_HOSTNAMES:
        globals->resolve_hostnames = number != 0;
        break;
    case VD_OPT_ANNOUNCE_HOSTNAMES:
        globals->announce_hostnames = number != 0;
        break;
    case VD_OPT_ANNOUNCE_IP:
        set_text(&globals->announce_ip, setting->text);
        break;
    case VD_OPT_ANNOUNCE_PORT:
        VD_ASSERT(number >= 0 && number <= UINT16_MAX);
        globals->announce_port = (uint16_t)number;
        break;
    case VD_OPT_SENTINEL_USER:
        set_text(&globals->sentinel_user, setting->text);
        break;
    case VD_OPT_SENTINEL_PASS:
        set_text(&globals->sentinel_pass, setting->text);
        break;
    case VD_OPT_DENY_SCRIPTS_RECONFIG:
        globals->deny_scripts_reconfig = number != 0;
        break;
    case VD_OPT_MAX_GROUPS:
        globals->max_groups = as_unsigned(number);
        break;
    case VD_OPT_MAX_PEERS:
        globals->max_peers = as_unsigned(number);
        break;
    case VD_OPT_MAX_REPLICAS:
        globals->max_replicas = as_unsigned(number);
        break;
    case VD_OPT_DEFAULT_HANDOVER:
        VD_ASSERT(number >= VD_SWITCHOVER_AUTO && number <= VD_SWITCHOVER_SERVER);
        globals->default_handover = (enum vd_switchover)number;
        break;
    default:
        vd_panic(__FILE__, __LINE__, "not an option of the process");
    }
}
