/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vedette: watches Redis primaries and replaces those that die. Here is only
 * what the command line asks for; the daemon is shell/daemon.h.
 */
#include <stdio.h>
#include <string.h>

#include "shell/config_load.h"
#include "shell/daemon.h"
#include "shell/record.h"
#include "shell/store.h"

static const char usage[] =
    "usage: vedette [FILE] [-] [--name value ...]   serve; - reads standard input as well\n"
    "       vedette --record FILE ...               the same, and record what happens\n"
    "       vedette --check FILE [--name value ...] say what is wrong with a configuration\n"
    "       vedette --history [FILE] [--name value ...]\n"
    "                                               print the failovers of its state directory\n"
    "       vedette --version | --help\n"
    "FILE is a vedette.cfg or a sentinel.conf; --name value is a line of the latter and wins.\n"
    "See vedette(8) and vedette.cfg(5).\n";

static int fail(const char *text)
{
    (void)fprintf(stderr, "%s\n", text);
    return 1;
}

static int print_history(size_t count, const char *const *arguments)
{
    struct vd_config config;
    struct vd_err err;
    bool good;

    vd_config_init(&config);
    good = vd_config_load(&config, count, arguments, &err) &&
           vd_store_print_history(config.server.state_dir, stdout, &err);
    vd_config_free(&config);
    return good ? 0 : fail(err.text);
}

/*
 * Takes --record and its FILE out of the arguments, wherever they stand: it is
 * no line of a configuration. True if it was found; *path NULL: without FILE.
 */
static bool take_record(size_t *count, char **arguments, const char **path)
{
    *path = NULL;
    for (size_t i = 0; i < *count; i++) {
        size_t taken = i + 1 < *count ? 2 : 1;

        if (strcmp(arguments[i], "--record") != 0)
            continue;
        if (taken == 2)
            *path = arguments[i + 1];
        *count -= taken;
        memmove(&arguments[i], &arguments[i + taken], (*count - i) * sizeof(arguments[0]));
        return true;
    }
    return false;
}

static int serve(size_t count, char **words)
{
    const char *const *arguments = (const char *const *)words;
    struct vd_config *config = vd_alloc(sizeof(*config));
    struct vd_record *record = NULL;
    struct vd_daemon daemon;
    const char *path;
    struct vd_err err;
    bool good = true;

    vd_config_init(config);
    if (take_record(&count, words, &path) && path == NULL)
        good = vd_err_set(&err, "--record lacks the FILE to be written");
    good = good && vd_config_load(config, count, arguments, &err);
    /* Opened before anything is changed, and where the operator is. */
    if (good && path != NULL) {
        record = vd_record_open(path, &err);
        good = record != NULL;
    }
    if (!good) {
        vd_config_free(config);
        vd_free(config);
        return fail(err.text);
    }
    if (!vd_daemon_start(&daemon, config, record, count, arguments, &err)) {
        (void)fprintf(stderr, "vedette: %s\n", err.text);
        return 1;
    }
    vd_daemon_run(&daemon);
    vd_daemon_stop(&daemon);
    return 0;
}

static bool is_option(const char *argument, const char *name, const char *letter)
{
    return strcmp(argument, name) == 0 || (letter != NULL && strcmp(argument, letter) == 0);
}

int main(int argc, char **argv)
{
    size_t count = argc > 0 ? (size_t)argc - 1 : 0;
    const char *const *arguments = (const char *const *)argv + 1;

    if (count > 0 && is_option(arguments[0], "--help", "-h")) {
        (void)fputs(usage, stdout);
        return 0;
    }
    if (count > 0 && is_option(arguments[0], "--version", "-v")) {
        (void)puts("vedette " VD_VERSION);
        return 0;
    }
    if (count > 0 && is_option(arguments[0], "--check", NULL))
        return vd_config_check(count - 1, arguments + 1, stdout, stderr);
    if (count > 0 && is_option(arguments[0], "--history", NULL))
        return print_history(count - 1, arguments + 1);
    return serve(count, argv + 1);
}
