/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table itself, and look-up by name. Group options first, then those of
 * the process, each at the place of its number, so that a missing row does not
 * go unnoticed; loglevel last. SENTINEL CONFIG GET answers in the order of the
 * rows.
 */
#include <limits.h>
#include <strings.h>

#include "proto/option.h"

/* Thirty thousand years: sums and doublings of durations must not overflow. */
#define MS_MAX INT64_C(1000000000000000)

static const char *const reboot_choices[] = {"empty", "always", "never", NULL};
static const char *const handover_choices[] = {"auto", "pause", "server", NULL};
static const char *const level_choices[] = {"debug",   "verbose", "notice",
                                            "warning", "nothing", NULL};

#define NATIVE(name) [VD_IN_NATIVE] = (name)
#define CLASSIC(name) [VD_IN_CLASSIC] = (name)
#define BOTH_FILES(name) NATIVE(name), CLASSIC(name)
#define SET(name) [VD_IN_SET] = (name)
#define CLASSIC_SET(name) CLASSIC(name), SET(name)
#define CONFIG(name) [VD_IN_CONFIG] = (name)
#define DEBUG(name) [VD_IN_DEBUG] = (name)
#define EVERYWHERE(name) NATIVE(name), CLASSIC(name), SET(name)

#define COUNT(low, high) VD_KIND_COUNT, .min = (low), .max = (high)
#define DURATION(low) VD_KIND_DURATION, .min = (low), .max = MS_MAX
#define OWN_DURATION(low) DURATION(low), .units = true
#define OWN_SIZE VD_KIND_SIZE, .min = 0, .max = INT64_MAX, .units = true
#define CHOICE(list) VD_KIND_CHOICE, .choices = (list)

/* Valkey has given it a second name. */
#define REBOOT_DURATION DURATION(0), .alias = "primary-reboot-down-after-period"

#define ROW(name, kind_and_range, ...)                                                             \
    [VD_OPT_##name] = {.option = VD_OPT_##name, .names = {__VA_ARGS__}, .kind = kind_and_range}

static const struct vd_option_row rows[] = {
    ROW(QUORUM, COUNT(1, INT_MAX), NATIVE("quorum"), SET("quorum")),
    ROW(DOWN_AFTER, DURATION(1), NATIVE("down-after"), CLASSIC_SET("down-after-milliseconds")),
    ROW(DOWN_AFTER_REFUSED, OWN_DURATION(0), EVERYWHERE("down-after-refused")),
    ROW(FAILOVER_TIMEOUT, DURATION(1), EVERYWHERE("failover-timeout")),
    ROW(PARALLEL_SYNCS, COUNT(1, INT_MAX), EVERYWHERE("parallel-syncs")),
    ROW(REBOOT_DOWN_AFTER, REBOOT_DURATION, NATIVE("reboot-down-after"),
        CLASSIC_SET("master-reboot-down-after-period")),
    ROW(REBOOT_FAILOVER, CHOICE(reboot_choices), EVERYWHERE("reboot-failover")),
    ROW(HANDOVER, CHOICE(handover_choices), EVERYWHERE("handover")),
    ROW(REPLICA_EXPIRY, OWN_DURATION(0), EVERYWHERE("replica-expiry")),
    ROW(FENCE_ISOLATED_PRIMARY, VD_KIND_BOOL, EVERYWHERE("fence-isolated-primary")),
    ROW(CANDIDATE_MAX_LAG_BYTES, OWN_SIZE, EVERYWHERE("candidate-max-lag-bytes")),
    ROW(CANDIDATE_MAX_LAG_MS, OWN_DURATION(0), EVERYWHERE("candidate-max-lag-time")),
    ROW(AUTH_USER, VD_KIND_TEXT, EVERYWHERE("auth-user")),
    ROW(AUTH_PASS, VD_KIND_SECRET, EVERYWHERE("auth-pass")),
    ROW(NOTIFICATION_SCRIPT, VD_KIND_SCRIPT, EVERYWHERE("notification-script")),
    ROW(CLIENT_RECONFIG_SCRIPT, VD_KIND_SCRIPT, EVERYWHERE("client-reconfig-script")),
    ROW(RENAME_COMMAND, VD_KIND_RENAME, EVERYWHERE("rename-command")),

    ROW(RESOLVE_HOSTNAMES, VD_KIND_BOOL, BOTH_FILES("resolve-hostnames"),
        CONFIG("resolve-hostnames")),
    ROW(ANNOUNCE_HOSTNAMES, VD_KIND_BOOL, BOTH_FILES("announce-hostnames"),
        CONFIG("announce-hostnames")),
    ROW(ANNOUNCE_IP, VD_KIND_HOST, BOTH_FILES("announce-ip"), CONFIG("announce-ip")),
    ROW(ANNOUNCE_PORT, COUNT(0, UINT16_MAX), BOTH_FILES("announce-port"), CONFIG("announce-port")),
    ROW(SENTINEL_USER, VD_KIND_TEXT, BOTH_FILES("sentinel-user"), CONFIG("sentinel-user")),
    ROW(SENTINEL_PASS, VD_KIND_SECRET, BOTH_FILES("sentinel-pass"), CONFIG("sentinel-pass")),
    ROW(DENY_SCRIPTS_RECONFIG, VD_KIND_BOOL, BOTH_FILES("deny-scripts-reconfig")),
    ROW(ABSTAIN, OWN_DURATION(0), BOTH_FILES("abstain")),
    ROW(MAX_GROUPS, COUNT(1, INT_MAX), BOTH_FILES("max-groups")),
    ROW(MAX_PEERS, COUNT(1, INT_MAX), BOTH_FILES("max-peers")),
    ROW(MAX_REPLICAS, COUNT(1, INT_MAX), BOTH_FILES("max-replicas")),
    ROW(DEFAULT_HANDOVER, CHOICE(handover_choices), BOTH_FILES("default-handover")),

    ROW(INFO_PERIOD, DURATION(1), NATIVE("info-period"), DEBUG("INFO-PERIOD")),
    ROW(PING_PERIOD, DURATION(1), NATIVE("ping-period"), DEBUG("PING-PERIOD")),
    ROW(ASK_PERIOD, DURATION(1), NATIVE("ask-period"), DEBUG("ASK-PERIOD")),
    ROW(PUBLISH_PERIOD, DURATION(1), NATIVE("publish-period"), DEBUG("PUBLISH-PERIOD")),
    ROW(DEFAULT_DOWN_AFTER, DURATION(1), NATIVE("default-down-after"), DEBUG("DEFAULT-DOWN-AFTER")),
    ROW(DEFAULT_FAILOVER_TIMEOUT, DURATION(1), NATIVE("default-failover-timeout"),
        DEBUG("DEFAULT-FAILOVER-TIMEOUT")),
    ROW(TILT_TRIGGER, DURATION(1), NATIVE("tilt-trigger"), DEBUG("TILT-TRIGGER")),
    ROW(TILT_PERIOD, DURATION(1), NATIVE("tilt-period"), DEBUG("TILT-PERIOD")),
    ROW(REPLICA_RECONF_TIMEOUT, DURATION(1), NATIVE("replica-reconf-timeout"),
        DEBUG("SLAVE-RECONF-TIMEOUT")),
    ROW(MIN_LINK_RECONNECT, DURATION(1), NATIVE("min-link-reconnect-period"),
        DEBUG("MIN-LINK-RECONNECT-PERIOD")),
    ROW(ELECTION_TIMEOUT, DURATION(1), NATIVE("election-timeout"), DEBUG("ELECTION-TIMEOUT")),
    ROW(SCRIPT_MAX_RUNTIME, DURATION(1), NATIVE("script-max-runtime"), DEBUG("SCRIPT-MAX-RUNTIME")),
    ROW(SCRIPT_RETRY_DELAY, DURATION(1), NATIVE("script-retry-delay"), DEBUG("SCRIPT-RETRY-DELAY")),

    ROW(LOG_LEVEL, CHOICE(level_choices), CONFIG("loglevel")),
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == VD_OPT_LOG_LEVEL + 1, "every option has a row");

const struct vd_option_row *vd_option_rows(size_t *count)
{
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

const struct vd_option_row *vd_option_row(enum vd_option option)
{
    VD_ASSERT(option <= VD_OPT_LOG_LEVEL);
    return &rows[option];
}

/* `name` has `len` bytes; `known` is one of ours. */
static bool is_named(const char *known, const char *name, size_t len, bool underscores)
{
    for (size_t i = 0; i < len; i++) {
        char c = name[i] == '_' && underscores ? '-' : name[i];

        if (known[i] == '\0' || strncasecmp(&known[i], &c, 1) != 0)
            return false;
    }
    return known[len] == '\0';
}

const struct vd_option_row *vd_option_find(enum vd_option_place place, const char *name, size_t len)
{
    bool aliased = place == VD_IN_CLASSIC || place == VD_IN_SET;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *known = rows[i].names[place];

        if (known != NULL && is_named(known, name, len, place == VD_IN_NATIVE))
            return &rows[i];
        if (aliased && rows[i].alias != NULL && is_named(rows[i].alias, name, len, false))
            return &rows[i];
    }
    return NULL;
}
