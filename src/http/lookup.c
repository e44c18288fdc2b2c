/* SPDX-License-Identifier: BSD-3-Clause */
/* Lookup: see lookup.h. */
#include "http/lookup.h"

#include <string.h>
#include <strings.h>

#include "proto/addr.h"

void vd_http_name(const struct vd_http_world *world, const struct vd_addr *addr, struct vd_text *to)
{
    vd_addr_print(vd_view_shown(world->drive->core, addr), addr->port, to);
}

bool vd_http_is_called(const struct vd_addr *addr, const char *text)
{
    struct vd_addr called;
    struct vd_err err;

    if (!vd_addr_parse(&called, text, strlen(text), &err) || called.port != addr->port)
        return false;
    return strcasecmp(called.host, addr->host) == 0 ||
           (addr->ip[0] != '\0' && strcmp(called.ip, addr->ip) == 0);
}

bool vd_http_group(const struct vd_http_world *world, const struct vd_http_request *request,
                   struct vd_view_group *out, struct vd_http_reply *reply)
{
    const char *name = vd_http_query(request, "group");
    const struct vd_core *core = world->drive->core;
    struct vd_view_core all;

    if (name != NULL) {
        if (vd_view_group(core, world->now, name, out))
            return true;
        vd_http_refuse(reply, 404, "there is no group '%.255s'", name);
        return false;
    }
    vd_view_core(core, &all);
    if (all.group_count == 1)
        return vd_view_group_at(core, world->now, 0, out);
    vd_http_refuse(reply, 400, "%zu groups are watched: say which by ?group=NAME", all.group_count);
    return false;
}
