/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SHA-256 (FIPS 180-4): the form in which Redis writes passwords of users into
 * its configuration. For comparing such a line with a password, no more.
 */
#ifndef VD_PROTO_SHA256_H
#define VD_PROTO_SHA256_H

#include <stddef.h>

#define VD_SHA256_HEX 64

/* The digest of `len` bytes as lower-case hex and a NUL. */
void vd_sha256_hex(const void *bytes, size_t len, char out[VD_SHA256_HEX + 1]);

#endif
