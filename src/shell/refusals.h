/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Refusals: which servers do not let us do what, by their addresses, for the
 * life of the process. Only servers that refuse something are kept.
 */
#ifndef VD_SHELL_REFUSALS_H
#define VD_SHELL_REFUSALS_H

#include "proto/outgoing.h"

struct vd_refusal;

struct vd_refusals {
    struct vd_refusal *by_place;
};

/* A zeroed struct vd_refusals is empty and ready. */

struct vd_grants vd_refusals_find(const struct vd_refusals *refusals, const char *ip,
                                  uint16_t port);

/* Remember; what is new is logged. */
void vd_refusals_keep(struct vd_refusals *refusals, const char *ip, uint16_t port,
                      const struct vd_grants *grants);

void vd_refusals_free(struct vd_refusals *refusals);

#endif
