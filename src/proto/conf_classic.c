/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading sentinel.conf: lines, words, includes, the order of application, and
 * the command line as more lines. After a bad line reading goes on, so that
 * one run tells of all mistakes.
 */
#include "proto/conf_classic.h"

#include <string.h>

#include "proto/classic.h"
#include "proto/classic_want.h"
#include "proto/option.h"
#include "proto/server_option.h"

#define INCLUDE_DEPTH 16
#define FAULTS_MAX 20 /* more than these are told by a file that is no configuration at all */

/* Faults --------------------------------------------------------------------------- */

/* The next blank-separated piece of a line that may be badly quoted; moves *at behind it. */
static const char *take_piece(const char **at, size_t *len)
{
    const char *piece = *at + strspn(*at, " \t\"'");

    *len = strcspn(piece, " \t\"'");
    *at = piece + *len;
    return piece;
}

/* Is what follows this directive secret? */
static bool announces_secret(const struct vd_word *name)
{
    /* Those of Redis that mean nothing here. */
    static const char *const others[] = {"user", "masterauth", "primaryauth"};
    const struct vd_server_row *row = vd_server_find(VD_IN_CLASSIC, name->bytes, name->len);

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (vd_word_is(name, others[i]))
            return true;
    }
    return row != NULL && row->kind == VD_SERVER_SECRET;
}

/* The line with everything behind the words that announce a secret struck out. */
static char *mask(struct vd_classic *classic, const char *text)
{
    const struct vd_option_row *row;
    const char *at = text;
    struct vd_word name;
    bool hide;

    name.bytes = take_piece(&at, &name.len);
    hide = announces_secret(&name);
    if (vd_word_is(&name, "sentinel")) {
        name.bytes = take_piece(&at, &name.len);
        row = vd_option_find(VD_IN_CLASSIC, name.bytes, name.len);
        hide = row != NULL && row->kind == VD_KIND_SECRET;
        if (hide && row->option < VD_OPT_GROUP_COUNT)
            (void)take_piece(&at, &name.len);
    }
    if (!hide || *at == '\0')
        return vd_arena_strdup(&classic->arena, text);
    return vd_arena_printf(&classic->arena, "%.*s ******", (int)(at - text), text);
}

bool vd_classic_fault(struct vd_classic *classic, const struct vd_classic_line *line,
                      const char *reason, const char *remedy)
{
    if (line->remark) {
        vd_config_warn(classic->config, "%s:%u: what was noted here is not taken: %s", line->file,
                       line->number, reason);
        return false;
    }
    return vd_config_fault(classic->config, line->file, line->number, mask(classic, line->text),
                           reason, remedy);
}

void vd_classic_add_user(struct vd_classic *classic, const struct vd_classic_line *line)
{
    vd_config_add_user(classic->config, line->file, line->number, mask(classic, line->text),
                       line->words.list + 1, line->words.count - 1);
}

/* Paths ----------------------------------------------------------------------------- */

const char *vd_classic_path(struct vd_classic *classic, const char *path)
{
    const char *dir = classic->config->server.dir;

    if (path[0] == '/' || dir == NULL)
        return path;
    return vd_arena_printf(&classic->arena, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/",
                           path);
}

/* Lines ----------------------------------------------------------------------------- */

static void read_text(struct vd_classic *classic, const char *file, const struct vd_text *text);

static bool read_file(struct vd_classic *classic, const char *path, const char *shown,
                      struct vd_err *err)
{
    struct vd_text text = {0};
    bool ok = classic->world->read(classic->world->self, path, &text, err);

    if (ok)
        read_text(classic, vd_arena_strdup(&classic->arena, shown), &text);
    vd_text_free(&text);
    return ok;
}

static bool include(struct vd_classic *classic, const struct vd_classic_line *line)
{
    const char *path;
    const char *const *paths;
    size_t count = 1;
    struct vd_err err = {""};

    if (line->words.count != 2)
        return vd_classic_fault(classic, line, "Bad directive or wrong number of arguments",
                                "write 'include FILE', with quotes if the name has blanks");
    if (classic->depth == INCLUDE_DEPTH)
        return vd_classic_fault(classic, line, "Too many nested includes",
                                "look for a file that includes itself");
    path = vd_classic_path(classic, line->words.list[1].bytes);
    paths = &path;
    if (strpbrk(path, "*?[") != NULL)
        count = classic->world->expand(classic->world->self, path, &classic->arena, &paths);
    classic->depth++;
    for (size_t i = 0; i < count; i++) {
        if (!read_file(classic, paths[i], paths[i], &err)) {
            vd_err_wrap(&err, "can't open config file '%.200s'", paths[i]);
            vd_classic_fault(classic, line, err.text, "make the file readable or drop the include");
        }
        classic->config->includes = true;
    }
    classic->depth--;
    return true;
}

static void enqueue(struct vd_classic_queue *queue, const struct vd_classic_line *line)
{
    size_t count = queue->count;

    if ((count & (count - 1)) == 0)
        queue->list =
            vd_realloc(queue->list, (count == 0 ? 1 : count * 2) * sizeof(queue->list[0]));
    queue->list[queue->count++] = *line;
}

static bool is_main(const struct vd_classic *classic, const struct vd_classic_line *line)
{
    return classic->main != NULL && strcmp(line->file, classic->main) == 0;
}

/* A comment; in the file itself it may be one of ours. */
static void read_comment(struct vd_classic *classic, struct vd_classic_line *line,
                         const char *bytes, size_t len)
{
    static const char remark[] = VD_CLASSIC_REMARK;
    const size_t lead = sizeof(remark) - 1;

    if (!is_main(classic, line) || len <= lead || memcmp(bytes, remark, lead) != 0 ||
        memchr(bytes, '\0', len) != NULL)
        return;
    line->remark = true;
    line->text = vd_arena_printf(&classic->arena, "sentinel %.*s", (int)(len - lead), bytes + lead);
    if (vd_words_split(line->text, strlen(line->text), &classic->arena, &line->words) &&
        line->words.count > 1)
        enqueue(&classic->remarks, line);
}

/*
 * A directive that is not in the file: as with Sentinel, one that is written
 * has it from then on. Our own would keep Sentinel from starting.
 */
static void keep_directive(struct vd_classic *classic, const struct vd_classic_line *line)
{
    const struct vd_word *name = &line->words.list[0];
    struct vd_text text = {0};

    if (!classic->config->keeps || line->included || is_main(classic, line) ||
        vd_classic_is_own_directive(name) || vd_word_is(name, "user"))
        return;
    if (vd_word_is(name, "dir") && classic->config->server.dir != NULL) {
        vd_text_puts(&text, "dir ");
        vd_words_quote(classic->config->server.dir, strlen(classic->config->server.dir), &text);
    } else {
        vd_text_puts(&text, line->text);
    }
    vd_config_keep(classic->config, vd_text_cstr(&text));
    vd_text_free(&text);
}

static void read_line(struct vd_classic *classic, const char *file, unsigned number,
                      const char *bytes, size_t len)
{
    struct vd_classic_line line = {.file = file, .number = number, .included = classic->depth > 0};
    const struct vd_word *first;

    while (len > 0 && strchr(" \t\r", bytes[len - 1]) != NULL && bytes[len - 1] != '\0')
        len--;
    while (len > 0 && (bytes[0] == ' ' || bytes[0] == '\t' || bytes[0] == '\r')) {
        bytes++;
        len--;
    }
    if (len > 0 && bytes[0] == '#')
        read_comment(classic, &line, bytes, len);
    if (len == 0 || bytes[0] == '#')
        return;
    line.text = vd_arena_memdup(&classic->arena, bytes, len);
    if (memchr(bytes, '\0', len) != NULL) {
        vd_classic_fault(classic, &line, "NUL byte in configuration line",
                         "is this a text file? Write it as plain text");
        return;
    }
    if (!vd_words_split(bytes, len, &classic->arena, &line.words)) {
        vd_classic_fault(classic, &line, "Unbalanced quotes in configuration line",
                         "close the quotes, with a blank or the line's end behind them");
        return;
    }
    first = &line.words.list[0];
    if (line.words.count == 0 || first->len == 0)
        return;
    if (vd_word_is(first, "include")) {
        include(classic, &line);
    } else if (vd_word_is(first, "sentinel")) {
        enqueue(&classic->statements, &line);
    } else {
        vd_classic_directive(classic, &line);
        keep_directive(classic, &line);
    }
}

static void read_text(struct vd_classic *classic, const char *file, const struct vd_text *text)
{
    const char *at = vd_text_cstr(text);
    const char *end = at + text->len;

    for (unsigned number = 1; at < end && classic->config->fault_count < FAULTS_MAX; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        if (stop == NULL)
            stop = end;
        read_line(classic, file, number, at, (size_t)(stop - at));
        at = stop + 1;
    }
}

/* The whole -------------------------------------------------------------------------- */

bool vd_conf_classic_read(struct vd_config *config, const struct vd_classic_input *input,
                          const struct vd_classic_world *world)
{
    struct vd_classic classic = {.config = config, .world = world, .main = input->path};
    size_t faults_before = config->fault_count;
    struct vd_err err = {""};

    if (input->path != NULL && !read_file(&classic, input->path, input->path, &err)) {
        vd_err_wrap(&err, "can't open config file");
        vd_config_fault(config, input->path, 0, NULL, err.text,
                        "give the path of a readable file as first argument");
    }
    if (input->standard_input && !read_file(&classic, "-", "standard input", &err)) {
        vd_err_wrap(&err, "can't read configuration");
        vd_config_fault(config, "standard input", 0, NULL, err.text,
                        "leave out the argument '-' if there is none");
    }
    for (size_t i = 0; i < input->line_count; i++)
        read_line(&classic, "command line", (unsigned)i + 1, input->lines[i],
                  strlen(input->lines[i]));
    vd_classic_statements(&classic);
    vd_classic_remarks(&classic);
    if (classic.idle.len > 0)
        vd_config_warn(config, "without effect in a sentinel: %s", classic.idle.bytes);
    vd_text_free(&classic.idle);
    vd_free(classic.statements.list);
    vd_free(classic.remarks.list);
    vd_arena_free(&classic.arena);
    return config->fault_count == faults_before;
}

/* The command line --------------------------------------------------------------------- */

static bool is_option(const char *argument)
{
    return argument[0] == '-' && argument[1] == '-' && argument[2] != '\0';
}

/* `--name` with the values up to the next option, as a line; NULL for a bare `--sentinel`. */
static const char *make_line(size_t count, const char *const *arguments, struct vd_arena *arena)
{
    struct vd_text line = {0};
    const char *kept;

    if (count == 1 && strcmp(arguments[0], "--sentinel") == 0)
        return NULL;
    /* Not quoted: "--port 26380" in one argument is a line as well. */
    vd_text_puts(&line, arguments[0] + 2);
    for (size_t i = 1; i < count; i++) {
        vd_text_putc(&line, ' ');
        vd_words_quote(arguments[i], strlen(arguments[i]), &line);
    }
    kept = vd_arena_memdup(arena, line.bytes, line.len);
    vd_text_free(&line);
    return kept;
}

bool vd_classic_arguments(size_t count, const char *const *arguments, struct vd_arena *arena,
                          struct vd_classic_input *out, struct vd_err *err)
{
    const char **lines = vd_arena_alloc(arena, (count + 1) * sizeof(lines[0]));
    size_t at = 0;

    *out = (struct vd_classic_input){.lines = lines};
    if (at < count && arguments[at][0] != '-')
        out->path = arguments[at++];
    if (at < count && strcmp(arguments[at], "-") == 0) {
        out->standard_input = true;
        at++;
    }
    if (at < count && strcmp(arguments[count - 1], "-") == 0) {
        out->standard_input = true;
        count--;
    }
    while (at < count) {
        size_t first = at++;
        const char *line;

        if (!is_option(arguments[first]))
            return vd_err_set(err, "'%.100s' belongs to no option", arguments[first]);
        while (at < count && !is_option(arguments[at]))
            at++;
        line = make_line(at - first, &arguments[first], arena);
        if (line != NULL)
            lines[out->line_count++] = line;
    }
    return true;
}
