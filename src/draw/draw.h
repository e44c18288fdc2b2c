/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Draw: a story as one HTML file that needs nothing else and asks nothing of
 * any network: a lane per process, messages as arrows, states as bands. The
 * page (page.html, page.css, page.js) is built into the program; the story is
 * put into it as JSON in which no byte can end the script, whatever the
 * network has sent.
 */
#ifndef VD_DRAW_DRAW_H
#define VD_DRAW_DRAW_H

#include "base/text.h"
#include "draw/story.h"

/* Append the page. */
void vd_draw_page(const struct vd_story *story, struct vd_text *to);

/* Append the story alone, as JSON. */
void vd_draw_json(const struct vd_story *story, struct vd_text *to);

/* The page before and behind its story; made from the files above by embed.sh. */
extern const char vd_draw_head[];
extern const size_t vd_draw_head_len;
extern const char vd_draw_tail[];
extern const size_t vd_draw_tail_len;

#endif
