/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing sentinel.conf: an old text and what it must hold made into the new
 * text. As Sentinel does it, lines keep their places, comments stay, what is
 * new goes to the end; but a line belongs to its group, whatever the order.
 * Text only; making it durable is the store's.
 */
#ifndef VD_PROTO_CLASSIC_WRITE_H
#define VD_PROTO_CLASSIC_WRITE_H

#include "base/text.h"
#include "core/core.h"
#include "proto/acl.h"

/* What the file is to hold. */
struct vd_classic_content {
    const struct vd_image *image; /* of all groups */
    bool unsound;                 /* as vd_store_set_unsound has it */
    /*
     * Directives of the server that must be there, whole lines ("port 26380").
     * One takes the place of the lines of that directive.
     */
    const char *const *directives;
    size_t directive_count;
    /*
     * All users there are; NULL: they are somebody else's, such as an ACL file's.
     * The default user needs no line while it is what `requirepass` (NULL: none)
     * makes of it.
     */
    const struct vd_acl *users;
    const char *requirepass;
    /* Nothing may stay but what Sentinel knows, so that it can start from the file. */
    bool plain;
};

/* Append the new text to `to`. `old` may be empty. */
void vd_classic_write(const struct vd_text *old, const struct vd_classic_content *content,
                      struct vd_text *to);

/* The old text with its remark that votes may be missing taken out. */
void vd_classic_write_sound(const struct vd_text *old, struct vd_text *to);

#endif
