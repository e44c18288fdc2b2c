/* SPDX-License-Identifier: BSD-3-Clause */
/* List: a page of a list in JSON: ?offset= and ?limit=, and how many there are in all. */
#ifndef VD_HTTP_LIST_H
#define VD_HTTP_LIST_H

#include <jansson.h>

#include "http/exchange.h"

#define VD_HTTP_LIST_MAX 1000

struct vd_http_list {
    json_t *items;
    int64_t offset;
    int64_t limit;
    int64_t seen; /* that there would be without offset and limit */
};

/*
 * False with the reply made: the query is bad. `most`: a page has no more, so
 * that making it does not hold the loop up; who wants more asks again.
 */
bool vd_http_list_begin(struct vd_http_list *list, const struct vd_http_request *request,
                        int64_t most, struct vd_http_reply *reply) VD_MUSTCHECK;

/* Counts one; is it on this page? */
bool vd_http_list_wants(struct vd_http_list *list);

/* Is it the group that was asked for, if one was? */
bool vd_http_list_is_asked(const struct vd_http_request *request, const char *group);

/* {"total": ..., "offset": ..., "limit": ..., NAME: [...]}; the items are taken over. */
json_t *vd_http_list_value(struct vd_http_list *list, const char *name);

#endif
