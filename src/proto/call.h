/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Call: one request under way, and the functions that the rows of the command
 * table run. Inside of proto's command rooms only; others use request.h.
 */
#ifndef VD_PROTO_CALL_H
#define VD_PROTO_CALL_H

#include "proto/command.h"
#include "proto/request.h"

struct vd_call {
    const struct vd_desk *desk;
    struct vd_session *session;
    const struct vd_word *words; /* the command's own included */
    size_t count;
    const struct vd_command *command; /* the row that runs */
    const struct vd_command *parent;  /* of a subcommand; else NULL */
    vd_ms now;
    struct vd_arena *arena; /* for what the outcome points to */
    struct vd_resp resp;
    struct vd_outcome *out;
};

/* Name and password of a client; true when it is let in (run_connection.c). `object`: which
 * command, for the log. */
bool vd_call_authenticate(struct vd_call *call, const struct vd_word *user,
                          const struct vd_word *pass, const char *object);

/* Is the text fit for a client's name: printable ASCII without blanks? */
bool vd_call_is_label(const struct vd_word *word);

/* A text of the session replaced by the word; an empty one unsets it. */
void vd_call_set_label(char **label, const struct vd_word *word);

/* The error of containers for a subcommand whose optional arguments do not fit. */
void vd_call_wrong_use(struct vd_call *call);

/* The error for an arity that only the function itself can judge. */
void vd_call_wrong_arity(struct vd_call *call);

/* HELP of the row's parent. */
void vd_run_help(struct vd_call *call);

/* Leave the order to the core; its REPLY is the reply. Fill in the rest. */
struct vd_order *vd_call_give_order(struct vd_call *call, enum vd_order_type type);
/* The name of the group that the third word is, or NULL with the error written. */
const char *vd_call_find_group(struct vd_call *call);

void vd_run_auth(struct vd_call *call);
void vd_run_hello(struct vd_call *call);
void vd_run_info(struct vd_call *call);
void vd_run_ping(struct vd_call *call);
void vd_run_psubscribe(struct vd_call *call);
void vd_run_publish(struct vd_call *call);
void vd_run_punsubscribe(struct vd_call *call);
void vd_run_quit(struct vd_call *call);
void vd_run_role(struct vd_call *call);
void vd_run_shutdown(struct vd_call *call);
void vd_run_subscribe(struct vd_call *call);
void vd_run_unsubscribe(struct vd_call *call);

void vd_run_acl_cat(struct vd_call *call);
void vd_run_acl_deluser(struct vd_call *call);
void vd_run_acl_dryrun(struct vd_call *call);
void vd_run_acl_genpass(struct vd_call *call);
void vd_run_acl_getuser(struct vd_call *call);
void vd_run_acl_list(struct vd_call *call);
void vd_run_acl_load(struct vd_call *call);
void vd_run_acl_log(struct vd_call *call);
void vd_run_acl_save(struct vd_call *call);
void vd_run_acl_setuser(struct vd_call *call);
void vd_run_acl_users(struct vd_call *call);
void vd_run_acl_whoami(struct vd_call *call);

void vd_run_client_caching(struct vd_call *call);
void vd_run_client_getname(struct vd_call *call);
void vd_run_client_getredir(struct vd_call *call);
void vd_run_client_id(struct vd_call *call);
void vd_run_client_info(struct vd_call *call);
void vd_run_client_kill(struct vd_call *call);
void vd_run_client_list(struct vd_call *call);
void vd_run_client_no_evict(struct vd_call *call);
void vd_run_client_pause(struct vd_call *call);
void vd_run_client_reply(struct vd_call *call);
void vd_run_client_setinfo(struct vd_call *call);
void vd_run_client_setname(struct vd_call *call);
void vd_run_client_tracking(struct vd_call *call);
void vd_run_client_trackinginfo(struct vd_call *call);
void vd_run_client_unblock(struct vd_call *call);
void vd_run_client_unpause(struct vd_call *call);

void vd_run_command(struct vd_call *call);
void vd_run_command_count(struct vd_call *call);
void vd_run_command_docs(struct vd_call *call);
void vd_run_command_getkeys(struct vd_call *call);
void vd_run_command_info(struct vd_call *call);
void vd_run_command_list(struct vd_call *call);

void vd_run_sentinel_address(struct vd_call *call);
void vd_run_sentinel_candidates(struct vd_call *call);
void vd_run_sentinel_ckquorum(struct vd_call *call);
void vd_run_sentinel_config(struct vd_call *call);
void vd_run_sentinel_debug(struct vd_call *call);
void vd_run_sentinel_failover(struct vd_call *call);
void vd_run_sentinel_flush(struct vd_call *call);
void vd_run_sentinel_forget(struct vd_call *call);
void vd_run_sentinel_group(struct vd_call *call);
void vd_run_sentinel_groups(struct vd_call *call);
void vd_run_sentinel_info_cache(struct vd_call *call);
void vd_run_sentinel_monitor(struct vd_call *call);
void vd_run_sentinel_myid(struct vd_call *call);
void vd_run_sentinel_pause(struct vd_call *call);
void vd_run_sentinel_peers(struct vd_call *call);
void vd_run_sentinel_question(struct vd_call *call);
void vd_run_sentinel_remove(struct vd_call *call);
void vd_run_sentinel_replicas(struct vd_call *call);
void vd_run_sentinel_reset(struct vd_call *call);
void vd_run_sentinel_resume(struct vd_call *call);
void vd_run_sentinel_scripts(struct vd_call *call);
void vd_run_sentinel_set(struct vd_call *call);
void vd_run_sentinel_show(struct vd_call *call);
void vd_run_sentinel_simulate(struct vd_call *call);

#endif
