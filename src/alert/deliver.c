/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deliver: each alert owes each of its channels a word when it fires and when
 * it has ended. Who leads the circle pays; what fails is tried again, later
 * each time; after some attempts others are asked to try (we stand back for a
 * while). An answer that says that the request itself is wrong is not worth a
 * quick second try. Each channel has requests of its own, so that one that is
 * slow holds up no other.
 */
#include <string.h>
#include <utlist.h>

#include "alert/alert_room.h"
#include "alert/message.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/survey.h"

#define RUNNING_MAX 4    /* requests of a channel at the same time */
#define ATTEMPTS 8       /* then it is others' turn */
#define BACK_OFF_MS 1000 /* doubled each time */
#define BACK_OFF_MAX_MS 60000
#define STAND_BACK_MS 300000
#define REPEAT_MAX 200 /* words at a time */

struct vd_delivery {
    uint64_t id;
    char *key;
    unsigned channel;
    bool of_end;
    struct vd_delivery *prev;
    struct vd_delivery *next;
};

static void free_delivery(struct vd_alerts *alerts, struct vd_delivery *delivery)
{
    DL_DELETE(alerts->deliveries, delivery);
    alerts->running[delivery->channel]--;
    vd_free(delivery->key);
    vd_free(delivery);
}

void vd_alert_forget_deliveries(struct vd_alerts *alerts)
{
    while (alerts->deliveries != NULL)
        free_delivery(alerts, alerts->deliveries);
}

/* Channels ------------------------------------------------------------------------- */

bool vd_alert_find_channel(const struct vd_alert_config *rules, const char *name, unsigned *place)
{
    for (unsigned i = 0; i < rules->channel_count; i++) {
        if (strcmp(rules->channels[i].name, name) != 0)
            continue;
        *place = i;
        return true;
    }
    return false;
}

static unsigned move_told(const struct vd_alert_config *before, const struct vd_alert_config *after,
                          unsigned told)
{
    unsigned moved = 0;
    unsigned place;

    for (unsigned i = 0; i < before->channel_count; i++)
        if ((told & (1U << i)) != 0 &&
            vd_alert_find_channel(after, before->channels[i].name, &place))
            moved |= 1U << place;
    return moved;
}

void vd_alert_move_channels(struct vd_alerts *alerts, const struct vd_alert_config *after)
{
    const struct vd_alert_config *before = alerts->rules;
    struct vd_alert *alert = NULL;
    struct vd_delivery *delivery;
    struct vd_delivery *next;

    while ((alert = vd_book_next(alerts->book, alert)) != NULL) {
        alert->unkept = alert->unkept || alert->told != 0; /* by the names that are left */
        alert->told = move_told(before, after, alert->told);
        memset(alert->tellings, 0, sizeof(alert->tellings));
    }
    DL_FOREACH_SAFE (alerts->deliveries, delivery, next) {
        unsigned was = delivery->channel;

        alert = vd_book_find(alerts->book, delivery->key);
        if (alert == NULL ||
            !vd_alert_find_channel(after, before->channels[was].name, &delivery->channel)) {
            free_delivery(alerts, delivery);
            continue;
        }
        alerts->running[was]--;
        alerts->running[delivery->channel]++;
        alert->tellings[delivery->channel].in_flight = true;
    }
}

/* May ----------------------------------------------------------------------------- */

/* Nobody else knows of it. */
static bool is_own(const struct vd_alerts *alerts, const struct vd_alert *alert)
{
    return alert->group[0] == '\0' && strcmp(alert->target, alerts->self) == 0;
}

static bool may_tell(const struct vd_alerts *alerts, const struct vd_alert *alert, vd_ms now)
{
    const struct vd_core *core = alerts->sources.drive->core;
    struct vd_view_group group;
    bool found;

    if (is_own(alerts, alert))
        return vd_circle_has_begun(alerts->circle, now);
    /* What is about all groups is agreed on as if it were about the first. */
    found = alert->group[0] == '\0' ? vd_view_group_at(core, now, 0, &group)
                                    : vd_view_group(core, now, alert->group, &group);
    /* A group that is gone has nobody to agree with. */
    if (!found)
        return vd_circle_has_begun(alerts->circle, now) && alert->heard_at == VD_NEVER;
    if (group.usable < vd_survey_majority(&group) &&
        !vd_signal_row(alert->rule.signal)->about_majority)
        return false;
    return vd_circle_leads(alerts->circle, group.name, now);
}

/* Sending -------------------------------------------------------------------------- */

static void send_word(struct vd_alerts *alerts, struct vd_alert *alert, unsigned place, bool of_end)
{
    const struct vd_alert_channel *channel = &alerts->rules->channels[place];
    struct vd_message_facts facts = {alerts->self, of_end, vd_clock_wall_ms()};
    struct vd_delivery *delivery = vd_alloc(sizeof(*delivery));
    struct vd_text body = {0};

    vd_message_body(channel, alert, &facts, &body);
    delivery->key = vd_strdup(alert->key);
    delivery->channel = place;
    delivery->of_end = of_end;
    delivery->id =
        vd_post_send(alerts->post, &(struct vd_post_request){.url = channel->url,
                                                             .token = channel->token,
                                                             .body = vd_text_cstr(&body),
                                                             .len = body.len,
                                                             .ca_file = channel->ca_file,
                                                             .timeout_ms = channel->timeout_ms});
    DL_APPEND(alerts->deliveries, delivery);
    alerts->running[place]++;
    alert->tellings[place].in_flight = true;
    vd_text_free(&body);
}

void vd_alert_deliver(struct vd_alerts *alerts, vd_ms now)
{
    struct vd_alert *alert = NULL;

    while ((alert = vd_book_next(alerts->book, alert)) != NULL) {
        int may = -1; /* not asked yet */

        for (unsigned i = 0; i < alerts->rules->channel_count && may != 0; i++) {
            bool of_end;

            if (alerts->running[i] >= RUNNING_MAX || alert->tellings[i].in_flight ||
                alert->tellings[i].next_at > now || !vd_alert_owes(alert, i, &of_end))
                continue;
            if (may < 0)
                may = may_tell(alerts, alert, now);
            if (may > 0)
                send_word(alerts, alert, i, of_end);
        }
    }
}

/* Ends ----------------------------------------------------------------------------- */

static void say_told(struct vd_alerts *alerts, const struct vd_alert *alert, unsigned channel,
                     bool ended)
{
    const struct vd_told told = {.channel = alerts->rules->channels[channel].name,
                                 .rule = alert->rule.name,
                                 .group = alert->group,
                                 .target = alert->target,
                                 .ended = ended,
                                 .since_ms = alert->since_ms};

    if (!is_own(alerts, alert))
        vd_circle_say_told(alerts->circle, &told);
}

static void note_success(struct vd_alerts *alerts, struct vd_alert *alert,
                         const struct vd_delivery *delivery)
{
    const char *name = alerts->rules->channels[delivery->channel].name;

    alerts->counts[delivery->channel].delivered++;
    vd_alert_note_told(alert, delivery->channel, delivery->of_end);
    alert->heard_at = VD_NEVER;
    say_told(alerts, alert, delivery->channel, delivery->of_end);
    vd_log(VD_LOG_NOTICE, "alert %s %s: told to %s", alert->key,
           delivery->of_end ? "resolved" : "firing", name);
}

/* Wrong in itself: a key that is not known, a page that is not there. */
static bool is_refusal(long status)
{
    return status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
}

static vd_ms back_off_ms(unsigned attempts)
{
    vd_ms wait_ms = BACK_OFF_MS;

    for (unsigned i = 1; i < attempts && wait_ms < BACK_OFF_MAX_MS; i++)
        wait_ms *= 2;
    return wait_ms < BACK_OFF_MAX_MS ? wait_ms : BACK_OFF_MAX_MS;
}

static void note_failure(struct vd_alerts *alerts, struct vd_alert *alert,
                         const struct vd_delivery *delivery, long status, const char *why)
{
    struct vd_alert_telling *telling = &alert->tellings[delivery->channel];
    const char *name = alerts->rules->channels[delivery->channel].name;
    vd_ms now = vd_clock_now();
    vd_ms wait_ms;
    struct vd_text reason = {0};

    alerts->counts[delivery->channel].failed++;
    telling->attempts++;
    wait_ms = back_off_ms(telling->attempts);
    if (status > 0)
        vd_text_printf(&reason, "it answers %ld", status);
    else
        vd_text_puts(&reason, why);
    if (telling->attempts >= ATTEMPTS || is_refusal(status)) {
        telling->attempts = 0;
        wait_ms = STAND_BACK_MS;
        vd_circle_stand_back(alerts->circle, now + STAND_BACK_MS);
        vd_circle_say_here(alerts->circle, now);
        vd_log(VD_LOG_WARNING,
               "alert %s cannot be told to %s: %s; others are to try, and we do in %d s",
               alert->key, name, vd_text_cstr(&reason), STAND_BACK_MS / 1000);
    } else {
        vd_log_limited(name, VD_LOG_WARNING, "alert %s was not taken by %s: %s; again in %lld s",
                       alert->key, name, vd_text_cstr(&reason), (long long)wait_ms / 1000);
    }
    telling->next_at = now + wait_ms;
    vd_text_free(&reason);
}

void vd_alert_delivered(void *self, uint64_t id, long status, const char *why)
{
    struct vd_alerts *alerts = self;
    struct vd_delivery *delivery;
    struct vd_alert *alert;

    DL_FOREACH (alerts->deliveries, delivery) {
        if (delivery->id == id)
            break;
    }
    if (delivery == NULL)
        return;
    alert = vd_book_find(alerts->book, delivery->key);
    if (alert != NULL) {
        alert->tellings[delivery->channel].in_flight = false;
        if (status >= 200 && status < 300)
            note_success(alerts, alert, delivery);
        else
            note_failure(alerts, alert, delivery, status, why);
    }
    free_delivery(alerts, delivery);
    vd_alert_deliver(alerts, vd_clock_now());
}

void vd_alert_repeat(struct vd_alerts *alerts, vd_ms now)
{
    struct vd_alert *alert = NULL;
    unsigned said = 0;

    while (said < REPEAT_MAX && (alert = vd_book_next(alerts->book, alert)) != NULL) {
        /* Who told it is gone, or was all of us who have been started anew. */
        if (vd_alert_is_orphan(alert, now) && may_tell(alerts, alert, now))
            alert->heard_at = VD_NEVER;
        if (alert->heard_at != VD_NEVER)
            continue;
        for (unsigned i = 0; i < alerts->rules->channel_count; i++) {
            if ((alert->told & (1U << i)) == 0)
                continue;
            say_told(alerts, alert, i, false);
            said++;
        }
    }
}
