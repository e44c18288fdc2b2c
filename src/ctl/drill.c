/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drill: becomes vedette-drill, a program of its own, which is told by the
 * environment where the vedettes are and who we are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "proto/addr.h"

#define PROGRAM "vedette-drill"

static void tell(const char *name, const char *value)
{
    if (value != NULL)
        (void)setenv(name, value, 1);
}

static void tell_tls(const struct vd_tls_options *tls)
{
    bool has_own = tls->client_cert_file != NULL;

    tell("VEDETTE_TLS", "1");
    tell("VEDETTE_TLS_CA_CERT_FILE", tls->ca_cert_file);
    tell("VEDETTE_TLS_CERT_FILE", has_own ? tls->client_cert_file : tls->cert_file);
    tell("VEDETTE_TLS_KEY_FILE", has_own ? tls->client_key_file : tls->key_file);
    tell("VEDETTE_TLS_NO_VERIFY_NAMES", tls->verify_names ? NULL : "1");
}

static void tell_environment(const struct vd_ctl_options *options)
{
    struct vd_text places = {0};

    for (size_t i = 0; i < options->place_count; i++) {
        if (i > 0)
            vd_text_putc(&places, ',');
        vd_addr_print(options->places[i].host, options->places[i].port, &places);
    }
    tell("VEDETTE_SENTINELS", vd_text_cstr(&places));
    tell("VEDETTE_USER", options->user);
    tell("VEDETTE_PASSWORD", options->pass);
    tell("VEDETTE_CONFIG", options->config_file);
    tell("VEDETTE_GROUP", options->group);
    tell("VEDETTE_JSON", options->json ? "1" : NULL);
    vd_text_clear(&places);
    vd_text_put_int(&places, options->timeout_ms);
    tell("VEDETTE_TIMEOUT_MS", vd_text_cstr(&places));
    if (options->use_tls)
        tell_tls(&options->tls);
    vd_text_free(&places);
}

/* Beside this very program, as in a build tree. */
static void find_sibling(struct vd_text *path)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    vd_text_clear(path);
    while (len > 0 && self[len - 1] != '/')
        len--;
    if (len <= 0)
        return;
    vd_text_add(path, self, (size_t)len);
    vd_text_puts(path, PROGRAM);
}

int vd_ctl_run_drill(struct vd_ctl *ctl)
{
    const struct vd_ctl_options *options = &ctl->options;
    char **arguments = vd_calloc(options->word_count + 2, sizeof(arguments[0]));
    const char *named = getenv("VEDETTE_DRILL");
    struct vd_text path = {0};
    char name[] = PROGRAM;
    int error;

    tell_environment(options);
    arguments[0] = name;
    for (size_t i = 0; i < options->word_count; i++)
        arguments[i + 1] = options->words[i];
    if (named != NULL && named[0] != '\0') {
        (void)execv(named, arguments);
    } else {
        (void)execv(VD_LIBEXECDIR "/" PROGRAM, arguments);
        find_sibling(&path);
        if (path.len > 0)
            (void)execv(vd_text_cstr(&path), arguments);
        (void)execvp(PROGRAM, arguments);
    }
    error = errno;
    vd_free(arguments);
    vd_text_free(&path);
    return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL,
                         "%s: %s; install it, or set VEDETTE_DRILL to its path",
                         named != NULL && named[0] != '\0' ? named : PROGRAM, strerror(error));
}
