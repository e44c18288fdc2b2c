/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Render: what the core shows becomes replies, with the fields, words and
 * order that clients know (PROTOCOL 6 and 7). Reads views, changes nothing.
 * INFO is render_info.h.
 */
#ifndef VD_PROTO_RENDER_H
#define VD_PROTO_RENDER_H

#include "core/view.h"
#include "proto/resp.h"
#include "proto/words.h"

/* An address as two bulk strings, as GET-MASTER-ADDR-BY-NAME has it; null array without such a
 * group. */
void vd_render_address(const struct vd_core *core, const struct vd_word *name,
                       struct vd_resp *resp);

/* Instance maps. The group must exist. */
void vd_render_group(const struct vd_core *core, const struct vd_view_group *group,
                     struct vd_resp *resp);
void vd_render_groups(const struct vd_core *core, vd_ms now, struct vd_resp *resp);
void vd_render_replicas(const struct vd_core *core, vd_ms now, const char *group,
                        struct vd_resp *resp);
void vd_render_peers(const struct vd_core *core, vd_ms now, const char *group,
                     struct vd_resp *resp);

/* CKQUORUM: the status, or the error NOQUORUM. */
void vd_render_quorum(const struct vd_view_group *group, struct vd_resp *resp);

/* INFO-CACHE of the named groups that exist. */
void vd_render_info_cache(const struct vd_core *core, vd_ms now, const struct vd_word *names,
                          size_t count, struct vd_resp *resp);

/* PENDING-SCRIPTS; `pid_of` knows the process of a job that runs. */
void vd_render_scripts(const struct vd_core *core, vd_ms now, long (*pid_of)(void *self, vd_job),
                       void *self, struct vd_resp *resp);

/* ROLE. */
void vd_render_role(const struct vd_core *core, vd_ms now, struct vd_resp *resp);

/* SENTINEL CONFIG GET, and SENTINEL DEBUG without arguments. `log_level`: enum vd_log_level. */
void vd_render_config(const struct vd_globals *globals, int log_level,
                      const struct vd_word *patterns, size_t count, struct vd_resp *resp);
void vd_render_debug(const struct vd_globals *globals, struct vd_resp *resp);

#endif
