/* SPDX-License-Identifier: BSD-3-Clause */
/* List: see list.h. */
#include "http/list.h"

#include <string.h>

#define LIMIT_DEFAULT 100

bool vd_http_list_begin(struct vd_http_list *list, const struct vd_http_request *request,
                        int64_t most, struct vd_http_reply *reply)
{
    *list = (struct vd_http_list){.limit = LIMIT_DEFAULT};
    if (!vd_http_query_count(request, "offset", INT32_MAX, &list->offset, reply) ||
        !vd_http_query_count(request, "limit", VD_HTTP_LIST_MAX, &list->limit, reply))
        return false;
    if (list->limit > most)
        list->limit = most;
    list->items = json_array();
    return true;
}

bool vd_http_list_wants(struct vd_http_list *list)
{
    int64_t place = list->seen++;

    return place >= list->offset && place - list->offset < list->limit;
}

bool vd_http_list_is_asked(const struct vd_http_request *request, const char *group)
{
    const char *name = vd_http_query(request, "group");

    return name == NULL || strcmp(name, group) == 0;
}

json_t *vd_http_list_value(struct vd_http_list *list, const char *name)
{
    return json_pack("{s:I, s:I, s:I, s:o}", "total", (json_int_t)list->seen, "offset",
                     (json_int_t)list->offset, "limit", (json_int_t)list->limit, name, list->items);
}
