/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log: to standard error, a file that is reopened when rotated, or syslog;
 * plain lines as Sentinel writes them, or JSON objects. Never blocks on
 * anything but the write itself and never carries a secret.
 */
#ifndef VD_SHELL_LOG_H
#define VD_SHELL_LOG_H

#include "base/err.h"
#include "proto/config.h"

/* Open by the options; false when the file cannot be opened. Before it, logs go to standard error.
 */
bool vd_log_open(const struct vd_server_options *options, struct vd_err *err) VD_MUSTCHECK;
void vd_log_close(void);
void vd_log_set_level(enum vd_log_level level);
enum vd_log_level vd_log_get_level(void);

void vd_log(enum vd_log_level level, const char *format, ...) VD_PRINTF(2, 3);

/* At most one line a second and key; the number suppressed is told with the next one. */
void vd_log_limited(const char *key, enum vd_log_level level, const char *format, ...)
    VD_PRINTF(3, 4);

/* The same of what goes on until somebody mends it: each text of a key at most once a minute. */
void vd_log_lasting(const char *key, enum vd_log_level level, const char *format, ...)
    VD_PRINTF(3, 4);

/* An event of the core: logged at its level as "<event> <payload>". */
void vd_log_notice(enum vd_notice_level level, const char *event, const char *payload);

#endif
