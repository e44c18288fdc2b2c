/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inbox: see inbox.h. The one place that knows what an event points to; who
 * adds a pointer to an event adds its copy here.
 */
#include "shell/inbox.h"

#include <string.h>

#include "shell/clock.h"

#define KEEP 128U /* events; room for more is for bursts only */

static const struct vd_info *copy_info(struct vd_arena *arena, const struct vd_info *from)
{
    struct vd_info *info;
    struct vd_info_replica *replicas;
    size_t size;

    if (from == NULL)
        return NULL;
    info = vd_arena_alloc(arena, sizeof(*info));
    *info = *from;
    info->replicas = NULL;
    if (from->replica_count != 0) {
        size = from->replica_count * sizeof(*replicas);
        replicas = vd_arena_alloc(arena, size);
        memcpy(replicas, from->replicas, size);
        info->replicas = replicas;
    }
    return info;
}

static const struct vd_order *copy_order(struct vd_arena *arena, const struct vd_order *from)
{
    struct vd_order *order;
    struct vd_setting *settings;

    VD_ASSERT(from != NULL);
    order = vd_arena_alloc(arena, sizeof(*order));
    *order = *from;
    order->name = vd_arena_strdup(arena, from->name);
    order->error = vd_arena_strdup(arena, from->error);
    order->settings = NULL;
    if (from->setting_count == 0)
        return order;
    settings = vd_arena_alloc(arena, from->setting_count * sizeof(*settings));
    for (size_t i = 0; i < from->setting_count; i++) {
        settings[i] = from->settings[i];
        settings[i].text = vd_arena_strdup(arena, from->settings[i].text);
        settings[i].text2 = vd_arena_strdup(arena, from->settings[i].text2);
        settings[i].word = vd_arena_strdup(arena, from->settings[i].word);
        settings[i].shown = vd_arena_strdup(arena, from->settings[i].shown);
    }
    order->settings = settings;
    return order;
}

static const struct vd_hello *copy_hello(struct vd_arena *arena, const struct vd_hello *from)
{
    VD_ASSERT(from != NULL);
    return (const struct vd_hello *)vd_arena_memdup(arena, (const char *)from, sizeof(*from));
}

static void copy_pointers(struct vd_arena *arena, struct vd_event *event)
{
    switch (event->type) {
    case VD_EV_LINK_UP:
        event->up.ip = vd_arena_strdup(arena, event->up.ip);
        event->up.local_ip = vd_arena_strdup(arena, event->up.local_ip);
        break;
    case VD_EV_LINK_DOWN:
        event->down.text = vd_arena_strdup(arena, event->down.text);
        break;
    case VD_EV_PONG:
        event->pong.text = vd_arena_strdup(arena, event->pong.text);
        break;
    case VD_EV_INFO:
        event->info.info = copy_info(arena, event->info.info);
        event->info.raw = vd_arena_strdup(arena, event->info.raw);
        break;
    case VD_EV_ACK:
        event->ack.text = vd_arena_strdup(arena, event->ack.text);
        break;
    case VD_EV_HELLO:
        event->hello.hello = copy_hello(arena, event->hello.hello);
        break;
    case VD_EV_ORDER:
        event->order.order = copy_order(arena, event->order.order);
        break;
    case VD_EV_RESOLVED:
        event->resolved.host = vd_arena_strdup(arena, event->resolved.host);
        event->resolved.ip = vd_arena_strdup(arena, event->resolved.ip);
        break;
    case VD_EV_START:
    case VD_EV_DUE:
    case VD_EV_ROLE:
    case VD_EV_ANSWER:
    case VD_EV_QUESTION:
    case VD_EV_SCRIPT_EXIT:
        break;
    }
}

void vd_inbox_push(struct vd_inbox *inbox, const struct vd_event *event)
{
    struct vd_event *copy;

    if (inbox->count == inbox->room) {
        inbox->room = inbox->room == 0 ? 32 : inbox->room * 2;
        inbox->events = vd_realloc(inbox->events, inbox->room * sizeof(*inbox->events));
    }
    copy = &inbox->events[inbox->count++];
    *copy = *event;
    copy_pointers(&inbox->arena, copy);
    copy->at = vd_clock_now();
    copy->dice = vd_clock_dice();
}

void vd_inbox_clear(struct vd_inbox *inbox)
{
    bool calm = vd_mem_is_calm(&inbox->calm, inbox->count > KEEP);

    inbox->count = 0;
    if (calm && inbox->room > KEEP) {
        vd_free(inbox->events);
        inbox->events = NULL;
        inbox->room = 0;
    }
    vd_arena_reset(&inbox->arena);
}

void vd_inbox_free(struct vd_inbox *inbox)
{
    vd_free(inbox->events);
    vd_arena_free(&inbox->arena);
    memset(inbox, 0, sizeof(*inbox));
}
