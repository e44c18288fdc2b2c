/* SPDX-License-Identifier: BSD-3-Clause */
/* Stream: see stream.h. Here are plain sockets, and what both kinds share. */
#include "shell/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shell/dial.h"
#include "shell/stream_tls.h"

static void on_input(struct ev_loop *loop, ev_io *io, int events)
{
    struct vd_stream *stream = io->data;

    (void)loop;
    (void)events;
    if (stream->tls != NULL)
        vd_stream_tls_input(stream);
    else
        stream->calls->readable(stream->self);
}

static void on_output(struct ev_loop *loop, ev_io *io, int events)
{
    struct vd_stream *stream = io->data;

    (void)loop;
    (void)events;
    if (stream->tls != NULL)
        vd_stream_tls_output(stream);
    else
        stream->calls->writable(stream->self);
}

void vd_stream_open(struct vd_stream *stream, struct ev_loop *loop, int fd,
                    const struct vd_stream_calls *calls, void *self)
{
    *stream = (struct vd_stream){.loop = loop, .fd = fd, .calls = calls, .self = self};
    ev_io_init(&stream->input, on_input, fd, EV_READ);
    ev_io_init(&stream->output, on_output, fd, EV_WRITE);
    stream->input.data = stream->output.data = stream;
    ev_io_start(loop, &stream->input);
}

void vd_stream_close(struct vd_stream *stream)
{
    if (stream->calls == NULL)
        return;
    ev_io_stop(stream->loop, &stream->input);
    ev_io_stop(stream->loop, &stream->output);
    if (stream->tls != NULL)
        vd_stream_tls_free(stream);
    (void)close(stream->fd);
    stream->fd = -1;
    stream->calls = NULL;
}

ssize_t vd_stream_read(struct vd_stream *stream, void *to, size_t size)
{
    ssize_t got;

    if (stream->tls != NULL)
        return vd_stream_tls_read(stream, to, size);
    do
        got = recv(stream->fd, to, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

static uint64_t sent_bytes;

ssize_t vd_stream_write(struct vd_stream *stream, const void *bytes, size_t len)
{
    ssize_t sent;

    if (stream->tls != NULL) {
        sent = vd_stream_tls_write(stream, bytes, len);
    } else {
        do
            sent = send(stream->fd, bytes, len, MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
    }
    if (sent > 0)
        sent_bytes += (uint64_t)sent;
    return sent;
}

uint64_t vd_stream_sent(void)
{
    return sent_bytes;
}

const char *vd_stream_why(const struct vd_stream *stream, int error)
{
    return stream->tls != NULL && error == EPROTO ? vd_stream_tls_why(stream) : strerror(error);
}

enum vd_down_reason vd_stream_reason(int error)
{
    return error == EPROTO ? VD_DOWN_TLS : vd_dial_reason(error);
}

bool vd_stream_is_shaking(const struct vd_stream *stream)
{
    return stream->tls != NULL && !vd_stream_tls_is_open(stream);
}

void vd_stream_await_room(struct vd_stream *stream, bool wanted)
{
    stream->awaits_room = wanted;
    if (stream->tls != NULL)
        vd_stream_tls_watch(stream);
    else if (wanted)
        ev_io_start(stream->loop, &stream->output);
    else
        ev_io_stop(stream->loop, &stream->output);
}

void vd_stream_hold(struct vd_stream *stream, bool held)
{
    stream->held = held;
    if (stream->tls != NULL)
        vd_stream_tls_watch(stream);
    else if (held)
        ev_io_stop(stream->loop, &stream->input);
    else
        ev_io_start(stream->loop, &stream->input);
}
