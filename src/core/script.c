/* SPDX-License-Identifier: BSD-3-Clause */
/* Scripts: see script.h. */
#include "core/script.h"

#include "core/emit.h"
#include "core/notice.h"

static void free_script(struct vd_core *core, struct vd_script *script)
{
    if (script->job.n != 0)
        core->scripts_running--;
    core->scripts_count--;
    DL_DELETE(core->scripts, script);
    for (size_t i = 0; script->argv[i] != NULL; i++)
        vd_free(script->argv[i]);
    vd_free(script->argv);
    vd_free(script);
}

void vd_script_free_all(struct vd_core *core)
{
    while (core->scripts != NULL)
        free_script(core, core->scripts);
}

static void drop_oldest_waiting(struct vd_core *core)
{
    struct vd_script *script;

    DL_FOREACH (core->scripts, script) {
        if (script->job.n == 0) {
            free_script(core, script);
            return;
        }
    }
}

void vd_script_queue(struct vd_core *core, const char *const *argv)
{
    struct vd_script *script = vd_alloc(sizeof(*script));
    size_t count = 0;

    while (argv[count] != NULL)
        count++;
    script->argv = vd_calloc(count + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++)
        script->argv[i] = vd_strdup(argv[i]);
    script->start_at = core->now;
    DL_APPEND(core->scripts, script);
    core->scripts_count++;
    if (core->scripts_count > VD_SCRIPT_QUEUE_MAX)
        drop_oldest_waiting(core);
    core->scripts_due = core->now;
}

void vd_script_reconfig(struct vd_core *core, struct vd_group *group, const char *role,
                        const struct vd_addr *from, const struct vd_addr *to)
{
    const char *path = group->options.client_reconfig_script;
    struct vd_arena *arena = &core->out->arena;
    const char *argv[] = {
        path,
        group->name,
        role,
        "start",
        vd_addr_shown(core, from),
        vd_arena_printf(arena, "%u", (unsigned)from->port),
        vd_addr_shown(core, to),
        vd_arena_printf(arena, "%u", (unsigned)to->port),
        NULL,
    };

    if (path != NULL)
        vd_script_queue(core, argv);
}

static struct vd_script *find_job(struct vd_core *core, vd_job job)
{
    struct vd_script *script;

    DL_FOREACH (core->scripts, script) {
        if (script->job.n != 0 && script->job.n == job.n)
            return script;
    }
    return NULL;
}

void vd_script_on_exit(struct vd_core *core, const struct vd_event *event)
{
    struct vd_script *script = find_job(core, event->script.job);
    bool again;

    if (script == NULL)
        return;
    core->scripts_due = core->now;
    if (event->script.failed_to_start) {
        vd_notice_plain(core, VD_N_SCRIPT_ERROR, "%s 99 0", script->argv[0]);
        free_script(core, script);
        return;
    }
    if (event->script.signal == 0 && event->script.exit_code == 0) {
        free_script(core, script);
        return;
    }
    again = event->script.signal != 0 || event->script.exit_code == 1;
    if (!again || script->runs >= VD_SCRIPT_RUNS_MAX) {
        vd_notice_plain(core, VD_N_SCRIPT_ERROR, "%s %d %d", script->argv[0], event->script.signal,
                        event->script.exit_code);
        free_script(core, script);
        return;
    }
    core->scripts_running--;
    script->job.n = 0;
    script->killed = false;
    script->start_at = core->now + (core->globals.script_retry_delay_ms << (script->runs - 1));
}

static void start(struct vd_core *core, struct vd_script *script)
{
    struct vd_arena *arena = &core->out->arena;
    struct vd_effect *effect;
    const char **argv;
    size_t count = 0;

    while (script->argv[count] != NULL)
        count++;
    argv = vd_arena_alloc(arena, (count + 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++)
        argv[i] = vd_arena_strdup(arena, script->argv[i]);
    script->job.n = vd_core_next(core);
    script->started_at = core->now;
    script->runs++;
    core->scripts_running++;
    effect = vd_emit(core, VD_EF_SPAWN, true);
    effect->spawn.job = script->job;
    effect->spawn.argv = argv;
}

void vd_script_tick(struct vd_core *core)
{
    struct vd_script *script;
    vd_ms due = INT64_MAX;

    DL_FOREACH (core->scripts, script) {
        if (script->job.n == 0) {
            if (script->start_at <= core->now && core->scripts_running < VD_SCRIPT_RUNNING_MAX)
                start(core, script);
            else if (script->start_at > core->now)
                due = vd_min_ms(due, script->start_at);
        }
        if (script->job.n != 0 && !script->killed) {
            vd_ms end_at = script->started_at + core->globals.script_max_runtime_ms;

            if (end_at <= core->now) {
                struct vd_effect *effect = vd_emit(core, VD_EF_KILL, false);

                effect->kill.job = script->job;
                script->killed = true;
                vd_notice_script(core, VD_N_SCRIPT_TIMEOUT, script->job, script->argv[0]);
            } else {
                due = vd_min_ms(due, end_at);
            }
        }
    }
    core->scripts_due = due;
}
