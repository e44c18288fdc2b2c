/* SPDX-License-Identifier: BSD-3-Clause */
/* Supervise: see supervise.h. systemd's protocol is one datagram; its library is not needed. */
#include "shell/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int ready_pipe = -1; /* to the process that was started, while it waits */

unsigned long vd_supervise_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        rlim_t before = limit.rlim_cur;

        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            limit.rlim_cur = before;
    }
    return (unsigned long)limit.rlim_cur;
}

/* Wait for the daemon's one byte, or for its end. */
static _Noreturn void wait_and_exit(int from)
{
    char byte;
    ssize_t got;

    do {
        got = read(from, &byte, 1);
    } while (got < 0 && errno == EINTR);
    _exit(got == 1 ? 0 : 1);
}

bool vd_supervise_daemonize(struct vd_err *err)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return vd_err_set(err, "cannot leave the terminal: pipe: %s", strerror(errno));
    pid = fork();
    if (pid < 0)
        return vd_err_set(err, "cannot leave the terminal: fork: %s", strerror(errno));
    if (pid > 0) {
        (void)close(ends[1]);
        wait_and_exit(ends[0]);
    }
    (void)close(ends[0]);
    ready_pipe = ends[1];
    (void)setsid();
    return true;
}

/* The terminal is let go only now, so that errors of the start could be read on it. */
static void leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return;
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO)
        (void)close(null);
}

void vd_supervise_ready(bool systemd)
{
    if (ready_pipe >= 0) {
        ssize_t sent = write(ready_pipe, "", 1);

        (void)sent; /* who waited is gone: nobody is left to be told */
        (void)close(ready_pipe);
        ready_pipe = -1;
        leave_terminal();
    }
    if (systemd)
        vd_supervise_tell("READY=1");
}

void vd_supervise_tell(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len;
    int fd;

    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, strlen(path));
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    /* One who does not listen needs no answer. */
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
    (void)close(fd);
}

/* With the time of the telling, by which systemd knows the READY=1 of before from the one after. */
void vd_supervise_reloading(void)
{
    struct timespec now;
    char text[64];

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    vd_supervise_tell(text);
}

/* A whole number from the environment; false if there is none. */
static bool read_number(const char *name, long long *number)
{
    const char *text = getenv(name);
    char *end;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

int64_t vd_supervise_watchdog_ms(void)
{
    long long pid;
    long long wait_us;

    if (!read_number("WATCHDOG_USEC", &wait_us) || wait_us == 0)
        return 0;
    if (getenv("WATCHDOG_PID") != NULL && (!read_number("WATCHDOG_PID", &pid) || pid != getpid()))
        return 0;
    return wait_us < 2000 ? 1 : wait_us / 2000;
}

bool vd_supervise_write_pidfile(const char *path, struct vd_err *err)
{
    FILE *file = fopen(path, "we");
    bool good;

    if (file == NULL)
        return vd_err_set(err,
                          "cannot write the pidfile %s: %s; make its directory writable or "
                          "change pidfile",
                          path, strerror(errno));
    good = fprintf(file, "%ld\n", (long)getpid()) > 0;
    if (fclose(file) != 0 || !good)
        return vd_err_set(err, "cannot write the pidfile %s: %s", path, strerror(errno));
    return true;
}
