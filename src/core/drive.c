/* SPDX-License-Identifier: BSD-3-Clause */
/* Drive: step, save, perform; see drive.h. */
#include "core/drive.h"

#include <string.h>

#define SWITCH "+switch-master"
#define KEEP 128U /* effects; room for more is for bursts only */

void vd_drive_init(struct vd_drive *drive, struct vd_core *core, const struct vd_drive_ops *ops,
                   void *self)
{
    memset(drive, 0, sizeof(*drive));
    drive->core = core;
    drive->ops = ops;
    drive->self = self;
    drive->retry_at = INT64_MAX;
}

void vd_drive_free(struct vd_drive *drive)
{
    vd_core_free(drive->core);
    vd_arena_free(&drive->effects.arena);
    vd_free(drive->effects.list);
    vd_free(drive->unsent);
    for (size_t i = 0; i < drive->unsaid_count; i++)
        vd_text_free(&drive->unsaid[i]);
    memset(drive, 0, sizeof(*drive));
}

vd_ms vd_drive_wake_at(const struct vd_drive *drive)
{
    vd_ms wake_at = vd_core_wake_at(drive->core);

    if (drive->unsent_count != 0)
        return 0;
    return drive->retry_at < wake_at ? drive->retry_at : wake_at;
}

static bool save(struct vd_drive *drive, vd_ms now)
{
    struct vd_receipt receipt = {false};
    const struct vd_image *image;

    if (!vd_core_is_dirty(drive->core))
        return true;
    if (drive->mute && now < drive->retry_at)
        return false;
    image = vd_core_image(drive->core, &drive->effects.arena);
    drive->last.image = image;
    drive->error.text[0] = '\0';
    if (drive->ops->save(drive->self, image, &receipt, &drive->error) && receipt.durable) {
        vd_core_saved(drive->core);
        drive->last.saved = true;
        drive->mute = false;
        drive->retry_at = INT64_MAX;
        return true;
    }
    drive->mute = true;
    drive->retry_at = now + VD_DRIVE_RETRY_MS;
    return false;
}

/* A request, or a script, that never left still owes the core its answer. */
static void remember_unsent(struct vd_drive *drive, const struct vd_effect *effect)
{
    if (effect->type != VD_EF_SEND && effect->type != VD_EF_SPAWN)
        return;
    if (drive->unsent_count == drive->unsent_room) {
        drive->unsent_room = drive->unsent_room == 0 ? 16 : drive->unsent_room * 2;
        drive->unsent = vd_realloc(drive->unsent, drive->unsent_room * sizeof(*drive->unsent));
    }
    drive->unsent[drive->unsent_count++] = *effect;
}

static void answer_unsent(const struct vd_effect *effect, struct vd_event *event)
{
    if (effect->type == VD_EF_SPAWN) {
        event->type = VD_EV_SCRIPT_EXIT;
        event->script.job = effect->spawn.job;
        event->script.exit_code = 1; /* run again later */
        return;
    }
    switch (effect->send.request) {
    case VD_RQ_QUESTION:
        event->type = VD_EV_ANSWER;
        event->answer.link = effect->send.link;
        event->answer.ticket = effect->send.ticket;
        return;
    case VD_RQ_HELLO:
    case VD_RQ_PROMOTE:
    case VD_RQ_REPLICATE:
    case VD_RQ_PAUSE:
    case VD_RQ_HANDOVER:
    case VD_RQ_ABORT:
    case VD_RQ_MAINTAIN:
        event->type = VD_EV_ACK;
        event->ack.link = effect->send.link;
        event->ack.ticket = effect->send.ticket;
        event->ack.unsent = true;
        event->ack.text = "not sent: the state could not be saved";
        return;
    case VD_RQ_PING:
    case VD_RQ_INFO:
    case VD_RQ_ROLE:
    case VD_RQ_SCRIPT_KILL:
    case VD_RQ_UNPAUSE:
        break; /* no promises (emit.c): they always leave */
    }
    VD_ASSERT(false);
}

static void step(struct vd_drive *drive, struct vd_event *event, vd_ms now)
{
    event->at = now;
    vd_core_step(drive->core, event, &drive->effects);
}

static void step_unsent(struct vd_drive *drive, vd_ms now, uint32_t dice)
{
    size_t count = drive->unsent_count;

    drive->unsent_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct vd_event event = {.dice = dice};

        answer_unsent(&drive->unsent[i], &event);
        step(drive, &event, now);
    }
}

/* What clients must hear even if late: whose word a switch is, is on disk by then. */
static void remember_unsaid(struct vd_drive *drive, const struct vd_effect *effect)
{
    if (effect->type != VD_EF_NOTICE || strcmp(effect->notice.event, SWITCH) != 0 ||
        drive->unsaid_count == VD_DRIVE_UNSAID_MAX)
        return;
    vd_text_clear(&drive->unsaid[drive->unsaid_count]);
    vd_text_puts(&drive->unsaid[drive->unsaid_count++], effect->notice.payload);
}

static void say_unsaid(struct vd_drive *drive)
{
    for (size_t i = 0; i < drive->unsaid_count; i++) {
        struct vd_effect effect = {.type = VD_EF_NOTICE, .promise = true};

        effect.notice.level = VD_NOTICE_WARNING;
        effect.notice.event = SWITCH;
        effect.notice.payload = vd_text_cstr(&drive->unsaid[i]);
        drive->ops->perform(drive->self, &effect);
        vd_text_free(&drive->unsaid[i]);
    }
    drive->unsaid_count = 0;
}

static void perform(struct vd_drive *drive, bool opened)
{
    bool calm;

    if (opened)
        say_unsaid(drive);
    for (size_t i = 0; i < drive->effects.count; i++) {
        const struct vd_effect *effect = &drive->effects.list[i];

        if (effect->promise && !opened) {
            remember_unsent(drive, effect);
            remember_unsaid(drive, effect);
            drive->ops->refuse(drive->self, effect, drive->error.text);
            continue;
        }
        drive->ops->perform(drive->self, effect);
    }
    calm = vd_mem_is_calm(&drive->effects.calm, drive->effects.count > KEEP);
    drive->last.effect_count = drive->effects.count;
    drive->effects.count = 0;
    if (calm && drive->effects.room > KEEP) {
        vd_free(drive->effects.list);
        drive->effects.list = NULL;
        drive->effects.room = 0;
    }
}

void vd_drive_turn(struct vd_drive *drive, const struct vd_event *events, size_t count, vd_ms now,
                   uint32_t dice)
{
    VD_ASSERT(drive->effects.count == 0);
    memset(&drive->last, 0, sizeof(drive->last));
    vd_arena_reset(&drive->effects.arena);
    step_unsent(drive, now, dice);
    for (size_t i = 0; i < count; i++) {
        struct vd_event later;

        if (events[i].at == now) { /* it mostly is, and they are big */
            vd_core_step(drive->core, &events[i], &drive->effects);
            continue;
        }
        later = events[i];
        step(drive, &later, now);
    }
    if ((count == 0 || events[count - 1].type != VD_EV_DUE) &&
        vd_core_wake_at(drive->core) <= now) {
        struct vd_event due = {.type = VD_EV_DUE, .dice = dice};

        step(drive, &due, now);
    }
    perform(drive, save(drive, now));
}
