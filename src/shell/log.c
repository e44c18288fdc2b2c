/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log: see log.h. One line is one write, so that lines of several processes
 * in one file do not mix. What comes from the network is made harmless here:
 * no control character reaches the log.
 */
#include "shell/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "shell/clock.h"

#define KEY_SIZE 64
#define KEYS 128

/* What was said lately, for vd_log_limited. */
struct said {
    char key[KEY_SIZE];
    uint32_t text; /* its hash; 0: any */
    vd_ms at;
    unsigned suppressed;
};

static struct {
    int fd;      /* of the file; -1: `console` */
    int console; /* standard error or output */
    char *path;
    ino_t inode;
    dev_t device;
    enum vd_log_level level;
    enum vd_log_format format;
    bool to_syslog;
    char *ident; /* syslog keeps the pointer */
    struct said said[KEYS];
} sink = {.fd = -1, .console = STDERR_FILENO, .level = VD_LOG_NOTICE};

static const struct {
    char mark;
    const char *name;
    int priority;
} levels[] = {
    [VD_LOG_DEBUG] = {'.', "debug", LOG_DEBUG},
    [VD_LOG_VERBOSE] = {'-', "verbose", LOG_INFO},
    [VD_LOG_NOTICE] = {'*', "notice", LOG_NOTICE},
    [VD_LOG_WARNING] = {'#', "warning", LOG_WARNING},
    [VD_LOG_NOTHING] = {'#', "warning", LOG_WARNING},
};

static const struct {
    const char *name;
    int facility;
} facilities[] = {
    {"user", LOG_USER},     {"daemon", LOG_DAEMON}, {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},
    {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
};

static int find_facility(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof(facilities) / sizeof(facilities[0]); i++) {
        if (strcasecmp(name, facilities[i].name) == 0)
            return facilities[i].facility;
    }
    return LOG_LOCAL0;
}

static bool open_file(struct vd_err *err)
{
    struct stat status;
    int fd = open(sink.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);

    if (fd < 0)
        return vd_err_set(err,
                          "cannot open the log file %s: %s; make its directory writable or "
                          "change logfile",
                          sink.path, strerror(errno));
    if (fstat(fd, &status) == 0) {
        sink.inode = status.st_ino;
        sink.device = status.st_dev;
    }
    if (sink.fd >= 0)
        (void)close(sink.fd);
    sink.fd = fd;
    return true;
}

/* When the file was moved away or removed, its name gets a new one. If that fails the old one does.
 */
static void follow_rotation(void)
{
    struct stat status;

    if (sink.path == NULL)
        return;
    if (stat(sink.path, &status) == 0 && status.st_ino == sink.inode &&
        status.st_dev == sink.device)
        return;
    (void)open_file(NULL);
}

bool vd_log_open(const struct vd_server_options *options, struct vd_err *err)
{
    vd_log_close();
    sink.level = options->log_level;
    sink.console = options->log_to_stdout ? STDOUT_FILENO : STDERR_FILENO;
    sink.format = options->log_format;
    if (options->syslog_enabled) {
        sink.ident = vd_strdup(options->syslog_ident != NULL && options->syslog_ident[0] != '\0'
                                   ? options->syslog_ident
                                   : "vedette");
        openlog(sink.ident, LOG_PID | LOG_NDELAY, find_facility(options->syslog_facility));
        sink.to_syslog = true;
    }
    if (options->logfile == NULL || options->logfile[0] == '\0')
        return true;
    /* The working directory may change behind us; the file's name must not follow it. */
    if (options->logfile[0] == '/') {
        sink.path = vd_strdup(options->logfile);
    } else {
        char *dir = getcwd(NULL, 0);
        size_t size = (dir == NULL ? 0 : strlen(dir)) + strlen(options->logfile) + 3;

        sink.path = vd_alloc(size);
        (void)snprintf(sink.path, size, "%s/%s", dir == NULL ? "." : dir, options->logfile);
        free(dir);
    }
    if (open_file(err))
        return true;
    vd_log_close();
    return false;
}

void vd_log_close(void)
{
    if (sink.fd >= 0)
        (void)close(sink.fd);
    sink.fd = -1;
    vd_free(sink.path);
    sink.path = NULL;
    if (sink.to_syslog)
        closelog();
    sink.to_syslog = false;
    vd_free(sink.ident);
    sink.ident = NULL;
}

void vd_log_set_level(enum vd_log_level level)
{
    sink.level = level;
}

enum vd_log_level vd_log_get_level(void)
{
    return sink.level;
}

/* Bytes that are a whole UTF-8 character at `at`; 0: none begins here. Overlong forms are let by.
 */
static size_t utf8_len(const unsigned char *at, size_t left)
{
    size_t len = *at >= 0xF0 && *at < 0xF5 ? 4 : *at >= 0xE0 ? 3 : *at >= 0xC2 ? 2 : 0;

    if (*at >= 0xF5 || len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    }
    return len;
}

/* Control characters are escaped; in JSON also what JSON wants, and what is no UTF-8. */
static void put_clean(struct vd_text *to, const char *text, bool json)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);

    while (left > 0) {
        size_t len = 1;

        if (*at < 0x20 || *at == 0x7F) {
            vd_text_printf(to, json ? "\\u%04x" : "\\x%02x", (unsigned)*at);
        } else if (json && (*at == '"' || *at == '\\')) {
            vd_text_putc(to, '\\');
            vd_text_putc(to, (char)*at);
        } else if (json && *at >= 0x80) {
            len = utf8_len(at, left);
            if (len == 0) {
                vd_text_puts(to, "\\ufffd");
                len = 1;
            } else {
                vd_text_add(to, at, len);
            }
        } else {
            vd_text_putc(to, (char)*at);
        }
        at += len;
        left -= len;
    }
}

static void put_plain(struct vd_text *line, enum vd_log_level level, const char *event,
                      const char *text)
{
    int64_t wall = vd_clock_wall_ms();
    time_t seconds = (time_t)(wall / 1000);
    char when[32] = "";
    struct tm parts;

    if (localtime_r(&seconds, &parts) != NULL)
        (void)strftime(when, sizeof(when), "%d %b %Y %H:%M:%S", &parts);
    vd_text_printf(line, "%ld:X %s.%03d %c ", (long)getpid(), when, (int)(wall % 1000),
                   levels[level].mark);
    if (event != NULL) {
        put_clean(line, event, false);
        vd_text_putc(line, ' ');
    }
    put_clean(line, text, false);
    vd_text_putc(line, '\n');
}

static void put_json(struct vd_text *line, enum vd_log_level level, const char *event,
                     const char *text)
{
    int64_t wall = vd_clock_wall_ms();
    time_t seconds = (time_t)(wall / 1000);
    char when[32] = "";
    struct tm parts;

    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &parts);
    vd_text_printf(line, "{\"ts\":\"%s.%03dZ\",\"pid\":%ld,\"level\":\"%s\",\"event\":\"", when,
                   (int)(wall % 1000), (long)getpid(), levels[level].name);
    put_clean(line, event == NULL ? "log" : event, true);
    vd_text_puts(line, "\",\"text\":\"");
    put_clean(line, text, true);
    vd_text_puts(line, "\"}\n");
}

static void write_line(enum vd_log_level level, const char *event, const char *text)
{
    struct vd_text line = {0};

    if (sink.format == VD_LOG_JSON)
        put_json(&line, level, event, text);
    else
        put_plain(&line, level, event, text);
    follow_rotation();
    /* A log that cannot be written has nowhere to say so. */
    if (write(sink.fd >= 0 ? sink.fd : sink.console, line.bytes, line.len) < 0)
        errno = 0;
    if (sink.to_syslog) {
        vd_text_clear(&line);
        put_clean(&line, text, false);
        syslog(levels[level].priority, "%s%s%s", event == NULL ? "" : event,
               event == NULL ? "" : " ", vd_text_cstr(&line));
    }
    vd_text_free(&line);
}

static bool is_on(enum vd_log_level level)
{
    return level >= sink.level && sink.level != VD_LOG_NOTHING;
}

VD_PRINTF(2, 0)
static void log_args(enum vd_log_level level, const char *format, va_list args)
{
    char text[1024];

    (void)vsnprintf(text, sizeof(text), format, args);
    write_line(level, NULL, text);
}

void vd_log(enum vd_log_level level, const char *format, ...)
{
    va_list args;

    if (!is_on(level))
        return;
    va_start(args, format);
    log_args(level, format, args);
    va_end(args);
}

static uint32_t hash_text(const char *text)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    while (*text != '\0')
        hash = (hash ^ (unsigned char)*text++) * 16777619U;
    return hash;
}

/* The entry of key and text; a new key takes the place of the one that was said longest ago. */
static struct said *find_said(const char *key, uint32_t text)
{
    struct said *oldest = &sink.said[0];

    for (size_t i = 0; i < KEYS; i++) {
        struct said *said = &sink.said[i];

        if (said->key[0] != '\0' && said->text == text &&
            strncmp(said->key, key, KEY_SIZE - 1) == 0)
            return said;
        if (oldest->key[0] != '\0' && (said->key[0] == '\0' || said->at < oldest->at))
            oldest = said;
    }
    memset(oldest, 0, sizeof(*oldest));
    (void)snprintf(oldest->key, KEY_SIZE, "%s", key);
    oldest->text = text;
    oldest->at = INT64_MIN;
    return oldest;
}

/* May it be said, not having been said for so long? How much was not said meanwhile is. */
static bool begin_said(struct said *said, vd_ms period_ms, enum vd_log_level level)
{
    vd_ms now = vd_clock_now();

    if (said->at != INT64_MIN && now - said->at < period_ms) {
        said->suppressed++;
        return false;
    }
    if (said->suppressed > 0) {
        char text[KEY_SIZE + 64];

        (void)snprintf(text, sizeof(text), "%s: %u lines like the next were left out", said->key,
                       said->suppressed);
        write_line(level, NULL, text);
    }
    said->at = now;
    said->suppressed = 0;
    return true;
}

void vd_log_limited(const char *key, enum vd_log_level level, const char *format, ...)
{
    va_list args;

    if (!is_on(level) || !begin_said(find_said(key, 0), 1000, level))
        return;
    va_start(args, format);
    log_args(level, format, args);
    va_end(args);
}

void vd_log_lasting(const char *key, enum vd_log_level level, const char *format, ...)
{
    char text[1024];
    va_list args;

    if (!is_on(level))
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (begin_said(find_said(key, hash_text(text)), 60000, level))
        write_line(level, NULL, text);
}

void vd_log_notice(enum vd_notice_level level, const char *event, const char *payload)
{
    static const enum vd_log_level as[] = {
        [VD_NOTICE_DEBUG] = VD_LOG_DEBUG,      [VD_NOTICE_VERBOSE] = VD_LOG_VERBOSE,
        [VD_NOTICE_NOTICE] = VD_LOG_NOTICE,    [VD_NOTICE_WARNING] = VD_LOG_WARNING,
        [VD_NOTICE_LOG_ONLY] = VD_LOG_WARNING,
    };

    if (is_on(as[level]))
        write_line(as[level], event, payload);
}
