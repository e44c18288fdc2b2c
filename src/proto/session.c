/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions, see session.h. */
#include "proto/session.h"

#include <string.h>

#include "base/mem.h"

void vd_session_init(struct vd_session *session, vd_client id, const struct vd_acl *acl)
{
    struct vd_acl_user *user = vd_acl_default(acl);

    *session = (struct vd_session){
        .id = id,
        .version = 2,
        .user = vd_acl_hold(user),
        .authenticated = vd_acl_is_open(user) && vd_acl_is_on(user),
    };
}

void vd_session_free(struct vd_session *session)
{
    vd_acl_drop(session->user);
    vd_session_stop_tracking(session);
    vd_free(session->name);
    vd_free(session->lib_name);
    vd_free(session->lib_ver);
    *session = (struct vd_session){0};
}

void vd_session_become(struct vd_session *session, struct vd_acl_user *user)
{
    struct vd_acl_user *before = session->user;

    session->user = vd_acl_hold(user);
    vd_acl_drop(before);
    session->authenticated = true;
}

void vd_session_stop_tracking(struct vd_session *session)
{
    struct vd_tracking *tracking = &session->tracking;

    for (size_t i = 0; i < tracking->prefix_count; i++)
        vd_free(tracking->prefixes[i]);
    vd_free(tracking->prefixes);
    *tracking = (struct vd_tracking){0};
}

void vd_session_asker(const struct vd_session *session, char out[9])
{
    static const char before[] = "sentinel-";
    static const char behind[] = "-cmd";
    const char *name = session->name;

    out[0] = '\0';
    if (name == NULL || strlen(name) != sizeof(before) - 1 + 8 + sizeof(behind) - 1 ||
        memcmp(name, before, sizeof(before) - 1) != 0)
        return;
    name += sizeof(before) - 1;
    if (strspn(name, "0123456789abcdef") < 8 || strcmp(name + 8, behind) != 0)
        return;
    memcpy(out, name, 8);
    out[8] = '\0';
}
