/* SPDX-License-Identifier: BSD-3-Clause */
/* Alert: see alert.h. */
#include "alert/alert.h"

#include <math.h>
#include <string.h>

#include "alert/alert_room.h"
#include "alert/message.h"
#include "alert/signal.h"
#include "proto/addr.h"
#include "shell/clock.h"
#include "shell/log.h"

#define STEP_GROUPS 20 /* at a time */
#define ROUND_S 1.     /* or longer, where there are more than fit into ten steps */
#define STEP_LEAST_S 0.1
#define DOUBT_MS 60000 /* till rates are known, and who is down is called so */

/* Changes -------------------------------------------------------------------------- */

static void tell_change(struct vd_alerts *alerts, const struct vd_alert *alert, bool ended)
{
    struct vd_text words = {0};
    struct vd_text payload = {0};

    vd_message_words(alert, &words);
    vd_log(alert->rule.severity == VD_SEVERITY_INFO || ended ? VD_LOG_NOTICE : VD_LOG_WARNING,
           "alert %s %s: %s", alert->key, ended ? "resolved" : "firing", vd_text_cstr(&words));
    vd_text_printf(&payload, "%s %s: %s", alert->rule.name, vd_severity_word(alert->rule.severity),
                   vd_text_cstr(&words));
    if (alert->group[0] != '\0')
        vd_text_printf(&payload, " @ %s", alert->group);
    vd_watch_event(alerts->sources.watch,
                   ended || alert->rule.severity == VD_SEVERITY_INFO ? VD_NOTICE_NOTICE
                                                                     : VD_NOTICE_WARNING,
                   ended ? "-alert" : "+alert", vd_text_cstr(&payload));
    vd_text_free(&payload);
    vd_text_free(&words);
}

static void on_gone(void *self, struct vd_alert *alert)
{
    tell_change(self, alert, true);
}

/* Looking -------------------------------------------------------------------------- */

static void look(struct vd_alerts *alerts, const struct vd_alert_rule *rule,
                 const struct vd_sight *sight, const char *target)
{
    const char *group = sight->group == NULL ? "" : sight->group->name;
    double value = vd_signal_read(rule->signal, sight);
    struct vd_alert *alert;
    enum vd_alert_change change = vd_book_look(alerts->book, rule, group, target, value, sight->now,
                                               vd_clock_wall_ms(), &alert);

    if (change != VD_ALERT_SAME)
        tell_change(alerts, alert, change == VD_ALERT_ENDED);
}

static void look_by_rules(struct vd_alerts *alerts, const struct vd_sight *sight,
                          enum vd_signal_scope scope, const char *target)
{
    for (size_t i = 0; i < alerts->rules->rule_count; i++) {
        const struct vd_alert_rule *rule = &alerts->rules->rules[i];

        if (vd_signal_row(rule->signal)->scope != scope)
            continue;
        if (scope != VD_SCOPE_SELF && rule->group != NULL &&
            !vd_glob(rule->group, strlen(rule->group), sight->group->name,
                     strlen(sight->group->name), false))
            continue;
        /* What all of it costs, every vedette counts alike; the rest is its own affair. */
        look(alerts, rule, sight, rule->signal == VD_SIGNAL_COST ? "all services" : target);
    }
}

static void name_of(const struct vd_sight *sight, const struct vd_addr *addr, struct vd_text *to)
{
    vd_text_clear(to);
    vd_addr_print(vd_view_shown(sight->drive->core, addr), addr->port, to);
}

static void look_at_node(struct vd_alerts *alerts, struct vd_sight *sight,
                         const struct vd_view_node *node)
{
    struct vd_figures figures;
    struct vd_text name = {0};

    name_of(sight, &node->addr, &name);
    sight->node = node;
    sight->figures = NULL;
    if (node->info != NULL) {
        vd_figures_of(node->info, &figures);
        sight->figures = &figures;
    }
    look_by_rules(alerts, sight, VD_SCOPE_NODE, vd_text_cstr(&name));
    sight->node = NULL;
    sight->figures = NULL;
    vd_text_free(&name);
}

static void look_at_group(struct vd_alerts *alerts, struct vd_sight *sight,
                          const struct vd_view_group *group)
{
    const struct vd_core *core = sight->drive->core;
    struct vd_view_node replica;
    struct vd_view_peer peer;
    struct vd_text name = {0};

    sight->group = group;
    vd_circle_meet(alerts->circle, group->name, sight->now);
    look_by_rules(alerts, sight, VD_SCOPE_GROUP, group->name);
    look_at_node(alerts, sight, &group->primary);
    for (size_t i = 0; vd_view_replica(core, sight->now, group->name, i, &replica); i++)
        look_at_node(alerts, sight, &replica);
    for (size_t i = 0; vd_view_peer(core, sight->now, group->name, i, &peer); i++) {
        name_of(sight, &peer.addr, &name);
        sight->peer = &peer;
        look_by_rules(alerts, sight, VD_SCOPE_PEER, vd_text_cstr(&name));
    }
    sight->peer = NULL;
    sight->group = NULL;
    vd_text_free(&name);
}

static struct vd_sight look_around(const struct vd_alerts *alerts)
{
    const struct vd_alert_sources *sources = &alerts->sources;

    return (struct vd_sight){.drive = sources->drive,
                             .lag = sources->lag,
                             .load = sources->load,
                             .links = sources->links,
                             .cost_month = alerts->cost_month,
                             .now = vd_clock_now()};
}

/* Rounds --------------------------------------------------------------------------- */

static void add_cost(void *self, const struct vd_cost_service *service)
{
    struct vd_alerts *alerts = self;

    alerts->cost_sum += service->cost.month;
}

static void begin_round(struct vd_alerts *alerts, struct vd_sight *sight)
{
    struct vd_view_core view;
    size_t steps;
    double step_s;

    vd_view_core(sight->drive->core, &view);
    steps = view.group_count / STEP_GROUPS + 1;
    step_s = ROUND_S / (double)steps;
    alerts->timer.repeat = step_s < STEP_LEAST_S ? STEP_LEAST_S : step_s;
    ev_timer_again(alerts->sources.loop, &alerts->timer);
    look_by_rules(alerts, sight, VD_SCOPE_SELF, alerts->self);
    alerts->cost = (struct vd_cost_walk){
        .prices = alerts->prices, .load = alerts->sources.load, .drive = alerts->sources.drive};
    alerts->cost_sum = 0;
}

static void end_round(struct vd_alerts *alerts, vd_ms now)
{
    if (vd_book_missed(alerts->book) > 0)
        vd_log_limited("alerts missed", VD_LOG_WARNING,
                       "alerts: there are %u, and %zu more are neither shown nor told", VD_BOOK_MAX,
                       vd_book_missed(alerts->book));
    if (vd_cost_config_is_on(alerts->prices))
        alerts->cost_month = alerts->cost_sum;
    alerts->next_group = 0;
    vd_book_end_round(alerts->book, now, on_gone, alerts);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_alerts *alerts = timer->data;
    struct vd_sight sight = look_around(alerts);
    struct vd_view_group group;
    bool over = false;

    (void)loop;
    (void)events;
    if (alerts->next_group == 0)
        begin_round(alerts, &sight);
    for (unsigned i = 0; i < STEP_GROUPS && !over; i++) {
        over = !vd_view_group_at(sight.drive->core, sight.now, alerts->next_group, &group);
        if (!over) {
            look_at_group(alerts, &sight, &group);
            alerts->next_group++;
        }
    }
    if (vd_cost_config_is_on(alerts->prices)) {
        alerts->cost.now = sight.now;
        (void)vd_cost_step(&alerts->cost, STEP_GROUPS, add_cost, alerts);
    }
    if (over)
        end_round(alerts, sight.now);
    if (sight.now - alerts->here_at >= VD_CIRCLE_HERE_MS) {
        alerts->here_at = sight.now;
        vd_circle_say_here(alerts->circle, sight.now);
        vd_alert_repeat(alerts, sight.now);
        vd_alert_keep(alerts, sight.now);
    }
    vd_alert_deliver(alerts, sight.now);
}

/* Words of others ------------------------------------------------------------------ */

const struct vd_alert_rule *vd_alert_find_rule(const struct vd_alert_config *rules,
                                               const char *name)
{
    for (size_t i = 0; i < rules->rule_count; i++)
        if (strcmp(rules->rules[i].name, name) == 0)
            return &rules->rules[i];
    return NULL;
}

void vd_alerts_hear(struct vd_alerts *alerts, const char *text, size_t len)
{
    char *word = vd_memdup(text, len);
    struct vd_text scratch = {0};
    vd_ms now = vd_clock_now();
    const struct vd_alert_rule *rule;
    struct vd_told told;
    unsigned channel;

    if (vd_circle_hear(alerts->circle, word, now, &scratch, &told)) {
        rule = vd_alert_find_rule(alerts->rules, told.rule);
        if (rule != NULL && vd_alert_find_channel(alerts->rules, told.channel, &channel))
            vd_book_heard(alerts->book, rule, told.group, told.target, channel, told.ended,
                          told.since_ms, now);
    }
    vd_text_free(&scratch);
    vd_free(word);
}

/* Life ----------------------------------------------------------------------------- */

/* At once, and not when something is to be told. */
static void warn_of_libcurl(const struct vd_alert_config *rules)
{
    for (size_t i = 0; i < rules->channel_count; i++) {
        const char *url = rules->channels[i].url;

        if (!vd_post_speaks(url))
            vd_log(VD_LOG_WARNING,
                   "alerts: %s cannot be told anything: this libcurl was built without %.*s",
                   rules->channels[i].name, (int)strcspn(url, ":"), url);
    }
}

struct vd_alerts *vd_alerts_start(const struct vd_alert_sources *sources,
                                  const struct vd_alert_config *rules,
                                  const struct vd_cost_config *prices, struct vd_err *err)
{
    struct vd_alerts *alerts = vd_alloc(sizeof(*alerts));
    struct vd_view_core view;

    alerts->sources = *sources;
    alerts->rules = rules;
    alerts->prices = prices;
    alerts->cost_month = NAN;
    alerts->post = vd_post_new(sources->loop, sources->resolver, vd_alert_delivered, alerts, err);
    if (alerts->post == NULL) {
        vd_free(alerts);
        return NULL;
    }
    warn_of_libcurl(rules);
    vd_view_core(sources->drive->core, &view);
    memcpy(alerts->self, view.self.hex, sizeof(alerts->self));
    alerts->book = vd_book_new();
    alerts->circle = vd_circle_new(sources->links, sources->drive, vd_clock_now());
    vd_book_doubt(alerts->book, vd_clock_now() + DOUBT_MS);
    vd_alert_remember(alerts, vd_clock_now());
    ev_timer_init(&alerts->timer, on_timer, ROUND_S, ROUND_S);
    alerts->timer.data = alerts;
    ev_timer_start(sources->loop, &alerts->timer);
    return alerts;
}

void vd_alerts_reconfigure(struct vd_alerts *alerts, const struct vd_alert_config *rules,
                           const struct vd_cost_config *prices)
{
    vd_alert_move_channels(alerts, rules);
    warn_of_libcurl(rules);
    alerts->rules = rules;
    alerts->prices = prices;
    alerts->cost_month = NAN;
    alerts->next_group = 0;
    memset(alerts->counts, 0, sizeof(alerts->counts));
}

void vd_alerts_stop(struct vd_alerts *alerts)
{
    if (alerts == NULL)
        return;
    ev_timer_stop(alerts->sources.loop, &alerts->timer);
    vd_alert_keep(alerts, vd_clock_now());
    vd_post_free(alerts->post);
    vd_alert_forget_deliveries(alerts);
    vd_circle_free(alerts->circle);
    vd_book_free(alerts->book);
    vd_free(alerts);
}

/* For pages ------------------------------------------------------------------------ */

const struct vd_book *vd_alerts_book(const struct vd_alerts *alerts)
{
    return alerts == NULL ? NULL : alerts->book;
}

const struct vd_alert_config *vd_alerts_rules(const struct vd_alerts *alerts)
{
    return alerts == NULL ? NULL : alerts->rules;
}

struct vd_alert_counts vd_alerts_counts(const struct vd_alerts *alerts, size_t channel)
{
    return alerts == NULL ? (struct vd_alert_counts){0, 0} : alerts->counts[channel];
}

bool vd_alerts_leads(const struct vd_alerts *alerts, const char *group)
{
    return alerts != NULL && vd_circle_leads(alerts->circle, group, vd_clock_now());
}
