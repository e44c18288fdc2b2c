/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS certificates in words: whose, until when, for which names, and what is wrong with them. */
#ifndef VD_SHELL_TLS_CERT_H
#define VD_SHELL_TLS_CERT_H

#include <openssl/x509.h>

#include "base/text.h"

/* Warn of our own certificate, a line each. True: it has expired, or is not valid yet. */
bool vd_tls_cert_warn(const X509 *cert, const char *path, struct vd_text *warnings);

/* Whole seconds until it expires; negative: since it has. */
int64_t vd_tls_cert_expires_in_s(const X509 *cert);

/* How a fault of verification is told. */
struct vd_tls_fault {
    int error;               /* X509_V_ERR_... */
    const X509 *cert;        /* NULL: none was given */
    const char *name;        /* that it ought to be for */
    const char *authorities; /* file or directory of those we trust */
};

/* What is wrong with the other end's certificate and what helps: "its certificate (...) ...; ..."
 */
void vd_tls_cert_explain(const struct vd_tls_fault *fault, struct vd_text *to);

#endif
