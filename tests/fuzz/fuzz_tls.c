/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TLS: what the configuration names, and certificates of strangers. By the first
 * byte: texts and files that the options name, which are loaded, or the fault is
 * told; or a certificate, of which is said what is wrong with it in words that
 * can stand in a log, whatever it calls itself.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "shell/tls_cert.h"
#include "shell/tls_keys.h"

#define FILES 3
#define TEXTS 4

static struct vd_arena arena;

/* The next part of the input, up to a line feed; "" at the end. */
static char *next_line(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *stop = *at == end ? NULL : memchr(*at, '\n', (size_t)(end - *at));
    char *line = vd_arena_memdup(&arena, *at, (size_t)((stop == NULL ? end : stop) - *at));

    *at = stop == NULL ? end : stop + 1;
    return line;
}

/* A file with these bytes, by a name that stays the same. */
static char *put_file(unsigned number, const uint8_t *bytes, size_t len)
{
    static int fds[FILES] = {-1, -1, -1};
    static char paths[FILES][64];

    if (fds[number] < 0) {
        fds[number] = memfd_create("tls", 0);
        MUST(fds[number] >= 0);
        (void)snprintf(paths[number], sizeof(paths[number]), "/proc/self/fd/%d", fds[number]);
    }
    MUST(ftruncate(fds[number], 0) == 0);
    MUST(pwrite(fds[number], bytes, len, 0) == (ssize_t)len);
    return paths[number];
}

/* It can stand in a log: lines of visible characters. */
static void must_be_words(const struct vd_text *text)
{
    for (size_t i = 0; i < text->len; i++)
        MUST((unsigned char)text->bytes[i] >= ' ' || text->bytes[i] == '\n');
}

/* Two bytes of switches, four lines, and the rest is three files. */
static void try_options(const uint8_t *at, const uint8_t *end)
{
    struct vd_tls_options options = {.port = 26380, .session_cache_timeout_s = 300};
    struct vd_tls_keys *keys;
    struct vd_text warnings = {0};
    struct vd_err err = {""};
    char *texts[TEXTS];
    char *files[FILES];
    bool expired = false;
    size_t part;
    unsigned which;

    if (end - at < 2)
        return;
    which = at[0];
    options.to.servers = (at[1] & 1U) != 0;
    options.to.peers = (at[1] & 2U) != 0;
    options.port = (at[1] & 4U) != 0 ? 26380 : 0;
    options.verify_names = (at[1] & 8U) != 0;
    options.prefer_server_ciphers = (at[1] & 16U) != 0;
    options.session_caching = (at[1] & 32U) != 0;
    options.auth_clients = (enum vd_tls_auth)(at[1] >> 6) % 3;
    at += 2;
    for (size_t i = 0; i < TEXTS; i++)
        texts[i] = next_line(&at, end);
    part = (size_t)(end - at) / FILES;
    for (unsigned i = 0; i < FILES; i++)
        files[i] = put_file(i, at + i * part, part);
    options.protocols = texts[0];
    options.ciphers = texts[1];
    options.ciphersuites = texts[2];
    options.key_file_pass = texts[3];
    options.cert_file = files[which % FILES];
    options.key_file = files[which / 3 % FILES];
    options.ca_cert_file = (which & 1U) != 0 ? files[which / 9 % FILES] : NULL;
    options.dh_params_file = (which & 2U) != 0 ? files[2] : NULL;
    options.client_cert_file = (which & 4U) != 0 ? files[1] : NULL;
    options.client_key_file = (which & 8U) != 0 ? files[2] : NULL;
    keys = vd_tls_keys_load(&options, &warnings, &expired, &err);
    MUST((keys == NULL) == (err.text[0] != '\0'));
    must_be_words(&warnings);
    vd_tls_keys_release(keys);
    vd_text_free(&warnings);
}

static void try_certificate(const uint8_t *bytes, size_t len)
{
    const unsigned char *at = bytes;
    X509 *cert = d2i_X509(NULL, &at, (long)len);
    struct vd_text text = {0};

    if (cert == NULL)
        return;
    (void)vd_tls_cert_warn(cert, "/etc/cert.pem", &text);
    (void)vd_tls_cert_expires_in_s(cert);
    for (int error = 0; error < 100; error++) {
        const struct vd_tls_fault fault = {error, cert, "db-1.example", "/etc/ca.pem"};

        vd_tls_cert_explain(&fault, &text);
        MUST(text.len != 0);
    }
    must_be_words(&text);
    vd_text_free(&text);
    X509_free(cert);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 1)
        return 0;
    if (bytes[0] % 2 == 0)
        try_options(bytes + 1, bytes + len);
    else
        try_certificate(bytes + 1, len - 1);
    vd_arena_free(&arena);
    return 0;
}
