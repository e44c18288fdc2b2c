/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices: the words of Sentinel's events (redis.io "Sentinel", PubSub messages); see notice.h. */
#include "core/notice.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/emit.h"
#include "core/script.h"

static const struct {
    const char *channel;
    enum vd_notice_level level;
    bool promise;
    bool script;
} notices[] = {
#define VD_NOTICE_ROW(id, channel, level, promise, script)                                         \
    {channel, VD_NOTICE_##level, promise, script},
    VD_NOTICES(VD_NOTICE_ROW)
#undef VD_NOTICE_ROW
};

__attribute__((format(printf, 2, 0))) static const char *
format_extra(struct vd_core *core, const char *format, va_list args)
{
    char text[1024];

    /* Extras are short by construction: names, addresses, numbers; options are bounded by proto. */
    (void)vsnprintf(text, sizeof(text), format, args);
    return vd_arena_strdup(&core->out->arena, text);
}

static void tell(struct vd_core *core, enum vd_notice notice, struct vd_group *group,
                 const char *payload)
{
    struct vd_effect *effect = vd_emit(core, VD_EF_NOTICE, notices[notice].promise);

    effect->notice.level = notices[notice].level;
    effect->notice.event = notices[notice].channel;
    effect->notice.payload = payload;
    if (group != NULL && notices[notice].script && group->options.notification_script != NULL) {
        const char *argv[] = {group->options.notification_script, notices[notice].channel, payload,
                              NULL};

        vd_script_queue(core, argv);
    }
}

static const char *join(struct vd_core *core, const char *about, const char *extra)
{
    return vd_arena_printf(&core->out->arena, "%s%s%s", about, extra[0] != '\0' ? " " : "", extra);
}

const char *vd_notice_name(struct vd_core *core, const struct vd_addr *addr)
{
    const char *shown = vd_addr_shown(core, addr);
    bool v6 = strchr(shown, ':') != NULL;

    return vd_arena_printf(&core->out->arena, v6 ? "[%s]:%u" : "%s:%u", shown,
                           (unsigned)addr->port);
}

static const char *about_group(struct vd_core *core, const struct vd_group *group)
{
    const struct vd_addr *addr = &group->primary->addr;

    return vd_arena_printf(&core->out->arena, "master %s %s %u", group->name,
                           vd_addr_shown(core, addr), (unsigned)addr->port);
}

static const char *about_member(struct vd_core *core, const char *type, const char *name,
                                const struct vd_addr *addr, const struct vd_group *group)
{
    const struct vd_addr *primary = &group->primary->addr;

    return vd_arena_printf(&core->out->arena, "%s %s %s %u @ %s %s %u", type, name,
                           vd_addr_shown(core, addr), (unsigned)addr->port, group->name,
                           vd_addr_shown(core, primary), (unsigned)primary->port);
}

void vd_notice_plain(struct vd_core *core, enum vd_notice notice, const char *format, ...)
{
    const char *extra;
    va_list args;

    va_start(args, format);
    extra = format_extra(core, format, args);
    va_end(args);
    tell(core, notice, NULL, extra);
}

void vd_notice_script(struct vd_core *core, enum vd_notice notice, vd_job job, const char *path)
{
    tell(core, notice, NULL, vd_arena_strdup(&core->out->arena, path));
    core->out->list[core->out->count - 1].notice.job = job;
}

void vd_notice_group(struct vd_core *core, enum vd_notice notice, struct vd_group *group,
                     const char *format, ...)
{
    const char *extra;
    va_list args;

    va_start(args, format);
    extra = format_extra(core, format, args);
    va_end(args);
    tell(core, notice, group, join(core, about_group(core, group), extra));
}

void vd_notice_node(struct vd_core *core, enum vd_notice notice, struct vd_node *node,
                    const char *format, ...)
{
    const char *about;
    const char *extra;
    va_list args;

    va_start(args, format);
    extra = format_extra(core, format, args);
    va_end(args);
    if (vd_node_is_primary(node))
        about = about_group(core, node->group);
    else
        about = about_member(core, "slave", vd_notice_name(core, &node->addr), &node->addr,
                             node->group);
    tell(core, notice, node->group, join(core, about, extra));
}

void vd_notice_peer(struct vd_core *core, enum vd_notice notice, struct vd_opinion *opinion,
                    const char *format, ...)
{
    const char *about;
    const char *extra;
    va_list args;

    va_start(args, format);
    extra = format_extra(core, format, args);
    va_end(args);
    about =
        about_member(core, "sentinel", opinion->peer->id.hex, &opinion->peer->addr, opinion->group);
    tell(core, notice, opinion->group, join(core, about, extra));
}

void vd_notice_switch(struct vd_core *core, struct vd_group *group, const struct vd_addr *from,
                      const struct vd_addr *to)
{
    tell(core, VD_N_SWITCH, group,
         vd_arena_printf(&core->out->arena, "%s %s %u %s %u", group->name,
                         vd_addr_shown(core, from), (unsigned)from->port, vd_addr_shown(core, to),
                         (unsigned)to->port));
}
