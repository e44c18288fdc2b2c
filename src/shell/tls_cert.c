/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS certificates in words: see tls_cert.h. Texts from certificates are bounded here; the log
 * makes them harmless. */
#include "shell/tls_cert.h"

#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#define SOON_DAYS 14
#define NAMES_MAX 8
#define NAME_BYTES_MAX 100

static void put_subject(const X509 *cert, struct vd_text *to)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *bytes;
    long len;

    if (out == NULL)
        return;
    if (X509_NAME_print_ex(out, X509_get_subject_name(cert), 0, XN_FLAG_ONELINE) >= 0) {
        len = BIO_get_mem_data(out, &bytes);
        vd_text_add(to, bytes, (size_t)(len > 200 ? 200 : len));
    }
    BIO_free(out);
}

static void put_date(const ASN1_TIME *when, struct vd_text *to)
{
    char date[32] = "an unknown date";
    struct tm tm;

    if (ASN1_TIME_to_tm(when, &tm) == 1)
        (void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
    vd_text_puts(to, date);
}

int64_t vd_tls_cert_expires_in_s(const X509 *cert)
{
    int days = 0;
    int seconds = 0;

    (void)ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert));
    return (int64_t)days * 86400 + seconds;
}

bool vd_tls_cert_warn(const X509 *cert, const char *path, struct vd_text *warnings)
{
    int64_t left_s = vd_tls_cert_expires_in_s(cert);
    bool early = X509_cmp_current_time(X509_get0_notBefore(cert)) > 0;

    if (left_s < 0) {
        vd_text_printf(warnings, "%s: this certificate has expired on ", path);
        put_date(X509_get0_notAfter(cert), warnings);
        vd_text_puts(warnings, ", and others will refuse it; renew it and send SIGHUP\n");
    } else if (early) {
        vd_text_printf(warnings, "%s: this certificate is not valid before ", path);
        put_date(X509_get0_notBefore(cert), warnings);
        vd_text_puts(warnings, ", and others will refuse it; is the clock right?\n");
    } else if (left_s < (int64_t)SOON_DAYS * 86400) {
        vd_text_printf(warnings, "%s: this certificate expires in %lld days, on ", path,
                       (long long)(left_s / 86400));
        put_date(X509_get0_notAfter(cert), warnings);
        vd_text_puts(warnings, "; renew it and send SIGHUP\n");
    }
    return left_s < 0 || early;
}

/* A stranger's word: what it cannot be a host's name with must not make lines of its own. */
static void put_visible(const unsigned char *bytes, int len, struct vd_text *to)
{
    for (int i = 0; i < len && i < NAME_BYTES_MAX; i++)
        vd_text_putc(to, bytes[i] > ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?');
}

static void put_name(const GENERAL_NAME *name, struct vd_text *to)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    const ASN1_STRING *text = NULL;

    if (name->type == GEN_DNS)
        text = name->d.dNSName;
    else if (name->type == GEN_IPADD)
        text = name->d.iPAddress;
    if (text == NULL)
        return;
    if (to->len > 0)
        vd_text_puts(to, ", ");
    if (name->type == GEN_DNS) {
        put_visible(ASN1_STRING_get0_data(text), ASN1_STRING_length(text), to);
        return;
    }
    if (ASN1_STRING_length(text) == 4)
        (void)inet_ntop(AF_INET, ASN1_STRING_get0_data(text), ip, sizeof(ip));
    else if (ASN1_STRING_length(text) == 16)
        (void)inet_ntop(AF_INET6, ASN1_STRING_get0_data(text), ip, sizeof(ip));
    vd_text_puts(to, ip);
}

/* The hosts it is for: its alternative names; the common name counts only where there are none. */
static void put_names(const X509 *cert, struct vd_text *to)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    struct vd_text list = {0};
    int count = names == NULL ? 0 : sk_GENERAL_NAME_num(names);

    for (int i = 0; i < count && i < NAMES_MAX; i++)
        put_name(sk_GENERAL_NAME_value(names, i), &list);
    if (count > NAMES_MAX)
        vd_text_puts(&list, ", ...");
    if (list.len == 0)
        put_subject(cert, &list);
    vd_text_puts(to, vd_text_cstr(&list));
    vd_text_free(&list);
    GENERAL_NAMES_free(names);
}

static void put_who(const char *what, const X509 *cert, struct vd_text *to)
{
    vd_text_puts(to, what);
    if (cert == NULL)
        return;
    vd_text_puts(to, " (");
    put_subject(cert, to);
    vd_text_puts(to, ")");
}

void vd_tls_cert_explain(const struct vd_tls_fault *fault, struct vd_text *to)
{
    const char *authorities = fault->authorities == NULL ? "no file" : fault->authorities;

    put_who(fault->error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ? "the certificate"
                                                                 : "its certificate",
            fault->cert, to);
    switch (fault->error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        vd_text_puts(to, " has expired");
        if (fault->cert != NULL) {
            vd_text_puts(to, " on ");
            put_date(X509_get0_notAfter(fault->cert), to);
        }
        vd_text_puts(to, "; renew it there");
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        vd_text_puts(to, " is not valid yet; are the clocks right, there and here?");
        return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        vd_text_printf(to,
                       " is shown as its CA, and it is not in %s; put it there, or give the "
                       "other end a certificate of your CA",
                       authorities);
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        vd_text_printf(to,
                       " is signed by itself, and it is not in %s; put its CA there, or give it "
                       "one of your CA's",
                       authorities);
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        vd_text_printf(to,
                       " is signed by a CA that is not in %s; put that CA there, or give it one "
                       "of your CA's",
                       authorities);
        return;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        vd_text_printf(to, " is not for %s but for ", fault->name);
        if (fault->cert != NULL)
            put_names(fault->cert, to);
        vd_text_puts(to, "; give it this name, or announce and configure one that it has, or set "
                         "tls-verify-names off");
        return;
    case X509_V_ERR_INVALID_PURPOSE:
        vd_text_puts(to, " may not be used for this (its extended key usage); give it both "
                         "serverAuth and clientAuth");
        return;
    default:
        vd_text_printf(to, " is refused: %s", X509_verify_cert_error_string(fault->error));
        return;
    }
}
