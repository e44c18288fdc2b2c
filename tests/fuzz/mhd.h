/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls that src/http makes of libmicrohttpd, on requests in memory: no
 * sockets, no threads, and nothing that the real one parses itself. It keeps the
 * library's side of the contract, and makes sure that the room keeps its own.
 */
#ifndef VD_TESTS_MHD_H
#define VD_TESTS_MHD_H

#include "base/text.h"
#include "http/libmicrohttpd.h"

#define MHD_PAIRS 32 /* headers, and parameters of the query, of a request; more are ignored */

struct mhd_pair {
    char *name;
    char *value; /* NULL: none, as in "?name" */
};

/* A request on its connection: filled in, then given to mhd_ask. Its texts are the asker's. */
struct MHD_Connection {
    char *method;
    char *path; /* decoded */
    struct mhd_pair headers[MHD_PAIRS];
    size_t header_count;
    struct mhd_pair args[MHD_PAIRS];
    size_t arg_count;
    struct MHD_Response *response; /* NULL: none yet */
    unsigned status;
    struct vd_text body; /* what has been sent of it */
    bool ended;          /* all has */
    bool suspended;
    bool resumed; /* the next run goes on with it */
    void *slot;
    struct MHD_Connection *prev;
    struct MHD_Connection *next;
};

/* The first header of the name, in any case; NULL: none. */
const char *mhd_header(const struct MHD_Connection *connection, const char *name);

/* The room is asked: as far as it answers at once. The connection stays until mhd_close. */
void mhd_ask(struct MHD_Connection *connection);
/* What is to be sent, as if the asker had room: as much as there is. */
void mhd_take(struct MHD_Connection *connection);
void mhd_close(struct MHD_Connection *connection);

/* What the room has put over the answer: "Name: value" lines. */
const char *mhd_answered_headers(const struct MHD_Connection *connection);

#endif
