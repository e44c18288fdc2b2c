/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RESP out: replies and pushes, written into a text buffer in the version of
 * the protocol that the client speaks. What differs between RESP2 and RESP3
 * (maps, sets, nulls, pushes, verbatim strings) is known here and nowhere
 * else. Reading requests is reader.h.
 */
#ifndef VD_PROTO_RESP_H
#define VD_PROTO_RESP_H

#include "base/text.h"

struct vd_resp {
    struct vd_text *to;
    unsigned version; /* 2 or 3 */
};

void vd_resp_status(struct vd_resp *resp, const char *text);

/* The whole error, code included, without '-'. CR and LF become blanks, so that no error can forge
 * a reply. */
void vd_resp_error(struct vd_resp *resp, const char *format, ...) VD_PRINTF(2, 3);

void vd_resp_int(struct vd_resp *resp, int64_t number);
/* A bulk string in RESP2. */
void vd_resp_double(struct vd_resp *resp, double number);
void vd_resp_bulk(struct vd_resp *resp, const void *bytes, size_t len);
void vd_resp_bulk_cstr(struct vd_resp *resp, const char *text);
/* A number as a bulk string, as all numbers of instance maps are. */
void vd_resp_bulk_int(struct vd_resp *resp, int64_t number);
/* "txt" text to be shown as it is; a bulk string in RESP2. */
void vd_resp_verbatim(struct vd_resp *resp, const void *bytes, size_t len);
void vd_resp_null(struct vd_resp *resp);       /* instead of a bulk string */
void vd_resp_null_array(struct vd_resp *resp); /* instead of an array */

/* Headers; the elements follow. A map's count is of pairs. */
void vd_resp_array(struct vd_resp *resp, size_t count);
void vd_resp_map(struct vd_resp *resp, size_t pairs);
void vd_resp_set(struct vd_resp *resp, size_t count);
void vd_resp_push(struct vd_resp *resp, size_t count);

/*
 * A header whose count is known only behind its elements: remember the place
 * before the first element, put the header there when all are written.
 */
size_t vd_resp_mark(const struct vd_resp *resp);
void vd_resp_array_at(struct vd_resp *resp, size_t mark, size_t count);
void vd_resp_map_at(struct vd_resp *resp, size_t mark, size_t pairs);

#endif
