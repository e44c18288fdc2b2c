/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vedette: watches Redis primaries and replaces those that die. Here is only
 * what the command line asks for; the daemon is shell/daemon.h.
 */
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "alert/alert.h"
#include "http/http.h"
#include "proto/option.h"
#include "proto/render_info.h"
#include "shell/config_load.h"
#include "shell/daemon.h"
#include "shell/export.h"
#include "shell/guise.h"
#include "shell/log.h"
#include "shell/record.h"
#include "shell/store.h"

#define BIG_BLOCK (128 * 1024)
#define RECORD_LIMIT ((int64_t)1 << 30)

/* A call of the program; the arguments are those behind the name, or behind the option. */
struct call {
    enum vd_guise guise;
    size_t count;
    char **arguments;
};

typedef int task(struct call *call);

static task serve;
static task check;
static task print_history;
static task export;
static task print_version;
static task print_help;

/* What the first argument may ask for; the first row is what is done without one. */
static const struct {
    const char *name;
    const char *letter; /* NULL: none */
    const char *arguments;
    const char *meaning;
    task *task;
} options[] = {
    {"", NULL, "[FILE] [-] [--NAME VALUE ...]", "serve; - reads standard input as well", serve},
    {"--check", NULL, "[FILE] [--NAME VALUE ...]", "say what is wrong with a configuration", check},
    {"--history", NULL, "[FILE] [--NAME VALUE ...]", "print the failovers of its state directory",
     print_history},
    {"--export-sentinel-conf", NULL, "NEW [FILE] [--NAME VALUE ...]",
     "write NEW (- is standard output), from which redis-sentinel starts as this one", export},
    {"--version", "-v", "", "print the version", print_version},
    {"--help", "-h", "", "print this", print_help},
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static int fail(const char *text)
{
    (void)fprintf(stderr, "%s\n", text);
    return 1;
}

static const char *const *words_of(const struct call *call)
{
    return (const char *const *)call->arguments;
}

static void init_config(struct vd_config *config, const struct call *call)
{
    vd_config_init(config);
    config->guise = call->guise;
    config->keeps = call->guise != VD_GUISE_OWN;
}

/* Tasks ------------------------------------------------------------------------------- */

static int print_help(struct call *call)
{
    const char *name = vd_guise_name(call->guise);

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        (void)printf("%s %s%s%s%s%s\n           %s\n", i == 0 ? "usage:" : "      ", name,
                     options[i].name[0] == '\0' ? "" : " ", options[i].name,
                     options[i].arguments[0] == '\0' ? "" : " ", options[i].arguments,
                     options[i].meaning);
    }
    (void)printf("With --record RECORDING anywhere, what happens is written there, until it has "
                 "the size of\n--record-limit SIZE (1gb; 0: no limit); vedette-replay(1) repeats "
                 "and draws it.\n"
                 "FILE is a vedette.cfg or a sentinel.conf; --NAME VALUE is a line of the latter "
                 "and wins.\n");
    if (call->guise != VD_GUISE_OWN)
        (void)printf("This is vedette, called as %s: FILE is a sentinel.conf, and is rewritten.\n",
                     name);
    (void)puts("See vedette(8) and vedette.cfg(5).");
    return 0;
}

static int print_version(struct call *call)
{
    if (call->guise == VD_GUISE_OWN)
        (void)puts("vedette " VD_VERSION);
    else
        /* compat: scripts look for v=. */
        (void)printf("vedette " VD_VERSION ", in the place of %s v=%s\n",
                     vd_guise_name(call->guise), VD_REDIS_VERSION);
    return 0;
}

static int check(struct call *call)
{
    return vd_config_check(call->guise, call->count, words_of(call), stdout, stderr);
}

static int print_history(struct call *call)
{
    struct vd_config config;
    struct vd_err err;
    bool good;

    init_config(&config, call);
    good = vd_config_load(&config, call->count, words_of(call), &err);
    if (good && call->guise != VD_GUISE_OWN)
        good = vd_err_set(&err, "called as %s, vedette keeps no history; its log has it",
                          vd_guise_name(call->guise));
    good = good && vd_store_print_history(config.server.state_dir, stdout, &err);
    vd_config_free(&config);
    return good ? 0 : fail(err.text);
}

static int export(struct call *call)
{
    struct vd_config config;
    struct vd_err err;
    const char *path;
    bool unsound = false;
    bool good;

    if (call->count == 0)
        return fail("--export-sentinel-conf lacks the file to be written; - is standard output");
    path = *call->arguments++;
    call->count--;
    init_config(&config, call);
    config.keeps = true;
    good = vd_config_load(&config, call->count, words_of(call), &err) &&
           vd_export(&config, path, &unsound, &err);
    if (good && unsound)
        (void)fprintf(stderr,
                      "warning: votes that were given may be missing in the state; wait "
                      "for %lld s before you start another sentinel from it\n",
                      (long long)(config.globals.abstain_ms + 999) / 1000);
    vd_config_free(&config);
    return good ? 0 : fail(err.text);
}

/*
 * Takes an option and its value out of the arguments, wherever they stand: it
 * is no line of a configuration. True if it was found; *value NULL: without
 * one.
 */
static bool take_option(struct call *call, const char *name, const char **value)
{
    *value = NULL;
    for (size_t i = 0; i < call->count; i++) {
        size_t taken = i + 1 < call->count ? 2 : 1;

        if (strcmp(call->arguments[i], name) != 0)
            continue;
        if (taken == 2)
            *value = call->arguments[i + 1];
        call->count -= taken;
        memmove(&call->arguments[i], &call->arguments[i + taken],
                (call->count - i) * sizeof(call->arguments[0]));
        return true;
    }
    return false;
}

/* --record and --record-limit: *path NULL without the former. */
static bool take_record(struct call *call, const char **path, int64_t *limit, struct vd_err *err)
{
    const char *size;

    *limit = RECORD_LIMIT;
    if (take_option(call, "--record", path) && *path == NULL)
        return vd_err_set(err, "--record lacks the RECORDING to be written");
    if (!take_option(call, "--record-limit", &size))
        return true;
    if (size == NULL || !vd_size_parse(size, strlen(size), limit))
        return vd_err_set(err, "--record-limit needs a size, like 500mb (0: none), not '%s'",
                          size != NULL ? size : "");
    if (*path == NULL)
        return vd_err_set(err, "--record-limit is of no use without --record RECORDING");
    return true;
}

/* What the daemon shows by HTTP, if it is wanted. */
struct shown {
    struct vd_daemon *daemon;
    struct vd_http *http;
    struct vd_alerts *alerts; /* NULL: there are no rules */
};

static void on_word(void *self, const char *text, size_t len)
{
    const struct shown *shown = self;

    if (shown->alerts != NULL)
        vd_alerts_hear(shown->alerts, text, len);
}

/* With the rules of the present configuration; none of them: nothing is begun. */
static bool begin_alerts(struct shown *shown, struct vd_err *err)
{
    const struct vd_daemon *daemon = shown->daemon;
    const struct vd_config *config = daemon->config;
    const struct vd_alert_sources sources = {.loop = daemon->loop,
                                             .drive = &daemon->drive,
                                             .watch = daemon->turn.watch,
                                             .links = daemon->turn.links,
                                             .resolver = daemon->turn.resolver,
                                             .lag = daemon->lag,
                                             .load = daemon->load,
                                             .store = daemon->turn.store};

    if (!vd_alert_config_is_on(&config->alerts))
        return true;
    shown->alerts = vd_alerts_start(&sources, &config->alerts, &config->cost, err);
    return shown->alerts != NULL;
}

static void on_reloaded(void *self)
{
    struct shown *shown = self;
    const struct vd_config *config = shown->daemon->config;
    struct vd_err err;

    if (shown->alerts != NULL)
        vd_alerts_reconfigure(shown->alerts, &config->alerts, &config->cost);
    else if (!begin_alerts(shown, &err))
        vd_log(VD_LOG_WARNING, "SIGHUP: no alerts: %s", err.text);
    if (shown->http != NULL)
        vd_http_reconfigure(shown->http, shown->alerts, config);
}

static struct vd_http_sources sources_of(const struct vd_daemon *daemon)
{
    return (struct vd_http_sources){.loop = daemon->loop,
                                    .drive = &daemon->drive,
                                    .watch = daemon->turn.watch,
                                    .lag = daemon->lag,
                                    .load = daemon->load,
                                    .links = daemon->turn.links,
                                    .clients = daemon->turn.clients};
}

/* Who asks for what is measured wants it measured from then on. */
static bool on_show(void *self, const char *page, const struct vd_word *query, size_t count,
                    struct vd_text *to)
{
    const struct shown *shown = self;
    struct vd_http_sources sources;

    if (strcmp(page, "groups") == 0 || strcmp(page, "nodes") == 0)
        vd_daemon_measure_now(shown->daemon);
    sources = sources_of(shown->daemon);
    return vd_http_show(&sources, shown->alerts, &shown->daemon->config->cost, page, query, count,
                        to);
}

static bool open_shown(struct shown *shown, struct vd_daemon *daemon, struct vd_err *err)
{
    const struct vd_http_sources sources = sources_of(daemon);

    daemon->show = on_show;
    daemon->show_self = shown;
    shown->daemon = daemon;
    daemon->word = on_word;
    daemon->word_self = shown;
    daemon->reloaded = on_reloaded;
    daemon->reloaded_self = shown;
    if (!begin_alerts(shown, err))
        return false;
    if (daemon->config->server.http_port == 0)
        return true;
    shown->http = vd_http_start(&sources, shown->alerts, daemon->config, err);
    return shown->http != NULL;
}

static void close_shown(struct shown *shown)
{
    shown->daemon->word = NULL;
    shown->daemon->show = NULL;
    vd_http_stop(shown->http);
    vd_alerts_stop(shown->alerts);
}

/* compat: in another's place the log has it; see vd_daemon_start. */
static int fail_to_start(const struct call *call, const struct vd_err *err)
{
    if (call->guise == VD_GUISE_OWN)
        (void)fprintf(stderr, "vedette: %s\n", err->text);
    return 1;
}

static int serve(struct call *call)
{
    struct vd_config *config = vd_alloc(sizeof(*config));
    struct vd_record *record = NULL;
    struct shown shown = {NULL, NULL, NULL};
    struct vd_daemon daemon;
    const char *path;
    int64_t limit;
    struct vd_err err;
    bool good;

    init_config(config, call);
    good = take_record(call, &path, &limit, &err);
    good = good && vd_config_load(config, call->count, words_of(call), &err);
    /* Opened before anything is changed, and where the operator is. */
    if (good && path != NULL) {
        record = vd_record_open(path, limit, &err);
        good = record != NULL;
    }
    if (!good) {
        vd_config_free(config);
        vd_free(config);
        return fail(err.text);
    }
    if (!vd_daemon_start(&daemon, config, record, call->count, words_of(call), &err))
        return fail_to_start(call, &err);
    if (!open_shown(&shown, &daemon, &err)) {
        close_shown(&shown);
        vd_daemon_give_up(&daemon, &err);
        return fail_to_start(call, &err);
    }
    vd_daemon_run(&daemon);
    close_shown(&shown);
    vd_daemon_stop(&daemon);
    return 0;
}

/*
 * Big blocks come from the system and go back to it when they are freed. glibc
 * would keep blocks as big as the last one that was freed: what a burst takes
 * would stay with the process.
 */
static void return_big_blocks(void)
{
#ifdef M_MMAP_THRESHOLD
    (void)mallopt(M_MMAP_THRESHOLD, BIG_BLOCK);
#endif
}

int main(int argc, char **argv)
{
    struct call call = {.count = argc > 0 ? (size_t)argc - 1 : 0, .arguments = argv + 1};
    const char *first = call.count > 0 ? argv[1] : "";
    struct vd_err err;

    return_big_blocks();
    if (!vd_guise_find(argc > 0 ? argv[0] : "", call.count, words_of(&call), &call.guise, &err))
        return fail(err.text);
    for (size_t i = 1; i < OPTION_COUNT; i++) {
        if (strcmp(first, options[i].name) != 0 &&
            (options[i].letter == NULL || strcmp(first, options[i].letter) != 0))
            continue;
        call.arguments++;
        call.count--;
        return options[i].task(&call);
    }
    return serve(&call);
}
