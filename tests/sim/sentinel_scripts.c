/* SPDX-License-Identifier: BSD-3-Clause */
/* A sentinel's scripts: programs that take their time, fail now and then, and may have to be ended.
 */
#include <utlist.h>

#include "bounds.h"
#include "sentinel.h"

struct sim_script {
    struct sim_sentinel *s;
    vd_job job;
    struct sim_task end;
    bool killed;
    struct sim_script *prev;
    struct sim_script *next;
};

static void leave(struct sim_script *script)
{
    struct sim_sentinel *s = script->s;

    sim_cancel(s->sim, &script->end);
    DL_DELETE(s->running_scripts, script);
    s->scripts--;
    vd_free(script);
}

static void run_end(struct sim *sim, void *self)
{
    struct sim_script *script = self;
    struct sim_sentinel *s = script->s;
    struct vd_event event = {.type = VD_EV_SCRIPT_EXIT};

    event.script.job = script->job;
    event.script.signal = script->killed ? 9 : 0;
    if (!script->killed && sim_chance(&sim->times, 200)) /* 1: again, please; 2: never */
        event.script.exit_code = 1 + (int)sim_below(&sim->times, 2);
    leave(script);
    sim_sentinel_push(s, &event);
}

void sim_scripts_spawn(struct sim_sentinel *s, const struct vd_effect *effect)
{
    struct sim_script *script = vd_alloc(sizeof(*script));

    script->s = s;
    script->job = effect->spawn.job;
    script->end = (struct sim_task){.run = run_end, .self = script};
    DL_APPEND(s->running_scripts, script);
    s->scripts++;
    sim_bounds_on_spawn(s->sim, s);
    sim_after(s->sim, &script->end, sim_between(&s->sim->times, 1, 1500) * SIM_MS);
}

void sim_scripts_kill(struct sim_sentinel *s, const struct vd_effect *effect)
{
    struct sim_script *script;

    DL_FOREACH (s->running_scripts, script) {
        if (script->job.n != effect->kill.job.n)
            continue;
        script->killed = true;
        sim_cancel(s->sim, &script->end);
        sim_after(s->sim, &script->end, SIM_MS);
        return;
    }
    sim_fail(s->sim, "%s: ends a script that does not run", s->host->name);
}

void sim_scripts_forget(struct sim_sentinel *s)
{
    while (s->running_scripts != NULL)
        leave(s->running_scripts);
}
