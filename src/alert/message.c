/* SPDX-License-Identifier: BSD-3-Clause */
/* Message: see message.h. */
#include "alert/message.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Names that come from the network may be no UTF-8, which jansson refuses. */
static json_t *text_of(const char *text)
{
    struct vd_text plain = {0};
    json_t *value = json_string(text);

    if (value != NULL)
        return value;
    for (const char *at = text; *at != '\0'; at++)
        vd_text_putc(&plain, (unsigned char)*at < 0x80 ? *at : '?');
    value = json_string(vd_text_cstr(&plain));
    vd_text_free(&plain);
    VD_ASSERT(value != NULL);
    return value;
}

static void put_unit(const char *unit, struct vd_text *to)
{
    if (unit[0] != '\0' && unit[0] != '/')
        vd_text_putc(to, ' ');
    vd_text_puts(to, unit);
}

static void put_target(const struct vd_alert *alert, struct vd_text *to)
{
    bool is_own = strcmp(alert->target, alert->group) != 0;

    if (is_own)
        vd_text_puts(to, alert->target);
    if (is_own && alert->group[0] != '\0')
        vd_text_puts(to, " of ");
    vd_text_puts(to, alert->group);
}

void vd_message_words(const struct vd_alert *alert, struct vd_text *to)
{
    const struct vd_signal_row *row = vd_signal_row(alert->rule.signal);

    if (row->is_flag) {
        put_target(alert, to);
        vd_text_printf(to, ": %s", row->phrase);
        return;
    }
    vd_text_printf(to, "%s of ", row->phrase);
    put_target(alert, to);
    if (isnan(alert->value))
        vd_text_puts(to, " is not known");
    else
        vd_text_printf(to, " is %.4g", alert->value);
    if (!isnan(alert->value))
        put_unit(row->unit, to);
    vd_text_printf(to, " (limit: %s %.4g", alert->rule.below ? "below" : "above",
                   alert->rule.limit);
    put_unit(row->unit, to);
    vd_text_putc(to, ')');
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *make_json(const struct vd_alert *alert, const struct vd_message_facts *facts,
                         const char *words)
{
    const struct vd_signal_row *row = vd_signal_row(alert->rule.signal);

    return json_pack(
        "{s:i, s:o, s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:f, s:s, s:b, s:I, s:I, s:o, s:s}",
        "version", 1, "key", text_of(alert->key), "state", facts->ended ? "resolved" : "firing",
        "rule", alert->rule.name, "severity", vd_severity_word(alert->rule.severity), "group",
        alert->group[0] == '\0' ? json_null() : text_of(alert->group), "target",
        text_of(alert->target), "metric", row->name, "value", number(alert->value), "limit",
        alert->rule.limit, "unit", row->unit, "below", alert->rule.below, "since_ms",
        (json_int_t)alert->since_ms, "sent_ms", (json_int_t)facts->wall_ms, "text", text_of(words),
        "sender", facts->self);
}

static json_t *make_pagerduty(const struct vd_alert_channel *channel, const struct vd_alert *alert,
                              const struct vd_message_facts *facts, const char *words)
{
    time_t at = (time_t)(alert->since_ms / 1000);
    struct tm parts;
    char stamp[32] = "";
    json_t *payload;

    (void)gmtime_r(&at, &parts);
    (void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &parts);
    payload =
        json_pack("{s:o, s:o, s:s, s:s, s:s, s:o, s:s, s:o}", "summary", text_of(words), "source",
                  text_of(alert->target), "severity", vd_severity_word(alert->rule.severity),
                  "timestamp", stamp, "component", "redis", "group",
                  text_of(alert->group[0] == '\0' ? "vedette" : alert->group), "class",
                  alert->rule.name, "custom_details", make_json(alert, facts, words));
    return json_pack("{s:o, s:s, s:o, s:s, s:o}", "routing_key", text_of(channel->key),
                     "event_action", facts->ended ? "resolve" : "trigger", "dedup_key",
                     text_of(alert->key), "client", "vedette", "payload", payload);
}

/* Slack reads three characters as markup. */
static void put_for_slack(const char *text, struct vd_text *to)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '&')
            vd_text_puts(to, "&amp;");
        else if (*at == '<')
            vd_text_puts(to, "&lt;");
        else if (*at == '>')
            vd_text_puts(to, "&gt;");
        else
            vd_text_putc(to, *at);
    }
}

static json_t *make_slack(const struct vd_alert *alert, const struct vd_message_facts *facts,
                          const char *words)
{
    static const char *const colors[VD_SEVERITY_COUNT] = {"#1f55a5", "#d98200", "#c4161c"};
    struct vd_text text = {0};
    json_t *value;

    vd_text_printf(&text, "*%s* %s: ", facts->ended ? "Resolved" : "Firing", alert->rule.name);
    put_for_slack(words, &text);
    value = json_pack(
        "{s:o, s:[{s:s, s:o, s:I, s:s}]}", "text", text_of(vd_text_cstr(&text)), "attachments",
        "color", facts->ended ? "#2b8a3e" : colors[alert->rule.severity], "fallback",
        text_of(words), "ts", (json_int_t)(alert->since_ms / 1000), "footer", "vedette");
    vd_text_free(&text);
    return value;
}

void vd_message_body(const struct vd_alert_channel *channel, const struct vd_alert *alert,
                     const struct vd_message_facts *facts, struct vd_text *to)
{
    struct vd_text words = {0};
    json_t *value = NULL;
    char *text;

    vd_message_words(alert, &words);
    if (channel->kind == VD_CHANNEL_JSON)
        value = make_json(alert, facts, vd_text_cstr(&words));
    else if (channel->kind == VD_CHANNEL_PAGERDUTY)
        value = make_pagerduty(channel, alert, facts, vd_text_cstr(&words));
    else
        value = make_slack(alert, facts, vd_text_cstr(&words));
    VD_ASSERT(value != NULL);
    text = json_dumps(value, JSON_COMPACT);
    VD_ASSERT(text != NULL);
    vd_text_clear(to);
    vd_text_puts(to, text);
    free(text);
    json_decref(value);
    vd_text_free(&words);
}
