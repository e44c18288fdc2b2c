/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Post: see post.h. libcurl's sockets and its timer are watched by our loop
 * (curl_multi_socket_action); each request has a time limit of its own beside
 * libcurl's, because the look-up of the name comes before it.
 */
#include "alert/post.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "alert/libcurl.h"
#include "base/text.h"

#define ANSWER_MAX 65536U /* bytes of head and body, then the connection is closed */

static struct vd_libcurl curl; /* filled by load */

static bool load(struct vd_err *err)
{
    static const char *const calls[] = {VD_LIBCURL_CALLS(VD_LIBRARY_NAME)};

    return curl.version_info != NULL ||
           vd_library_load(VD_LIBCURL, calls, &curl, sizeof(calls) / sizeof(calls[0]), err) ||
           vd_err_wrap(err, "alerts need libcurl");
}

struct job {
    struct vd_post *post;
    uint64_t id;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *address; /* "host:port:ip,..." */
    char *host;                 /* without brackets; NULL: its look-up is over */
    char *where;                /* "host:port:"; NULL: it needs no look-up by libcurl */
    char *url;
    char *body;
    char error[CURL_ERROR_SIZE];
    ev_timer limit;
    size_t answered; /* bytes so far */
    bool running;    /* libcurl has it */
    struct job *prev;
    struct job *next;
};

/* A socket of libcurl's. */
struct watch {
    ev_io io;
    struct vd_post *post;
};

struct vd_post {
    struct ev_loop *loop;
    struct vd_resolver *resolver;
    vd_post_done *done;
    void *self;
    CURLM *multi;
    ev_timer timer;
    struct job *jobs;
    uint64_t last_id;
};

/* Ends ----------------------------------------------------------------------------- */

static void free_job(struct job *job)
{
    struct vd_post *post = job->post;

    DL_DELETE(post->jobs, job);
    ev_timer_stop(post->loop, &job->limit);
    if (job->host != NULL)
        vd_resolver_forget(post->resolver, job->host, post, job->id);
    if (job->running)
        (void)curl.multi_remove_handle(post->multi, job->easy);
    curl.easy_cleanup(job->easy);
    curl.slist_free_all(job->headers);
    curl.slist_free_all(job->address);
    vd_free(job->host);
    vd_free(job->where);
    vd_free(job->url);
    vd_free(job->body);
    vd_free(job);
}

static void end_job(struct job *job, long status, const char *why)
{
    struct vd_post *post = job->post;
    uint64_t id = job->id;
    char reason[CURL_ERROR_SIZE];

    (void)snprintf(reason, sizeof(reason), "%s", why);
    free_job(job);
    post->done(post->self, id, status, reason);
}

/* 0: no answer so far; 1xx is none. */
static long status_of(const struct job *job)
{
    long status = 0;

    (void)curl.easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 ? status : 0;
}

static void on_limit(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct job *job = timer->data;

    (void)loop;
    (void)events;
    end_job(job, status_of(job),
            !job->running && job->error[0] != '\0' ? job->error
            : job->host != NULL                    ? "its name server does not answer"
                                                   : "it does not answer in time");
}

/* libcurl in our loop -------------------------------------------------------------- */

/* What has ended by what libcurl was just told. */
static void collect(struct vd_post *post)
{
    CURLMsg *message;
    int left;

    while ((message = curl.multi_info_read(post->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        struct job *job = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&job);
        end_job(job, status_of(job),
                job->answered > ANSWER_MAX ? "its answer is too long"
                : job->error[0] != '\0'    ? job->error
                                           : curl.easy_strerror(result));
    }
}

static void on_socket(struct ev_loop *loop, ev_io *io, int events)
{
    const struct watch *watch = io->data;
    struct vd_post *post = watch->post; /* the watch may be gone after the action */
    int what = ((events & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running;

    (void)loop;
    (void)curl.multi_socket_action(post->multi, io->fd, what, &running);
    collect(post);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct vd_post *post = timer->data;
    int running;

    (void)loop;
    (void)events;
    (void)curl.multi_socket_action(post->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(post);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *self, void *known)
{
    struct vd_post *post = self;
    struct watch *watch = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL)
            ev_io_stop(post->loop, &watch->io);
        vd_free(watch);
        return 0;
    }
    if (watch == NULL) {
        watch = vd_alloc(sizeof(*watch));
        watch->post = post;
        ev_init(&watch->io, on_socket);
        watch->io.data = watch;
        (void)curl.multi_assign(post->multi, fd, watch);
    }
    ev_io_stop(post->loop, &watch->io);
    ev_io_set(&watch->io, fd,
              ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                  ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
    ev_io_start(post->loop, &watch->io);
    return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *self)
{
    struct vd_post *post = self;

    (void)multi;
    ev_timer_stop(post->loop, &post->timer);
    if (timeout_ms >= 0) {
        ev_timer_set(&post->timer, (double)timeout_ms / 1000., 0.);
        ev_timer_start(post->loop, &post->timer);
    }
    return 0;
}

/* Requests ------------------------------------------------------------------------- */

/* NOLINTNEXTLINE(readability-non-const-parameter): it is libcurl's */
static size_t ignore_answer(char *bytes, size_t size, size_t count, void *self)
{
    struct job *job = self;

    (void)bytes;
    job->answered += size * count;
    return job->answered > ANSWER_MAX ? 0 : size * count;
}

static void begin(struct job *job)
{
    job->running = true;
    if (job->address != NULL)
        (void)curl.easy_setopt(job->easy, CURLOPT_RESOLVE, job->address);
    (void)curl.multi_add_handle(job->post->multi, job->easy);
}

static struct job *find_job(const struct vd_post *post, uint64_t id)
{
    struct job *job;

    DL_FOREACH (post->jobs, job) {
        if (job->id == id)
            return job;
    }
    return NULL;
}

static void on_host(void *self, uint64_t token, const char *host, const char (*ips)[VD_IP_SIZE],
                    size_t count, const char *why)
{
    struct job *job = find_job(self, token);
    struct vd_text line = {0};

    (void)host;
    if (job == NULL)
        return;
    vd_free(job->host);
    job->host = NULL;
    if (count == 0) {
        /* Told from the loop, as all ends are. */
        (void)snprintf(job->error, sizeof(job->error), "its name has no address: %s", why);
        ev_timer_stop(job->post->loop, &job->limit);
        ev_timer_set(&job->limit, 0., 0.);
        ev_timer_start(job->post->loop, &job->limit);
        return;
    }
    if (job->where == NULL) {
        begin(job);
        return;
    }
    vd_text_puts(&line, job->where);
    for (size_t i = 0; i < count; i++)
        vd_text_printf(&line, "%s%s", i > 0 ? "," : "", ips[i]);
    job->address = curl.slist_append(NULL, vd_text_cstr(&line));
    vd_text_free(&line);
    begin(job);
}

/*
 * By a directory of CAs, where libcurl was built with one, only those are read
 * that are needed: reading all takes tens of milliseconds, in which the loop
 * would stand still.
 */
static void use_cas(CURL *easy, const char *ca_file)
{
    const curl_version_info_data *info = curl.version_info(CURLVERSION_NOW);

    if (ca_file != NULL) {
        (void)curl.easy_setopt(easy, CURLOPT_CAPATH, NULL);
        (void)curl.easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    } else if (info->age >= CURLVERSION_SEVENTH && info->capath != NULL &&
               curl.easy_setopt(easy, CURLOPT_CAPATH, info->capath) == CURLE_OK) {
        (void)curl.easy_setopt(easy, CURLOPT_CAINFO, NULL);
    }
}

/* Whatever else this libcurl can do. */
static void allow_http_only(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    (void)curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    (void)curl.easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    (void)curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl.easy_setopt(easy, CURLOPT_PROXY, "");
}

static void set_up(struct job *job, const struct vd_post_request *request)
{
    struct vd_text line = {0};
    CURL *easy = job->easy;

    job->headers = curl.slist_append(NULL, "Content-Type: application/json");
    job->headers = curl.slist_append(job->headers, "Expect:");
    if (request->token != NULL) {
        vd_text_printf(&line, "Authorization: Bearer %s", request->token);
        job->headers = curl.slist_append(job->headers, vd_text_cstr(&line));
        vd_text_free(&line);
    }
    (void)curl.easy_setopt(easy, CURLOPT_URL, job->url);
    (void)curl.easy_setopt(easy, CURLOPT_HTTPHEADER, job->headers);
    (void)curl.easy_setopt(easy, CURLOPT_USERAGENT, "vedette/" VD_VERSION);
    (void)curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->len);
    (void)curl.easy_setopt(easy, CURLOPT_POSTFIELDS, job->body);
    (void)curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, job->error);
    (void)curl.easy_setopt(easy, CURLOPT_PRIVATE, job);
    (void)curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_answer);
    (void)curl.easy_setopt(easy, CURLOPT_WRITEDATA, job);
    (void)curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, ignore_answer);
    (void)curl.easy_setopt(easy, CURLOPT_HEADERDATA, job);
    (void)curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl.easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    allow_http_only(easy);
    use_cas(easy, request->ca_file);
}

/* Host and port out of the URL; false: it has none. */
static bool read_url(struct job *job)
{
    CURLU *url = curl.url();
    char *host = NULL;
    char *port = NULL;
    struct vd_text where = {0};
    bool good = url != NULL && curl.url_set(url, CURLUPART_URL, job->url, 0) == CURLUE_OK &&
                curl.url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl.url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;

    if (good && host[0] == '[') {
        /* Nothing to be looked up, and libcurl's list of addresses cannot hold it. */
        job->host = vd_memdup(host + 1, strlen(host) - 2);
    } else if (good) {
        vd_text_printf(&where, "%s:%s:", host, port);
        job->where = vd_strdup(vd_text_cstr(&where));
        job->host = vd_strdup(host);
    }
    vd_text_free(&where);
    curl.free(host);
    curl.free(port);
    curl.url_cleanup(url);
    return good;
}

static void fail_later(struct job *job, const char *why)
{
    (void)snprintf(job->error, sizeof(job->error), "%s", why);
    ev_timer_set(&job->limit, 0., 0.);
}

uint64_t vd_post_send(struct vd_post *post, const struct vd_post_request *request)
{
    struct job *job = vd_alloc(sizeof(*job));
    uint64_t id = ++post->last_id;
    bool good;

    job->post = post;
    job->id = id;
    job->easy = curl.easy_init();
    VD_ASSERT(job->easy != NULL);
    job->url = vd_strdup(request->url);
    job->body = vd_memdup(request->body, request->len);
    ev_timer_init(&job->limit, on_limit, (double)request->timeout_ms / 1000., 0.);
    job->limit.data = job;
    DL_APPEND(post->jobs, job);
    good = read_url(job);
    if (good)
        set_up(job, request);
    else
        fail_later(job, "its url has no host");
    ev_timer_start(post->loop, &job->limit);
    if (good)
        vd_resolver_ask(post->resolver, job->host, on_host, post, id);
    return id;
}

bool vd_post_speaks(const char *url)
{
    const curl_version_info_data *info;
    size_t len = strcspn(url, ":");
    struct vd_err err;

    if (!load(&err))
        return false;
    info = curl.version_info(CURLVERSION_NOW);
    for (size_t i = 0; info->protocols[i] != NULL; i++)
        if (strlen(info->protocols[i]) == len && strncmp(info->protocols[i], url, len) == 0)
            return true;
    return false;
}

/* All of it ------------------------------------------------------------------------ */

struct vd_post *vd_post_new(struct ev_loop *loop, struct vd_resolver *resolver, vd_post_done *done,
                            void *self, struct vd_err *err)
{
    struct vd_post *post;

    if (!load(err))
        return NULL;
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        vd_err_set(err, "libcurl does not start");
        return NULL;
    }
    post = vd_alloc(sizeof(*post));
    post->loop = loop;
    post->resolver = resolver;
    post->done = done;
    post->self = self;
    post->multi = curl.multi_init();
    VD_ASSERT(post->multi != NULL);
    ev_init(&post->timer, on_timer);
    post->timer.data = post;
    (void)curl.multi_setopt(post->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    (void)curl.multi_setopt(post->multi, CURLMOPT_SOCKETDATA, post);
    (void)curl.multi_setopt(post->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl.multi_setopt(post->multi, CURLMOPT_TIMERDATA, post);
    (void)curl.multi_setopt(post->multi, CURLMOPT_MAXCONNECTS, 8L);
    return post;
}

void vd_post_free(struct vd_post *post)
{
    if (post == NULL)
        return;
    while (post->jobs != NULL)
        free_job(post->jobs);
    (void)curl.multi_cleanup(post->multi);
    ev_timer_stop(post->loop, &post->timer);
    vd_free(post);
    curl.global_cleanup();
}
