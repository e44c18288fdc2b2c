/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the command line leaves to others: passwords from files and the
 * terminal, the environment, and the configuration of the daemon that is meant.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#include "ctl/options_room.h"
#include "proto/addr.h"
#include "shell/config_load.h"

#define SECRET_MAX 4096

void vd_ctl_set_text(char **to, const char *text)
{
    vd_free(*to);
    *to = vd_strdup(text);
}

/* The first line of the file. */
bool vd_ctl_read_secret(const char *path, char **to, struct vd_err *err)
{
    FILE *file = fopen(path, "re");
    char line[SECRET_MAX];
    bool good;

    if (file == NULL)
        return vd_err_set(err, "--password-file %s: %s", path, strerror(errno));
    good = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file);
    line[good ? strcspn(line, "\r\n") : 0] = '\0';
    if (!good || line[0] == '\0')
        return vd_err_set(err,
                          "--password-file %s: its first line is to be the password, and it "
                          "is empty",
                          path);
    vd_ctl_set_text(to, line);
    return true;
}

/* Whoever ends us, or halts us, at the question must find the terminal as it was. */
static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

struct signals {
    sigset_t mask; /* of before */
    struct sigaction before[sizeof(ends) / sizeof(ends[0])];
};

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

/*
 * The question is interrupted; what the signal means comes when the terminal
 * echoes again. Signals are held back but for the wait itself, so that none
 * comes just before it and is slept over.
 */
static void watch_signals(struct signals *signals, bool watch)
{
    const struct sigaction note = {.sa_handler = on_signal}; /* no SA_RESTART */
    sigset_t held;

    sigemptyset(&held);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        sigaddset(&held, ends[i]);
    if (watch)
        (void)sigprocmask(SIG_BLOCK, &held, &signals->mask);
    else
        (void)sigprocmask(SIG_SETMASK, &signals->mask, NULL);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (!watch)
            (void)sigaction(ends[i], &signals->before[i], NULL);
        else if (sigaction(ends[i], &note, &signals->before[i]) == 0 &&
                 signals->before[i].sa_handler == SIG_IGN)
            (void)sigaction(ends[i], &signals->before[i], NULL);
    }
}

/* With the echo off; it is on again on return, also when a signal came: `caught`. */
static void read_silently(FILE *terminal, const struct termios *before, char *line, int size)
{
    struct termios silent = *before;
    struct pollfd typed = {.fd = fileno(terminal), .events = POLLIN};
    struct signals signals;

    line[0] = '\0';
    caught = 0;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    watch_signals(&signals, true);
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, &silent);
    (void)fputs("password: ", terminal);
    (void)fflush(terminal);
    if (ppoll(&typed, 1, NULL, &signals.mask) > 0 && fgets(line, size, terminal) != NULL)
        line[strcspn(line, "\r\n")] = '\0';
    clearerr(terminal);
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, before);
    (void)fputc('\n', terminal);
    (void)fflush(terminal);
    watch_signals(&signals, false);
}

static bool ask_secret(char **to, struct vd_err *err)
{
    FILE *terminal = fopen("/dev/tty", "r+e");
    struct termios before;
    char line[SECRET_MAX];

    if (terminal == NULL || tcgetattr(fileno(terminal), &before) != 0) {
        if (terminal != NULL)
            (void)fclose(terminal);
        return vd_err_set(err, "--ask-password: there is no terminal; use --password-file or "
                               "VEDETTE_PASSWORD");
    }
    do {
        read_silently(terminal, &before, line, sizeof(line));
        if (caught != 0)
            (void)raise(caught); /* the end; or a halt, and then the question is asked again */
    } while (caught != 0);
    (void)fclose(terminal);
    vd_ctl_set_text(to, line);
    return true;
}

/* The environment and the daemon's configuration -------------------------------------------------
 */

static bool read_places(struct vd_ctl_options *options, const char *list, struct vd_err *err)
{
    char *copy = vd_strdup(list);
    char *rest = NULL;
    bool good = true;

    for (char *one = strtok_r(copy, ", \t", &rest); good && one != NULL;
         one = strtok_r(NULL, ", \t", &rest))
        good = vd_ctl_options_add_place(options, one, err) || vd_err_wrap(err, "VEDETTE_SENTINELS");
    vd_free(copy);
    return good;
}

/* Where a listener on this address can be reached from the same machine. */
static const char *reachable(const struct vd_server_options *server)
{
    const char *bind = server->bind_count > 0 ? server->bind[0] : "*";

    if (bind[0] == '-')
        bind++;
    return strcmp(bind, "*") == 0 || strcmp(bind, "::*") == 0 || strcmp(bind, "0.0.0.0") == 0 ||
                   strcmp(bind, "::") == 0
               ? "localhost"
               : bind;
}

static bool read_config(struct vd_ctl_options *options, struct vd_err *err)
{
    const char *file = options->config_file;
    const struct vd_server_options *server;
    struct vd_text place = {0};
    bool good;

    options->config = vd_alloc(sizeof(*options->config));
    vd_config_init(options->config);
    if (!vd_config_load(options->config, 1, &file, err))
        return false;
    server = &options->config->server;
    if (options->pass == NULL && server->requirepass != NULL && server->requirepass[0] != '\0')
        vd_ctl_set_text(&options->pass, server->requirepass);
    if (server->port == 0 && server->tls.port != 0) {
        bool verify = options->tls.verify_names && server->tls.verify_names;

        options->use_tls = true;
        options->tls = server->tls;
        options->tls.verify_names = verify;
    }
    if (options->place_count > 0)
        return true;
    vd_addr_print(reachable(server), server->port != 0 ? server->port : server->tls.port, &place);
    good = vd_ctl_options_add_place(options, vd_text_cstr(&place), err);
    vd_text_free(&place);
    return good;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

void vd_ctl_options_put_tls(const struct vd_ctl_options *options, struct vd_tls_options *tls)
{
    if (options->ca_cert_file != NULL)
        tls->ca_cert_file = options->ca_cert_file;
    if (options->cert_file == NULL)
        return;
    tls->client_cert_file = options->cert_file;
    tls->client_key_file = options->key_file;
    tls->client_key_file_pass = NULL;
}

bool vd_ctl_options_finish(struct vd_ctl_options *options, struct vd_err *err)
{
    const char *list = environment("VEDETTE_SENTINELS");

    if (options->user == NULL)
        options->user = vd_strdup(environment("VEDETTE_USER"));
    if (options->pass == NULL)
        options->pass = vd_strdup(environment("VEDETTE_PASSWORD"));
    options->node_user = vd_strdup(environment("VEDETTE_NODE_USER"));
    options->node_pass = vd_strdup(environment("VEDETTE_NODE_PASSWORD"));
    if (options->ask_password && !ask_secret(&options->pass, err))
        return false;
    /* Who names a configuration means that vedette, whatever the environment names. */
    if (options->place_count == 0 && options->config_file == NULL && list != NULL &&
        !read_places(options, list, err))
        return false;
    if (options->config_file == NULL)
        options->config_file = vd_strdup(environment("VEDETTE_CONFIG"));
    if (options->config_file != NULL && !read_config(options, err))
        return false;
    if ((options->cert_file == NULL) != (options->key_file == NULL))
        return vd_err_set(err, "--tls-cert-file and --tls-key-file go together: give both");
    options->tls.port = 0; /* nobody comes in here */
    options->tls.to.peers = true;
    options->tls.to.servers = false;
    vd_ctl_options_put_tls(options, &options->tls);
    return options->place_count > 0 || vd_ctl_options_add_place(options, "localhost", err);
}
