/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS failures in words, as far as they are not about the other end's certificate (tls_cert.h). */
#ifndef VD_SHELL_TLS_REASON_H
#define VD_SHELL_TLS_REASON_H

#include <stdbool.h>

#include "base/text.h"

/*
 * What an error of OpenSSL's queue means, and what helps. `own` is the file of
 * our certificate, which the other end may have refused; "": we have none.
 */
void vd_tls_explain(bool incoming, const char *own, unsigned long error, struct vd_text *to);

#endif
