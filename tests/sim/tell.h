/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tell: what happens in the world as a story (draw/story.h), for pictures and
 * for the transcripts of scenarios. It only watches: a world that is told runs
 * exactly as one that is not. Without a story every function here is one
 * comparison.
 */
#ifndef SIM_TELL_H
#define SIM_TELL_H

#include "draw/story.h"
#include "net.h"
#include "sentinel.h"

/* Lanes for all hosts, in their order: a lane's number is its host's. Once the world is built. */
void sim_tell_begin(struct sim *sim);
/* States that are still open reach to the end. */
void sim_tell_end(struct sim *sim);

/* A message leaves, or its process hears it. */
void sim_tell_sent(struct sim *sim, struct sim_msg *msg);
void sim_tell_heard(struct sim *sim, const struct sim_msg *msg);

void sim_tell_notice(struct sim *sim, const struct sim_sentinel *s, const struct vd_effect *effect);
void sim_tell_failover(struct sim *sim, const struct sim_sentinel *s,
                       const struct vd_failover_record *record);
/* A process has started, died, paused, resumed; servers may have changed their roles. */
void sim_tell_states(struct sim *sim);

/* A mark, and a line of the verbose transcript; without a host it is of the whole world. */
void sim_tell(struct sim *sim, const struct sim_host *host, enum vd_mark kind, const char *format,
              ...) VD_PRINTF(4, 5);
#define SIM_TELL(sim, ...)                                                                         \
    do {                                                                                           \
        if ((sim)->setup.verbose || (sim)->story != NULL)                                          \
            sim_tell((sim), __VA_ARGS__);                                                          \
    } while (0)

/* A message in a few words, as the picture has it. */
void sim_msg_words(const struct sim *sim, const struct sim_msg *msg, struct vd_text *to);
/* The same texts with addresses replaced by the names of their hosts: "+sdown master m1 r1". */
void sim_name_addresses(const struct sim *sim, const char *text, struct vd_text *to);

#endif
