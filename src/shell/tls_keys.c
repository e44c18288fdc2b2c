/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TLS keys: see tls_keys.h. Every refusal names the setting, the file and what
 * to do; OpenSSL's own words come last, where there is nothing better.
 */
#include "shell/tls_keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509err.h>
#include <openssl/x509v3.h>

#include "shell/tls_cert.h"

static const struct {
    const char *name;
    uint64_t off;
} protocols[] = {
    {"TLSv1", SSL_OP_NO_TLSv1},
    {"TLSv1.1", SSL_OP_NO_TLSv1_1},
    {"TLSv1.2", SSL_OP_NO_TLSv1_2},
    {"TLSv1.3", SSL_OP_NO_TLSv1_3},
};

const char *vd_tls_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason == NULL ? "no reason given" : reason;
}

bool vd_tls_is_wanted(const struct vd_tls_options *options)
{
    return options->port != 0 || options->to.servers || options->to.peers;
}

/* Rules ---------------------------------------------------------------------------- */

static uint64_t find_protocol(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (strlen(protocols[i].name) == len && strncasecmp(protocols[i].name, word, len) == 0)
            return protocols[i].off;
    }
    return 0;
}

static bool set_protocols(SSL_CTX *context, const char *text, struct vd_err *err)
{
    uint64_t off = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
                   (text == NULL ? 0 : SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3);

    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, " \t");
        uint64_t bit = find_protocol(at, len);

        if (len != 0 && bit == 0)
            return vd_err_set(err,
                              "tls-protocols: there is no '%.*s'; give any of TLSv1.2 and TLSv1.3 "
                              "(or, for what is very old, TLSv1 and TLSv1.1)",
                              len > 40 ? 40 : (int)len, at);
        off &= ~bit;
        at += len + strspn(at + len, " \t");
    }
    SSL_CTX_set_options(context, off);
    return true;
}

static bool set_ciphers(SSL_CTX *context, const struct vd_tls_options *options, struct vd_err *err)
{
    if (options->ciphers != NULL && SSL_CTX_set_cipher_list(context, options->ciphers) != 1)
        return vd_err_set(err, "tls-ciphers '%.100s': %s; 'openssl ciphers' lists what there is",
                          options->ciphers, vd_tls_reason());
    if (options->ciphersuites != NULL &&
        SSL_CTX_set_ciphersuites(context, options->ciphersuites) != 1)
        return vd_err_set(
            err, "tls-ciphersuites '%.100s': %s; 'openssl ciphers -tls1_3 -s' lists what there is",
            options->ciphersuites, vd_tls_reason());
    return true;
}

static SSL_CTX *make_context(const struct vd_tls_options *options, struct vd_err *err)
{
    SSL_CTX *context;

    ERR_clear_error();
    context = SSL_CTX_new(TLS_method());
    if (context == NULL) {
        vd_err_set(err, "TLS: OpenSSL gives no context: %s", vd_tls_reason());
        return NULL;
    }
    /* A connection that just ends is a connection that ended: what is said in it has its own ends.
     */
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* Our buffers move and grow between two tries; an idle connection keeps none of OpenSSL's. */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1); /* one system call for header and body */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!set_protocols(context, options->protocols, err) || !set_ciphers(context, options, err)) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

/* Files ---------------------------------------------------------------------------- */

static bool is_readable(const char *setting, const char *path, struct vd_err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int error = fd < 0 || fstat(fd, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;

    if (fd >= 0)
        (void)close(fd);
    if (error == 0)
        return true;
    return vd_err_set(err, "%s %s: %s; %s", setting, path, strerror(error),
                      error == EACCES ? "let the user that vedette runs as read it"
                                      : "give the path of a PEM file");
}

static bool use_certificate(SSL_CTX *context, const char *setting, const char *path,
                            struct vd_err *err)
{
    if (!is_readable(setting, path, err))
        return false;
    if (SSL_CTX_use_certificate_chain_file(context, path) == 1)
        return true;
    return vd_err_set(err,
                      "%s %s holds no certificate that can be used (%s); give a PEM file, "
                      "the own certificate first and then those that lead to its CA",
                      setting, path, vd_tls_reason());
}

struct password {
    const char *text;
    bool asked;
};

static int give_password(char *buffer, int size, int writing, void *self)
{
    struct password *password = self;
    size_t len = password->text == NULL ? 0 : strlen(password->text);

    (void)writing;
    password->asked = true;
    if (len > (size_t)size)
        len = 0;
    if (len != 0)
        memcpy(buffer, password->text, len);
    return (int)len;
}

struct identity {
    const char *cert_setting;
    const char *cert;
    const char *key_setting;
    const char *key;
    const char *pass_setting;
    const char *pass;
};

static bool explain_key(const struct identity *own, const struct password *password,
                        struct vd_err *err)
{
    unsigned long error = ERR_peek_last_error();

    if (ERR_GET_LIB(error) == ERR_LIB_X509 && ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH) {
        ERR_clear_error();
        return vd_err_set(
            err,
            "%s %s is not the key of the certificate in %s %s; give the two that were "
            "made together",
            own->key_setting, own->key, own->cert_setting, own->cert);
    }
    if (password->asked && own->pass == NULL) {
        ERR_clear_error();
        return vd_err_set(err, "%s %s is encrypted; give its password by %s", own->key_setting,
                          own->key, own->pass_setting);
    }
    if (password->asked) {
        ERR_clear_error();
        return vd_err_set(err, "%s %s cannot be decrypted; correct %s", own->key_setting, own->key,
                          own->pass_setting);
    }
    return vd_err_set(err, "%s %s holds no private key that can be used (%s); give it in PEM form",
                      own->key_setting, own->key, vd_tls_reason());
}

static bool use_identity(SSL_CTX *context, const struct identity *own, struct vd_err *err)
{
    struct password password = {.text = own->pass};
    bool good;

    if (own->key == NULL)
        return vd_err_set(err, "%s needs a private key: give %s", own->cert_setting,
                          own->key_setting);
    if (!use_certificate(context, own->cert_setting, own->cert, err) ||
        !is_readable(own->key_setting, own->key, err))
        return false;
    SSL_CTX_set_default_passwd_cb(context, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, &password);
    ERR_clear_error();
    good = SSL_CTX_use_PrivateKey_file(context, own->key, SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_check_private_key(context) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    SSL_CTX_set_default_passwd_cb(context, NULL);
    return good || explain_key(own, &password, err);
}

static bool use_authorities(SSL_CTX *context, const struct vd_tls_options *options,
                            struct vd_err *err)
{
    const char *file = options->ca_cert_file;
    const char *dir = options->ca_cert_dir;
    struct stat status;

    if (file != NULL && (!is_readable("tls-ca-cert-file", file, err)))
        return false;
    if (dir != NULL && (stat(dir, &status) != 0 || !S_ISDIR(status.st_mode)))
        return vd_err_set(err,
                          "tls-ca-cert-dir %s is no directory that can be looked into; give "
                          "one that 'openssl rehash' was run on",
                          dir);
    ERR_clear_error();
    if (file != NULL && SSL_CTX_load_verify_file(context, file) != 1)
        return vd_err_set(err,
                          "tls-ca-cert-file %s holds no certificate that can be used (%s); "
                          "give those of your CAs in PEM form",
                          file, vd_tls_reason());
    if (dir != NULL && SSL_CTX_load_verify_dir(context, dir) != 1)
        return vd_err_set(err, "tls-ca-cert-dir %s: %s", dir, vd_tls_reason());
    return true;
}

static bool use_dh_params(SSL_CTX *context, const char *path, struct vd_err *err)
{
    EVP_PKEY *params = NULL;
    BIO *file;

    if (path == NULL) {
        SSL_CTX_set_dh_auto(context, 1);
        return true;
    }
    if (!is_readable("tls-dh-params-file", path, err))
        return false;
    ERR_clear_error();
    file = BIO_new_file(path, "r");
    if (file != NULL)
        params = PEM_read_bio_Parameters(file, NULL);
    BIO_free(file);
    if (params != NULL && SSL_CTX_set0_tmp_dh_pkey(context, params) == 1)
        return true;
    EVP_PKEY_free(params);
    return vd_err_set(err,
                      "tls-dh-params-file %s holds no parameters that can be used (%s); make "
                      "some by 'openssl dhparam 2048', or leave it out",
                      path, vd_tls_reason());
}

/* The two contexts --------------------------------------------------------------------- */

static void set_sessions(SSL_CTX *context, const struct vd_tls_options *options)
{
    static const unsigned char name[] = "vedette";

    (void)SSL_CTX_set_session_id_context(context, name, sizeof(name) - 1);
    if (!options->session_caching) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        (void)SSL_CTX_set_num_tickets(context, 0);
        return;
    }
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    (void)SSL_CTX_sess_set_cache_size(context, options->session_cache_size);
    (void)SSL_CTX_set_timeout(context, options->session_cache_timeout_s);
    (void)SSL_CTX_set_num_tickets(context, 1);
}

static bool has_authorities(const struct vd_tls_options *options)
{
    return options->ca_cert_file != NULL || options->ca_cert_dir != NULL;
}

static bool make_incoming(struct vd_tls_keys *keys, const struct vd_tls_options *options,
                          struct vd_err *err)
{
    const struct identity own = {"tls-cert-file",   options->cert_file,  "tls-key-file",
                                 options->key_file, "tls-key-file-pass", options->key_file_pass};

    if (options->cert_file == NULL)
        return vd_err_set(err, "tls-port needs a certificate: give tls-cert-file and tls-key-file");
    if (options->auth_clients != VD_TLS_AUTH_NO && !has_authorities(options))
        return vd_err_set(err, "clients' certificates are asked for, but nothing says which are "
                               "good: give tls-ca-cert-file or tls-ca-cert-dir, or write "
                               "tls-auth-clients no");
    keys->incoming = make_context(options, err);
    keys->incoming_cert = vd_strdup(options->cert_file);
    if (keys->incoming == NULL || !use_identity(keys->incoming, &own, err) ||
        !use_dh_params(keys->incoming, options->dh_params_file, err) ||
        (has_authorities(options) && !use_authorities(keys->incoming, options, err)))
        return false;
    if (options->prefer_server_ciphers)
        SSL_CTX_set_options(keys->incoming, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (options->auth_clients != VD_TLS_AUTH_NO)
        SSL_CTX_set_verify(
            keys->incoming,
            SSL_VERIFY_PEER |
                (options->auth_clients == VD_TLS_AUTH_YES ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
            NULL);
    set_sessions(keys->incoming, options);
    return true;
}

static bool make_outgoing(struct vd_tls_keys *keys, const struct vd_tls_options *options,
                          struct vd_err *err)
{
    const struct identity of_client = {"tls-client-cert-file",     options->client_cert_file,
                                       "tls-client-key-file",      options->client_key_file,
                                       "tls-client-key-file-pass", options->client_key_file_pass};
    const struct identity of_server = {"tls-cert-file",     options->cert_file,
                                       "tls-key-file",      options->key_file,
                                       "tls-key-file-pass", options->key_file_pass};
    const struct identity *own = options->client_cert_file != NULL ? &of_client : &of_server;

    if (!has_authorities(options))
        return vd_err_set(err, "links use TLS, but nothing says whose certificates are good: give "
                               "tls-ca-cert-file or tls-ca-cert-dir");
    keys->outgoing = make_context(options, err);
    keys->outgoing_cert = vd_strdup(own->cert == NULL ? "" : own->cert);
    if (keys->outgoing == NULL || !use_authorities(keys->outgoing, options, err))
        return false;
    SSL_CTX_set_verify(keys->outgoing, SSL_VERIFY_PEER, NULL);
    /* Without a certificate it works as well where servers ask for none. */
    return own->cert == NULL || use_identity(keys->outgoing, own, err);
}

/* What may be used, but hardly is what was meant. Do not say it twice of one file. */
static void look_at_certificates(const struct vd_tls_keys *keys, struct vd_text *warnings,
                                 bool *expired)
{
    *expired = false;
    if (keys->incoming != NULL)
        *expired = vd_tls_cert_warn(SSL_CTX_get0_certificate(keys->incoming), keys->incoming_cert,
                                    warnings);
    if (keys->outgoing != NULL && keys->outgoing_cert[0] != '\0' &&
        (keys->incoming == NULL || strcmp(keys->incoming_cert, keys->outgoing_cert) != 0) &&
        vd_tls_cert_warn(SSL_CTX_get0_certificate(keys->outgoing), keys->outgoing_cert, warnings))
        *expired = true;
}

struct vd_tls_keys *vd_tls_keys_load(const struct vd_tls_options *options, struct vd_text *warnings,
                                     bool *expired, struct vd_err *err)
{
    struct vd_tls_keys *keys = vd_alloc(sizeof(*keys));

    keys->holders = 1;
    keys->verify_names = options->verify_names;
    keys->authorities =
        vd_strdup(options->ca_cert_file != NULL ? options->ca_cert_file : options->ca_cert_dir);
    if ((options->port != 0 && !make_incoming(keys, options, err)) ||
        ((options->to.servers || options->to.peers) && !make_outgoing(keys, options, err))) {
        vd_tls_keys_release(keys);
        return NULL;
    }
    look_at_certificates(keys, warnings, expired);
    return keys;
}

struct vd_tls_keys *vd_tls_keys_hold(struct vd_tls_keys *keys)
{
    keys->holders++;
    return keys;
}

void vd_tls_keys_release(struct vd_tls_keys *keys)
{
    if (keys == NULL || --keys->holders > 0)
        return;
    SSL_CTX_free(keys->incoming);
    SSL_CTX_free(keys->outgoing);
    vd_free(keys->incoming_cert);
    vd_free(keys->outgoing_cert);
    vd_free(keys->authorities);
    vd_free(keys);
}

/* Whom we mean ---------------------------------------------------------------------- */

static bool is_ip(const char *name)
{
    struct in6_addr address;

    return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

bool vd_tls_name_peer(SSL *ssl, const char *host, bool verify)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    union {
        const char *in;
        void *out;
    } shown = {.in = host}; /* what the macro for it takes is not const, but copied */

    if (!is_ip(host) &&
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, shown.out) != 1)
        return false;
    if (!verify)
        return true;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return is_ip(host) ? X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1
                       : X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}
