/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Original: a model of a Redis Sentinel as a peer: its 10 Hz timer, its
 * periods, its one global epoch by which votes are refused, its wait of twice
 * failover-timeout between attempts, its late repairs, its TILT. What it does
 * is a fact of the protocol and comes from its documentation and behaviour; it
 * is here so that quorums of both kinds can be tried. It may not be judged by
 * what is asked of vedette: only what it says counts, as votes and as
 * configurations.
 *
 *   original.c         life, and its file
 *   original_links.c   its timer and links, what it sends and hears
 *   original_rules.c   who is down, who is voted for, the failover
 *   original_news.c    what INFO and hellos tell it, and what it puts right
 */
#ifndef SIM_ORIGINAL_H
#define SIM_ORIGINAL_H

#include "base/arena.h"
#include "net.h"

#define SIM_ORIGINAL_REPLICAS 12
#define SIM_ORIGINAL_PEERS (SIM_SENTINELS_MAX + SIM_ORIGINALS_MAX)

enum sim_original_state {
    SIM_OS_NONE,
    SIM_OS_WAIT_START,
    SIM_OS_SELECT,
    SIM_OS_SEND_NOONE,
    SIM_OS_WAIT_PROMOTION,
    SIM_OS_RECONF,
    SIM_OS_UPDATE,
};

enum sim_original_reconf {
    SIM_OR_NONE,
    SIM_OR_SENT,
    SIM_OR_INPROG,
    SIM_OR_DONE,
};

/* A server or a peer that it watches. Instants are -1 where it has not happened. */
struct sim_watched {
    const struct sim_host *at; /* NULL: the place in the list is free */
    struct vd_id id;           /* of a peer */
    bool is_peer;
    struct sim_conn *commands;
    struct sim_conn *messages; /* servers: the subscription */
    unsigned pending;
    sim_us tried_at; /* to connect */
    sim_us messages_at;
    sim_us ping_since; /* the oldest without an answer */
    sim_us pinged_at;
    sim_us good_at; /* the last good answer */
    sim_us answer_at;
    sim_us published_at;
    sim_us info_at;
    bool s_down;
    sim_us s_down_at;
    enum vd_role role;
    sim_us role_at;
    const struct sim_host *follows;
    sim_us follows_at;
    bool link_up;
    int64_t link_down_ms;
    int64_t priority;
    int64_t offset;
    struct vd_id run_id;
    bool promoted;
    enum sim_original_reconf reconf;
    sim_us reconf_at;
};

/* What a peer last said of a group. */
struct sim_original_opinion {
    bool member; /* the peer is known in this group */
    bool down;
    struct vd_id leader;
    uint64_t leader_epoch;
    sim_us told_at;
};

struct sim_original_group {
    struct sim_watched primary;
    struct sim_watched replicas[SIM_ORIGINAL_REPLICAS];
    struct sim_original_opinion opinions[SIM_ORIGINAL_PEERS];
    bool o_down;
    sim_us o_down_at;
    uint64_t config_epoch;
    struct vd_id leader;
    uint64_t leader_epoch;
    enum sim_original_state state;
    bool forced;
    uint64_t failover_epoch;
    sim_us started_at; /* the last attempt, or the last vote for another */
    sim_us state_at;
    struct sim_watched *promoted;
};

/* Its configuration file. */
struct sim_original_file {
    bool exists;
    uint64_t epoch;
    struct {
        const struct sim_host *primary;
        const struct sim_host *replicas[SIM_ORIGINAL_REPLICAS];
        uint64_t config_epoch;
        uint64_t leader_epoch;
        bool member[SIM_ORIGINAL_PEERS];
    } groups[SIM_GROUPS_MAX];
    struct {
        const struct sim_host *at;
        struct vd_id id;
    } peers[SIM_ORIGINAL_PEERS];
};

struct sim_original {
    struct sim *sim;
    unsigned index;
    struct sim_host *host;
    bool running;
    struct vd_id id;
    uint64_t epoch;
    struct sim_watched peers[SIM_ORIGINAL_PEERS];
    struct sim_original_group groups[SIM_GROUPS_MAX];
    struct sim_original_file file;
    struct sim_task tick;
    struct sim_task revive;
    sim_us ticked_at;
    sim_us tilt_at; /* since then it watches and does nothing; -1: not so */
    struct vd_arena arena;
};

struct sim_original *sim_original_new(struct sim *sim, unsigned index);
void sim_original_free(struct sim_original *o);
/* What it would have learnt by itself is in its file before it starts for the first time. */
void sim_original_acquaint(struct sim_original *o);
void sim_original_start(struct sim_original *o);
void sim_original_kill(struct sim_original *o, bool power);
void sim_original_pause(struct sim_original *o);
void sim_original_resume(struct sim_original *o);
/* SENTINEL FAILOVER and RESET. */
void sim_original_failover(struct sim_original *o, unsigned group);
void sim_original_reset(struct sim_original *o, unsigned group);

struct sim_original *sim_original_of(const struct sim *sim, const struct sim_host *host);
/* Whom it tells clients. */
const struct sim_host *sim_original_names(const struct sim_original *o, unsigned group);
/* The primary that it names, or on its list. */
bool sim_original_knows(const struct sim_original *o, unsigned group, const struct sim_host *host);
/* Is it at rest, with a link to all that lives? Else what is missing goes to `why`. */
bool sim_original_is_settled(const struct sim_original *o, unsigned group, const char **why);

/* Between the files of this room ------------------------------------------------ */

extern const struct sim_host_ops sim_original_ops;
void sim_original_tick(struct sim *sim, void *self);
void sim_original_say(const struct sim_original *o, const char *event, unsigned group,
                      const struct sim_host *about);
void sim_original_save(struct sim_original *o);
void sim_original_watch(struct sim_original *o, struct sim_watched *w, const struct sim_host *at);
void sim_original_unlink(struct sim_watched *w);
struct sim_watched *sim_original_replica(struct sim_original_group *group,
                                         const struct sim_host *at, bool add,
                                         struct sim_original *o);
bool sim_original_is_linked(const struct sim_watched *w);
void sim_original_turn(struct sim_original *o, struct sim_watched *w, const struct sim_host *to);
void sim_original_ask(struct sim_original *o, unsigned g, bool at_once);
void sim_original_enter(struct sim_original *o, unsigned g, enum sim_original_state state,
                        const char *event);
/* The group has a new primary, by an own failover or by hello. */
void sim_original_switch(struct sim_original *o, unsigned g, const struct sim_host *to);
/* Its failover-timeout. */
sim_us sim_original_patience(const struct sim_original *o);

void sim_original_check(struct sim_original *o, unsigned group); /* with each tick */
void sim_original_informed(struct sim_original *o, unsigned group, struct sim_watched *w,
                           const struct vd_info *info);
void sim_original_hello(struct sim_original *o, const struct vd_hello *hello);
void sim_original_vote(struct sim_original *o, unsigned group, uint64_t epoch,
                       const struct vd_id *candidate);

#endif
