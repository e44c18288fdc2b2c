/* SPDX-License-Identifier: BSD-3-Clause */
/* Judge: whether answers of the pages are ones, see judge.h. */
#include "judge.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"

bool judge_token(const struct MHD_Connection *connection, const char *token)
{
    const char *header = mhd_header(connection, "Authorization");
    const char *colon;

    if (token == NULL || token[0] == '\0')
        return true;
    if (header == NULL)
        return false;
    if (strncasecmp(header, "Bearer ", strlen("Bearer ")) == 0)
        return strcmp(header + strlen("Bearer "), token) == 0;
    colon = strchr(header, ':');
    return strncmp(header, "Basic ", strlen("Basic ")) == 0 && colon != NULL &&
           strcmp(colon + 1, token) == 0;
}

static bool is_open_page(const char *path)
{
    static const char *const open[] = {"/healthz", "/readyz", "/primary", "/replica"};

    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        if (strcmp(path, open[i]) == 0)
            return true;
    return false;
}

bool judge_has_type(const struct MHD_Connection *connection, const char *type)
{
    const char *header = strstr(mhd_answered_headers(connection), "Content-Type: ");

    MUST(header != NULL);
    return strncmp(header + strlen("Content-Type: "), type, strlen(type)) == 0;
}

static void check_json(const char *bytes, size_t len, bool is_refusal)
{
    json_t *value = json_loadb(bytes, len, 0, NULL);

    MUST(value != NULL);
    MUST(!is_refusal || json_is_string(json_object_get(value, "error")));
    json_decref(value);
}

/* Lines of visible characters, each with something in it. */
static void check_metrics(const struct vd_text *body)
{
    MUST(body->len > 0 && body->bytes[body->len - 1] == '\n');
    for (size_t i = 0; i < body->len; i++) {
        unsigned char c = (unsigned char)body->bytes[i];

        MUST(c >= ' ' || (c == '\n' && i > 0 && body->bytes[i - 1] != '\n'));
    }
}

static void check_events(const struct vd_text *body)
{
    const char *at = vd_text_cstr(body);

    while (*at != '\0') {
        size_t len = strcspn(at, "\n");

        MUST(at[len] == '\n');
        if (strncmp(at, "data: ", strlen("data: ")) == 0)
            check_json(at + strlen("data: "), len - strlen("data: "), false);
        else
            MUST(len == 0 || strncmp(at, "id: ", 4) == 0 || strncmp(at, "retry: ", 7) == 0 ||
                 at[0] == ':');
        at += len + 1;
    }
}

static void check_secret(const struct vd_text *text, const char *secret)
{
    if (secret != NULL && text->len > 0)
        MUST(memmem(text->bytes, text->len, secret, strlen(secret)) == NULL);
}

static void check_refusals(const struct MHD_Connection *connection, bool authorized)
{
    const char *method = connection->method;
    unsigned status = connection->status;
    bool is_read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

    MUST(status == 200 || status == 400 || status == 401 || status == 404 || status == 405 ||
         status == 413 || status == 429 || status == 503);
    MUST(is_read == (status != 405));
    if (is_read && mhd_header(connection, "Transfer-Encoding") != NULL)
        MUST(status == 413);
    if (status == 405 || status == 413 || status == 429)
        return;
    if (authorized)
        MUST(status != 401);
    else
        MUST(status == 401 || is_open_page(connection->path));
}

void judge_answer(const struct MHD_Connection *connection, bool authorized, const char *secret)
{
    const struct vd_text *body = &connection->body;
    const char *headers = mhd_answered_headers(connection);

    check_refusals(connection, authorized);
    MUST(strstr(headers, "Cache-Control: no-store\n") != NULL);
    MUST(strstr(headers, "X-Content-Type-Options: nosniff\n") != NULL);
    MUST(strstr(headers, "Content-Security-Policy: default-src 'none';") != NULL);
    MUST((connection->status == 401) == (strstr(headers, "WWW-Authenticate: ") != NULL));
    if (judge_has_type(connection, "application/json"))
        check_json(body->bytes, body->len, connection->status != 200);
    else if (judge_has_type(connection, "text/event-stream"))
        check_events(body);
    else if (strcmp(connection->path, "/metrics") == 0)
        check_metrics(body);
    check_secret(body, secret);
}

void judge_show(const struct vd_text *text, bool shown, const char *secret)
{
    MUST(text->len > 0);
    if (shown)
        check_json(text->bytes, text->len, false);
    check_secret(text, secret);
}
