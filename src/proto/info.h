/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INFO of a data node, text to facts. Written for text from a stranger: no
 * line can make it fail, an absurd value is as good as none.
 */
#ifndef VD_PROTO_INFO_H
#define VD_PROTO_INFO_H

#include "base/arena.h"
#include "core/value.h"

/*
 * Fill *out from the text, with what vd_info names as defaults where it is
 * silent. The list of replicas lives in the arena. False when no line of it
 * was of any use (it is no INFO); *out then holds the defaults.
 */
bool vd_info_parse(const char *text, size_t len, struct vd_arena *arena,
                   struct vd_info *out) VD_MUSTCHECK;

#endif
