/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON: views and what the watch remembers, as jansson's values. Texts that
 * come from the network may be no UTF-8; they are made so first, and never
 * fail. Absent things are null: what is not known is not 0.
 */
#ifndef VD_HTTP_JSON_H
#define VD_HTTP_JSON_H

#include <jansson.h>

#include "core/view.h"
#include "http/exchange.h"

/* The value as body of the reply; it is freed. */
void vd_http_say(struct vd_http_reply *reply, unsigned status, json_t *value);

/* A text of unknown origin: bytes that are no UTF-8 become U+FFFD. NULL is null. */
json_t *vd_json_text(const char *text);

/* A server; `primary` NULL: it is the primary itself. */
json_t *vd_json_node(const struct vd_http_world *world, const char *group,
                     const struct vd_view_node *node, const struct vd_view_node *primary);
json_t *vd_json_peer(const struct vd_http_world *world, const struct vd_view_peer *peer);
/* A group without its members. */
json_t *vd_json_group(const struct vd_http_world *world, const struct vd_view_group *group);
json_t *vd_json_event(const struct vd_watch_event *event);
json_t *vd_json_failover(const struct vd_http_world *world,
                         const struct vd_history_entry *failover);

#endif
