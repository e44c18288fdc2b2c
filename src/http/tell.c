/* SPDX-License-Identifier: BSD-3-Clause */
/* What alerts there are, and what all of it costs: pages of api.h. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "alert/alert.h"
#include "alert/message.h"
#include "http/api.h"
#include "http/json.h"
#include "http/list.h"
#include "http/lookup.h"
#include "shell/cost.h"

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Alerts --------------------------------------------------------------------------- */

static json_t *told_of(const struct vd_alert *alert, const struct vd_alert_config *rules)
{
    json_t *told = json_array();

    for (size_t i = 0; i < rules->channel_count; i++)
        if ((alert->told & (1U << i)) != 0)
            json_array_append_new(told, json_string(rules->channels[i].name));
    return told;
}

static json_t *alert_of(const struct vd_http_world *world, const struct vd_alert *alert)
{
    const struct vd_signal_row *row = vd_signal_row(alert->rule.signal);
    struct vd_text words = {0};
    json_t *value;

    vd_message_words(alert, &words);
    value = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:f, s:b, s:s, s:o, s:o, s:o}", "rule",
                      alert->rule.name, "severity", vd_severity_word(alert->rule.severity), "state",
                      vd_alert_state_word(alert->state), "group",
                      alert->group[0] == '\0' ? json_null() : vd_json_text(alert->group), "target",
                      vd_json_text(alert->target), "metric", row->name, "value",
                      number(alert->value), "limit", alert->rule.limit, "below", alert->rule.below,
                      "unit", row->unit, "since_ms",
                      alert->state == VD_ALERT_PENDING
                          ? json_integer(world->wall_ms - (world->now - alert->bad_at))
                          : json_integer(alert->since_ms),
                      "text", vd_json_text(vd_text_cstr(&words)), "told",
                      told_of(alert, vd_alerts_rules(world->alerts)));
    vd_text_free(&words);
    return value;
}

static json_t *channels_of(const struct vd_http_world *world)
{
    const struct vd_alert_config *rules = vd_alerts_rules(world->alerts);
    json_t *channels = json_array();

    for (size_t i = 0; rules != NULL && i < rules->channel_count; i++) {
        struct vd_alert_counts counts = vd_alerts_counts(world->alerts, i);

        json_array_append_new(
            channels, json_pack("{s:s, s:s, s:I, s:I}", "name", rules->channels[i].name, "kind",
                                vd_channel_kind_word(rules->channels[i].kind), "delivered",
                                (json_int_t)counts.delivered, "failed", (json_int_t)counts.failed));
    }
    return channels;
}

static bool leads_any(const struct vd_http_world *world)
{
    struct vd_view_group group;

    return vd_view_group_at(world->drive->core, world->now, 0, &group) &&
           vd_alerts_leads(world->alerts, group.name);
}

void vd_http_alerts(const struct vd_http_world *world, const struct vd_http_request *request,
                    struct vd_http_reply *reply)
{
    const struct vd_book *book = vd_alerts_book(world->alerts);
    const struct vd_alert_config *rules = vd_alerts_rules(world->alerts);
    const struct vd_alert *alert = NULL;
    struct vd_http_list list;
    json_t *value;

    if (!vd_http_list_begin(&list, request, VD_HTTP_LIST_MAX, reply))
        return;
    while (book != NULL && (alert = vd_book_next(book, alert)) != NULL)
        if (vd_http_list_is_asked(request, alert->group) && vd_http_list_wants(&list))
            json_array_append_new(list.items, alert_of(world, alert));
    value = vd_http_list_value(&list, "alerts");
    json_object_set_new(value, "configured",
                        json_boolean(rules != NULL && vd_alert_config_is_on(rules)));
    json_object_set_new(value, "sender", json_boolean(leads_any(world)));
    json_object_set_new(value, "channels", channels_of(world));
    vd_http_say(reply, 200, value);
}

/* Cost ----------------------------------------------------------------------------- */

struct bill {
    const struct vd_http_world *world;
    struct vd_http_list list;
    double month;
};

static json_t *name_of(const struct bill *bill, const struct vd_cost_service *service)
{
    struct vd_text name = {0};
    json_t *value;

    if (service->addr == NULL)
        return json_string("this vedette");
    vd_http_name(bill->world, service->addr, &name);
    value = vd_json_text(vd_text_cstr(&name));
    vd_text_free(&name);
    return value;
}

static void put_service(void *self, const struct vd_cost_service *service)
{
    struct bill *bill = self;
    const struct vd_cost *cost = &service->cost;

    bill->month += cost->month;
    if (!vd_http_list_wants(&bill->list))
        return;
    json_array_append_new(
        bill->list.items,
        json_pack("{s:o, s:s, s:o, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "service",
                  name_of(bill, service), "kind",
                  service->group == NULL ? "vedette"
                  : service->is_primary  ? "primary"
                                         : "replica",
                  "group", service->group == NULL ? json_null() : vd_json_text(service->group),
                  "estimated", service->estimated, "observed_s", cost->observed_s, "memory_bytes",
                  cost->memory_bytes, "vcpu", cost->vcpu, "egress_bytes_per_day",
                  cost->egress_bytes_day, "memory_per_month", cost->memory_month, "cpu_per_month",
                  cost->cpu_month, "egress_per_month", cost->egress_month, "per_day",
                  cost->month / VD_COST_MONTH_DAYS, "per_month", cost->month));
}

static json_t *bill_value(struct bill *bill)
{
    const struct vd_cost_config *prices = bill->world->prices;
    json_t *value = vd_http_list_value(&bill->list, "services");

    json_object_set_new(value, "configured", json_true());
    json_object_set_new(value, "currency", vd_json_text(prices->currency));
    json_object_set_new(value, "month_days", json_integer(VD_COST_MONTH_DAYS));
    json_object_set_new(value, "prices",
                        json_pack("{s:f, s:f, s:f}", "memory_gb_month", prices->memory_gb_month,
                                  "vcpu_month", prices->vcpu_month, "egress_gb",
                                  prices->egress_gb));
    json_object_set_new(value, "per_day", json_real(bill->month / VD_COST_MONTH_DAYS));
    json_object_set_new(value, "per_month", json_real(bill->month));
    json_object_set_new(value, "budget_per_month",
                        prices->budget > 0 ? json_real(prices->budget) : json_null());
    json_object_set_new(value, "budget_share",
                        prices->budget > 0 ? json_real(bill->month / prices->budget) : json_null());
    return value;
}

void vd_http_cost(const struct vd_http_world *world, const struct vd_http_request *request,
                  struct vd_http_reply *reply)
{
    struct bill bill = {.world = world};
    struct vd_cost_walk walk = {
        .prices = world->prices, .load = world->load, .drive = world->drive, .now = world->now};

    if (world->prices == NULL || !vd_cost_config_is_on(world->prices)) {
        vd_http_say(reply, 200, json_pack("{s:b}", "configured", 0));
        return;
    }
    if (!vd_http_list_begin(&bill.list, request, VD_HTTP_LIST_MAX, reply))
        return;
    (void)vd_cost_step(&walk, SIZE_MAX, put_service, &bill);
    vd_http_say(reply, 200, bill_value(&bill));
}
