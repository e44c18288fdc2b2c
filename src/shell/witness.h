/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Witness: failovers that another led. Its leader tells its peers how it went,
 * on the links that they have anyway and in the channel of hellos, where a
 * sentinel of another kind ignores it; so every vedette can show its phases.
 * Of whose leader says nothing (it died, or is no vedette) there is what was
 * seen from here: that there is a new primary, and how long that took. For the
 * history alone: nothing is decided by it, nobody waits for it, and what is
 * lost of it is lost.
 *
 *   vedette-failover,1,ID,EPOCH,AGE_MS,REASON,RESULT,HOST,IP,PORT,HOST,IP,PORT,
 *     SILENCE,AGREEMENT,ELECTION,SELECTION,PROMOTION,TOTAL,REPLICAS,LOSS,GROUP
 */
#ifndef VD_SHELL_WITNESS_H
#define VD_SHELL_WITNESS_H

#include <ev.h>

#include "core/drive.h"
#include "shell/history.h"
#include "shell/links.h"
#include "shell/store.h"
#include "shell/watch.h"

struct vd_witness;

/* All borrowed; they must outlive it. */
struct vd_witness *vd_witness_new(struct ev_loop *loop, const struct vd_drive *drive,
                                  struct vd_links *links, struct vd_store *store,
                                  struct vd_watch *watch);
/* What is not yet kept is kept. NULL is fine, here and below. */
void vd_witness_free(struct vd_witness *witness);

/* An event as it is published, when the step that caused it is over. */
void vd_witness_event(struct vd_witness *witness, const char *name, const char *payload);

/* A failover that we led has ended: the group's peers are told. */
void vd_witness_tell(struct vd_witness *witness, const struct vd_history_entry *entry);

/*
 * What came in the channel of hellos and begins as these words do. Nonsense is
 * ignored, and what strangers say, or of an election that is yet to come: who
 * may publish there can invent failovers, but only so many (history.h).
 */
void vd_witness_hear(struct vd_witness *witness, const char *text, size_t len);

/* ---- the words (witness_word.c) ---- */

/* Append. `now_ms` is the wall clock: peers are told an age, for clocks differ. */
void vd_witness_print(const struct vd_history_entry *entry, const char *self, int64_t now_ms,
                      struct vd_text *to);

/*
 * The text is cut up in place, and the entry's texts are in it. False: it makes
 * no sense.
 */
bool vd_witness_parse(char *text, int64_t now_ms, struct vd_history_entry *out) VD_MUSTCHECK;

#endif
