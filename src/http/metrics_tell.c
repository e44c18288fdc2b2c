/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics of alerts and cost: see metrics.h. */
#include "alert/alert.h"
#include "http/metrics_room.h"

/* Cost ----------------------------------------------------------------------------- */

static bool has_prices(const struct vd_http_world *world)
{
    return world->prices != NULL && vd_cost_config_is_on(world->prices);
}

struct bill {
    struct vd_metrics *metrics;
    const struct vd_http_world *world;
};

static void put_service(void *self, const struct vd_cost_service *service)
{
    const struct bill *bill = self;

    bill->metrics->cost += service->cost.month;
    if (service->group == NULL || service->cost.observed_s <= 0)
        return;
    (void)vd_metrics_label(bill->metrics, bill->world, service->group, "node", service->addr);
    vd_label_add(&bill->metrics->labels, "currency", bill->world->prices->currency);
    vd_sample_real(&bill->metrics->samples, VD_FAMILY_NODE_COST,
                   vd_text_cstr(&bill->metrics->labels), service->cost.month);
}

void vd_metrics_put_costs(struct vd_metrics *metrics, const struct vd_http_world *world)
{
    struct bill bill = {metrics, world};

    if (!has_prices(world))
        return;
    metrics->bill.prices = world->prices;
    metrics->bill.load = world->load;
    metrics->bill.drive = world->drive;
    metrics->bill.now = world->now;
    (void)vd_cost_step(&metrics->bill, VD_METRICS_STEP, put_service, &bill);
}

void vd_metrics_put_total(struct vd_metrics *metrics, const struct vd_http_world *world)
{
    if (!has_prices(world))
        return;
    vd_text_clear(&metrics->labels);
    vd_label_add(&metrics->labels, "currency", world->prices->currency);
    vd_sample_real(&metrics->samples, VD_FAMILY_COST, vd_text_cstr(&metrics->labels),
                   metrics->cost);
    if (world->prices->budget > 0)
        vd_sample_real(&metrics->samples, VD_FAMILY_BUDGET, vd_text_cstr(&metrics->labels),
                       world->prices->budget);
}

/* Alerts --------------------------------------------------------------------------- */

static void put_deliveries(struct vd_metrics *metrics, const char *channel, const char *result,
                           uint64_t count)
{
    vd_text_clear(&metrics->labels);
    vd_label_add(&metrics->labels, "channel", channel);
    vd_label_add(&metrics->labels, "result", result);
    vd_sample_count(&metrics->samples, VD_FAMILY_ALERT_DELIVERIES, vd_text_cstr(&metrics->labels),
                    (int64_t)count);
}

void vd_metrics_put_alerts(struct vd_metrics *metrics, const struct vd_http_world *world)
{
    const struct vd_book *book = vd_alerts_book(world->alerts);
    const struct vd_alert_config *rules = vd_alerts_rules(world->alerts);
    const struct vd_alert *alert = NULL;

    while (book != NULL && (alert = vd_book_next(book, alert)) != NULL) {
        vd_text_clear(&metrics->labels);
        vd_label_add(&metrics->labels, "rule", alert->rule.name);
        vd_label_add(&metrics->labels, "severity", vd_severity_word(alert->rule.severity));
        vd_label_add(&metrics->labels, "group", alert->group);
        vd_label_add(&metrics->labels, "target", alert->target);
        vd_sample_count(&metrics->samples, VD_FAMILY_ALERT_FIRING, vd_text_cstr(&metrics->labels),
                        alert->state == VD_ALERT_FIRING);
    }
    for (size_t i = 0; rules != NULL && i < rules->channel_count; i++) {
        struct vd_alert_counts counts = vd_alerts_counts(world->alerts, i);

        put_deliveries(metrics, rules->channels[i].name, "delivered", counts.delivered);
        put_deliveries(metrics, rules->channels[i].name, "failed", counts.failed);
    }
}
