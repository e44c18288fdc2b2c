/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS failures in words: see tls_reason.h. */
#include "shell/tls_reason.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* How the other end refuses our certificate. */
static const struct {
    int reason;
    const char *meaning;
} refusals[] = {
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "it does not know its CA; tell it that CA"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "it has expired; renew it here and send SIGHUP"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "it was revoked; renew it here and send SIGHUP"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "it is not for our name, or not good; its log says more"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
     "it may not be used for this; look at its extended key usage"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "its log says why"},
};

static bool explain_refusal(int reason, const char *own, struct vd_text *to)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].reason != reason)
            continue;
        vd_text_printf(to, "it refuses our certificate (%s): %s",
                       own[0] == '\0' ? "we have none" : own, refusals[i].meaning);
        return true;
    }
    return false;
}

static const char *find_meaning(int reason, bool incoming)
{
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return incoming ? "what it sends is not TLS"
                        : "it does not answer in TLS; give the TLS port of that host, or set "
                          "tls-replication (tls-servers, tls-peers) off";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "it has no certificate, and tls-auth-clients asks for one; give it one, or set "
               "tls-auth-clients to optional or no";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return "it asks for a certificate, and we have none; give tls-cert-file and tls-key-file";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
        return "it and we have no version of TLS in common; look at tls-protocols on both sides";
    case SSL_R_NO_SHARED_CIPHER:
        return "it and we have no cipher in common; look at tls-ciphers and tls-ciphersuites on "
               "both sides";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return "it refuses our handshake: no cipher in common, or it asks for a certificate that "
               "we do not have; its log says more";
    default:
        return NULL;
    }
}

void vd_tls_explain(bool incoming, const char *own, unsigned long error, struct vd_text *to)
{
    int reason = ERR_GET_REASON(error);
    const char *meaning = ERR_GET_LIB(error) == ERR_LIB_SSL ? find_meaning(reason, incoming) : NULL;

    if (ERR_GET_LIB(error) == ERR_LIB_SSL && explain_refusal(reason, own, to))
        return;
    if (meaning == NULL)
        meaning = ERR_reason_error_string(error);
    vd_text_puts(to, meaning == NULL ? "TLS ends without a reason given" : meaning);
}
