/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Health: the pages that balancers and platforms ask, of which only the status
 * matters to them; the body says why, for people.
 *
 *   /healthz   200 while the loop turns
 *   /readyz    200 if this vedette could take its part in a failover of every
 *              group: its state can be saved, it does not abstain, and it sees
 *              a majority; else 503
 *   /primary   200 if a primary is known, up, and this vedette sees a majority;
 *              with ?node=HOST:PORT only if that server is it; else 503
 *   /replica   200 if there is a replica that serves; with ?node= only if that
 *              server is one; with ?max_lag_ms= only if it is not further
 *              behind; else 503
 *   With several groups, ?group=NAME says which.
 */
#ifndef VD_HTTP_HEALTH_H
#define VD_HTTP_HEALTH_H

#include "http/exchange.h"

vd_http_page vd_http_healthz;
vd_http_page vd_http_readyz;
vd_http_page vd_http_primary;
vd_http_page vd_http_replica;

#endif
