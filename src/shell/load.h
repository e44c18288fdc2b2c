/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Load: what data servers do a second, and what they have used since we look,
 * from the differences between their INFOs. Nothing is asked for it: it reads
 * the INFOs that are there anyway, a few groups at a time.
 */
#ifndef VD_SHELL_LOAD_H
#define VD_SHELL_LOAD_H

#include <ev.h>

#include "core/drive.h"
#include "core/view.h"

struct vd_load;

/* Over the last minute or so; -1 where it is not known. */
struct vd_load_rates {
    double cpu; /* seconds a second */
    double net_in;
    double net_out; /* bytes a second; so the one before */
    double evictions;
    double rejections;
    double hits; /* look-ups a second */
    double misses;
};

/* Used while we looked; when that is longer than a day, older use counts less and less. */
struct vd_load_use {
    double observed_s; /* 0: nothing is known yet */
    double memory_byte_s;
    double cpu_s;
    double egress_bytes;
};

/* Begins to look. Borrowed; must outlive it. */
struct vd_load *vd_load_new(struct ev_loop *loop, const struct vd_drive *drive);
/* NULL is fine. */
void vd_load_free(struct vd_load *load);

/* False: nothing is known yet; all is -1 then. NULL for the load is fine: unknown. */
bool vd_load_rates(const struct vd_load *load, const char *group, const struct vd_addr *node,
                   struct vd_load_rates *out);
bool vd_load_use(const struct vd_load *load, const char *group, const struct vd_addr *node,
                 struct vd_load_use *out);

/* Of this process. */
void vd_load_own_use(const struct vd_load *load, struct vd_load_use *out);

/* hits / (hits + misses); -1 where nothing is looked up, or not known. */
double vd_load_hit_ratio(const struct vd_load_rates *rates);

/* Look at an INFO that a server gave at `info_at`, as the timer does; for tests. */
void vd_load_take(struct vd_load *load, const char *group, const struct vd_addr *node,
                  const char *info, vd_ms info_at);

/* Resident memory of this process in bytes; -1 where the system does not tell. */
int64_t vd_load_resident(void);

#endif
