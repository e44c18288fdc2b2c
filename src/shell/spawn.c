/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawn: see spawn.h. PROTOCOL facts: rules of scripts. */
#include "shell/spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <utlist.h>

#include "shell/log.h"

#define EXIT_NO_EXEC 2 /* what the child of a failed exec exits with */

struct job {
    vd_job id;
    pid_t pid;
    struct job *prev;
    struct job *next;
};

struct vd_spawn {
    struct ev_loop *loop;
    struct vd_inbox *inbox;
    struct job *jobs; /* a handful: the core runs at most 16 */
    ev_child children;
};

static void say_end(struct vd_spawn *spawn, vd_job id, int exit_code, int number, bool no_start)
{
    struct vd_event event = {.type = VD_EV_SCRIPT_EXIT};

    event.script.job = id;
    event.script.exit_code = exit_code;
    event.script.signal = number;
    event.script.failed_to_start = no_start;
    vd_inbox_push(spawn->inbox, &event);
}

/* libev reaps every child that it hears of; those that are not ours end here. */
static void on_child(struct ev_loop *loop, ev_child *child, int events)
{
    struct vd_spawn *spawn = child->data;
    int status = child->rstatus;
    struct job *job;

    (void)loop;
    (void)events;
    if (!WIFEXITED(status) && !WIFSIGNALED(status))
        return;
    DL_FOREACH (spawn->jobs, job) {
        if (job->pid == child->rpid)
            break;
    }
    if (job == NULL)
        return;
    vd_log(VD_LOG_DEBUG, "-script-child %ld %d %d", (long)job->pid,
           WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    say_end(spawn, job->id, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
            WIFSIGNALED(status) ? WTERMSIG(status) : 0, false);
    DL_DELETE(spawn->jobs, job);
    vd_free(job);
}

/* Everything is close-on-exec anyway; this is for what a library may have forgotten. */
static int close_others(posix_spawn_file_actions_t *actions)
{
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    return posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
#endif
#endif
    (void)actions;
    return 0;
}

/* Start it; returns an errno. posix_spawn tells a failing exec apart by nothing but its errno. */
static int start(const char *const *argv, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    char **words = NULL;
    size_t count = 0;
    int error;

    while (argv[count] != NULL)
        count++;
    words = vd_calloc(count + 1, sizeof(*words));
    for (size_t i = 0; i < count; i++)
        words[i] = vd_strdup(argv[i]);
    VD_ASSERT(posix_spawn_file_actions_init(&actions) == 0);
    VD_ASSERT(posix_spawnattr_init(&attributes) == 0);
    (void)sigemptyset(&signals);
    error = posix_spawnattr_setsigmask(&attributes, &signals);
    (void)sigfillset(&signals);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(&attributes, &signals);
    if (error == 0)
        error =
            posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (error == 0)
        error = close_others(&actions);
    if (error == 0)
        error = posix_spawn(pid, words[0], &actions, &attributes, words, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; i < count; i++)
        vd_free(words[i]);
    vd_free(words);
    return error;
}

static void perform_spawn(struct vd_spawn *spawn, const struct vd_effect *effect)
{
    const char *const *argv = effect->spawn.argv;
    struct job *job;
    pid_t pid = 0;
    int error = start(argv, &pid);

    if (error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE) {
        vd_log(VD_LOG_WARNING, "cannot start the script %s: %s", argv[0], strerror(error));
        say_end(spawn, effect->spawn.job, 0, 0, true);
        return;
    }
    if (error != 0) {
        vd_log(VD_LOG_WARNING, "cannot run the script %s: %s", argv[0], strerror(error));
        say_end(spawn, effect->spawn.job, EXIT_NO_EXEC, 0, false);
        return;
    }
    job = vd_alloc(sizeof(*job));
    job->id = effect->spawn.job;
    job->pid = pid;
    DL_APPEND(spawn->jobs, job);
    /* Of Sentinel's events these two are logged only, and the core knows no processes. */
    vd_log(VD_LOG_DEBUG, "+script-child %ld", (long)pid);
}

long vd_spawn_pid(const struct vd_spawn *spawn, vd_job id)
{
    const struct job *job;

    DL_FOREACH (spawn->jobs, job) {
        if (job->id.n == id.n)
            return (long)job->pid;
    }
    return 0;
}

static void perform_kill(struct vd_spawn *spawn, const struct vd_effect *effect)
{
    long pid = vd_spawn_pid(spawn, effect->kill.job);

    if (pid > 0)
        (void)kill((pid_t)pid, SIGKILL); /* not reaped yet, so the pid is still its */
}

void vd_spawn_perform(struct vd_spawn *spawn, const struct vd_effect *effect)
{
    if (effect->type == VD_EF_SPAWN) {
        perform_spawn(spawn, effect);
        return;
    }
    VD_ASSERT(effect->type == VD_EF_KILL);
    perform_kill(spawn, effect);
}

struct vd_spawn *vd_spawn_new(struct ev_loop *loop, struct vd_inbox *inbox)
{
    struct vd_spawn *spawn = vd_alloc(sizeof(*spawn));

    VD_ASSERT(ev_is_default_loop(loop));
    spawn->loop = loop;
    spawn->inbox = inbox;
    ev_child_init(&spawn->children, on_child, 0, 0);
    spawn->children.data = spawn;
    ev_child_start(loop, &spawn->children);
    return spawn;
}

void vd_spawn_free(struct vd_spawn *spawn)
{
    struct job *job;
    struct job *next;

    if (spawn == NULL)
        return;
    ev_child_stop(spawn->loop, &spawn->children);
    DL_FOREACH_SAFE (spawn->jobs, job, next)
        vd_free(job);
    vd_free(spawn);
}
