/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes: values of the protocol written down in short, for unit tests of what is
 * asked and answered. All of them live in one arena, until the test ends.
 */
#ifndef VD_TESTS_NOTES_H
#define VD_TESTS_NOTES_H

#include <check.h>

#include "base/text.h"
#include "proto/answer.h"

extern struct vd_arena notes_arena;

/* A case whose tests each begin without notes. */
TCase *notes_case(const char *name);

/* A value from a note: +status -error $text :number ~ (nil); *a|b|c is an array of such. */
struct vd_value *notes_value(const char *note);
/* RESP arrays as lines of words, for reading. */
const char *notes_spell(const struct vd_text *from);
/* A SEND of the request, with ticket 9 on link 7. */
struct vd_effect notes_send(enum vd_request request);

#endif
