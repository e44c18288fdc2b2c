/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Route: which page a path is, whether the asker may see it, and the headers
 * round it. Pages that balancers and platforms ask are open, since their checks
 * can rarely carry a secret and tell little; all else wants the token, if one
 * is configured, as "Authorization: Bearer TOKEN" or as the password of Basic,
 * which browsers ask people for.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "http/api.h"
#include "http/health.h"
#include "http/page.h"
#include "http/server.h"
#include "proto/sha256.h"

static const struct {
    const char *path;
    vd_http_page *page;
    bool open;
} pages[] = {
    {"/healthz", vd_http_healthz, true},       {"/readyz", vd_http_readyz, true},
    {"/primary", vd_http_primary, true},       {"/replica", vd_http_replica, true},
    {"/api/v1/groups", vd_http_groups, false}, {"/api/v1/nodes", vd_http_nodes, false},
    {"/api/v1/peers", vd_http_peers, false},   {"/api/v1/failovers", vd_http_failovers, false},
    {"/api/v1/events", vd_http_events, false}, {"/api/v1/self", vd_http_self, false},
    {"/api/v1/alerts", vd_http_alerts, false}, {"/api/v1/cost", vd_http_cost, false},
};

static const struct {
    const char *path;
    const char *type;
    const char *bytes;
    const size_t *len;
} files[] = {
    {"/", "text/html; charset=utf-8", vd_page_html, &vd_page_html_len},
    {"/page.css", "text/css; charset=utf-8", vd_page_css, &vd_page_css_len},
    {"/page.js", "text/javascript; charset=utf-8", vd_page_js, &vd_page_js_len},
};

/* Headers ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *value;
} headers[] = {
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
};

void vd_http_add_headers(struct MHD_Response *response, const char *type)
{
    (void)vd_mhd.add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        (void)vd_mhd.add_response_header(response, headers[i].name, headers[i].value);
}

enum MHD_Result vd_http_send(struct vd_http_exchange *exchange, struct vd_http_reply *reply)
{
    struct MHD_Response *response = vd_mhd.create_response_from_buffer_with_free_callback(
        reply->body.len, reply->body.bytes, vd_free);
    enum MHD_Result result;

    VD_ASSERT(response != NULL);
    vd_http_add_headers(response, reply->type);
    if (reply->status == 401)
        (void)vd_mhd.add_response_header(
            response, "WWW-Authenticate",
            "Basic realm=\"vedette: any name, the token as password\"");
    if (reply->status == 405)
        (void)vd_mhd.add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (reply->status == 429)
        (void)vd_mhd.add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    result = vd_mhd.queue_response(exchange->connection, reply->status, response);
    vd_mhd.destroy_response(response);
    return result;
}

static enum MHD_Result send_file(struct vd_http_exchange *exchange, size_t i)
{
    union {
        const char *in;
        void *out;
    } bytes = {.in = files[i].bytes}; /* MHD takes no const, and writes nothing */
    struct MHD_Response *response =
        vd_mhd.create_response_from_buffer(*files[i].len, bytes.out, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result;

    VD_ASSERT(response != NULL);
    vd_http_add_headers(response, files[i].type);
    result = vd_mhd.queue_response(exchange->connection, MHD_HTTP_OK, response);
    vd_mhd.destroy_response(response);
    return result;
}

/* Who asks ---------------------------------------------------------------------------- */

/* Digests are compared, so that neither place nor length of what is wrong takes its own time. */
static bool is_token(const char *wanted, const char *guess)
{
    char a[VD_SHA256_HEX + 1];
    char b[VD_SHA256_HEX + 1];

    vd_sha256_hex(wanted, strlen(wanted), a);
    vd_sha256_hex(guess, strlen(guess), b);
    return CRYPTO_memcmp(a, b, VD_SHA256_HEX) == 0;
}

static bool has_token(const struct vd_http_exchange *exchange)
{
    const char *wanted = exchange->http->token;
    const char *header = vd_mhd.lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                        MHD_HTTP_HEADER_AUTHORIZATION);
    char *pass = NULL;
    char *user;
    bool good;

    if (wanted[0] == '\0')
        return true;
    if (header == NULL)
        return false;
    if (strncasecmp(header, "Bearer ", strlen("Bearer ")) == 0)
        return is_token(wanted, header + strlen("Bearer "));
    user = vd_mhd.basic_auth_get_username_password(exchange->connection, &pass);
    good = pass != NULL && is_token(wanted, pass);
    vd_mhd.free(user);
    vd_mhd.free(pass);
    return good;
}

static const char *read_query(void *self, const char *name)
{
    const struct vd_http_exchange *exchange = self;

    return vd_mhd.lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

static bool takes_open_metrics(const struct vd_http_exchange *exchange)
{
    const char *accept = vd_mhd.lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                        MHD_HTTP_HEADER_ACCEPT);

    return accept != NULL && strstr(accept, "application/openmetrics-text") != NULL;
}

/* Answers ------------------------------------------------------------------------------ */

static enum MHD_Result answer_metrics(struct vd_http_exchange *exchange)
{
    struct vd_http_reply reply = {0};
    struct vd_http_world world;

    vd_http_look(exchange->http, &world);
    if (exchange->metrics == NULL) {
        exchange->metrics = vd_metrics_new(takes_open_metrics(exchange));
        if (!vd_metrics_step(exchange->metrics, &world)) {
            vd_http_suspend(exchange); /* server.c goes on with it, and resumes */
            vd_http_wake(exchange->http);
            return MHD_YES;
        }
    }
    vd_metrics_finish(exchange->metrics, &world, &reply);
    vd_metrics_free(exchange->metrics);
    exchange->metrics = NULL;
    return vd_http_send(exchange, &reply);
}

static enum MHD_Result answer_events(struct vd_http_exchange *exchange)
{
    const char *after =
        vd_mhd.lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "Last-Event-ID");

    return vd_http_stream(exchange, after != NULL ? after : read_query(exchange, "after"));
}

static enum MHD_Result answer_page(struct vd_http_exchange *exchange, vd_http_page *page,
                                   const char *path)
{
    const struct vd_http_request request = {.path = path, .query = read_query, .self = exchange};
    struct vd_http_reply reply = {0};
    struct vd_http_world world;

    vd_http_look(exchange->http, &world);
    page(&world, &request, &reply);
    return vd_http_send(exchange, &reply);
}

vd_http_page *vd_http_find_page(const char *path, bool *open)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        *open = pages[i].open;
        if (strcmp(path, pages[i].path) == 0)
            return pages[i].page;
    }
    return NULL;
}

enum MHD_Result vd_http_route(struct vd_http_exchange *exchange, const char *path)
{
    struct vd_http_reply reply = {0};
    bool known = has_token(exchange);
    bool open;
    vd_http_page *page = vd_http_find_page(path, &open);

    if (page != NULL && (known || open))
        return answer_page(exchange, page, path);
    if (!known) {
        vd_http_refuse(&reply, 401, "this page wants the token (http-token)");
        return vd_http_send(exchange, &reply);
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (strcmp(path, files[i].path) == 0)
            return send_file(exchange, i);
    if (strcmp(path, "/metrics") == 0)
        return answer_metrics(exchange);
    if (strcmp(path, "/events") == 0)
        return answer_events(exchange);
    vd_http_refuse(&reply, 404, "there is no such page; see vedette(8)");
    return vd_http_send(exchange, &reply);
}
