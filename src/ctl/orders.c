/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Orders that are carried out at once: maintenance begins or ends, somebody is
 * forgotten. What every one of the crew then says of it is looked at, not
 * assumed.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "proto/addr.h"

#define AGREE_MS 5000
#define LOOK_MS 20

/* One of the crew that watches the group and knows such orders; NULL with the refusal made. */
static struct vd_ctl_mate *find_vedette(struct vd_ctl *ctl, const char *group, const char *order,
                                        int *status)
{
    struct vd_ctl_mate *mate = vd_ctl_best_mate(&ctl->crew, group);

    for (size_t i = 0; mate != NULL && mate->kind != VD_CTL_VEDETTE && i < ctl->crew.count; i++)
        if (ctl->crew.mates[i].kind == VD_CTL_VEDETTE &&
            vd_ctl_master_of(&ctl->crew.mates[i], group) != NULL)
            mate = &ctl->crew.mates[i];
    if (mate != NULL && mate->kind == VD_CTL_VEDETTE)
        return mate;
    *status = vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s: only vedettes know %s, and none was reached",
                            group, order);
    return NULL;
}

/* Maintenance ---------------------------------------------------------------------------- */

/* Does it say that the group is paused, or that it is not? Who says nothing says neither. */
static bool says_paused(struct vd_ctl_mate *mate, const char *group, bool wanted)
{
    struct vd_err err;
    json_t *reply = vd_ctl_ask(mate, &err, "SENTINEL", "MASTER", group, (char *)NULL);
    json_t *fields = vd_ctl_fields(reply);
    bool paused = json_object_get(fields, "paused-for") != NULL;

    json_decref(fields);
    json_decref(reply);
    return reply != NULL && paused == wanted;
}

/* Waits until all who can know say so; true if they do. *answer has who does and who does not. */
static bool await_pause(struct vd_ctl *ctl, const char *group, bool wanted, json_t *answer)
{
    int64_t until = vd_ctl_now() + AGREE_MS;
    bool all = true;

    for (size_t i = 0; i < ctl->crew.count; i++) {
        struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        bool knows = false;

        if (mate->link != NULL && vd_ctl_master_of(mate, group) == NULL)
            continue;
        while (mate->kind == VD_CTL_VEDETTE && mate->link != NULL &&
               !(knows = says_paused(mate, group, wanted)) && vd_ctl_now() < until)
            (void)poll(NULL, 0, LOOK_MS);
        json_object_set_new(answer, mate->name, json_boolean(knows));
        if (!knows)
            (void)fprintf(stderr, "vedettectl: %s %s\n", mate->name,
                          mate->link == NULL             ? "was not reached, and may not know it"
                          : mate->kind != VD_CTL_VEDETTE ? "is no vedette, and acts all the same"
                                                         : "has not heard of it");
        all = all && knows;
    }
    return all;
}

static int pause_one(struct vd_ctl *ctl, const char *group, json_t *results)
{
    bool pauses = ctl->options.for_ms >= 0;
    const char *order = pauses ? "PAUSE" : "RESUME";
    int status = VD_CTL_WELL;
    struct vd_ctl_mate *mate = find_vedette(ctl, group, order, &status);
    json_t *known = json_object();
    json_t *reply = NULL;
    struct vd_text ms = {0};
    struct vd_err err = {""};

    if (mate != NULL) {
        vd_text_put_int(&ms, ctl->options.for_ms);
        reply = vd_ctl_ask(mate, &err, "SENTINEL", order, group, pauses ? vd_text_cstr(&ms) : NULL,
                           (char *)NULL);
        vd_text_clear(&ms);
        if (reply == NULL)
            status = vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s", err.text);
        else if (!await_pause(ctl, group, pauses, known))
            status = VD_CTL_NOT_WELL;
    }
    if (reply != NULL) {
        vd_ctl_put_safe(&ctl->text, group);
        if (pauses)
            vd_ctl_put_duration(&ms, ctl->options.for_ms);
        vd_text_printf(&ctl->text, pauses ? ": paused for %s" : ": resumed%s", vd_text_cstr(&ms));
        vd_text_puts(&ctl->text, status == VD_CTL_WELL ? ", and all know it\n"
                                                       : ", but not everybody knows it\n");
    }
    json_array_append_new(
        results, json_pack("{s:o, s:b, s:o}", "group", vd_ctl_json_text(group, strlen(group)),
                           "done", reply != NULL, pauses ? "paused_at" : "resumed_at", known));
    json_decref(reply);
    vd_text_free(&ms);
    return status;
}

static int pause_all(struct vd_ctl *ctl, json_t *results)
{
    json_t *names = json_object();
    const char *name;
    json_t *value;
    int status = VD_CTL_WELL;

    for (size_t i = 0; i < ctl->crew.count; i++)
        for (size_t j = 0; j < json_array_size(ctl->crew.mates[i].masters); j++)
            json_object_set_new(
                names, vd_ctl_text_of(json_array_get(ctl->crew.mates[i].masters, j), "name"),
                json_true());
    json_object_foreach(names, name, value)
    {
        int one = pause_one(ctl, name, results);

        status = one != VD_CTL_WELL ? one : status;
    }
    json_decref(names);
    return status;
}

static int pause_or_resume(struct vd_ctl *ctl)
{
    int status = VD_CTL_WELL;
    json_t *results;
    const char *group;

    if (ctl->options.all && ctl->options.group != NULL)
        return vd_ctl_refuse(ctl, VD_CTL_USAGE, "--all, or the group '%s'? say one of them",
                             ctl->options.group);
    if (!vd_ctl_begin(ctl, &status))
        return status;
    results = json_array();
    ctl->json = json_pack("{s:o}", "groups", results);
    if (ctl->options.all)
        return pause_all(ctl, results);
    group = vd_ctl_the_group(ctl, &status);
    return group == NULL ? status : pause_one(ctl, group, results);
}

int vd_ctl_run_pause(struct vd_ctl *ctl)
{
    return pause_or_resume(ctl);
}

int vd_ctl_run_resume(struct vd_ctl *ctl)
{
    ctl->options.for_ms = -1;
    return pause_or_resume(ctl);
}

/* Forgetting --------------------------------------------------------------------------------- */

/* A node by host and port, or a sentinel by its id. */
static json_t *ask_forget(struct vd_ctl_mate *mate, const char *group, const char *whom,
                          struct vd_err *err)
{
    struct vd_addr addr;
    char port[8];

    if (!vd_addr_parse(&addr, whom, strlen(whom), NULL))
        return vd_ctl_ask(mate, err, "SENTINEL", "FORGET", group, whom, (char *)NULL);
    (void)snprintf(port, sizeof(port), "%u", (unsigned)addr.port);
    return vd_ctl_ask(mate, err, "SENTINEL", "FORGET", group, addr.host, port, (char *)NULL);
}

/* Is it the one that is to be forgotten? Nobody asks that one: it does not know itself. */
static bool is_meant(const struct vd_ctl_mate *mate, const char *whom)
{
    return mate->id != NULL && strcmp(mate->id, whom) == 0;
}

/* It has been forgotten there already, or was never known: what was wanted. */
static bool is_unknown(const struct vd_err *err)
{
    return strstr(err->text, " is known of that master") != NULL;
}

static void tell_forgotten(struct vd_ctl *ctl, const char *whom, size_t count, size_t strangers,
                           size_t others)
{
    vd_ctl_put_safe(&ctl->text, whom);
    if (count == 0 && strangers == others)
        vd_text_puts(&ctl->text,
                     ": nobody knows it; if it was never forgotten, is that its name?\n");
    else
        vd_text_printf(&ctl->text, ": forgotten by %zu of %zu\n", count + strangers, others);
}

/* Again and again to the same end: who has forgotten it has done so. */
static int forget(struct vd_ctl *ctl, const char *group, const char *whom, json_t *done)
{
    int status = VD_CTL_WELL;
    size_t count = 0;
    size_t strangers = 0;
    size_t others = 0;

    for (size_t i = 0; i < ctl->crew.count; i++) {
        struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        struct vd_err err = {""};
        json_t *reply = NULL;
        bool unknown = false;

        if (is_meant(mate, whom) || (mate->link != NULL && vd_ctl_master_of(mate, group) == NULL))
            continue;
        others++;
        if (mate->link == NULL) {
            (void)vd_err_set(&err, "%s", mate->error);
        } else if (mate->kind == VD_CTL_VEDETTE) {
            reply = ask_forget(mate, group, whom, &err);
            unknown = reply == NULL && mate->link != NULL && is_unknown(&err);
        } else
            (void)vd_err_set(&err, "%s: a %s cannot forget one; SENTINEL RESET forgets all",
                             mate->name, vd_ctl_kind_name(mate->kind));
        json_object_set_new(done, mate->name, json_boolean(reply != NULL || unknown));
        if (reply == NULL && !unknown)
            status = vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s", err.text);
        count += reply != NULL;
        strangers += unknown;
        json_decref(reply);
    }
    tell_forgotten(ctl, whom, count, strangers, others);
    return count + strangers > 0 ? status : VD_CTL_NOT_WELL;
}

int vd_ctl_run_forget(struct vd_ctl *ctl)
{
    const char *whom = ctl->options.word_count > 0 ? ctl->options.words[0] : NULL;
    int status = VD_CTL_WELL;
    json_t *done;
    const char *group;

    if (whom == NULL)
        return vd_ctl_refuse(ctl, VD_CTL_USAGE,
                             "forget wants a replica's HOST:PORT or a sentinel's id");
    if (!vd_ctl_begin(ctl, &status))
        return status;
    group = vd_ctl_the_group(ctl, &status);
    if (group == NULL)
        return status;
    done = json_object();
    ctl->json = json_pack("{s:o}", "forgotten_by", done);
    return forget(ctl, group, whom, done);
}
