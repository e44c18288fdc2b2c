/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watch: the status again and again: a screen that is drawn anew on a terminal,
 * until q or Ctrl-C; elsewhere a line whenever something has changed. With
 * --json every look is an object on a line.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/ctl.h"

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
    (void)number;
    is_over = 1;
}

struct screen {
    bool is_on;
    bool has_keys;
    struct termios before;
};

static void open_screen(struct screen *screen)
{
    struct termios raw;

    *screen = (struct screen){.is_on = true};
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &screen->before) == 0) {
        raw = screen->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        screen->has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    (void)fputs("\033[?1049h\033[?25l", stdout);
}

static void close_screen(struct screen *screen)
{
    if (!screen->is_on)
        return;
    (void)fputs("\033[?25h\033[?1049l", stdout);
    (void)fflush(stdout);
    if (screen->has_keys)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
}

/* As many lines as there is room for; none is longer than the screen is wide, so that none wraps.
 */
static void draw(struct vd_ctl *ctl, const json_t *survey)
{
    struct winsize size = {.ws_row = 24};
    struct vd_text page = {0};
    const char *at;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        size.ws_row = 24;
    vd_ctl_put_time(&page, vd_ctl_number_of(survey, "at_ms", 0));
    vd_text_puts(&page, "   (q ends)\n\n");
    vd_ctl_put_status(ctl, survey, &page);
    (void)fputs("\033[?7l\033[H", stdout);
    at = vd_text_cstr(&page);
    for (unsigned row = 0; row + 1 < size.ws_row && *at != '\0'; row++) {
        size_t len = strcspn(at, "\n");

        (void)fwrite(at, 1, len, stdout);
        (void)fputs("\033[0m\033[K\n", stdout);
        at += len + (at[len] == '\n');
    }
    (void)fputs("\033[J\033[?7h", stdout);
    (void)fflush(stdout);
    vd_text_free(&page);
}

/* Lines of what has changed ------------------------------------------------------------------ */

static void put_problems(const json_t *problems, struct vd_text *to)
{
    for (size_t i = 0; i < json_array_size(problems); i++) {
        vd_text_puts(to, i == 0 ? ": " : ", ");
        vd_ctl_put_safe(to, json_string_value(json_array_get(problems, i)));
    }
}

static void sum_up(const json_t *survey, struct vd_text *to)
{
    const json_t *groups = json_object_get(survey, "groups");
    const json_t *vedettes = json_object_get(survey, "vedettes");
    size_t reached = 0;

    for (size_t i = 0; i < json_array_size(vedettes); i++)
        reached += vd_ctl_is(json_array_get(vedettes, i), "reached");
    vd_text_printf(to, "%zu of %zu vedettes", reached, json_array_size(vedettes));
    put_problems(json_object_get(survey, "problems"), to);
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);

        vd_text_puts(to, "; ");
        vd_ctl_put_safe(to, vd_ctl_text_of(group, "name"));
        vd_text_puts(to, " on ");
        vd_ctl_put_safe(to, vd_ctl_text_of(group, "primary"));
        vd_text_puts(to, vd_ctl_is(group, "well") ? " well" : " NOT WELL");
        if (json_is_number(json_object_get(group, "paused_ms")))
            vd_text_puts(to, " (paused)");
        put_problems(json_object_get(group, "problems"), to);
    }
}

static void print_change(const json_t *survey, struct vd_text *last)
{
    struct vd_text line = {0};
    struct vd_text when = {0};

    sum_up(survey, &line);
    if (strcmp(vd_text_cstr(&line), vd_text_cstr(last)) != 0) {
        vd_ctl_put_time(&when, vd_ctl_number_of(survey, "at_ms", 0));
        (void)printf("%s  %s\n", vd_text_cstr(&when), vd_text_cstr(&line));
    }
    vd_text_free(&when);
    vd_text_free(last);
    *last = line;
}

static void print_json(const json_t *survey)
{
    char *text = json_dumps(survey, JSON_COMPACT | JSON_REAL_PRECISION(9));

    VD_ASSERT(text != NULL);
    (void)printf("%s\n", text);
    free(text);
}

/* The loop ------------------------------------------------------------------------------------ */

/* Until it is time for the next look. */
static void idle(const struct screen *screen, int64_t until)
{
    struct pollfd keys = {.fd = screen->has_keys ? STDIN_FILENO : -1, .events = POLLIN};

    while (!is_over) {
        int64_t left = until - vd_ctl_now();
        char key;

        if (left <= 0 || poll(&keys, 1, (int)left) == 0)
            return;
        if ((keys.revents & (POLLIN | POLLHUP)) != 0 &&
            (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
            is_over = 1;
    }
}

static bool look(struct vd_ctl *ctl, const struct screen *screen, struct vd_text *last)
{
    json_t *survey = vd_ctl_survey(ctl);
    bool well = vd_ctl_is(survey, "well");

    if (ctl->options.json)
        print_json(survey);
    else if (screen->is_on)
        draw(ctl, survey);
    else
        print_change(survey, last);
    json_decref(survey);
    if (fflush(stdout) != 0)
        is_over = 1; /* nobody reads it any more */
    return well;
}

int vd_ctl_run_watch(struct vd_ctl *ctl)
{
    struct sigaction end = {.sa_handler = on_signal};
    struct screen screen = {0};
    struct vd_text last = {0};
    int status;
    int64_t next;
    int64_t until;
    bool well = false;

    if (!vd_ctl_begin(ctl, &status))
        return status;
    if (ctl->options.group != NULL && vd_ctl_the_group(ctl, &status) == NULL)
        return status;
    (void)sigaction(SIGINT, &end, NULL);
    (void)sigaction(SIGTERM, &end, NULL);
    if (isatty(STDOUT_FILENO) && !ctl->options.json)
        open_screen(&screen);
    next = vd_ctl_now();
    until = ctl->options.for_ms < 0 ? INT64_MAX : next + ctl->options.for_ms;
    while (!is_over) {
        well = look(ctl, &screen, &last);
        next += ctl->options.every_ms;
        if (next < vd_ctl_now())
            next = vd_ctl_now(); /* a look that took long is not made up for */
        if (next > until)
            break;
        idle(&screen, next);
        if (!is_over)
            vd_ctl_crew_gather(&ctl->crew, &ctl->options);
    }
    close_screen(&screen);
    vd_text_free(&last);
    return well ? VD_CTL_WELL : VD_CTL_NOT_WELL;
}
