/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drive: step, save, perform: the order, written once for the daemon and the
 * simulator alike. A turn steps every event of the inbox, saves once if
 * anything that must survive has changed (group commit), and only then
 * performs the effects, in the order in which they were made.
 *
 * When the save fails, the promises of the turn never happened: they are
 * handed to `refuse` instead of `perform`, and the requests among them are
 * answered to the core as unsent in the next turn. Only +switch-master is
 * kept and told once saving works again, since clients wait for it. Chatter goes out all the
 * same, so that a mute sentinel still watches and answers look-ups. The save
 * is tried again every VD_DRIVE_RETRY_MS, not for every reply that comes in:
 * a mute sentinel has better things to do than to wait for a full disk.
 *
 * Only a store makes receipts, and only a receipt opens promises.
 */
#ifndef VD_CORE_DRIVE_H
#define VD_CORE_DRIVE_H

#include "base/err.h"
#include "base/text.h"
#include "core/core.h"

#define VD_DRIVE_RETRY_MS 100
#define VD_DRIVE_UNSAID_MAX 64

/* Proof that an image is durable. Made by stores only (tests/tidy greps for it). */
struct vd_receipt {
    bool durable;
};

struct vd_drive_ops {
    /* Make the image durable before returning; false with a reason otherwise. */
    bool (*save)(void *self, const struct vd_image *image, struct vd_receipt *receipt,
                 struct vd_err *err);
    /* Do it. Must not step the core; what it causes comes back as later events. */
    void (*perform)(void *self, const struct vd_effect *effect);
    /* A promise that may not leave: REPLY gets "-ERR ..." sent, others are dropped (and logged). */
    void (*refuse)(void *self, const struct vd_effect *effect, const char *reason);
};

struct vd_drive {
    struct vd_core *core;
    const struct vd_drive_ops *ops;
    void *self;
    bool mute;           /* the last save failed */
    struct vd_err error; /* why */
    vd_ms retry_at;      /* of the save, while mute: not before, and no later */
    struct vd_effects effects;
    struct vd_text unsaid[VD_DRIVE_UNSAID_MAX]; /* +switch-master while mute: told when saved */
    size_t unsaid_count;
    struct vd_effect *unsent; /* SENDs that were refused; answered in the next turn */
    size_t unsent_count;
    size_t unsent_room;
    /* What the last turn made besides effects.list, valid until the next; for who records it. */
    struct {
        size_t effect_count;
        const struct vd_image *image; /* NULL: there was nothing to save */
        bool saved;
    } last;
};

/* Takes the core over; vd_drive_free frees it. */
void vd_drive_init(struct vd_drive *drive, struct vd_core *core, const struct vd_drive_ops *ops,
                   void *self);
void vd_drive_free(struct vd_drive *drive);

/*
 * One turn at `now`: the events in order, then DUE if it has come, then save,
 * then perform. `dice` is luck for the events that the drive adds itself.
 * A caller who knows how well it has listened says so by a DUE of its own, the
 * last of the events; without one, all that has arrived counts as heard.
 */
void vd_drive_turn(struct vd_drive *drive, const struct vd_event *events, size_t count, vd_ms now,
                   uint32_t dice);

/* When the next turn must run even without events; INT64_MAX: never. */
vd_ms vd_drive_wake_at(const struct vd_drive *drive);

#endif
