/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * House: the clients of a loop of their own on a Unix socket, for unit tests
 * of shell/clients. The test is both ends: it writes and reads as clients do,
 * and it is the core: it looks into the inbox and makes up the replies.
 */
#ifndef VD_TESTS_HOUSE_H
#define VD_TESTS_HOUSE_H

#include "counter.h"
#include "scratch.h"
#include "shell/clients.h"

struct house {
    struct puppet puppet;
    struct vd_drive drive;
    struct vd_inbox inbox;
    struct vd_config config; /* set limits before house_open */
    struct ev_loop *loop;
    struct vd_clients *clients;
    char directory[SCRATCH_SIZE];
    char path[SCRATCH_SIZE + 16];
    unsigned shutdowns;       /* hooks called */
    vd_client resolve_client; /* the last */
    char resolve_host[64];
    const char *unknown_host; /* whoever asks for it is told at once that it has no address */
};

void house_init(struct house *house);
/* Listen on the Unix socket. */
void house_open(struct house *house);
void house_free(struct house *house);

/* A connection to it, not blocking. */
int house_connect(const struct house *house);
/* The same, accepted. */
int house_enter(struct house *house);

/* Let the loop run until nothing is ready. */
void house_run(struct house *house);

/* Write all of the text, and let the loop run. */
void house_write(struct house *house, int fd, const char *text);
/* What comes back, until it is as long as the text; both must be alike. */
void house_expect(struct house *house, int fd, const char *text);
/* The line goes in, exactly the text comes back. */
void house_ask(struct house *house, int fd, const char *line, const char *text);
/* Nothing is there to be read. */
void house_expect_nothing(struct house *house, int fd);
/* All that is there, then end of file; false: none within 5 s. */
bool house_expect_end(struct house *house, int fd);

/* The one event in the inbox, which must be of the type; forgotten by house_clear. */
const struct vd_event *house_event(struct house *house, enum vd_event_type type);
void house_clear(struct house *house);
/* The core says OK to the client. */
void house_reply_ok(struct house *house, vd_client client);
/* Names may stand for hosts: SENTINEL MONITOR has them resolved. */
void house_allow_names(struct house *house);

#endif
