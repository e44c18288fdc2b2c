/* SPDX-License-Identifier: BSD-3-Clause */
/* Ctl: see ctl.h. */
#include "ctl/ctl.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct vd_ctl_command vd_ctl_commands[] = {
    {"status", "[GROUP]", "Tell whether the groups are well, and what is not", vd_ctl_run_status,
     1},
    {"topology", "[GROUP]", "Draw who follows whom", vd_ctl_run_topology, 1},
    {"watch", "[GROUP]", "Show the status as it changes", vd_ctl_run_watch, 1},
    {"history", "[ID]", "List the failovers that were, or tell one with its phases",
     vd_ctl_run_history, 1},
    {"check", "[GROUP]", "Tell whether a failover would succeed now, and what is against it",
     vd_ctl_run_check, 1},
    {"failover", "[GROUP]", "Make a replica the primary, and follow that to its end",
     vd_ctl_run_failover, 1},
    {"pause", "[GROUP]", "Maintenance: the group is watched, but nothing is done", vd_ctl_run_pause,
     1},
    {"resume", "[GROUP]", "End the maintenance", vd_ctl_run_resume, 1},
    {"forget", "NODE", "Forget a replica (HOST:PORT) or a sentinel (its id) that is gone for good",
     vd_ctl_run_forget, 1},
    {"cost", "", "Tell what the servers cost, by the prices in the configuration", vd_ctl_run_cost,
     0},
    {"drill", "[ARGUMENT ...]", "Rehearse a failover (vedette-drill)", vd_ctl_run_drill, SIZE_MAX},
    {NULL, NULL, NULL, NULL, 0},
};

/* JSON --------------------------------------------------------------------------------- */

const char *vd_ctl_text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

/* Sentinels tell numbers as texts. */
int64_t vd_ctl_number_of(const json_t *object, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    double real = json_real_value(value); /* 0: it is none */
    int64_t number;

    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_real(value) && real > -9e18 && real < 9e18)
        return (int64_t)real;
    if (text != NULL && vd_parse_int64(text, strlen(text), &number))
        return number;
    return otherwise;
}

bool vd_ctl_is(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* Answers --------------------------------------------------------------------------------- */

void vd_ctl_warn(const char *sentence)
{
    struct vd_text safe = {0};

    vd_ctl_put_safe(&safe, sentence);
    (void)fprintf(stderr, "vedettectl: %s\n", vd_text_cstr(&safe));
    vd_text_free(&safe);
}

int vd_ctl_refuse(struct vd_ctl *ctl, enum vd_ctl_exit status, const char *format, ...)
{
    char *sentence = NULL;
    va_list args;

    va_start(args, format);
    VD_ASSERT(vasprintf(&sentence, format, args) >= 0);
    va_end(args);
    if (ctl->json == NULL)
        ctl->json = json_object();
    json_object_set_new(ctl->json, "error", vd_ctl_json_text(sentence, strlen(sentence)));
    vd_ctl_warn(sentence);
    free(sentence);
    return (int)status;
}

bool vd_ctl_flush(struct vd_ctl *ctl)
{
    if (ctl->options.json && ctl->json != NULL) {
        char *text = json_dumps(ctl->json, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

        VD_ASSERT(text != NULL);
        (void)printf("%s\n", text);
        free(text);
    } else if (!ctl->options.json) {
        (void)fwrite(vd_text_cstr(&ctl->text), 1, ctl->text.len, stdout);
    }
    vd_text_clear(&ctl->text);
    return fflush(stdout) == 0 && ferror(stdout) == 0;
}

/* The crew ----------------------------------------------------------------------------------- */

bool vd_ctl_begin(struct vd_ctl *ctl, int *status)
{
    struct vd_err err;

    if (!vd_ctl_crew_init(&ctl->crew, &ctl->options, &err)) {
        *status = vd_ctl_refuse(ctl, VD_CTL_USAGE, "%s", err.text);
        return false;
    }
    vd_ctl_crew_gather(&ctl->crew, &ctl->options);
    for (size_t i = 0; i < ctl->crew.count; i++)
        if (ctl->crew.mates[i].link != NULL)
            return true;
    (void)vd_ctl_tell_unreached(ctl);
    *status = vd_ctl_refuse(ctl, VD_CTL_UNREACHABLE,
                            "nobody could be asked; where are the vedettes (-s, -c, "
                            "VEDETTE_SENTINELS)?");
    return false;
}

bool vd_ctl_tell_unreached(struct vd_ctl *ctl)
{
    bool any = false;

    for (size_t i = 0; i < ctl->crew.count; i++) {
        if (ctl->crew.mates[i].link != NULL || ctl->crew.mates[i].error == NULL)
            continue;
        any = true;
        vd_ctl_warn(ctl->crew.mates[i].error);
    }
    return any;
}

/* One of the groups that the crew watches, if any. Returns 0 or 1, or more where there are several.
 */
static size_t count_groups(const struct vd_ctl *ctl, const char **one)
{
    size_t count = 0;

    *one = NULL;
    for (size_t i = 0; i < ctl->crew.count; i++) {
        const json_t *masters = ctl->crew.mates[i].masters;

        for (size_t j = 0; ctl->crew.mates[i].link != NULL && j < json_array_size(masters); j++) {
            const char *name = vd_ctl_text_of(json_array_get(masters, j), "name");

            if (*one != NULL && strcmp(*one, name) == 0)
                continue;
            *one = name;
            count++;
        }
    }
    return count;
}

const char *vd_ctl_the_group(struct vd_ctl *ctl, int *status)
{
    const char *wanted = ctl->options.group;
    const char *one;
    size_t count = count_groups(ctl, &one);

    if (wanted != NULL && vd_ctl_best_mate(&ctl->crew, wanted) != NULL)
        return wanted;
    if (wanted != NULL)
        *status = vd_ctl_refuse(ctl, VD_CTL_USAGE, "nobody watches a group '%s'", wanted);
    else if (count == 0)
        *status = vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "no group is watched");
    else if (count > 1)
        *status = vd_ctl_refuse(ctl, VD_CTL_USAGE,
                                "there are several groups: say which (-g NAME); status lists them");
    else
        return one;
    return NULL;
}

/* Running ---------------------------------------------------------------------------------------
 */

/* Of most commands the one argument is the group. */
static void take_group(struct vd_ctl_options *options)
{
    const char *name = options->command->name;

    if (options->word_count != 1 || strcmp(name, "history") == 0 || strcmp(name, "forget") == 0 ||
        strcmp(name, "drill") == 0)
        return;
    vd_free(options->group);
    options->group = vd_strdup(options->words[0]);
}

static bool wants_colour(void)
{
    const char *none = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && (none == NULL || none[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

int vd_ctl_main(int argc, char **argv)
{
    struct vd_ctl ctl = {.coloured = wants_colour()};
    struct vd_err err = {""};
    int status = VD_CTL_USAGE;

    (void)signal(SIGPIPE, SIG_IGN);
    if (!vd_ctl_options_read(&ctl.options, argc, argv, &err)) {
        (void)vd_ctl_refuse(&ctl, VD_CTL_USAGE, "%s", err.text);
    } else if (ctl.options.help) {
        vd_ctl_help(ctl.options.command, stdout);
        status = VD_CTL_WELL;
    } else if (ctl.options.version) {
        (void)printf("vedettectl %s\n", VD_VERSION);
        status = VD_CTL_WELL;
    } else {
        take_group(&ctl.options);
        status = ctl.options.command->run(&ctl);
    }
    if (!vd_ctl_flush(&ctl)) {
        (void)fputs("vedettectl: standard output takes no more\n", stderr);
        status = status == VD_CTL_WELL ? VD_CTL_NOT_WELL : status;
    }
    vd_ctl_crew_free(&ctl.crew);
    vd_ctl_options_free(&ctl.options);
    json_decref(ctl.json);
    vd_text_free(&ctl.text);
    return status;
}
