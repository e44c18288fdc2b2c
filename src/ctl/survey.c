/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Survey: what the crew sees, put together and compared. Of each group the one
 * with the newest configuration is believed; where others differ from it, that
 * is a problem of its own.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

static void set(json_t *object, const char *name, json_t *value)
{
    VD_ASSERT(json_object_set_new(object, name, value) == 0);
}

static json_t *text(const char *value)
{
    return value == NULL ? json_null() : vd_ctl_json_text(value, strlen(value));
}

static void complain(json_t *problems, const char *format, ...) VD_PRINTF(2, 3);
static void complain(json_t *problems, const char *format, ...)
{
    char *sentence = NULL;
    va_list args;

    va_start(args, format);
    VD_ASSERT(vasprintf(&sentence, format, args) >= 0);
    va_end(args);
    json_array_append_new(problems, text(sentence));
    free(sentence);
}

/* "ip:port" of the fields of an instance. */
static json_t *address_of(const json_t *fields, const char *host, const char *port)
{
    struct vd_text name = {0};
    json_t *value;

    vd_ctl_put_address(fields, host, port, &name);
    value = vd_ctl_json_text(vd_text_cstr(&name), name.len);
    vd_text_free(&name);
    return value;
}

/* Sentinels --------------------------------------------------------------------------- */

static json_t *vedette_of(const struct vd_ctl_mate *mate)
{
    bool is_ours = mate->kind == VD_CTL_VEDETTE;
    json_t *value = json_object();

    set(value, "address", text(mate->name));
    set(value, "id", text(mate->id));
    set(value, "reached", json_boolean(mate->link != NULL));
    set(value, "error", mate->link != NULL ? json_null() : text(mate->error));
    if (mate->link == NULL)
        return value;
    set(value, "kind", text(vd_ctl_kind_name(mate->kind)));
    set(value, "version", text(vd_ctl_version_of(mate)));
    set(value, "groups", json_integer((json_int_t)json_array_size(mate->masters)));
    set(value, "clock_ms",
        mate->clock_error_us < 0 ? json_null() : json_real((double)mate->clock_us / 1000.));
    set(value, "clock_error_ms",
        mate->clock_error_us < 0 ? json_null() : json_real((double)mate->clock_error_us / 1000.));
    set(value, "uptime_s", json_integer(vd_ctl_number_of(mate->info, "uptime_in_seconds", 0)));
    if (!is_ours)
        return value;
    set(value, "votes", text(vd_ctl_text_of(mate->info, "votes")));
    set(value, "save_error", text(vd_ctl_text_of(mate->info, "save_error")));
    set(value, "epoch", json_integer(vd_ctl_number_of(mate->info, "current_epoch", 0)));
    set(value, "stalls", json_integer(vd_ctl_number_of(mate->info, "stalls", 0)));
    return value;
}

static void judge_vedette(const json_t *vedette, json_t *problems)
{
    const char *votes = vd_ctl_text_of(vedette, "votes");
    const char *address = vd_ctl_text_of(vedette, "address");

    if (!vd_ctl_is(vedette, "reached"))
        complain(problems, "%s", vd_ctl_text_of(vedette, "error"));
    else if (strcmp(votes, "mute") == 0)
        complain(problems, "%s cannot save its state, and does not vote: %s", address,
                 vd_ctl_text_of(vedette, "save_error"));
    else if (strcmp(votes, "abstains") == 0)
        complain(problems, "%s abstains from votes, for it was started without its state", address);
}

/* Nodes ------------------------------------------------------------------------------------ */

/* The page `nodes` has lag and health; sentinels of other makes have no such thing. */
static const json_t *shown_node(const json_t *page, const char *name)
{
    const json_t *nodes = json_object_get(page, "nodes");

    for (size_t i = 0; i < json_array_size(nodes); i++)
        if (strcmp(vd_ctl_text_of(json_array_get(nodes, i), "node"), name) == 0)
            return json_array_get(nodes, i);
    return NULL;
}

static const char *state_of(const json_t *fields, const json_t *shown)
{
    const char *health = vd_ctl_text_of(shown, "health");

    if (vd_ctl_has_flag(fields, "o_down"))
        return "down, agreed";
    if (vd_ctl_has_flag(fields, "s_down"))
        return "down";
    if (health[0] != '\0' && strcmp(health, "up") != 0 && !vd_ctl_is(shown, "up"))
        return health;
    return vd_ctl_has_flag(fields, "disconnected") ? "not connected" : "up";
}

static json_t *node_of(const json_t *fields, const json_t *page, bool is_primary)
{
    json_t *value = json_object();
    json_t *lag = NULL;
    const json_t *shown;

    set(value, "node", address_of(fields, "ip", "port"));
    shown = shown_node(page, vd_ctl_text_of(value, "node"));
    set(value, "role", text(is_primary ? "primary" : "replica"));
    set(value, "state", text(state_of(fields, shown)));
    set(value, "run_id", text(vd_ctl_text_of(fields, "runid")));
    set(value, "flags", text(vd_ctl_text_of(fields, "flags")));
    set(value, "version", text(vd_ctl_text_of(json_object_get(shown, "load"), "version")));
    if (is_primary)
        return value;
    set(value, "link_up",
        json_boolean(strcmp(vd_ctl_text_of(fields, "master-link-status"), "ok") == 0));
    set(value, "follows", address_of(fields, "master-host", "master-port"));
    set(value, "priority", json_integer(vd_ctl_number_of(fields, "slave-priority", -1)));
    set(value, "offset", json_integer(vd_ctl_number_of(fields, "slave-repl-offset", -1)));
    lag = json_object_get(shown, "lag_ms");
    set(value, "lag_ms", lag != NULL ? json_incref(lag) : json_null());
    lag = json_object_get(shown, "lag_bytes");
    set(value, "lag_bytes", lag != NULL ? json_incref(lag) : json_null());
    return value;
}

static void judge_node(const json_t *node, const char *primary, json_t *problems)
{
    const char *name = vd_ctl_text_of(node, "node");
    const char *role = vd_ctl_text_of(node, "role");
    const char *state = vd_ctl_text_of(node, "state");

    if (strcmp(state, "up") != 0)
        complain(problems, "%s %s is %s", role, name, state);
    else if (strcmp(role, "primary") == 0)
        return;
    else if (strcmp(vd_ctl_text_of(node, "follows"), primary) != 0)
        complain(problems, "replica %s follows %s", name, vd_ctl_text_of(node, "follows"));
    else if (!vd_ctl_is(node, "link_up"))
        complain(problems, "replica %s has no link to its primary", name);
}

/* Asking ------------------------------------------------------------------------------------- */

/* By the names of groups. */
struct answers {
    json_t *quorum;  /* an array: true of each who can act, or why it cannot */
    json_t *details; /* {"page", "replicas"}, of the one who is asked about the group */
};

static void ask_quorums(struct vd_ctl *ctl, json_t *names, json_t *quorum)
{
    size_t most = json_object_size(names);

    for (size_t i = 0; i < ctl->crew.count; i++) {
        struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        struct vd_ctl_question *questions = vd_calloc(most + 1, sizeof(questions[0]));
        const char *name;
        json_t *value;
        size_t count = 0;

        json_object_foreach(names, name, value)
        {
            if (vd_ctl_master_of(mate, name) != NULL)
                questions[count++] =
                    (struct vd_ctl_question){.words = {"SENTINEL", "CKQUORUM", name}};
        }
        vd_ctl_ask_all(mate, questions, count);
        for (size_t j = 0; j < count; j++) {
            name = questions[j].words[2];
            if (json_object_get(quorum, name) == NULL)
                set(quorum, name, json_array());
            json_array_append_new(json_object_get(quorum, name), questions[j].reply != NULL
                                                                     ? json_true()
                                                                     : text(questions[j].error));
        }
        vd_ctl_questions_free(questions, count);
    }
}

static json_t *details_of(const struct vd_ctl_mate *mate, const struct vd_ctl_question *replicas,
                          const struct vd_ctl_question *page)
{
    struct vd_err ignored;
    json_t *details = json_object();
    json_t *shown =
        page->reply == NULL ? NULL : vd_ctl_page_of(mate, "nodes", page->reply, &ignored);

    set(details, "replicas", replicas->reply == NULL ? json_null() : json_incref(replicas->reply));
    set(details, "page", shown == NULL ? json_null() : shown);
    return details;
}

/* Of those groups about which it is the one to be asked; two questions each. */
static void ask_mate(struct vd_ctl *ctl, struct vd_ctl_mate *mate, json_t *names, json_t *details)
{
    size_t most = json_object_size(names);
    struct vd_ctl_question *questions = vd_calloc(2 * most + 1, sizeof(questions[0]));
    bool shows = mate->kind == VD_CTL_VEDETTE; /* others have no such page */
    const char *name;
    json_t *value;
    size_t count = 0;

    json_object_foreach(names, name, value)
    {
        if (json_object_get(details, name) != NULL || vd_ctl_best_mate(&ctl->crew, name) != mate)
            continue;
        questions[count++] = (struct vd_ctl_question){.words = {"SENTINEL", "REPLICAS", name}};
        questions[count++] =
            shows ? (struct vd_ctl_question){.words = {"SENTINEL", "SHOW", "nodes", "group", name}}
                  : (struct vd_ctl_question){.words = {"PING"}};
    }
    vd_ctl_ask_all(mate, questions, count);
    for (size_t i = 0; i < count && mate->link != NULL; i += 2)
        set(details, questions[i].words[2], details_of(mate, &questions[i], &questions[i + 1]));
    vd_ctl_questions_free(questions, count);
}

/* An answer may fail to come: then the next one is to be asked, in another round. False: there is
 * nobody left, or nothing. */
static bool ask_details(struct vd_ctl *ctl, json_t *names, json_t *details)
{
    const char *name;
    json_t *value;

    for (size_t i = 0; i < ctl->crew.count; i++)
        if (ctl->crew.mates[i].link != NULL)
            ask_mate(ctl, &ctl->crew.mates[i], names, details);
    json_object_foreach(names, name, value)
    {
        if (json_object_get(details, name) == NULL && vd_ctl_best_mate(&ctl->crew, name) != NULL)
            return true;
    }
    return false;
}

/* Groups -------------------------------------------------------------------------------------- */

/* Where each of the crew sees the primary, and whether there is maintenance; do they agree? */
static bool compare_views(const struct vd_ctl *ctl, const char *group, const json_t *value,
                          json_t *views, json_t *problems)
{
    const char *primary = vd_ctl_text_of(value, "primary");
    bool paused = json_is_integer(json_object_get(value, "paused_ms"));
    bool agreed = true;

    for (size_t i = 0; i < ctl->crew.count; i++) {
        const struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        const json_t *master = vd_ctl_master_of(mate, group);
        json_t *seen;

        if (mate->link == NULL)
            continue;
        if (master == NULL) {
            complain(problems, "%s does not watch it", mate->name);
            set(views, mate->name, json_null());
            continue;
        }
        seen = address_of(master, "ip", "port");
        if (strcmp(json_string_value(seen), primary) != 0) {
            agreed = false;
            complain(problems, "%s takes %s for the primary", mate->name, json_string_value(seen));
        }
        set(views, mate->name, seen);
        if (vd_ctl_has_flag(master, "paused") != paused)
            complain(problems,
                     paused ? "%s knows nothing of the maintenance, and acts"
                            : "%s has the group paused, the others have not",
                     mate->name);
    }
    return agreed;
}

/* Does each of them reach quorum and majority? */
static bool judge_quorum(const json_t *answers, json_t *problems)
{
    bool can_act = false;

    for (size_t i = 0; i < json_array_size(answers); i++) {
        const char *refusal = json_string_value(json_array_get(answers, i));

        if (refusal == NULL)
            can_act = true;
        else
            complain(problems, "%s", refusal);
    }
    return can_act;
}

static json_t *nodes_of(const json_t *master, const json_t *details, json_t *problems)
{
    const json_t *page = json_object_get(details, "page");
    const json_t *replies = json_object_get(details, "replicas");
    json_t *nodes = json_array();
    const char *primary;

    json_array_append_new(nodes, node_of(master, page, true));
    primary = vd_ctl_text_of(json_array_get(nodes, 0), "node");
    judge_node(json_array_get(nodes, 0), primary, problems);
    for (size_t i = 0; i < json_array_size(replies); i++) {
        json_t *fields = vd_ctl_fields(json_array_get(replies, i));

        json_array_append_new(nodes, node_of(fields, page, false));
        judge_node(json_array_get(nodes, i + 1), primary, problems);
        json_decref(fields);
    }
    if (json_is_array(replies) && json_array_size(replies) == 0)
        complain(problems, "there is no replica");
    return nodes;
}

static void tell_state(const json_t *master, json_t *value)
{
    bool fails_over = vd_ctl_has_flag(master, "failover_in_progress");
    bool paused = vd_ctl_has_flag(master, "paused");
    int64_t others = vd_ctl_number_of(master, "num-other-sentinels", 0);

    set(value, "config_epoch", json_integer(vd_ctl_number_of(master, "config-epoch", 0)));
    set(value, "quorum", json_integer(vd_ctl_number_of(master, "quorum", 0)));
    set(value, "sentinels", json_integer(others >= 0 && others < INT32_MAX ? 1 + others : 1));
    set(value, "failover_state",
        fails_over ? text(vd_ctl_text_of(master, "failover-state")) : json_null());
    set(value, "paused_ms",
        paused ? json_integer(vd_ctl_number_of(master, "paused-for", 0)) : json_null());
    set(value, "fenced", json_boolean(vd_ctl_has_flag(master, "fenced")));
}

static json_t *group_of(struct vd_ctl *ctl, const char *name, const struct answers *answers)
{
    const struct vd_ctl_mate *mate = vd_ctl_best_mate(&ctl->crew, name);
    const json_t *master = vd_ctl_master_of(mate, name);
    json_t *value = json_object();
    json_t *problems = json_array();
    json_t *views = json_object();
    json_t *nodes = nodes_of(master, json_object_get(answers->details, name), problems);
    json_t *primary = json_object_get(json_array_get(nodes, 0), "node");

    set(value, "name", text(name));
    set(value, "primary", json_incref(primary));
    tell_state(master, value);
    set(value, "agreed", json_boolean(compare_views(ctl, name, value, views, problems)));
    set(value, "can_act",
        json_boolean(judge_quorum(json_object_get(answers->quorum, name), problems)));
    if (vd_ctl_has_flag(master, "failover_in_progress"))
        complain(problems, "a failover is in progress (%s)",
                 vd_ctl_text_of(master, "failover-state"));
    if (vd_ctl_is(value, "fenced"))
        complain(problems, "the primary's writes are held back, for it is cut off");
    set(value, "views", views);
    set(value, "nodes", nodes);
    set(value, "well", json_boolean(json_array_size(problems) == 0));
    set(value, "problems", problems);
    return value;
}

/* The names of those that are meant and that anybody watches. */
static json_t *names_of(const struct vd_ctl *ctl)
{
    const char *wanted = ctl->options.group;
    json_t *names = json_object();

    for (size_t i = 0; i < ctl->crew.count; i++) {
        const struct vd_ctl_mate *mate = &ctl->crew.mates[i];

        for (size_t j = 0; mate->link != NULL && j < json_array_size(mate->masters); j++) {
            const char *name = vd_ctl_text_of(json_array_get(mate->masters, j), "name");

            if (wanted == NULL || strcmp(wanted, name) == 0)
                json_object_set_new(names, name, json_true());
        }
    }
    return names;
}

static json_t *groups_of(struct vd_ctl *ctl)
{
    struct answers answers = {json_object(), json_object()};
    json_t *names = names_of(ctl);
    json_t *groups = json_array();
    const char *name;
    json_t *value;

    ask_quorums(ctl, names, answers.quorum);
    while (ask_details(ctl, names, answers.details))
        continue;
    json_object_foreach(names, name, value)
    {
        /* Of whom nobody is left to tell there is nothing to be told. */
        if (vd_ctl_best_mate(&ctl->crew, name) != NULL)
            json_array_append_new(groups, group_of(ctl, name, &answers));
    }
    json_decref(names);
    json_decref(answers.quorum);
    json_decref(answers.details);
    return groups;
}

json_t *vd_ctl_survey(struct vd_ctl *ctl)
{
    json_t *value = json_object();
    json_t *vedettes = json_array();
    json_t *problems = json_array();
    json_t *groups = groups_of(ctl);
    bool well;

    for (size_t i = 0; i < ctl->crew.count; i++) {
        json_array_append_new(vedettes, vedette_of(&ctl->crew.mates[i]));
        judge_vedette(json_array_get(vedettes, i), problems);
    }
    if (json_array_size(groups) == 0)
        complain(problems, "no group is watched");
    well = json_array_size(problems) == 0;
    for (size_t i = 0; i < json_array_size(groups); i++)
        well = well && vd_ctl_is(json_array_get(groups, i), "well");
    set(value, "well", json_boolean(well));
    set(value, "at_ms", json_integer(vd_ctl_wall_us() / 1000));
    set(value, "problems", problems);
    set(value, "vedettes", vedettes);
    set(value, "groups", groups);
    return value;
}
