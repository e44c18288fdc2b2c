/* SPDX-License-Identifier: BSD-3-Clause */
/* House: clients on a loop of their own, see house.h. */
#include "house.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shell/clock.h"
#include "shell/log.h"

#define PATIENCE_MS 5000

static void note_shutdown(void *self)
{
    ((struct house *)self)->shutdowns++;
}

static void note_resolve(void *self, vd_client client, const char *host)
{
    struct house *house = self;

    if (house->unknown_host != NULL && strcmp(host, house->unknown_host) == 0) {
        vd_clients_resolved(house->clients, client, "");
        return;
    }
    house->resolve_client = client;
    ck_assert(vd_copy(house->resolve_host, sizeof(house->resolve_host), host));
}

static long no_pid(void *self, vd_job job)
{
    (void)self;
    (void)job;
    return 0;
}

void house_init(struct house *house)
{
    memset(house, 0, sizeof(*house));
    puppet_init(&house->puppet, 2, 2, 2);
    house->drive.core = house->puppet.core;
    vd_config_init(&house->config);
    scratch_template(house->directory);
    ck_assert_ptr_nonnull(mkdtemp(house->directory));
    (void)snprintf(house->path, sizeof(house->path), "%s/socket", house->directory);
    house->config.server.port = 0;
    house->config.server.unixsocket = vd_strdup(house->path);
    house->loop = ev_loop_new(EVFLAG_AUTO);
    ck_assert_ptr_nonnull(house->loop);
    vd_log_set_level(VD_LOG_NOTHING);
}

void house_open(struct house *house)
{
    struct vd_clients_hooks hooks = {
        .self = house, .shutdown = note_shutdown, .resolve = note_resolve, .pid_of = no_pid};
    struct vd_err err = {""};

    vd_config_make_users(&house->config);
    house->clients =
        vd_clients_new(house->loop, &house->inbox, &house->drive, &house->config, &hooks);
    ck_assert_msg(vd_clients_listen(house->clients, &err), "%s", err.text);
}

void house_free(struct house *house)
{
    if (house->clients != NULL)
        vd_clients_free(house->clients);
    ck_assert_int_eq(access(house->path, F_OK), -1);
    ck_assert_int_eq(rmdir(house->directory), 0);
    ev_loop_destroy(house->loop);
    vd_inbox_free(&house->inbox);
    vd_config_free(&house->config);
    puppet_free(&house->puppet);
}

int house_connect(const struct house *house)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert(vd_copy(address.sun_path, sizeof(address.sun_path), house->path));
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

void house_run(struct house *house)
{
    /* A few rounds: what one causes may be ready in the next. */
    for (int i = 0; i < 8; i++)
        ev_run(house->loop, EVRUN_NOWAIT);
}

int house_enter(struct house *house)
{
    size_t before = vd_clients_count(house->clients);
    int fd = house_connect(house);

    house_run(house);
    ck_assert_uint_eq(vd_clients_count(house->clients), before + 1);
    return fd;
}

void house_write(struct house *house, int fd, const char *text)
{
    size_t len = strlen(text);
    vd_ms until = vd_clock_now() + PATIENCE_MS;

    while (len > 0 && vd_clock_now() < until) {
        ssize_t wrote = send(fd, text, len, MSG_NOSIGNAL);

        if (wrote > 0) {
            text += wrote;
            len -= (size_t)wrote;
        } else {
            ck_assert_msg(errno == EAGAIN, "%s", strerror(errno));
        }
        house_run(house);
    }
    ck_assert_uint_eq(len, 0);
}

/* Up to `most` bytes, or to the end of file (*ended), or to the end of our patience. */
static void receive(struct house *house, int fd, size_t most, struct vd_text *to, bool *ended)
{
    vd_ms until = vd_clock_now() + PATIENCE_MS;

    *ended = false;
    while (to->len < most && !*ended && vd_clock_now() < until) {
        char bytes[65536];
        size_t room = most - to->len < sizeof(bytes) ? most - to->len : sizeof(bytes);
        ssize_t got = recv(fd, bytes, room, MSG_DONTWAIT);

        if (got > 0)
            vd_text_add(to, bytes, (size_t)got);
        else if (got == 0 || errno != EAGAIN)
            *ended = true;
        else
            ev_run(house->loop, EVRUN_NOWAIT);
    }
}

void house_expect(struct house *house, int fd, const char *text)
{
    struct vd_text got = {0};
    bool ended;

    receive(house, fd, strlen(text), &got, &ended);
    ck_assert_str_eq(vd_text_cstr(&got), text);
    vd_text_free(&got);
}

void house_ask(struct house *house, int fd, const char *line, const char *text)
{
    house_write(house, fd, line);
    house_write(house, fd, "\r\n");
    house_expect(house, fd, text);
    house_expect_nothing(house, fd);
}

void house_expect_nothing(struct house *house, int fd)
{
    char byte;

    house_run(house);
    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

bool house_expect_end(struct house *house, int fd)
{
    struct vd_text got = {0};
    bool ended;

    receive(house, fd, SIZE_MAX / 4, &got, &ended);
    vd_text_free(&got);
    return ended;
}

const struct vd_event *house_event(struct house *house, enum vd_event_type type)
{
    ck_assert_uint_eq(house->inbox.count, 1);
    ck_assert_int_eq(house->inbox.events[0].type, type);
    return &house->inbox.events[0];
}

void house_clear(struct house *house)
{
    vd_inbox_clear(&house->inbox);
}

void house_reply_ok(struct house *house, vd_client client)
{
    struct vd_effect effect = {.type = VD_EF_REPLY,
                               .reply = {.client = client, .kind = VD_REPLY_OK}};

    vd_clients_reply(house->clients, &effect);
}

void house_allow_names(struct house *house)
{
    struct vd_setting resolve = {.option = VD_OPT_RESOLVE_HOSTNAMES, .number = 1};
    struct vd_order order = {.type = VD_ORDER_CONFIGURE, .settings = &resolve, .setting_count = 1};
    struct vd_event event = {.type = VD_EV_ORDER, .order = {.order = &order}};

    puppet_step(&house->puppet, &event);
}
