/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hello line, by which sentinels find each other and spread a newer
 * configuration: "ip,port,id,epoch,group,primary ip,primary port,config epoch".
 */
#ifndef VD_PROTO_HELLO_H
#define VD_PROTO_HELLO_H

#include "base/err.h"
#include "base/text.h"
#include "core/value.h"

#define VD_HELLO_CHANNEL "__sentinel__:hello"

/* What vedettes tell each other in the same channel, and no sentinel takes for a hello. */
#define VD_WORD_ALERTS "vedette-alerts,"
#define VD_WORD_FAILOVER "vedette-failover,"

bool vd_hello_is_word(const char *text, size_t len);

/*
 * Exactly eight well-formed fields, or false with the reason. A port may be 0
 * (an address that is not valid; the core adds no such peer).
 */
bool vd_hello_parse(const char *text, size_t len, struct vd_hello *out,
                    struct vd_err *err) VD_MUSTCHECK;

/* Append the line; addresses by their host, else by their ip. */
void vd_hello_print(const struct vd_hello *hello, struct vd_text *to);

#endif
