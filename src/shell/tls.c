/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS of the process: see tls.h. */
#include "shell/tls.h"

#include <string.h>

#include "shell/stream_tls.h"
#include "shell/tls_cert.h"

struct vd_tls *vd_tls_new(struct ev_loop *loop)
{
    struct vd_tls *tls = vd_alloc(sizeof(*tls));

    vd_handshakes_init(&tls->handshakes, loop);
    return tls;
}

void vd_tls_free(struct vd_tls *tls)
{
    if (tls == NULL)
        return;
    vd_handshakes_stop(&tls->handshakes);
    vd_tls_keys_release(tls->keys);
    vd_free(tls);
}

static const X509 *own_certificate(const struct vd_tls_keys *keys)
{
    const X509 *cert = NULL;

    if (keys->incoming != NULL)
        cert = SSL_CTX_get0_certificate(keys->incoming);
    if (cert == NULL && keys->outgoing != NULL)
        cert = SSL_CTX_get0_certificate(keys->outgoing);
    return cert;
}

bool vd_tls_expires_in_s(const struct vd_tls *tls, int64_t *seconds)
{
    const X509 *cert = tls->keys == NULL ? NULL : own_certificate(tls->keys);

    if (cert != NULL)
        *seconds = vd_tls_cert_expires_in_s(cert);
    return cert != NULL;
}

/* They have expired, and what they would replace has not. */
static bool is_worse(const struct vd_tls *tls, bool expired)
{
    int64_t left_s;

    return expired && vd_tls_expires_in_s(tls, &left_s) && left_s > 0;
}

bool vd_tls_load(struct vd_tls *tls, const struct vd_tls_options *options, struct vd_text *warnings,
                 struct vd_err *err)
{
    struct vd_tls_keys *keys = NULL;
    struct vd_text odd = {0};
    bool good = true;
    bool expired;

    if (vd_tls_is_wanted(options)) {
        keys = vd_tls_keys_load(options, &odd, &expired, err);
        good = keys != NULL;
        if (good && is_worse(tls, expired))
            good =
                vd_err_set(err, "%.*s", (int)strcspn(vd_text_cstr(&odd), "\n"), vd_text_cstr(&odd));
    }
    if (good && warnings != NULL)
        vd_text_puts(warnings, vd_text_cstr(&odd));
    if (good) {
        vd_tls_keys_release(tls->keys);
        tls->keys = keys;
    } else {
        vd_tls_keys_release(keys);
    }
    vd_text_free(&odd);
    return good;
}

bool vd_tls_accept(struct vd_tls *tls, struct vd_stream *stream)
{
    if (tls->keys == NULL || tls->keys->incoming == NULL)
        return false;
    vd_stream_begin_tls(stream, &tls->handshakes, tls->keys, NULL);
    return true;
}

bool vd_tls_connect(struct vd_tls *tls, struct vd_stream *stream, const char *name)
{
    if (tls->keys == NULL || tls->keys->outgoing == NULL)
        return false;
    vd_stream_begin_tls(stream, &tls->handshakes, tls->keys, name);
    return true;
}
