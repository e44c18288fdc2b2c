/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses and names as text: what a host, a port, "host:port" and the name
 * of a group may look like, wherever they come from. Nothing is looked up: a
 * host that is no literal keeps an empty `ip`.
 */
#ifndef VD_PROTO_ADDR_H
#define VD_PROTO_ADDR_H

#include "base/err.h"
#include "base/text.h"
#include "core/value.h"

/*
 * A host that is a literal (IPv4; IPv6 without brackets) or a well-formed name
 * (letters, digits, '-', '_', '.'; at most 253). Sets host and, for literals,
 * ip in its canonical form; the port is set as given. False, and *out zeroed,
 * when it is neither.
 */
bool vd_addr_set(struct vd_addr *out, const char *host, size_t len, uint16_t port) VD_MUSTCHECK;

/* "host:port", "[ip6]:port". False with the reason. */
bool vd_addr_parse(struct vd_addr *out, const char *text, size_t len,
                   struct vd_err *err) VD_MUSTCHECK;

/* A decimal port, 0 to 65535. */
bool vd_port_parse(const char *text, size_t len, uint16_t *out) VD_MUSTCHECK;

/* "host:port", with brackets round an IPv6 literal. */
void vd_addr_print(const char *host, uint16_t port, struct vd_text *to);

/* Is it a name rather than a literal, so that it must be resolved? */
bool vd_addr_is_name(const struct vd_addr *addr);

/*
 * May a group be called so? 1 to 255 bytes, none of them a blank, a comma or a
 * control character: names travel in comma lists and blank-separated payloads.
 */
bool vd_group_name_valid(const char *name, size_t len);

#endif
