/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * API: what this vedette knows, as JSON, version 1. Lists come by pages of
 * ?limit= from ?offset= on; `total` says how many there are.
 *
 *   /api/v1/groups      ?name= for one; with replicas and peers
 *   /api/v1/nodes       ?group=
 *   /api/v1/peers       ?group=
 *   /api/v1/failovers   ?group=; newest first; of all that are kept
 *   /api/v1/events      ?group=, ?after=ID; oldest first
 *   /api/v1/self        this vedette
 *   /api/v1/alerts      ?group=; pending, firing, and resolved of late
 *   /api/v1/cost        what each service costs, by use and prices
 */
#ifndef VD_HTTP_API_H
#define VD_HTTP_API_H

#include "http/exchange.h"

vd_http_page vd_http_groups;
vd_http_page vd_http_nodes;
vd_http_page vd_http_peers;
vd_http_page vd_http_failovers;
vd_http_page vd_http_events;
vd_http_page vd_http_self;
vd_http_page vd_http_alerts;
vd_http_page vd_http_cost;

#endif
