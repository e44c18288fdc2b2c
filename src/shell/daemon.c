/* SPDX-License-Identifier: BSD-3-Clause */
/* Daemon: see daemon.h. */
#include "shell/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/view.h"
#include "proto/hello.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/restore.h"
#include "shell/supervise.h"

/* Starting ----------------------------------------------------------------------- */

static void on_panic(const char *text)
{
    static bool is_second; /* the log itself may be what fails */

    if (is_second)
        return;
    is_second = true;
    vd_log(VD_LOG_WARNING, "this must not happen, and vedette ends: assertion failed at %s", text);
    vd_record_panic();
}

/* The file's name must still be right when the working directory has changed. */
static void keep_arguments(struct vd_daemon *daemon, size_t count, const char *const *arguments)
{
    daemon->arguments = vd_calloc(count + 1, sizeof(char *));
    daemon->argument_count = count;
    for (size_t i = 0; i < count; i++)
        daemon->arguments[i] = vd_strdup(arguments[i]);
    if (count > 0 && arguments[0][0] != '-' && daemon->config->file != NULL) {
        vd_free(daemon->arguments[0]);
        daemon->arguments[0] = vd_strdup(daemon->config->file);
    }
}

static bool enter_process(const struct vd_server_options *server, struct vd_err *err)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    if (server->dir != NULL && server->dir[0] != '\0' && chdir(server->dir) != 0)
        return vd_err_set(err, "cannot change to the directory %s: %s; make it, or change dir",
                          server->dir, strerror(errno));
    if (!vd_log_open(server, err))
        return false;
    if (server->daemonize && !vd_supervise_daemonize(err))
        return false;
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a file that may not grow is a save that failed */
    vd_panic_set_hook(on_panic);
    return true;
}

static void say_shutdown(void *self)
{
    struct vd_daemon *daemon = self;

    vd_log(VD_LOG_WARNING, "a client has ordered SHUTDOWN: leaving");
    ev_break(daemon->loop, EVBREAK_ALL);
}

static void on_host(void *self, uint64_t token, const char *host, const char (*ips)[VD_IP_SIZE],
                    size_t count, const char *why)
{
    struct vd_daemon *daemon = self;

    (void)host;
    (void)why;
    vd_clients_resolved(daemon->turn.clients, (vd_client){token}, count > 0 ? ips[0] : "");
}

static void resolve_host(void *self, vd_client client, const char *host)
{
    struct vd_daemon *daemon = self;

    vd_resolver_ask(daemon->turn.resolver, host, on_host, daemon, client.n);
}

static long find_pid(void *self, vd_job job)
{
    const struct vd_daemon *daemon = self;

    return vd_spawn_pid(daemon->turn.spawn, job);
}

static void on_word(void *self, const char *text, size_t len)
{
    struct vd_daemon *daemon = self;

    if (len > strlen(VD_WORD_FAILOVER) &&
        memcmp(text, VD_WORD_FAILOVER, strlen(VD_WORD_FAILOVER)) == 0)
        vd_witness_hear(daemon->turn.witness, text, len);
    else if (daemon->word != NULL)
        daemon->word(daemon->word_self, text, len);
}

static bool show(void *self, const char *page, const struct vd_word *query, size_t count,
                 struct vd_text *to)
{
    const struct vd_daemon *daemon = self;

    if (daemon->show != NULL)
        return daemon->show(daemon->show_self, page, query, count, to);
    vd_text_puts(to, "nothing is shown yet: vedette is starting");
    return false;
}

static bool open_world(struct vd_daemon *daemon, struct vd_err *err)
{
    struct vd_turn *turn = &daemon->turn;

    daemon->loop = ev_default_loop(EVFLAG_AUTO);
    if (daemon->loop == NULL)
        return vd_err_set(err, "cannot start the event loop: %s", strerror(errno));
    turn->loop = daemon->loop;
    turn->inbox = &daemon->inbox;
    turn->drive = &daemon->drive;
    turn->resolver = vd_resolver_new(daemon->loop, NULL, err);
    if (turn->resolver == NULL)
        return false;
    turn->tls = vd_tls_new(daemon->loop);
    if (!vd_tls_load(turn->tls, &daemon->config->server.tls, NULL, err))
        return false;
    turn->links =
        vd_links_new(daemon->loop, &daemon->inbox, turn->resolver, &daemon->config->server);
    vd_links_use_tls(turn->links, turn->tls);
    turn->spawn = vd_spawn_new(daemon->loop, &daemon->inbox);
    turn->store = daemon->config->guise == VD_GUISE_OWN
                      ? vd_store_open(daemon->config->server.state_dir, err)
                      : vd_store_open_classic(daemon->config->file, err);
    if (turn->store == NULL)
        return false;
    vd_store_configured(turn->store, daemon->config);
    return true;
}

static bool open_doors(struct vd_daemon *daemon, struct vd_err *err)
{
    const struct vd_clients_hooks hooks = {.self = daemon,
                                           .shutdown = say_shutdown,
                                           .resolve = resolve_host,
                                           .word = on_word,
                                           .pid_of = find_pid,
                                           .show = show};

    daemon->turn.clients =
        vd_clients_new(daemon->loop, &daemon->inbox, &daemon->drive, daemon->config, &hooks);
    vd_clients_use_tls(daemon->turn.clients, daemon->turn.tls);
    vd_store_use_users(daemon->turn.store, vd_clients_users(daemon->turn.clients));
    return vd_clients_listen(daemon->turn.clients, err);
}

/*
 * A core from configuration and state. A port in use is found before anything
 * is written; what the core starts from is saved before anything is said.
 */
static bool make_core(struct vd_daemon *daemon, const struct vd_saved *saved, struct vd_err *err)
{
    struct vd_arena arena = {0};
    struct vd_receipt receipt = {false};
    struct vd_image image;
    bool fresh;
    bool good;

    image = *vd_restore_merge(daemon->config, saved, &arena, &fresh);
    if (image.self.hex[0] == '\0')
        image.self = vd_clock_new_id();
    daemon->fresh = fresh;
    fresh = fresh || daemon->config->unsound || (saved != NULL && saved->unsound);
    vd_store_set_unsound(daemon->turn.store, fresh);
    vd_drive_init(&daemon->drive, vd_core_new(&image, fresh), &vd_turn_ops, &daemon->turn);
    vd_record_begin(daemon->turn.record, daemon->loop, &image, fresh);
    good = open_doors(daemon, err) && vd_store_save(daemon->turn.store, &image, &receipt, err);
    vd_arena_free(&arena);
    return good;
}

static bool restore(struct vd_daemon *daemon, struct vd_err *err)
{
    struct vd_saved saved;
    bool found;
    bool good;

    if (!vd_store_load(daemon->turn.store, &saved, &found, err))
        return false;
    good = make_core(daemon, found ? &saved : NULL, err);
    vd_saved_free(&saved);
    return good;
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)events;
    vd_log(VD_LOG_WARNING, "%s received: leaving",
           watcher->signum == SIGTERM ? "SIGTERM" : "SIGINT");
    ev_break(loop, EVBREAK_ALL);
}

static void on_hang_up(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop;
    (void)events;
    vd_daemon_reload(watcher->data);
}

static void watch_signals(struct vd_daemon *daemon)
{
    ev_signal_init(&daemon->hang_up, on_hang_up, SIGHUP);
    ev_signal_init(&daemon->terminate, on_signal, SIGTERM);
    ev_signal_init(&daemon->interrupt, on_signal, SIGINT);
    daemon->hang_up.data = daemon;
    ev_signal_start(daemon->loop, &daemon->hang_up);
    ev_signal_start(daemon->loop, &daemon->terminate);
    ev_signal_start(daemon->loop, &daemon->interrupt);
}

/* compat: in another's place the want of one keeps nobody from starting. */
static bool write_pidfile(const struct vd_config *config, struct vd_err *err)
{
    const struct vd_server_options *server = &config->server;

    if (server->pidfile == NULL || server->pidfile[0] == '\0' ||
        vd_supervise_write_pidfile(server->pidfile, err))
        return true;
    if (!server->pidfile_is_default && config->guise == VD_GUISE_OWN)
        return false;
    vd_log(VD_LOG_WARNING, "%s", err->text);
    return true;
}

static void release(struct vd_daemon *daemon)
{
    struct vd_turn *turn = &daemon->turn;

    if (daemon->began)
        vd_turn_stop(turn);
    if (turn->clients != NULL) {
        vd_clients_stop(turn->clients);
        vd_clients_free(turn->clients);
    }
    vd_witness_free(turn->witness);
    vd_lag_free(daemon->lag);
    vd_load_free(daemon->load);
    vd_links_free(turn->links);
    vd_tls_free(turn->tls);
    vd_watch_free(turn->watch);
    vd_spawn_free(turn->spawn);
    vd_resolver_free(turn->resolver);
    if (daemon->drive.core != NULL)
        vd_drive_free(&daemon->drive);
    vd_store_close(turn->store);
    vd_record_close(turn->record);
    vd_inbox_free(&daemon->inbox);
    for (size_t i = 0; i < daemon->argument_count; i++)
        vd_free(daemon->arguments[i]);
    vd_free(daemon->arguments);
    vd_config_free(daemon->config);
    vd_free(daemon->config);
    if (daemon->loop != NULL)
        ev_loop_destroy(daemon->loop);
    vd_log_close();
    memset(daemon, 0, sizeof(*daemon));
}

static void say_hello(const struct vd_daemon *daemon)
{
    const struct vd_config *config = daemon->config;
    struct vd_view_core view;

    vd_view_core(daemon->drive.core, &view);
    for (size_t i = 0; i < config->warning_count; i++)
        vd_log(VD_LOG_WARNING, "%s", config->warnings[i]);
    vd_log(VD_LOG_NOTICE, "vedette %s starts, with at most %lu open files", VD_VERSION,
           daemon->files);
    vd_log(VD_LOG_NOTICE, "Sentinel ID is %s", view.self.hex);
    if (daemon->fresh)
        vd_log(VD_LOG_NOTICE, "there was no saved state in %s: a new one is begun",
               config->server.state_dir);
    if (daemon->turn.record != NULL)
        vd_log(VD_LOG_NOTICE, "recording into %s", vd_record_path(daemon->turn.record));
}

/*
 * A log that nobody looks at now is looked at later; standard error gets the
 * reason from main. compat: Sentinel has no such word for it but in its log.
 */
static void tell_failure(const struct vd_daemon *daemon, const struct vd_err *err)
{
    const struct vd_server_options *server = &daemon->config->server;

    if (server->logfile != NULL || server->syslog_enabled || daemon->config->guise != VD_GUISE_OWN)
        vd_log(VD_LOG_WARNING, "%s", err->text);
}

static bool give_up(struct vd_daemon *daemon, const struct vd_err *err)
{
    tell_failure(daemon, err);
    release(daemon);
    return false;
}

static void remember(void *self, const struct vd_history_entry *entry)
{
    vd_watch_failover(self, entry);
}

/* What those who look at the daemon may see: also of before it was started. */
static void look_back(struct vd_daemon *daemon)
{
    struct vd_turn *turn = &daemon->turn;
    struct vd_err err;

    turn->watch = vd_watch_new();
    if (!vd_store_history(turn->store, remember, turn->watch, &err))
        vd_log(VD_LOG_WARNING, "the failovers of before cannot be shown: %s", err.text);
    turn->witness =
        vd_witness_new(daemon->loop, &daemon->drive, turn->links, turn->store, turn->watch);
    vd_daemon_measure(daemon);
}

void vd_daemon_measure(struct vd_daemon *daemon)
{
    const struct vd_config *config = daemon->config;

    if (config->server.http_port != 0 || vd_alert_config_is_on(&config->alerts) ||
        vd_cost_config_is_on(&config->cost))
        vd_daemon_measure_now(daemon);
}

void vd_daemon_measure_now(struct vd_daemon *daemon)
{
    if (daemon->lag == NULL)
        daemon->lag = vd_lag_new(daemon->loop, daemon->turn.links, &daemon->drive);
    if (daemon->load == NULL)
        daemon->load = vd_load_new(daemon->loop, &daemon->drive);
}

bool vd_daemon_start(struct vd_daemon *daemon, struct vd_config *config, struct vd_record *record,
                     size_t count, const char *const *arguments, struct vd_err *err)
{
    memset(daemon, 0, sizeof(*daemon));
    daemon->config = config;
    daemon->turn.record = record;
    keep_arguments(daemon, count, arguments);
    if (!enter_process(&config->server, err))
        return give_up(daemon, err);
    daemon->files = vd_supervise_raise_files();
    if (!open_world(daemon, err) || !restore(daemon, err) || !write_pidfile(config, err))
        return give_up(daemon, err);
    look_back(daemon);
    say_hello(daemon);
    watch_signals(daemon);
    vd_turn_start(&daemon->turn);
    daemon->began = true;
    return true;
}

void vd_daemon_give_up(struct vd_daemon *daemon, const struct vd_err *err)
{
    tell_failure(daemon, err);
    vd_daemon_stop(daemon);
}

/* Running ------------------------------------------------------------------------ */

/* From the loop: one that stands still is silent, and systemd begins anew. */
static void on_watchdog(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
    vd_supervise_tell("WATCHDOG=1");
}

static void feed_watchdog(struct vd_daemon *daemon)
{
    double every = (double)vd_supervise_watchdog_ms() / 1000;

    if (!daemon->config->server.supervised_systemd || every <= 0)
        return;
    ev_timer_init(&daemon->watchdog, on_watchdog, 0, every);
    ev_timer_start(daemon->loop, &daemon->watchdog);
}

void vd_daemon_run(struct vd_daemon *daemon)
{
    vd_supervise_ready(daemon->config->server.supervised_systemd);
    feed_watchdog(daemon);
    ev_run(daemon->loop, 0);
}

/* Who leaves in order has saved all its votes. */
static void settle(struct vd_daemon *daemon)
{
    struct vd_err err;

    if (!vd_view_abstains(daemon->drive.core, vd_clock_now()) && !daemon->drive.mute &&
        !vd_store_settle(daemon->turn.store, true, &err))
        vd_log(VD_LOG_WARNING, "the next start will abstain from votes for a while: %s", err.text);
}

void vd_daemon_stop(struct vd_daemon *daemon)
{
    const struct vd_server_options *server = &daemon->config->server;
    sigset_t late;

    settle(daemon);
    if (server->supervised_systemd)
        vd_supervise_tell("STOPPING=1");
    if (server->pidfile != NULL && server->pidfile[0] != '\0')
        (void)unlink(server->pidfile);
    /* Without their watchers, a second SIGTERM would end us before we have left cleanly. */
    sigemptyset(&late);
    sigaddset(&late, SIGHUP);
    sigaddset(&late, SIGTERM);
    sigaddset(&late, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &late, NULL);
    ev_signal_stop(daemon->loop, &daemon->hang_up);
    ev_signal_stop(daemon->loop, &daemon->terminate);
    ev_signal_stop(daemon->loop, &daemon->interrupt);
    ev_timer_stop(daemon->loop, &daemon->watchdog);
    release(daemon);
}
