/* SPDX-License-Identifier: BSD-3-Clause */
/* Victim: see victim.h. */
#include "victim.h"

#include <check.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

uint64_t victim_kill(void (*save)(int to), unsigned count)
{
    uint64_t told = 0;
    uint64_t number;
    int ends[2];
    int status;
    pid_t pid;

    ck_assert_int_eq(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        save(ends[1]);
        _exit(1);
    }
    ck_assert_int_gt(pid, 0);
    (void)close(ends[1]);
    while (count-- > 0)
        ck_assert_int_eq(read(ends[0], &told, sizeof(told)), (ssize_t)sizeof(told));
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    /* What it told before it died, and nobody has read yet. */
    while (read(ends[0], &number, sizeof(number)) == (ssize_t)sizeof(number))
        told = number;
    (void)close(ends[0]);
    return told;
}
