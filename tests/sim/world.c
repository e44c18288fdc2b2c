/* SPDX-License-Identifier: BSD-3-Clause */
/* World: time, tasks, transcript; see world.h. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>

#include "tell.h"

#define SPIN_MAX 20000 /* tasks at one instant: more is a loop without progress */

void sim_at(struct sim *sim, struct sim_task *task, sim_us when)
{
    VD_ASSERT(when >= sim->now);
    VD_ASSERT(task->run != NULL);
    vd_heap_set(&sim->tasks, &task->entry, when);
}

void sim_after(struct sim *sim, struct sim_task *task, sim_us delay)
{
    sim_at(sim, task, sim->now + delay);
}

void sim_cancel(struct sim *sim, struct sim_task *task)
{
    vd_heap_drop(&sim->tasks, &task->entry);
}

void sim_run(struct sim *sim, sim_us until)
{
    unsigned spin = 0;

    while (!sim->over && !sim->failed) {
        struct vd_heap_entry *top = vd_heap_top(&sim->tasks);
        struct sim_task *task = (struct sim_task *)(void *)top;

        if (top == NULL || top->key > until)
            break;
        spin = top->key == sim->now ? spin + 1 : 0;
        if (spin > SPIN_MAX) {
            sim_fail(sim, "the world spins: %d tasks at one instant", SPIN_MAX);
            return;
        }
        sim->now = top->key;
        vd_heap_drop(&sim->tasks, top);
        sim->stats.events++;
        task->run(sim, task->self);
    }
    if (!sim->over && !sim->failed && sim->now < until)
        sim->now = until;
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    va_list args;
    int len;

    if (sim->failed)
        return;
    sim->failed = true;
    len = snprintf(sim->failure, sizeof(sim->failure), "at %.3f ms: ", (double)sim->now / 1000.0);
    va_start(args, format);
    (void)vsnprintf(sim->failure + len, sizeof(sim->failure) - (size_t)len, format, args);
    va_end(args);
    SIM_TELL(sim, NULL, VD_MARK_VERDICT, "VIOLATION %s", sim->failure);
}

void sim_say(const struct sim *sim, const char *who, const char *format, ...)
{
    va_list args;

    printf("%12.3f %-6s ", (double)sim->now / 1000.0, who);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
}

uint64_t sim_hash_text(const char *text)
{
    uint64_t hash = 14695981039346656037U;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211U;
    return hash;
}

const char *sim_group_name(unsigned group)
{
    static const char *const names[SIM_GROUPS_MAX] = {"m1", "m2", "m3", "m4",  "m5",  "m6",
                                                      "m7", "m8", "m9", "m10", "m11", "m12"};

    VD_ASSERT(group < SIM_GROUPS_MAX);
    return names[group];
}
