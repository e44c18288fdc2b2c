/* SPDX-License-Identifier: BSD-3-Clause */
/* Lookup: what servers and groups are called, in answers and in questions. */
#ifndef VD_HTTP_LOOKUP_H
#define VD_HTTP_LOOKUP_H

#include "core/view.h"
#include "http/exchange.h"

/* "host:port" in announced form. */
void vd_http_name(const struct vd_http_world *world, const struct vd_addr *addr,
                  struct vd_text *to);

/* Is `text` ("host:port", by name or by address) how the server is called? */
bool vd_http_is_called(const struct vd_addr *addr, const char *text);

/* The group of the query, or the only one. False with the reply made (400, 404). */
bool vd_http_group(const struct vd_http_world *world, const struct vd_http_request *request,
                   struct vd_view_group *out, struct vd_http_reply *reply) VD_MUSTCHECK;

#endif
