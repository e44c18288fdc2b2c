/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keep: what was told, in the store, so that vedettes that are all started anew
 * do not tell it again, and tell its end. Every vedette keeps all that it knows,
 * whoever told it. Written a few at a time, and without waiting for the disk.
 */
#include <string.h>

#include "alert/alert_room.h"
#include "base/arena.h"
#include "shell/clock.h"
#include "shell/log.h"

#define KEEP_MAX 200   /* rows at a time */
#define AGAIN_MS 10000 /* after a time that failed */

/* Remembering -------------------------------------------------------------------------- */

struct remembering {
    struct vd_alerts *alerts;
    vd_ms now;
    size_t count;
    struct vd_arena arena;       /* texts of these: */
    struct vd_store_alert *gone; /* their rule or all their channels are configured no longer */
    size_t gone_count;
};

/* The channels of that list that there still are, as bits. */
static unsigned channels_of(const struct vd_alert_config *rules, const char *list)
{
    char *copy = vd_strdup(list);
    char *rest = NULL;
    unsigned channels = 0;
    unsigned place;

    for (char *name = strtok_r(copy, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest))
        if (vd_alert_find_channel(rules, name, &place))
            channels |= 1U << place;
    vd_free(copy);
    return channels;
}

static void note_gone(struct remembering *all, const struct vd_store_alert *row)
{
    all->gone = vd_realloc(all->gone, (all->gone_count + 1) * sizeof(all->gone[0]));
    all->gone[all->gone_count++] =
        (struct vd_store_alert){.rule = vd_arena_strdup(&all->arena, row->rule),
                                .group = vd_arena_strdup(&all->arena, row->group),
                                .target = vd_arena_strdup(&all->arena, row->target),
                                .channels = ""};
}

static void remember_one(void *self, const struct vd_store_alert *row)
{
    struct remembering *all = self;
    const struct vd_alert_config *rules = all->alerts->rules;
    const struct vd_alert_rule *rule = vd_alert_find_rule(rules, row->rule);
    unsigned channels = channels_of(rules, row->channels);

    if (rule == NULL || channels == 0) {
        note_gone(all, row);
        return;
    }
    /* As if another had told it: who leads takes it over when nobody else speaks of it. */
    for (unsigned i = 0; i < rules->channel_count; i++)
        if ((channels & (1U << i)) != 0)
            vd_book_heard(all->alerts->book, rule, row->group, row->target, i, false, row->since_ms,
                          all->now);
    all->count++;
}

void vd_alert_remember(struct vd_alerts *alerts, vd_ms now)
{
    struct remembering all = {.alerts = alerts, .now = now};
    struct vd_err err;

    alerts->keep_at = now;
    if (alerts->sources.store == NULL)
        return;
    if (!vd_store_alerts(alerts->sources.store, remember_one, &all, &err) ||
        (all.gone_count > 0 &&
         !vd_store_put_alerts(alerts->sources.store, all.gone, all.gone_count, &err)))
        vd_log(VD_LOG_WARNING, "which alerts were told before the start is not known: %s",
               err.text);
    if (all.count > 0)
        vd_log(VD_LOG_NOTICE, "%zu alert%s told before the start", all.count,
               all.count == 1 ? " was" : "s were");
    vd_free(all.gone);
    vd_arena_free(&all.arena);
}

/* Keeping ------------------------------------------------------------------------------ */

static const char *names_of(const struct vd_alerts *alerts, unsigned told, struct vd_arena *arena)
{
    const char *names = "";

    for (size_t i = 0; i < alerts->rules->channel_count; i++)
        if ((told & (1U << i)) != 0)
            names = vd_arena_printf(arena, "%s%s%s", names, names[0] == '\0' ? "" : ",",
                                    alerts->rules->channels[i].name);
    return names;
}

void vd_alert_keep(struct vd_alerts *alerts, vd_ms now)
{
    struct vd_store_alert rows[KEEP_MAX];
    struct vd_alert *kept[KEEP_MAX];
    struct vd_arena arena = {0};
    struct vd_alert *alert = NULL;
    struct vd_err err = {""};
    size_t count = 0;
    bool good = true;

    if (now < alerts->keep_at)
        return;
    while (count < KEEP_MAX && (alert = vd_book_next(alerts->book, alert)) != NULL) {
        if (!alert->unkept)
            continue;
        kept[count] = alert;
        rows[count++] = (struct vd_store_alert){.rule = alert->rule.name,
                                                .group = alert->group,
                                                .target = alert->target,
                                                .channels = names_of(alerts, alert->told, &arena),
                                                .since_ms = alert->since_ms};
    }
    if (count > 0 && alerts->sources.store != NULL)
        good = vd_store_put_alerts(alerts->sources.store, rows, count, &err);
    for (size_t i = 0; good && i < count; i++)
        kept[i]->unkept = false;
    if (!good) {
        alerts->keep_at = now + AGAIN_MS;
        vd_log_limited("alerts kept", VD_LOG_WARNING,
                       "which alerts were told cannot be kept, and after a restart they may be "
                       "told again: %s",
                       err.text);
    }
    vd_arena_free(&arena);
}
