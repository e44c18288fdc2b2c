/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links: connections to data nodes and other sentinels. A data node has two
 * links, for commands and for its subscription; where it speaks RESP3 they
 * share one connection. Effects go out as commands, replies come in as events;
 * nothing is kept and the core is never called. Only literal addresses are
 * connected to; names go through the resolver, and of several addresses the one
 * that answers first is taken (RFC 8305). Inside TLS the name decides, not the
 * address: the certificate must be for the host that was configured or
 * announced. Replies are parsed by hiredis's reader, with limits: the server at
 * the other end may be anybody.
 *
 * Every SEND is answered by exactly one event that carries its ticket, or the
 * link by one LINK_DOWN, after which nothing more is said about it. After
 * CLOSE nothing is said at all. How long to wait for anything is the core's
 * to decide.
 */
#ifndef VD_SHELL_LINKS_H
#define VD_SHELL_LINKS_H

#include <ev.h>

#include "proto/config.h"
#include "shell/inbox.h"
#include "shell/resolver.h"
#include "shell/tls.h"

struct vd_links;

/* All that is given is borrowed and must outlive the links. */
struct vd_links *vd_links_new(struct ev_loop *loop, struct vd_inbox *inbox,
                              struct vd_resolver *resolver, const struct vd_server_options *server);
/* Closes all, silently. */
void vd_links_free(struct vd_links *links);

/* The configuration was read anew; links made from now on follow it. */
void vd_links_reconfigure(struct vd_links *links, const struct vd_server_options *server);

/*
 * TLS for those links that the options want in TLS; without it they fail.
 * Borrowed, must outlive the links.
 */
void vd_links_use_tls(struct vd_links *links, struct vd_tls *tls);

/* Effects CONNECT, CLOSE and SEND. What is sent leaves with vd_links_flush. */
void vd_links_perform(struct vd_links *links, const struct vd_effect *effect);

/* Write what is due, one write a link. Called by the turn before the loop waits. */
void vd_links_flush(struct vd_links *links);

/*
 * Beats measure how far a replica is behind in time: published on the primary
 * (by its command link), they come back by the replica's subscription.
 */
#define VD_BEAT_CHANNEL "__vedette__:beat"

/* From now on, subscriptions hear beats as well; who may not is told once in the log. */
void vd_links_hear_beats(struct vd_links *links,
                         void (*heard)(void *self, vd_link link, const char *text, size_t len),
                         void *self);

/* Publish a beat; nobody waits for its reply. Leaves with vd_links_flush. A link that is not open
 * is ignored. */
void vd_links_beat(struct vd_links *links, vd_link id, const char *text);

/*
 * Pass a word to another sentinel, in the channel of hellos; who is no vedette
 * ignores it. Leaves with vd_links_flush. A link that is not open is ignored.
 */
void vd_links_tell(struct vd_links *links, vd_link id, const char *text);

/* How long a PING and its echo took of late, smoothed; -1: unknown. */
int64_t vd_links_rtt_us(const struct vd_links *links, vd_link id);

#endif
