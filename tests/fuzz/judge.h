/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is demanded of every answer of the pages, whatever was asked: a status of
 * those that there are, the headers, a body that is what it says it is, and
 * nothing for those who may not see it. It knows requests and answers, nothing
 * of the vedette behind them. Who does not keep it ends the run.
 */
#ifndef VD_TESTS_JUDGE_H
#define VD_TESTS_JUDGE_H

#include <stdbool.h>

#include "mhd.h"

/* Does the request show the token? NULL, "": none is wanted. */
bool judge_token(const struct MHD_Connection *connection, const char *token);

/* Was it answered with this Content-Type? */
bool judge_has_type(const struct MHD_Connection *connection, const char *type);

/* `authorized`: it showed the token when it asked; the token may be another since. The secret is
 * in no answer; NULL: the input itself has it. */
void judge_answer(const struct MHD_Connection *connection, bool authorized, const char *secret);

/* What SENTINEL SHOW said; shown: a page, else why not. */
void judge_show(const struct vd_text *text, bool shown, const char *secret);

#endif
