/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Puppet: one core on strings, for unit tests of src/core. The test plays the
 * world by hand: it raises the links that the core asks for, answers what it
 * likes, and looks at every effect. No network, no time but the test's.
 */
#ifndef VD_TESTS_PUPPET_H
#define VD_TESTS_PUPPET_H

#include "core/core.h"
#include "core/model.h"

#define PUPPET_SELF "5e1f000000000000000000000000000000000000"
#define PUPPET_EFFECTS 512

struct puppet {
    struct vd_core *core;
    vd_ms now;
    struct vd_effects effects; /* of the last step */
};

/* Group "m" with primary 10.0.0.1:6379, `replicas` at 10.0.0.2.. and `peers` at 10.0.1.1.., started
 * at t = 1000. */
void puppet_init(struct puppet *puppet, unsigned quorum, unsigned replicas, unsigned peers);
void puppet_free(struct puppet *puppet);

struct vd_group *puppet_group(struct puppet *puppet);
struct vd_node *puppet_node(struct puppet *puppet, unsigned last_byte);
struct vd_opinion *puppet_opinion(struct puppet *puppet, unsigned number);
struct vd_id puppet_peer_id(unsigned number);
struct vd_addr puppet_addr(const char *ip, uint16_t port);

/* Step the event at puppet->now; effects of the step before are forgotten. */
void puppet_step(struct puppet *puppet, struct vd_event *event);
/* Let time pass to `at`, with DUE at every deadline on the way. */
void puppet_pass(struct puppet *puppet, vd_ms at);

/* All links that are being opened come up, and what they then send stays unanswered. */
void puppet_raise_links(struct puppet *puppet);
void puppet_link_down(struct puppet *puppet, struct vd_wire *wire, enum vd_down_reason reason);
/* The outstanding PING of a node or peer is answered. */
void puppet_pong(struct puppet *puppet, struct vd_wire *wire, enum vd_pong kind);
/* INFO of a node, whether asked or not. */
void puppet_info(struct puppet *puppet, struct vd_node *node, struct vd_info *info);
/* A primary's and a replica's INFO as they are when all is well. */
struct vd_info puppet_primary_info(void);
struct vd_info puppet_replica_info(unsigned last_byte, int64_t offset);
/* Links up, PINGs answered, INFO from all, as in a group where all is well. */
void puppet_settle(struct puppet *puppet);
/* The peer's answer to the question it was asked. */
void puppet_answer(struct puppet *puppet, unsigned number, bool down, const char *leader,
                   uint64_t epoch);
/* A client asks; the reply is the last step's VOTE. */
const struct vd_effect *puppet_question(struct puppet *puppet, const char *asker, uint64_t epoch,
                                        const char *candidate);

/* Peer `number`, at home, says which address is primary by the configuration of this epoch. */
void puppet_hello(struct puppet *puppet, unsigned number, struct vd_addr primary, uint64_t epoch);
void puppet_say_hello(struct puppet *puppet, const struct vd_hello *hello);
/* An operator's order; the reply, valid until the next step. */
const struct vd_effect *puppet_order(struct puppet *puppet, const struct vd_order *order);
/* A node's word on what it was asked: its role, and whom it follows; OK (NULL) or an error. */
void puppet_role(struct puppet *puppet, const struct vd_node *node, enum vd_role role,
                 struct vd_addr primary);
void puppet_ack(struct puppet *puppet, const struct vd_node *node, vd_ticket ticket,
                const char *error);

/* How often the last step's effects have this notice; or this request. */
unsigned puppet_noticed(const struct puppet *puppet, const char *event);
unsigned puppet_sent(const struct puppet *puppet, enum vd_request request);
/* First of this type in the last step, or NULL. */
const struct vd_effect *puppet_find(const struct puppet *puppet, enum vd_effect_type type);

#endif
