/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * alerts = { ... } and cost = { ... } of a vedette.cfg. No fault tells a
 * secret: of url, key and token only the names are said.
 */
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "proto/option.h"
#include "shell/conf_file.h"
#include "shell/native_read.h"

#define TIMEOUT_MS 10000
#define TIMEOUT_MAX_MS 60000
#define PRICE_MAX 1e9
#define PAGERDUTY_URL "https://events.pagerduty.com/v2/enqueue"

/* Sections ------------------------------------------------------------------------- */

/* A group of settings with none but these; false with a fault. */
static bool is_section(struct vd_native *n, const config_setting_t *setting, const char *what,
                       const char *const *names, size_t count)
{
    struct vd_err err = {""};
    bool ok = true;

    if (!config_setting_is_group(setting)) {
        vd_err_set(&err, "%s is no group of settings", what);
        return vd_native_fault(n, setting, err.text, "write { name = value; ... }");
    }
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *one = config_setting_get_elem(setting, (unsigned)i);
        const char *name = config_setting_name(one);
        const char *nearest = vd_name_nearest(name, names, count);
        struct vd_text remedy = {0};
        size_t place = 0;

        while (place < count && strcmp(names[place], name) != 0)
            place++;
        if (place < count)
            continue;
        vd_err_set(&err, "there is no setting '%.100s' of %s", name, what);
        if (nearest != NULL)
            vd_text_printf(&remedy, "did you mean '%s'?", nearest);
        else
            vd_text_puts(&remedy, "vedette.cfg(5) lists them all");
        ok = vd_native_fault(n, one, err.text, vd_text_cstr(&remedy));
        vd_text_free(&remedy);
    }
    return ok;
}

#define IS_SECTION(n, setting, what, names)                                                        \
    is_section(n, setting, what, names, sizeof(names) / sizeof((names)[0]))

/* NULL where it is not given or, with a fault, no text. */
static const char *text_of(struct vd_native *n, const config_setting_t *section, const char *name)
{
    const config_setting_t *setting = config_setting_get_member(section, name);
    const char *text = setting == NULL ? NULL : config_setting_get_string(setting);

    if (setting != NULL && text == NULL)
        vd_native_fault_about(n, setting, "must be a text", "put it in double quotes");
    return text;
}

/* True: it was given and is a number, which *out is then. */
static bool number_of(struct vd_native *n, const config_setting_t *section, const char *name,
                      double *out)
{
    const config_setting_t *setting = config_setting_get_member(section, name);
    int type = setting == NULL ? CONFIG_TYPE_NONE : config_setting_type(setting);

    if (setting == NULL)
        return false;
    if (type == CONFIG_TYPE_FLOAT)
        *out = config_setting_get_float(setting);
    else if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
        *out = (double)config_setting_get_int64(setting);
    else
        return vd_native_fault_about(n, setting, "must be a number", "write it without quotes");
    return isfinite(*out) || vd_native_fault_about(n, setting, "is too large", "correct the value");
}

static void duration_of(struct vd_native *n, const config_setting_t *section, const char *name,
                        vd_ms most, vd_ms *out)
{
    const config_setting_t *setting = config_setting_get_member(section, name);
    struct vd_text text = {0};
    vd_ms value;

    if (setting == NULL)
        return;
    if (!vd_native_scalar(n, setting, false, &text)) {
        vd_text_free(&text);
        return;
    }
    if (!vd_duration_parse(vd_text_cstr(&text), text.len, &value) || value > most)
        vd_native_fault_about(n, setting, "is no duration that makes sense here",
                              "write \"30s\", \"5m\" or 0");
    else
        *out = value;
    vd_text_free(&text);
}

/* By value, file or environment: `names` are of these three. NULL: not given, or a fault. */
static char *secret_of(struct vd_native *n, const config_setting_t *section,
                       const char *const names[3])
{
    static const enum vd_native_by ways[3] = {VD_BY_VALUE, VD_BY_FILE, VD_BY_ENV};
    const config_setting_t *found = NULL;
    enum vd_native_by by = VD_BY_VALUE;
    struct vd_text value = {0};
    char *secret = NULL;

    for (size_t i = 0; i < 3; i++) {
        const config_setting_t *one = config_setting_get_member(section, names[i]);

        if (one != NULL && found != NULL) {
            vd_native_fault_about(n, one, "is given twice", "remove one of the two");
            return NULL;
        }
        if (one != NULL) {
            found = one;
            by = ways[i];
        }
    }
    if (found != NULL && vd_native_scalar(n, found, true, &value) &&
        (by == VD_BY_VALUE || vd_native_secret(n, found, by, &value))) {
        /* It becomes a line of a request's head. */
        if (value.len == 0 || strcspn(vd_text_cstr(&value), "\r\n") != value.len)
            vd_native_fault_about(n, found, "is empty, or has more than one line",
                                  "correct the value");
        else
            secret = vd_strdup(vd_text_cstr(&value));
    }
    vd_text_free(&value);
    return secret;
}

/* Channels ------------------------------------------------------------------------- */

static bool find_word(const char *text, const char *(*word)(int), int count, int *out)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(word(i), text) != 0)
            continue;
        *out = i;
        return true;
    }
    return false;
}

static const char *kind_word(int i)
{
    return vd_channel_kind_word((enum vd_channel_kind)i);
}

static const char *severity_word(int i)
{
    return vd_severity_word((enum vd_severity)i);
}

static bool is_url(const char *url)
{
    const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;

    return host != NULL && host[0] != '\0' && strpbrk(url, " \t\"<>\\") == NULL;
}

/* The name of a channel or rule; false with a fault. */
static bool name_of(struct vd_native *n, const config_setting_t *section, const char *what,
                    char out[VD_ALERT_NAME_SIZE])
{
    const char *name = text_of(n, section, "name");
    struct vd_err err = {""};

    if (name != NULL && vd_alert_name_valid(name))
        return vd_copy(out, VD_ALERT_NAME_SIZE, name);
    vd_err_set(&err, "%s has no name, or a bad one", what);
    return vd_native_fault(n, section, err.text,
                           "give name = \"...\" of at most 32 letters, digits, '-' and '_'");
}

static bool find_channel(const struct vd_alert_config *alerts, const char *name, size_t *place)
{
    for (size_t i = 0; i < alerts->channel_count; i++) {
        if (strcmp(alerts->channels[i].name, name) != 0)
            continue;
        *place = i;
        return true;
    }
    return false;
}

/* What its kind needs. */
static void check_channel(struct vd_native *n, const config_setting_t *section,
                          const struct vd_alert_channel *channel)
{
    if (channel->kind == VD_CHANNEL_PAGERDUTY && channel->key == NULL)
        vd_native_fault(n, section, "a channel to PagerDuty has no key",
                        "give the integration's routing key by key, key-file or key-env");
    if (channel->kind != VD_CHANNEL_PAGERDUTY && channel->key != NULL)
        vd_native_fault(n, section, "only a channel to PagerDuty has a key", "remove it");
    if (channel->url == NULL)
        vd_native_fault(n, section, "the channel has no url",
                        "give it by url, url-file or url-env");
    else if (!is_url(channel->url))
        vd_native_fault(n, section, "the channel's url is none that can be posted to",
                        "write https://host/path or http://host:port/path");
}

static void read_channel(struct vd_native *n, const config_setting_t *section)
{
    static const char *const names[] = {
        "name",    "kind",  "url",        "url-file",  "url-env", "key",    "key-file",
        "key-env", "token", "token-file", "token-env", "ca-file", "timeout"};
    static const char *const url[] = {"url", "url-file", "url-env"};
    static const char *const key[] = {"key", "key-file", "key-env"};
    static const char *const token[] = {"token", "token-file", "token-env"};
    struct vd_alert_config *alerts = &n->config->alerts;
    struct vd_alert_channel channel = {.timeout_ms = TIMEOUT_MS};
    const char *kind;
    const char *ca_file;
    int number = 0;
    size_t other;

    if (!IS_SECTION(n, section, "an alert channel", names) ||
        !name_of(n, section, "an alert channel", channel.name))
        return;
    kind = text_of(n, section, "kind");
    if (kind == NULL || !find_word(kind, kind_word, VD_CHANNEL_KINDS, &number)) {
        vd_native_fault(n, section, "the channel's kind is not known",
                        "kind is \"json\", \"pagerduty\" or \"slack\"");
        return;
    }
    if (find_channel(alerts, channel.name, &other)) {
        vd_native_fault(n, section, "another channel has this name", "give each one of its own");
        return;
    }
    channel.kind = (enum vd_channel_kind)number;
    channel.url = secret_of(n, section, url);
    channel.key = secret_of(n, section, key);
    channel.token = secret_of(n, section, token);
    ca_file = text_of(n, section, "ca-file");
    if (ca_file != NULL)
        channel.ca_file = vd_conf_join(n->config->server.dir, ca_file);
    duration_of(n, section, "timeout", TIMEOUT_MAX_MS, &channel.timeout_ms);
    if (channel.timeout_ms == 0)
        channel.timeout_ms = TIMEOUT_MS;
    if (channel.kind == VD_CHANNEL_PAGERDUTY && channel.url == NULL)
        channel.url = vd_strdup(PAGERDUTY_URL);
    check_channel(n, section, &channel);
    alerts->channels[alerts->channel_count++] = channel;
}

static void read_channels(struct vd_native *n, const config_setting_t *list)
{
    if (!config_setting_is_list(list)) {
        vd_native_fault_about(n, list, "must be a list", "write to = ( { ... }, { ... } );");
        return;
    }
    for (int i = 0; i < config_setting_length(list); i++) {
        if (n->config->alerts.channel_count == VD_ALERT_CHANNELS) {
            vd_native_fault_about(n, list, "has more than 8 channels", "remove some");
            return;
        }
        read_channel(n, config_setting_get_elem(list, (unsigned)i));
    }
}

/* Rules ---------------------------------------------------------------------------- */

/* to = "channel" or ["channel", ...]; not given: all. */
static unsigned channels_of(struct vd_native *n, const config_setting_t *section)
{
    const config_setting_t *setting = config_setting_get_member(section, "to");
    unsigned channels = 0;
    bool is_list;

    if (setting == NULL)
        return ~0U;
    is_list = config_setting_is_aggregate(setting);
    for (int i = 0; i < (is_list ? config_setting_length(setting) : 1); i++) {
        const char *name = is_list ? config_setting_get_string_elem(setting, i)
                                   : config_setting_get_string(setting);
        size_t place;

        if (name == NULL || !find_channel(&n->config->alerts, name, &place))
            vd_native_fault_about(n, setting, "names a channel that there is not",
                                  "name one of those in alerts.to");
        else
            channels |= 1U << place;
    }
    return channels;
}

static bool metric_of(struct vd_native *n, const config_setting_t *section, enum vd_signal *out)
{
    const char *metric = text_of(n, section, "metric");
    const char *nearest;
    struct vd_text remedy = {0};

    if (metric != NULL && vd_signal_find(metric, out))
        return true;
    nearest = metric == NULL ? NULL : vd_signal_nearest(metric);
    if (nearest != NULL)
        vd_text_printf(&remedy, "did you mean '%s'?", nearest);
    else
        vd_text_puts(&remedy, "vedette.cfg(5) lists the metrics that rules can look at");
    vd_native_fault(n, section, "the rule has no metric, or one that there is not",
                    vd_text_cstr(&remedy));
    vd_text_free(&remedy);
    return false;
}

static bool limits_of(struct vd_native *n, const config_setting_t *section,
                      struct vd_alert_rule *rule)
{
    double above = 0;
    double below = 0;
    bool has_above = number_of(n, section, "above", &above);
    bool has_below = number_of(n, section, "below", &below);

    if (has_above == has_below)
        return vd_native_fault(n, section, "a rule needs either above or below",
                               "write above = NUMBER; or below = NUMBER;");
    rule->below = has_below;
    rule->limit = has_below ? below : above;
    rule->clear = rule->limit;
    if (number_of(n, section, "clear", &rule->clear) &&
        (rule->below ? rule->clear < rule->limit : rule->clear > rule->limit))
        return vd_native_fault(n, section, "clear lies beyond the limit",
                               "an alert ends on the good side of its limit");
    return true;
}

static void read_rule(struct vd_native *n, const config_setting_t *section)
{
    static const char *const names[] = {"name", "metric",    "above",    "below", "clear",
                                        "for",  "clear-for", "severity", "group", "to"};
    struct vd_alert_rule rule = {.severity = VD_SEVERITY_WARNING};
    const char *severity;
    const char *group;
    int number;

    if (!IS_SECTION(n, section, "an alert rule", names) ||
        !name_of(n, section, "an alert rule", rule.name) || !metric_of(n, section, &rule.signal) ||
        !limits_of(n, section, &rule))
        return;
    duration_of(n, section, "for", VD_ALERT_DURATION_MAX, &rule.for_ms);
    duration_of(n, section, "clear-for", VD_ALERT_DURATION_MAX, &rule.clear_ms);
    rule.channels = channels_of(n, section);
    severity = text_of(n, section, "severity");
    if (severity != NULL) {
        if (find_word(severity, severity_word, VD_SEVERITY_COUNT, &number))
            rule.severity = (enum vd_severity)number;
        else
            vd_native_fault(n, section, "the rule's severity is not known",
                            "severity is \"info\", \"warning\" or \"critical\"");
    }
    group = text_of(n, section, "group");
    if (group != NULL)
        rule.group = vd_strdup(group);
    if (!vd_alert_config_add(&n->config->alerts, &rule))
        vd_native_fault(n, section, "there are more than 64 rules, or two of this name",
                        "remove one of them");
}

void vd_native_read_alerts(struct vd_native *n, const config_setting_t *setting)
{
    static const char *const names[] = {"standard", "to", "rules"};
    const config_setting_t *to;
    const config_setting_t *rules;
    const config_setting_t *standard;

    if (!IS_SECTION(n, setting, "alerts", names))
        return;
    to = config_setting_get_member(setting, "to");
    rules = config_setting_get_member(setting, "rules");
    standard = config_setting_get_member(setting, "standard");
    if (to != NULL)
        read_channels(n, to);
    if (rules != NULL && !config_setting_is_list(rules))
        vd_native_fault_about(n, rules, "must be a list", "write rules = ( { ... }, { ... } );");
    for (int i = 0;
         rules != NULL && config_setting_is_list(rules) && i < config_setting_length(rules); i++)
        read_rule(n, config_setting_get_elem(rules, (unsigned)i));
    if (standard != NULL && config_setting_type(standard) != CONFIG_TYPE_BOOL)
        vd_native_fault_about(n, standard, "must be true or false", "correct the value");
    else if (standard != NULL && config_setting_get_bool(standard) &&
             !vd_alert_config_add_standard(&n->config->alerts))
        vd_native_fault_about(n, standard,
                              "has no room: there are more than 64 rules with its five",
                              "remove some rules");
    if (vd_alert_config_is_on(&n->config->alerts) && n->config->alerts.channel_count == 0)
        vd_config_warn(
            n->config,
            "%s:%u: alerts are shown by http-port only: there is no channel in alerts.to",
            vd_native_file(n, setting), (unsigned)config_setting_source_line(setting));
}

/* Prices --------------------------------------------------------------------------- */

void vd_native_read_cost(struct vd_native *n, const config_setting_t *setting)
{
    static const char *const names[] = {"currency", "memory-gb-month", "vcpu-month", "egress-gb",
                                        "budget"};
    struct vd_cost_config *cost = &n->config->cost;
    double *const prices[] = {&cost->memory_gb_month, &cost->vcpu_month, &cost->egress_gb,
                              &cost->budget};
    const char *currency;

    if (!IS_SECTION(n, setting, "cost", names))
        return;
    currency = text_of(n, setting, "currency");
    if (!vd_copy(cost->currency, sizeof(cost->currency), currency == NULL ? "$" : currency))
        vd_native_fault(n, setting, "the currency is too long", "use a sign, or three letters");
    for (size_t i = 0; i < sizeof(prices) / sizeof(prices[0]); i++)
        if (number_of(n, setting, names[i + 1], prices[i]) &&
            (*prices[i] < 0 || *prices[i] > PRICE_MAX))
            vd_native_fault_about(n, config_setting_get_member(setting, names[i + 1]),
                                  "is negative, or more than 10^9", "correct the value");
}
