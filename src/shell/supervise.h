/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Supervise: what whoever started us wants to know or to have done: a process
 * that leaves its terminal and says when it is ready, a pidfile, systemd's
 * notifications, the limit of descriptors.
 */
#ifndef VD_SHELL_SUPERVISE_H
#define VD_SHELL_SUPERVISE_H

#include <stdint.h>

#include "base/err.h"

/* Raise the limit of open descriptors as far as it goes; returns it. */
unsigned long vd_supervise_raise_files(void);

/*
 * Leave the terminal. The process that was started waits until the new one
 * calls vd_supervise_ready (exit 0) or ends without (exit 1). Standard error
 * stays open until then.
 */
bool vd_supervise_daemonize(struct vd_err *err) VD_MUSTCHECK;

/* Started: the one who waits is told, and systemd when `systemd`. */
void vd_supervise_ready(bool systemd);

/* "STOPPING=1", "WATCHDOG=1", "STATUS=...": to systemd; nothing happens without it. */
void vd_supervise_tell(const char *text);

/* The configuration is read anew, from now until vd_supervise_ready; see Type=notify-reload. */
void vd_supervise_reloading(void);

/*
 * How often systemd wants to hear WATCHDOG=1, in ms, at least 1: half of what
 * it waits before it holds us to hang (sd_watchdog_enabled(3)). 0: it does not
 * ask, or asks another process.
 */
int64_t vd_supervise_watchdog_ms(void);

/* Write our pid; a file that cannot be written is an error. */
bool vd_supervise_write_pidfile(const char *path, struct vd_err *err) VD_MUSTCHECK;

#endif
