/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Alert: the rules of vedette.cfg are looked at a few groups at a time, every
 * group once a second or, where there are hundreds, once in some seconds; what
 * fires and what ends is told to the channels, by one vedette for all
 * (circle.h), and tried again when that fails. Reads what the daemon shows; the
 * core learns nothing of it, and no receiver, however slow, holds the loop up.
 *
 * What is about a group is told by a vedette that sees a majority of its
 * sentinels; only what says that the majority is lost may be told without one.
 * What is about a vedette itself, it tells itself.
 */
#ifndef VD_ALERT_ALERT_H
#define VD_ALERT_ALERT_H

#include <ev.h>

#include "alert/book.h"
#include "core/drive.h"
#include "shell/lag.h"
#include "shell/links.h"
#include "shell/load.h"
#include "shell/resolver.h"
#include "shell/store.h"
#include "shell/watch.h"

struct vd_alerts;

/* All borrowed; they must outlive it. `lag`, `load` and `store` may be NULL. */
struct vd_alert_sources {
    struct ev_loop *loop;
    const struct vd_drive *drive;
    struct vd_watch *watch;
    struct vd_links *links;
    struct vd_resolver *resolver;
    const struct vd_lag *lag;
    const struct vd_load *load;
    struct vd_store *store; /* what was told survives in it */
};

/* `rules` and `prices` are borrowed until vd_alerts_reconfigure or the end. NULL with the reason.
 */
struct vd_alerts *vd_alerts_start(const struct vd_alert_sources *sources,
                                  const struct vd_alert_config *rules,
                                  const struct vd_cost_config *prices, struct vd_err *err);

/* The configuration was read anew. Alerts of rules that are gone end; what was told stays told,
 * by the names of channels. */
void vd_alerts_reconfigure(struct vd_alerts *alerts, const struct vd_alert_config *rules,
                           const struct vd_cost_config *prices);

/* NULL is fine. */
void vd_alerts_stop(struct vd_alerts *alerts);

/* A word of another vedette, see vd_links_tell. */
void vd_alerts_hear(struct vd_alerts *alerts, const char *text, size_t len);

/* For pages; NULL for the alerts is fine: there are none. */
const struct vd_book *vd_alerts_book(const struct vd_alerts *alerts);
const struct vd_alert_config *vd_alerts_rules(const struct vd_alerts *alerts);

struct vd_alert_counts {
    uint64_t delivered;
    uint64_t failed; /* attempts */
};

struct vd_alert_counts vd_alerts_counts(const struct vd_alerts *alerts, size_t channel);

/* Would this vedette tell what is about the group? */
bool vd_alerts_leads(const struct vd_alerts *alerts, const char *group);

#endif
