/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counter: a client at the desk, for unit tests of requests and renderers. A
 * line of words goes in, the reply's bytes come out; behind the desk stands a
 * puppet's core.
 */
#ifndef VD_TESTS_COUNTER_H
#define VD_TESTS_COUNTER_H

#include "proto/render_info.h"
#include "proto/request.h"
#include "puppet.h"

struct counter {
    struct puppet puppet; /* group "m", quorum 2, 2 replicas, 2 peers */
    struct vd_server_options server;
    struct vd_server_facts facts; /* what INFO is told */
    struct vd_desk desk;
    struct vd_acl *acl;
    struct vd_session session; /* client 7 */
    struct vd_arena arena;
    struct vd_text reply;
    struct vd_outcome out; /* of the last request */
};

/* What the ACL file "/acl" holds. */
extern struct vd_text counter_file;

/* settled: links up, INFO known; else nothing was heard yet. */
void counter_init(struct counter *counter, bool settled);
void counter_free(struct counter *counter);

/* Run the words of the line (quotes as in inline requests); the reply, valid until the next one. */
const char *counter_run(struct counter *counter, const char *line);

/* The same reply with line ends as blanks, for readable tables. */
const char *counter_say(struct counter *counter, const char *line);

#endif
