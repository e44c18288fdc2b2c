/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trace: what crosses the core's door as one readable line each, for people
 * and for transcripts. No line holds a secret, and none holds a byte that is
 * not printable: texts are quoted as words.h has it. The exact form is pack.h.
 */
#ifndef VD_PROTO_TRACE_H
#define VD_PROTO_TRACE_H

#include "base/text.h"
#include "core/core.h"

/* Append the line, without its end and without `at`: "PONG link 3 ticket 17 ok PONG". */
void vd_trace_event(const struct vd_event *event, struct vd_text *to);

/* The same of an effect: "SEND link 3 ticket 18 PROMOTE". */
void vd_trace_effect(const struct vd_effect *effect, struct vd_text *to);

/* Append a text as one word. */
void vd_trace_word(const char *text, struct vd_text *to);

#endif
