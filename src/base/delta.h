/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delta: a text kept as what it has that another one, its model, has not. For
 * texts of lines "key:value" that come in about the same order, as servers of
 * one kind tell of themselves: a tenth of their length remains. Any other text
 * is kept as well, only no shorter.
 */
#ifndef VD_BASE_DELTA_H
#define VD_BASE_DELTA_H

#include "base/text.h"

struct vd_delta;

/*
 * Of any bytes. The model is borrowed: it must stay as it is for as long as the
 * delta is read; only an empty one may be filled. Freed by vd_free.
 */
struct vd_delta *vd_delta_new(const struct vd_text *model, const char *text, size_t len);

/* Append the text, byte for byte. */
void vd_delta_read(const struct vd_delta *delta, struct vd_text *to);

/* What it takes, in bytes. */
size_t vd_delta_size(const struct vd_delta *delta);

#endif
