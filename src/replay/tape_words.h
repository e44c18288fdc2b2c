/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Words for what a recording holds: a request, an answer, a hello in a few
 * words for a picture. Ids stand in them whole, for merge.c to put names in
 * their place.
 */
#ifndef VD_REPLAY_TAPE_WORDS_H
#define VD_REPLAY_TAPE_WORDS_H

#include "base/text.h"
#include "core/core.h"
#include "draw/story.h"

/* "ip:port", or by its host where the ip is not known. */
void vd_tape_addr(const struct vd_addr *addr, struct vd_text *to);

/* A SEND; to which talk it belongs. */
enum vd_talk vd_tape_request_words(const struct vd_effect *effect, struct vd_text *to);
/* What came back: PONG, INFO, ROLE, ANSWER, ACK. */
void vd_tape_answer_words(const struct vd_event *event, struct vd_text *to);
/* The REPLY to a question. */
void vd_tape_reply_words(const struct vd_effect *effect, struct vd_text *to);
void vd_tape_question_words(const struct vd_event *event, struct vd_text *to);
void vd_tape_hello_words(const struct vd_hello *hello, struct vd_text *to);
const char *vd_tape_down_words(enum vd_down_reason reason);

/* Does this answer tell a server's role? In words, and as a band. */
bool vd_tape_server_state(const struct vd_event *event, struct vd_text *to);
enum vd_band vd_tape_server_band(const struct vd_event *event);

/*
 * What two recordings have in common of one message: the same text from who
 * sends it and from who gets it. False: it is not of a kind that a sentinel
 * records when it gets it.
 */
bool vd_tape_send_key(const struct vd_effect *effect, struct vd_text *to);
void vd_tape_question_key(const struct vd_event *event, struct vd_text *to);

#endif
