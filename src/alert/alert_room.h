/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The alerts' inside, shared by alert.c (time and rules) and deliver.c (who
 * tells whom, and again); nobody else includes this.
 */
#ifndef VD_ALERT_ALERT_ROOM_H
#define VD_ALERT_ALERT_ROOM_H

#include "alert/alert.h"
#include "alert/circle.h"
#include "alert/post.h"
#include "shell/cost.h"

struct vd_delivery;

struct vd_alerts {
    struct vd_alert_sources sources;
    const struct vd_alert_config *rules;
    const struct vd_cost_config *prices;
    struct vd_book *book;
    struct vd_circle *circle;
    struct vd_post *post;
    struct vd_delivery *deliveries; /* under way */
    unsigned running[VD_ALERT_CHANNELS];
    struct vd_alert_counts counts[VD_ALERT_CHANNELS];
    ev_timer timer;
    size_t next_group;
    struct vd_cost_walk cost; /* step by step with the groups */
    double cost_sum;
    double cost_month; /* of the last round; NaN */
    vd_ms here_at;     /* said last */
    vd_ms keep_at;     /* the store is written no sooner */
    char self[VD_ID_LEN + 1];
};

/* Tell what is owed and may be told now. */
void vd_alert_deliver(struct vd_alerts *alerts, vd_ms now);

/* The end of a request; for vd_post_new. */
void vd_alert_delivered(void *self, uint64_t id, long status, const char *why);

/* Repeat to the others what we have told, or have taken over. */
void vd_alert_repeat(struct vd_alerts *alerts, vd_ms now);

/* keep.c: what was told before the start, by the store; and what is to be known after the next. */
void vd_alert_remember(struct vd_alerts *alerts, vd_ms now);
void vd_alert_keep(struct vd_alerts *alerts, vd_ms now);

/* Nothing that is under way counts any more. */
void vd_alert_forget_deliveries(struct vd_alerts *alerts);

/* Channels have other places in `after`: what is under way, and what was told, goes with their
 * names. */
void vd_alert_move_channels(struct vd_alerts *alerts, const struct vd_alert_config *after);

/* NULL: there is no rule of that name. */
const struct vd_alert_rule *vd_alert_find_rule(const struct vd_alert_config *rules,
                                               const char *name);

/* False: there is no channel of that name. */
bool vd_alert_find_channel(const struct vd_alert_config *rules, const char *name,
                           unsigned *place) VD_MUSTCHECK;

#endif
