/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients: the listening sockets and everybody who connects to them. Requests
 * that change nothing are answered at once from the views; those that change
 * something become events in the inbox, and the client's later requests wait
 * until the REPLY came, so that replies keep the order of requests. What a
 * client is owed goes out with one write per client and turn. Never steps the
 * core.
 */
#ifndef VD_SHELL_CLIENTS_H
#define VD_SHELL_CLIENTS_H

#include <ev.h>

#include "base/err.h"
#include "core/drive.h"
#include "proto/config.h"
#include "shell/inbox.h"
#include "shell/tls.h"

struct vd_clients;

struct vd_clients_hooks {
    void *self;
    /* A client said SHUTDOWN. */
    void (*shutdown)(void *self);
    /*
     * SENTINEL MONITOR with a name for a host: resolve it and call vd_clients_resolved with
     * the same client, later or at once.
     */
    void (*resolve)(void *self, vd_client client, const char *host);
    /* What another vedette tells vedettes; see vd_links_tell. NULL: nobody listens. */
    void (*word)(void *self, const char *text, size_t len);
    /* The process of a script that runs, for PENDING-SCRIPTS; 0: gone. */
    long (*pid_of)(void *self, vd_job job);
    /* SENTINEL SHOW, as in struct vd_desk; NULL: nothing is shown. */
    bool (*show)(void *self, const char *page, const struct vd_word *query, size_t count,
                 struct vd_text *to);
};

/* All that is given is borrowed and must outlive the clients. */
struct vd_clients *vd_clients_new(struct ev_loop *loop, struct vd_inbox *inbox,
                                  const struct vd_drive *drive, const struct vd_config *config,
                                  const struct vd_clients_hooks *hooks);

/*
 * TLS for those who come by the TLS port; without it they are turned away.
 * Borrowed, must outlive the clients.
 */
void vd_clients_use_tls(struct vd_clients *clients, struct vd_tls *tls);

/* Open every socket that the configuration names; all or none. The error names the port and the
 * remedy. */
bool vd_clients_listen(struct vd_clients *clients, struct vd_err *err) VD_MUSTCHECK;

/* The configuration was read anew: password, limits and time-outs from now on; addresses stay. */
void vd_clients_reconfigure(struct vd_clients *clients, const struct vd_config *config);

/* Effect REPLY; a client that is gone is ignored. */
void vd_clients_reply(struct vd_clients *clients, const struct vd_effect *effect);

/* Effect REPLY that may not leave because saving failed: the client gets an error instead. */
void vd_clients_refuse(struct vd_clients *clients, const struct vd_effect *effect);

/* A message to all who subscribed to the channel or to a pattern that matches it. */
void vd_clients_publish(struct vd_clients *clients, const char *channel, const char *payload);

/* Answers the hook; ip "" or NULL: the name has no address. */
void vd_clients_resolved(struct vd_clients *clients, vd_client client, const char *ip);

/*
 * Send what is owed. Called by itself before the loop waits (an ev_prepare of
 * the lowest priority, so behind the turn's); needed only where the loop does
 * not come back, as before the process ends.
 */
void vd_clients_flush(struct vd_clients *clients);

/* The users there are, valid as long as the clients. */
const struct vd_acl *vd_clients_users(const struct vd_clients *clients);

/* How many are connected. */
size_t vd_clients_count(const struct vd_clients *clients);

/* Close the listening sockets and all connections, after a last try to send what is owed. */
void vd_clients_stop(struct vd_clients *clients);
void vd_clients_free(struct vd_clients *clients);

#endif
