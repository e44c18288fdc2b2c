/* SPDX-License-Identifier: BSD-3-Clause */
/* Record: see record.h. */
#include "shell/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/recording.h"
#include "shell/clock.h"
#include "shell/log.h"

#define FILES_MAX 1000
#define BUFFER_MAX ((size_t)1024 * 1024) /* not more is kept for an idle moment */

struct vd_record {
    int fd; /* -1: over */
    char *path;
    off_t written; /* whole frames */
    int64_t limit; /* 0: none */
    bool begun;
    bool amid; /* a turn: `input` is valid */
    struct vd_turn_input input;
    struct vd_recording recording;
    struct vd_text buffer;
    struct vd_arena arena;
    struct vd_id salt;
    struct vd_veil veil;
    char hidden[32];
    struct ev_loop *loop;
    ev_idle idle;
};

static struct vd_record *open_record;

/* Secrets ------------------------------------------------------------------------ */

/* Equal secrets have equal words, and nobody learns them, for the salt is kept nowhere. */
static const char *hide(void *self, const char *secret)
{
    struct vd_record *record = self;
    char digest[VD_SHA256_HEX + 1];
    struct vd_text salted = {0};

    vd_text_puts(&salted, record->salt.hex);
    vd_text_puts(&salted, secret);
    vd_sha256_hex(salted.bytes, salted.len, digest);
    vd_text_free(&salted);
    (void)snprintf(record->hidden, sizeof(record->hidden), "hidden-%.16s", digest);
    return record->hidden;
}

/* The file ----------------------------------------------------------------------- */

static void give_up(struct vd_record *record, const char *why)
{
    vd_log(VD_LOG_WARNING, "recording into %s has ended: %s", record->path, why);
    /* What is there stays readable: it ends with a whole frame. */
    if (ftruncate(record->fd, record->written) != 0)
        vd_log(VD_LOG_WARNING, "%s cannot be cut to whole frames: %s", record->path,
               strerror(errno));
    (void)close(record->fd);
    record->fd = -1;
    vd_text_free(&record->buffer);
}

static void write_out(struct vd_record *record)
{
    size_t done = 0;

    while (record->fd >= 0 && done < record->buffer.len) {
        ssize_t sent = write(record->fd, record->buffer.bytes + done, record->buffer.len - done);

        if (sent > 0)
            done += (size_t)sent;
        else if (sent == 0 || errno != EINTR)
            give_up(record, sent == 0 ? "nothing can be written" : strerror(errno));
    }
    record->written += (off_t)done;
    vd_text_clear(&record->buffer);
}

static void end_at_limit(struct vd_record *record)
{
    vd_recording_end(&record->recording, &record->buffer);
    write_out(record);
    if (record->fd < 0)
        return;
    vd_log(VD_LOG_NOTICE, "recording into %s is over: it has reached its limit of %lld bytes",
           record->path, (long long)record->limit);
    (void)close(record->fd);
    record->fd = -1;
    ev_idle_stop(record->loop, &record->idle);
}

static void on_idle(struct ev_loop *loop, ev_idle *watcher, int events)
{
    (void)events;
    ev_idle_stop(loop, watcher);
    write_out(watcher->data);
}

static void write_soon(struct vd_record *record)
{
    if (record->buffer.len > BUFFER_MAX)
        write_out(record);
    else
        ev_idle_start(record->loop, &record->idle);
}

static int open_new(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

/* The first name that is free. */
static int open_free(const char *path, struct vd_text *name)
{
    int fd = -1;

    for (int i = 0; fd < 0 && i < FILES_MAX && (i == 0 || errno == EEXIST); i++) {
        vd_text_clear(name);
        vd_text_puts(name, path);
        if (i > 0)
            vd_text_printf(name, ".%d", i);
        fd = open_new(vd_text_cstr(name));
    }
    return fd;
}

struct vd_record *vd_record_open(const char *path, int64_t limit, struct vd_err *err)
{
    struct vd_text name = {0};
    struct vd_record *record;
    int fd = open_free(path, &name);

    VD_ASSERT(open_record == NULL);
    if (fd < 0) {
        vd_err_set(err, "cannot record into %s: %s", vd_text_cstr(&name), strerror(errno));
        vd_text_free(&name);
        return NULL;
    }
    record = vd_alloc(sizeof(*record));
    record->fd = fd;
    record->limit = limit;
    record->path = vd_strdup(name.bytes);
    record->salt = vd_clock_new_id();
    record->veil = (struct vd_veil){.hide = hide, .self = record};
    vd_recording_init(&record->recording);
    vd_text_free(&name);
    open_record = record;
    return record;
}

const char *vd_record_path(const struct vd_record *record)
{
    return record->path;
}

/* Turns -------------------------------------------------------------------------- */

void vd_record_begin(struct vd_record *record, struct ev_loop *loop, const struct vd_image *image,
                     bool fresh)
{
    struct vd_origin origin = {.version = VD_VERSION, .fresh = fresh};

    if (record == NULL)
        return;
    origin.at = vd_clock_now();
    origin.wall_ms = vd_clock_wall_ms();
    record->begun = true;
    record->loop = loop;
    ev_idle_init(&record->idle, on_idle);
    ev_set_priority(&record->idle, EV_MINPRI);
    record->idle.data = record;
    if (!vd_recording_begin(&record->recording, &origin, image, &record->veil, &record->buffer))
        give_up(record, "the image to start from is too long");
    else
        write_out(record);
}

void vd_record_expect(struct vd_record *record, const struct vd_event *events, size_t count,
                      vd_ms now, uint32_t dice)
{
    if (record == NULL)
        return;
    record->amid = true;
    record->input =
        (struct vd_turn_input){.now = now, .dice = dice, .events = events, .count = count};
}

void vd_record_turn(struct vd_record *record, const struct vd_drive *drive)
{
    struct vd_turn_output output = {0};
    struct vd_digest digest;

    if (record == NULL)
        return;
    record->amid = false;
    if (record->fd < 0)
        return;
    output.effects = drive->effects.list;
    output.count = drive->last.effect_count;
    output.image = drive->last.image;
    output.saved = drive->last.saved;
    vd_recording_digest(&record->recording, &output, &record->veil, &record->arena, &digest);
    if (!vd_recording_turn(&record->recording, &record->input, &digest, &record->veil,
                           &record->buffer))
        give_up(record, "a turn is too long");
    else if (record->limit != 0 &&
             (int64_t)record->written + (int64_t)record->buffer.len >= record->limit)
        end_at_limit(record);
    else
        write_soon(record);
    vd_arena_reset(&record->arena);
}

void vd_record_cut(struct vd_record *record)
{
    if (record == NULL || record->fd < 0 || !record->amid)
        return;
    record->amid = false;
    if (vd_recording_cut(&record->recording, &record->input, &record->veil, &record->buffer))
        write_out(record);
}

void vd_record_panic(void)
{
    vd_record_cut(open_record);
}

void vd_record_close(struct vd_record *record)
{
    if (record == NULL)
        return;
    if (record->fd >= 0 && record->begun) {
        vd_recording_end(&record->recording, &record->buffer);
        write_out(record);
    }
    if (record->loop != NULL)
        ev_idle_stop(record->loop, &record->idle);
    if (!record->begun)
        (void)unlink(record->path);
    if (record->fd >= 0)
        (void)close(record->fd);
    vd_recording_free(&record->recording);
    vd_text_free(&record->buffer);
    vd_arena_free(&record->arena);
    vd_free(record->path);
    vd_free(record);
    open_record = NULL;
}
