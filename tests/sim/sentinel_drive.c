/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sentinel, what its core has saved and performed: to the disk, which may fail
 * or lie, and to links and callers; death at the boundary of any of it.
 */
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "core/view.h"
#include "corners.h"
#include "oracle.h"
#include "sentinel.h"
#include "tell.h"

/* Save ----------------------------------------------------------------------------------- */

static bool abstains(const struct sim_sentinel *s)
{
    return vd_view_abstains(s->drive.core, sim_sentinel_clock(s));
}

void sim_sentinel_settle(struct sim_sentinel *s)
{
    struct sim_disk *disk = &s->disk;

    if (disk->platter.unsound && !s->drive.mute && !disk->behind && !disk->failing && !abstains(s))
        disk->platter.unsound = disk->cached.unsound = false;
}

static bool doom_strikes(struct sim_sentinel *s, enum sim_doom at)
{
    if (s->doom != at)
        return false;
    if (s->doom_after > 0) {
        s->doom_after--;
        return false;
    }
    s->doom = SIM_DOOM_NONE;
    s->dead = true;
    return true;
}

static void make_durable(struct sim_sentinel *s, const struct vd_image *image)
{
    enum sim_mutant mutant = s->sim->setup.mutant;

    s->sim->stats.saves++;
    if (mutant == SIM_MUTANT_LYING_DISK || mutant == SIM_MUTANT_FORGETFUL) {
        /* Only every fourth save reaches the platter, the others wait for it in a cache. */
        sim_saved_merge(&s->disk.cached, image);
        s->disk.cached.unsound = abstains(s);
        if (mutant == SIM_MUTANT_FORGETFUL)
            sim_oracle_on_durable(s->sim, s, image);
        if (s->sim->stats.saves % 4 != 0)
            return;
        if (mutant == SIM_MUTANT_LYING_DISK)
            sim_oracle_on_durable(s->sim, s, vd_core_image_all(s->drive.core, &s->arena));
        sim_saved_copy(&s->disk.platter, &s->disk.cached);
        return;
    }
    if (mutant == SIM_MUTANT_STALE_EPOCH)
        sim_saved_copy(&s->disk.older, &s->disk.platter);
    sim_oracle_on_durable(s->sim, s, image);
    sim_saved_merge(&s->disk.platter, image);
    s->disk.platter.unsound = abstains(s);
}

static void die_at_corner(struct sim_sentinel *s)
{
    s->dead = true;
    s->revive_after = SIM_S;
}

/* With on-save-failure volatile it goes on from memory, once its disk says that it may. */
static bool save_failed(struct sim_sentinel *s, const struct vd_image *image,
                        struct vd_receipt *receipt, struct vd_err *err)
{
    if (s->sim->setup.save_failure != SIM_SAVE_VOLATILE || !s->disk.platter.exists) {
        SIM_TELL(s->sim, s->host, VD_MARK_SAVE, "cannot save");
        return vd_err_set(err, "disk is full");
    }
    SIM_TELL(s->sim, s->host, VD_MARK_SAVE, "cannot save, and goes on from memory");
    s->disk.behind = true;
    sim_oracle_on_durable(s->sim, s, image);
    receipt->durable = true;
    return true;
}

static bool do_save(void *self, const struct vd_image *image, struct vd_receipt *receipt,
                    struct vd_err *err)
{
    struct sim_sentinel *s = self;
    struct sim *sim = s->sim;

    enum sim_corner_kind corner = sim_corner_of_save(sim, s->index);

    if (corner == SIM_CORNER_BEFORE || corner == SIM_CORNER_AFTER)
        die_at_corner(s);
    if (corner == SIM_CORNER_AFTER)
        make_durable(s, image);
    if (s->dead || doom_strikes(s, SIM_DOOM_BEFORE_SAVE))
        return vd_err_set(err, "died before the save");
    if (s->disk.slow == 0)
        s->host->busy += sim->setup.fsync;
    else
        s->host->busy +=
            sim->setup.exact ? s->disk.slow : sim_between(&sim->times, 0, s->disk.slow);
    sim_note(sim, image->epoch ^ ((uint64_t)image->group_count << 40));
    if (s->disk.failing || corner == SIM_CORNER_FAILS || corner == SIM_CORNER_TORN) {
        if (s->disk.failing_late || corner == SIM_CORNER_TORN)
            make_durable(s, image);
        return save_failed(s, image, receipt, err);
    }
    make_durable(s, s->disk.behind ? vd_core_image_all(s->drive.core, &s->arena) : image);
    s->disk.behind = false;
    SIM_TELL(sim, s->host, VD_MARK_SAVE, "saved, epoch %llu", (unsigned long long)image->epoch);
    (void)doom_strikes(s, SIM_DOOM_AFTER_SAVE);
    receipt->durable = true;
    return true;
}

/* Perform -------------------------------------------------------------------------------- */

static void perform(struct sim_sentinel *s, const struct vd_effect *effect)
{
    switch (effect->type) {
    case VD_EF_CONNECT:
        sim_links_connect(s, effect);
        break;
    case VD_EF_CLOSE:
        sim_links_close(s, effect);
        break;
    case VD_EF_SEND:
        sim_links_send(s, effect);
        break;
    case VD_EF_REPLY:
        sim_callers_reply(s, effect, false);
        break;
    case VD_EF_NOTICE:
        SIM_SAY(s->sim, s->host->name, "%s %s", effect->notice.event, effect->notice.payload);
        sim_tell_notice(s->sim, s, effect);
        sim_oracle_on_notice(s->sim, s, effect);
        sim_bounds_on_notice(s->sim, s, effect);
        break;
    case VD_EF_RECORD:
        sim_tell_failover(s->sim, s, effect->record);
        sim_oracle_on_record(s->sim, s, effect->record);
        break;
    case VD_EF_CRASH:
        s->dead = true;
        s->revive_after = SIM_S;
        break;
    case VD_EF_SPAWN:
        sim_scripts_spawn(s, effect);
        break;
    case VD_EF_KILL:
        sim_scripts_kill(s, effect);
        break;
    case VD_EF_RESOLVE: /* all is named by literals here */
        sim_fail(s->sim, "%s: an effect that nothing asked for: %d", s->host->name, effect->type);
        break;
    }
}

static void do_perform(void *self, const struct vd_effect *effect)
{
    struct sim_sentinel *s = self;

    if (sim_corner_of_effect(s->sim, s->index) == SIM_CORNER_EFFECT)
        die_at_corner(s);
    if (s->dead || doom_strikes(s, SIM_DOOM_AT_EFFECT))
        return;
    perform(s, effect);
}

static void do_refuse(void *self, const struct vd_effect *effect, const char *reason)
{
    struct sim_sentinel *s = self;

    (void)reason;
    if (s->dead)
        return;
    if (!effect->promise)
        sim_fail(s->sim, "%s: chatter was refused", s->host->name);
    if (s->sim->setup.mutant == SIM_MUTANT_EAGER)
        perform(s, effect);
    else if (effect->type == VD_EF_REPLY)
        sim_callers_reply(s, effect, true);
    else if (effect->type == VD_EF_NOTICE)
        sim_oracle_on_untold(s->sim, s, effect);
}

const struct vd_drive_ops sim_sentinel_drive_ops = {
    .save = do_save,
    .perform = do_perform,
    .refuse = do_refuse,
};
