/* SPDX-License-Identifier: BSD-3-Clause */
/* A libmicrohttpd in memory: see mhd.h. */
#include "mhd.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utlist.h>

#include "fuzz.h"
#include "http/page.h"
#include "shell/listen.h"

#define DAEMON ((struct MHD_Daemon *)(void *)&stage)
#define BLOCK 512U /* of a stream, less than it would send at once */

struct MHD_Response {
    unsigned references;
    struct vd_text headers;
    const char *bytes;
    size_t len;
    void (*free_bytes)(void *bytes);
    void *owned;
    MHD_ContentReaderCallback read;
    void *self;
};

static struct {
    union MHD_DaemonInfo info;
    MHD_AccessHandlerCallback ask;
    void *ask_self;
    MHD_RequestCompletedCallback ended;
    void *ended_self;
    struct MHD_Connection *open;
} stage;

/* Daemons ------------------------------------------------------------------------------- */

static void read_options(va_list args)
{
    for (;;) {
        enum MHD_OPTION option = (enum MHD_OPTION)va_arg(args, int);

        switch ((int)option) {
        case MHD_OPTION_END:
            return;
        case MHD_OPTION_EXTERNAL_LOGGER:
            (void)va_arg(args, MHD_LogCallback);
            (void)va_arg(args, void *);
            break;
        case MHD_OPTION_NOTIFY_COMPLETED:
            stage.ended = va_arg(args, MHD_RequestCompletedCallback);
            stage.ended_self = va_arg(args, void *);
            break;
        case MHD_OPTION_LISTEN_SOCKET:
            MUST(va_arg(args, int) >= 0);
            break;
        case MHD_OPTION_CONNECTION_LIMIT:
        case MHD_OPTION_CONNECTION_TIMEOUT:
        case MHD_OPTION_PER_IP_CONNECTION_LIMIT:
            MUST(va_arg(args, unsigned) > 0);
            break;
        case MHD_OPTION_CONNECTION_MEMORY_LIMIT:
            MUST(va_arg(args, size_t) > 0);
            break;
        default:
            MUST(false);
        }
    }
}

static struct MHD_Daemon *start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback apc,
                                       void *apc_self, MHD_AccessHandlerCallback ask,
                                       void *ask_self, ...)
{
    va_list args;

    (void)port;
    MUST(apc == NULL && apc_self == NULL && stage.ask == NULL);
    MUST((flags & MHD_ALLOW_SUSPEND_RESUME) != 0);
    stage.ask = ask;
    stage.ask_self = ask_self;
    va_start(args, ask_self);
    read_options(args);
    va_end(args);
    stage.info.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    MUST(stage.info.epoll_fd >= 0);
    return DAEMON;
}

static const union MHD_DaemonInfo *get_daemon_info(struct MHD_Daemon *daemon,
                                                   enum MHD_DaemonInfoType type, ...)
{
    MUST(daemon == DAEMON && type == MHD_DAEMON_INFO_EPOLL_FD);
    return &stage.info;
}

static enum MHD_Result get_timeout(struct MHD_Daemon *daemon, MHD_UNSIGNED_LONG_LONG *ms)
{
    MUST(daemon == DAEMON);
    *ms = 0;
    return MHD_NO; /* whatever *ms says */
}

static void call(struct MHD_Connection *connection)
{
    size_t none = 0;

    MUST(stage.ask(stage.ask_self, connection, connection->path, connection->method, "HTTP/1.1",
                   NULL, &none, &connection->slot) == MHD_YES);
}

static enum MHD_Result run(struct MHD_Daemon *daemon)
{
    struct MHD_Connection *connection;

    MUST(daemon == DAEMON);
    DL_FOREACH (stage.open, connection) {
        if (!connection->resumed)
            continue;
        connection->resumed = false;
        if (connection->response == NULL)
            call(connection);
        mhd_take(connection);
    }
    return MHD_YES;
}

static void stop_daemon(struct MHD_Daemon *daemon)
{
    MUST(daemon == DAEMON);
    while (stage.open != NULL) {
        MUST(!stage.open->suspended); /* the real one ends the process */
        mhd_close(stage.open);
    }
    (void)close(stage.info.epoll_fd);
    memset(&stage, 0, sizeof(stage));
}

/* Requests ------------------------------------------------------------------------------ */

const char *mhd_header(const struct MHD_Connection *connection, const char *name)
{
    for (size_t i = 0; i < connection->header_count; i++)
        if (strcasecmp(connection->headers[i].name, name) == 0)
            return connection->headers[i].value;
    return NULL;
}

static const char *lookup(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                          const char *name)
{
    if (kind == MHD_HEADER_KIND)
        return mhd_header(connection, name);
    MUST(kind == MHD_GET_ARGUMENT_KIND);
    for (size_t i = 0; i < connection->arg_count; i++)
        if (strcmp(connection->args[i].name, name) == 0)
            return connection->args[i].value;
    return NULL;
}

/* Its base64 is the library's own affair: here the two stand as they are. */
static char *basic_auth(struct MHD_Connection *connection, char **password)
{
    const char *header = mhd_header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *colon;

    *password = NULL;
    if (header == NULL || strncmp(header, "Basic ", strlen("Basic ")) != 0)
        return NULL;
    header += strlen("Basic ");
    colon = strchr(header, ':');
    if (colon != NULL)
        *password = vd_strdup(colon + 1);
    return vd_memdup(header, colon == NULL ? strlen(header) : (size_t)(colon - header));
}

static void release(void *bytes)
{
    vd_free(bytes);
}

static void suspend(struct MHD_Connection *connection)
{
    MUST(!connection->suspended);
    connection->suspended = true;
    connection->resumed = false;
}

static void resume(struct MHD_Connection *connection)
{
    MUST(connection->suspended);
    connection->suspended = false;
    connection->resumed = true;
}

/* Responses ----------------------------------------------------------------------------- */

static struct MHD_Response *new_response(void)
{
    struct MHD_Response *response = vd_alloc(sizeof(*response));

    response->references = 1;
    return response;
}

static struct MHD_Response *from_buffer(size_t size, void *buffer, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = new_response();

    MUST(mode == MHD_RESPMEM_PERSISTENT);
    response->bytes = buffer;
    response->len = size;
    return response;
}

static struct MHD_Response *from_owned(size_t size, void *buffer, MHD_ContentReaderFreeCallback end)
{
    struct MHD_Response *response = from_buffer(size, buffer, MHD_RESPMEM_PERSISTENT);

    response->owned = buffer;
    response->free_bytes = end;
    return response;
}

static struct MHD_Response *from_callback(uint64_t size, size_t block,
                                          MHD_ContentReaderCallback read, void *self,
                                          MHD_ContentReaderFreeCallback end)
{
    struct MHD_Response *response = new_response();

    MUST(size == MHD_SIZE_UNKNOWN && block > 0 && end == NULL);
    response->read = read;
    response->self = self;
    return response;
}

static void destroy(struct MHD_Response *response)
{
    if (--response->references > 0)
        return;
    if (response->free_bytes != NULL)
        response->free_bytes(response->owned);
    vd_text_free(&response->headers);
    vd_free(response);
}

static enum MHD_Result add_header(struct MHD_Response *response, const char *name,
                                  const char *value)
{
    MUST(strpbrk(name, "\r\n:") == NULL && strpbrk(value, "\r\n") == NULL);
    vd_text_printf(&response->headers, "%s: %s\n", name, value);
    return MHD_YES;
}

static enum MHD_Result queue(struct MHD_Connection *connection, unsigned status,
                             struct MHD_Response *response)
{
    MUST(connection->response == NULL && !connection->suspended);
    connection->response = response;
    connection->status = status;
    response->references++;
    return MHD_YES;
}

/* For the harness ------------------------------------------------------------------------ */

void mhd_ask(struct MHD_Connection *connection)
{
    MUST(stage.ask != NULL);
    DL_APPEND(stage.open, connection);
    call(connection);
    if (connection->response == NULL)
        call(connection); /* there is no body */
    MUST((connection->response == NULL) == connection->suspended);
    mhd_take(connection);
}

void mhd_take(struct MHD_Connection *connection)
{
    struct MHD_Response *response = connection->response;
    char bytes[BLOCK];

    if (response == NULL || connection->ended)
        return;
    if (response->read == NULL) {
        vd_text_add(&connection->body, response->bytes, response->len);
        connection->ended = true;
        return;
    }
    while (!connection->suspended) {
        ssize_t got = response->read(response->self, connection->body.len, bytes, sizeof(bytes));

        connection->ended = got == MHD_CONTENT_READER_END_OF_STREAM;
        if (connection->ended)
            return;
        MUST(got >= 0 && got <= (ssize_t)sizeof(bytes));
        MUST((got == 0) == connection->suspended); /* it would be asked again at once, for ever */
        vd_text_add(&connection->body, bytes, (size_t)got);
    }
}

void mhd_close(struct MHD_Connection *connection)
{
    DL_DELETE(stage.open, connection);
    stage.ended(stage.ended_self, connection, &connection->slot, MHD_REQUEST_TERMINATED_WITH_ERROR);
    MUST(connection->slot == NULL);
    if (connection->response != NULL)
        destroy(connection->response);
    connection->response = NULL;
    vd_text_free(&connection->body);
}

const char *mhd_answered_headers(const struct MHD_Connection *connection)
{
    return vd_text_cstr(&connection->response->headers);
}

/* In place of shell/library.c, shell/listen.c and the dashboard
 * ------------------------------------------ */

const char vd_page_html[] = "<!doctype html>";
const size_t vd_page_html_len = sizeof(vd_page_html);
const char vd_page_css[] = "* {}";
const size_t vd_page_css_len = sizeof(vd_page_css);
const char vd_page_js[] = "'use strict'";
const size_t vd_page_js_len = sizeof(vd_page_js);

bool vd_library_load(const char *file, const char *const *names, void *table, size_t count,
                     struct vd_err *err)
{
    static const struct vd_libmicrohttpd calls = {
        .add_response_header = add_header,
        .basic_auth_get_username_password = basic_auth,
        .create_response_from_buffer = from_buffer,
        .create_response_from_buffer_with_free_callback = from_owned,
        .create_response_from_callback = from_callback,
        .destroy_response = destroy,
        .free = release,
        .get_daemon_info = get_daemon_info,
        .get_timeout = get_timeout,
        .lookup_connection_value = lookup,
        .queue_response = queue,
        .resume_connection = resume,
        .run = run,
        .start_daemon = start_daemon,
        .stop_daemon = stop_daemon,
        .suspend_connection = suspend,
    };

    (void)names;
    (void)err;
    MUST(strcmp(file, VD_LIBMICROHTTPD) == 0 && count * sizeof(void (*)(void)) == sizeof(calls));
    memcpy(table, &calls, sizeof(calls));
    return true;
}

bool vd_listen_open(struct vd_listen *listen, const struct vd_server_options *server,
                    struct vd_err *err)
{
    (void)server;
    (void)err;
    listen->list = vd_calloc(1, sizeof(listen->list[0]));
    listen->list[0].fd = 0; /* nobody accepts on it */
    listen->count = 1;
    return true;
}

void vd_listen_close(struct vd_listen *listen)
{
    vd_free(listen->list);
    listen->list = NULL;
}
