/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Operating errors: a sentence that names the thing, the place and the
 * remedy, wrapped on the way up. Only proto and shell have them; the core has
 * none, because bad input is refused before it and failures come back to it
 * as events.
 */
#ifndef VD_BASE_ERR_H
#define VD_BASE_ERR_H

#include <stdbool.h>

#include "base/mem.h"

struct vd_err {
    char text[512];
};

/* Set the text; returns false, so that `return vd_err_set(...)` reads well. err may be NULL. */
bool vd_err_set(struct vd_err *err, const char *format, ...) VD_PRINTF(2, 3);

/* Put "prefix: " before the text; returns false. err may be NULL. */
bool vd_err_wrap(struct vd_err *err, const char *format, ...) VD_PRINTF(2, 3);

#endif
