/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * COMMAND and the HELP of all containers: the command table told to clients.
 * Says nothing that is not in the table.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/call.h"
#include "proto/command_details.h"

struct bit_name {
    unsigned bit;
    const char *name;
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* In the order in which Redis shows them. */
static const struct bit_name flag_names[] = {
    {VD_CMD_ADMIN, "admin"},     {VD_CMD_PUBSUB, "pubsub"},     {VD_CMD_NOSCRIPT, "noscript"},
    {VD_CMD_LOADING, "loading"}, {VD_CMD_STALE, "stale"},       {VD_CMD_FAST, "fast"},
    {VD_CMD_NO_AUTH, "no_auth"}, {VD_CMD_NO_MULTI, "no_multi"}, {VD_CMD_ALLOW_BUSY, "allow_busy"},
};

/* So too. */
static const struct bit_name category_names[] = {
    {VD_CAT_PUBSUB, "@pubsub"},       {VD_CAT_ADMIN, "@admin"},
    {VD_CAT_FAST, "@fast"},           {VD_CAT_SLOW, "@slow"},
    {VD_CAT_DANGEROUS, "@dangerous"}, {VD_CAT_CONNECTION, "@connection"},
};

/* Most are of data: known, so that rules may name them, and empty. */
static const char *const categories[] = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting"};

static void put_bits(struct vd_resp *resp, unsigned bits, const struct bit_name *names,
                     size_t name_count)
{
    size_t count = 0;

    for (size_t i = 0; i < name_count; i++)
        count += (bits & names[i].bit) != 0;
    vd_resp_set(resp, count);
    for (size_t i = 0; i < name_count; i++) {
        if ((bits & names[i].bit) != 0)
            vd_resp_status(resp, names[i].name);
    }
}

static void put_name(struct vd_resp *resp, const struct vd_command *parent,
                     const struct vd_command *command)
{
    struct vd_text name = {0};

    vd_command_put_name(parent, command, &name);
    vd_resp_bulk(resp, name.bytes, name.len);
    vd_text_free(&name);
}

/* Which are told of ---------------------------------------------------------- */

/* Which is the later release? < 0: the second. What is no number counts as 0. */
static long compare_releases(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        char *a_end;
        char *b_end;
        long order = strtol(a, &a_end, 10) - strtol(b, &b_end, 10);

        if (order != 0)
            return order;
        a = *a_end == '.' ? a_end + 1 : a_end + strlen(a_end);
        b = *b_end == '.' ? b_end + 1 : b_end + strlen(b_end);
    }
    return 0;
}

/*
 * Who claims to be an older release tells of no command that it had not yet,
 * nor of those that are vedette's own; they can be called all the same.
 */
static bool is_of_release(const struct vd_call *call, const char *since)
{
    const char *claimed = call->desk->server->redis_version;

    return claimed == NULL || (strchr(since, '.') != NULL && compare_releases(since, claimed) <= 0);
}

static bool is_shown(const struct vd_call *call, const struct vd_command *row)
{
    return (row->flags & VD_CMD_HIDDEN) == 0 && is_of_release(call, row->since);
}

/* The rows that are told. */
static size_t count_shown(const struct vd_call *call, const struct vd_command *rows, size_t count)
{
    size_t shown = 0;

    for (size_t i = 0; i < count; i++)
        shown += is_shown(call, &rows[i]);
    return shown;
}

/* COMMAND INFO ---------------------------------------------------------------- */

static void put_info(struct vd_call *call, const struct vd_command *parent,
                     const struct vd_command *command)
{
    struct vd_resp *resp = &call->resp;
    size_t tips = 0;

    vd_resp_array(resp, 10);
    put_name(resp, parent, command);
    vd_resp_int(resp, command->arity);
    put_bits(resp, command->flags, flag_names, COUNT(flag_names));
    for (int i = 0; i < 3; i++)
        vd_resp_int(resp, 0); /* first key, last key, step */
    put_bits(resp, command->categories, category_names, COUNT(category_names));
    while (command->tips != NULL && command->tips[tips] != NULL)
        tips++;
    vd_resp_set(resp, tips);
    for (size_t i = 0; i < tips; i++)
        vd_resp_bulk_cstr(resp, command->tips[i]);
    vd_resp_set(resp, 0); /* key specifications */
    if (command->sub_count == 0) {
        vd_resp_set(resp, 0);
        return;
    }
    vd_resp_array(resp, count_shown(call, command->subs, command->sub_count));
    for (size_t i = 0; i < command->sub_count; i++) {
        if (is_shown(call, &command->subs[i]))
            put_info(call, command, &command->subs[i]);
    }
}

/* "client|list" or "info"; NULL: unknown. */
static const struct vd_command *find_full(const struct vd_word *name,
                                          const struct vd_command **parent)
{
    const char *bar = memchr(name->bytes, '|', name->len);
    struct vd_text first = {0};
    struct vd_word word;

    *parent = NULL;
    if (bar == NULL)
        return vd_command_find(name);
    vd_text_add(&first, name->bytes, (size_t)(bar - name->bytes));
    *parent = vd_command_find(&(struct vd_word){.bytes = first.bytes, .len = first.len});
    vd_text_free(&first);
    word = (struct vd_word){.bytes = bar + 1, .len = name->len - (size_t)(bar + 1 - name->bytes)};
    return *parent == NULL ? NULL : vd_command_find_sub(*parent, &word);
}

void vd_run_command(struct vd_call *call)
{
    size_t count;
    const struct vd_command *rows = vd_commands(&count);

    vd_resp_array(&call->resp, count_shown(call, rows, count));
    for (size_t i = 0; i < count; i++) {
        if (is_shown(call, &rows[i]))
            put_info(call, NULL, &rows[i]);
    }
}

void vd_run_command_info(struct vd_call *call)
{
    if (call->count == 2) {
        vd_run_command(call);
        return;
    }
    vd_resp_array(&call->resp, call->count - 2);
    for (size_t i = 2; i < call->count; i++) {
        const struct vd_command *parent;
        const struct vd_command *command = find_full(&call->words[i], &parent);

        if (command == NULL || !is_shown(call, command))
            vd_resp_null(&call->resp);
        else
            put_info(call, parent, command);
    }
}

void vd_run_command_count(struct vd_call *call)
{
    size_t count;
    const struct vd_command *rows = vd_commands(&count);

    vd_resp_int(&call->resp, (int64_t)count_shown(call, rows, count));
}

/* COMMAND DOCS ---------------------------------------------------------------- */

static const struct bit_name argument_flags[] = {
    {VD_ARG_OPTIONAL, "optional"},
    {VD_ARG_MULTIPLE, "multiple"},
    {VD_ARG_MULTIPLE_TOKEN, "multiple_token"},
};

/* A field of a map, unless there is nothing to tell; returns how many it put. */
static size_t put_field(struct vd_resp *resp, const char *name, const char *value)
{
    if (value == NULL)
        return 0;
    vd_resp_bulk_cstr(resp, name);
    vd_resp_bulk_cstr(resp, value);
    return 1;
}

/* The field "arguments", unless there are none in the release claimed; returns how many it put. */
static size_t put_arguments(struct vd_call *call, const struct vd_argument *list)
{
    struct vd_resp *resp = &call->resp;
    size_t count = 0;

    for (const struct vd_argument *arg = list; arg != NULL && arg->name != NULL; arg++)
        count += arg->since == NULL || is_of_release(call, arg->since);
    if (count == 0)
        return 0;
    vd_resp_bulk_cstr(resp, "arguments");
    vd_resp_array(resp, count);
    for (const struct vd_argument *arg = list; arg->name != NULL; arg++) {
        size_t mark = vd_resp_mark(resp);
        size_t fields = 0;

        if (arg->since != NULL && !is_of_release(call, arg->since))
            continue;
        fields += put_field(resp, "name", arg->name);
        fields += put_field(resp, "type", arg->type);
        fields += put_field(resp, "token", arg->token);
        fields += put_field(resp, "since", arg->since);
        fields += put_field(resp, "deprecated_since", arg->deprecated_since);
        if (arg->flags != 0) {
            vd_resp_bulk_cstr(resp, "flags");
            put_bits(resp, arg->flags, argument_flags, COUNT(argument_flags));
            fields++;
        }
        fields += put_arguments(call, arg->inside);
        vd_resp_map_at(resp, mark, fields);
    }
    return 1;
}

/* So the field "history". */
static size_t put_history(struct vd_call *call, const struct vd_command_change *list)
{
    struct vd_resp *resp = &call->resp;
    size_t count = 0;

    for (const struct vd_command_change *at = list; at != NULL && at->since != NULL; at++)
        count += is_of_release(call, at->since);
    if (count == 0)
        return 0;
    vd_resp_bulk_cstr(resp, "history");
    vd_resp_set(resp, count);
    for (const struct vd_command_change *at = list; at->since != NULL; at++) {
        if (!is_of_release(call, at->since))
            continue;
        vd_resp_array(resp, 2);
        vd_resp_bulk_cstr(resp, at->since);
        vd_resp_bulk_cstr(resp, at->what);
    }
    return 1;
}

static size_t put_details(struct vd_call *call, const struct vd_command_details *details)
{
    struct vd_resp *resp = &call->resp;
    size_t fields = 0;

    if (details == NULL)
        return 0;
    if (details->deprecated_since != NULL && is_of_release(call, details->deprecated_since)) {
        vd_resp_bulk_cstr(resp, "doc_flags");
        vd_resp_set(resp, 1);
        vd_resp_status(resp, "deprecated");
        fields++;
        fields += put_field(resp, "deprecated_since", details->deprecated_since);
        fields += put_field(resp, "replaced_by", details->replaced_by);
    }
    fields += put_history(call, details->history);
    return fields + put_arguments(call, details->arguments);
}

static void put_docs(struct vd_call *call, const struct vd_command *parent,
                     const struct vd_command *command)
{
    struct vd_resp *resp = &call->resp;
    const char *cost = command->complexity != NULL ? command->complexity : "O(1)";
    size_t fields = 0;
    size_t mark;

    put_name(resp, parent, command);
    mark = vd_resp_mark(resp);
    fields += put_field(resp, "summary", command->summary);
    fields += put_field(resp, "since", command->since);
    fields += put_field(resp, "group", parent != NULL ? parent->group : command->group);
    fields += put_field(resp, "complexity", *cost != '\0' ? cost : NULL);
    fields += put_details(call, vd_command_details(parent, command));
    if (command->sub_count > 0) {
        vd_resp_bulk_cstr(resp, "subcommands");
        vd_resp_map(resp, count_shown(call, command->subs, command->sub_count));
        for (size_t i = 0; i < command->sub_count; i++) {
            if (is_shown(call, &command->subs[i]))
                put_docs(call, command, &command->subs[i]);
        }
        fields++;
    }
    vd_resp_map_at(resp, mark, fields);
}

void vd_run_command_docs(struct vd_call *call)
{
    size_t mark = vd_resp_mark(&call->resp);
    size_t found = 0;
    size_t count;
    const struct vd_command *rows = vd_commands(&count);

    if (call->count == 2) {
        for (size_t i = 0; i < count; i++) {
            if (is_shown(call, &rows[i]))
                put_docs(call, NULL, &rows[i]);
        }
        vd_resp_map_at(&call->resp, mark, count_shown(call, rows, count));
        return;
    }
    for (size_t i = 2; i < call->count; i++) {
        const struct vd_command *parent;
        const struct vd_command *command = find_full(&call->words[i], &parent);

        if (command == NULL || !is_shown(call, command))
            continue;
        put_docs(call, parent, command);
        found++;
    }
    vd_resp_map_at(&call->resp, mark, found);
}

/* COMMAND LIST ---------------------------------------------------------------- */

struct list_filter {
    enum {
        LIST_ALL,
        LIST_NONE, /* of a module: there is none */
        LIST_CATEGORY,
        LIST_PATTERN,
    } by;
    unsigned category;
    const struct vd_word *pattern;
};

/* Returns how many names it put. */
static size_t put_listed(struct vd_call *call, const struct list_filter *filter,
                         const struct vd_command *parent, const struct vd_command *command)
{
    struct vd_resp *resp = &call->resp;
    struct vd_text name = {0};
    bool listed = filter->by == LIST_ALL;
    size_t count = 0;

    if (!is_shown(call, command))
        return 0;
    vd_command_put_name(parent, command, &name);
    if (filter->by == LIST_CATEGORY)
        listed = (command->categories & filter->category) != 0;
    if (filter->by == LIST_PATTERN)
        listed = vd_glob(filter->pattern->bytes, filter->pattern->len, name.bytes, name.len, true);
    if (listed) {
        vd_resp_bulk(resp, name.bytes, name.len);
        count++;
    }
    vd_text_free(&name);
    for (size_t i = 0; i < command->sub_count; i++)
        count += put_listed(call, filter, command, &command->subs[i]);
    return count;
}

static bool read_filter(const struct vd_call *call, struct list_filter *filter)
{
    const struct vd_word *words = call->words;

    if (call->count == 2)
        return true;
    if (call->count != 5 || !vd_word_is(&words[2], "filterby"))
        return false;
    filter->pattern = &words[4];
    if (vd_word_is(&words[3], "module")) {
        filter->by = LIST_NONE;
    } else if (vd_word_is(&words[3], "aclcat")) {
        filter->by = LIST_CATEGORY;
        filter->category = vd_command_category_find(words[4].bytes, words[4].len);
    } else if (vd_word_is(&words[3], "pattern")) {
        filter->by = LIST_PATTERN;
    } else {
        return false;
    }
    return true;
}

static void render_list(struct vd_call *call, const struct list_filter *filter)
{
    size_t mark = vd_resp_mark(&call->resp);
    size_t listed = 0;
    size_t count;
    const struct vd_command *rows = vd_commands(&count);

    for (size_t i = 0; i < count; i++)
        listed += put_listed(call, filter, NULL, &rows[i]);
    vd_resp_array_at(&call->resp, mark, listed);
}

void vd_run_command_list(struct vd_call *call)
{
    struct list_filter filter = {.by = LIST_ALL};

    if (read_filter(call, &filter))
        render_list(call, &filter);
    else
        vd_resp_error(&call->resp, "ERR syntax error");
}

unsigned vd_command_category_find(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT(category_names); i++) {
        const char *known = category_names[i].name + 1;

        if (strlen(known) == len && strncasecmp(known, name, len) == 0)
            return category_names[i].bit;
    }
    for (size_t i = 0; i < COUNT(categories); i++) {
        if (strlen(categories[i]) == len && strncasecmp(categories[i], name, len) == 0)
            return VD_CAT_ABSENT;
    }
    return 0;
}

const char *const *vd_command_categories(size_t *count)
{
    *count = COUNT(categories);
    return categories;
}

void vd_command_render_category(struct vd_call *call, unsigned wanted)
{
    struct list_filter filter = {.by = LIST_CATEGORY, .category = wanted};

    render_list(call, &filter);
}

/* The rest --------------------------------------------------------------------- */

void vd_run_command_getkeys(struct vd_call *call)
{
    const struct vd_command *command = vd_command_find(&call->words[2]);
    size_t words = call->count - 2;

    if (command != NULL && command->sub_count > 0 && words > 1)
        command = vd_command_find_sub(command, &call->words[3]);
    if (command == NULL)
        vd_resp_error(&call->resp, "ERR Invalid command specified");
    else
        vd_resp_error(&call->resp, "ERR The command has no key arguments");
}

static void put_upper(const char *text, struct vd_text *to)
{
    for (; *text != '\0'; text++)
        vd_text_putc(to, (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text));
}

void vd_run_help(struct vd_call *call)
{
    const struct vd_command *parent = call->parent;
    struct vd_text line = {0};

    vd_resp_array(&call->resp, 1 + 2 * parent->sub_count);
    put_upper(parent->name, &line);
    vd_text_puts(&line, " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    vd_resp_status(&call->resp, line.bytes);
    /* HELP itself comes last. */
    for (size_t i = 0; i <= parent->sub_count; i++) {
        const struct vd_command *sub = i < parent->sub_count ? &parent->subs[i] : call->command;

        if (i < parent->sub_count && sub == call->command)
            continue;
        vd_text_clear(&line);
        put_upper(sub->name, &line);
        if (sub->usage[0] != '\0')
            vd_text_printf(&line, " %s", sub->usage);
        vd_resp_status(&call->resp, line.bytes);
        vd_text_clear(&line);
        vd_text_printf(&line, "    %s", sub->summary);
        vd_resp_status(&call->resp, line.bytes);
    }
    vd_text_free(&line);
}
