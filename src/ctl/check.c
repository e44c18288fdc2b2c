/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Check: could a group be failed over now? Every vedette is asked, and every
 * server itself (check_node.c); each thing that was looked at is a finding with
 * a verdict and a sentence, so that what is well is seen to have been looked
 * at, too.
 */
#include "ctl/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_MS 1000. /* further apart than that, times in logs and history mislead */

/* Findings ------------------------------------------------------------------------------ */

static const char *const verdicts[] = {"ok", "warning", "unknown", "failed"};

void vd_ctl_find(json_t *findings, const char *what, enum vd_ctl_verdict verdict,
                 const char *format, ...)
{
    char *sentence = NULL;
    va_list args;

    va_start(args, format);
    VD_ASSERT(vasprintf(&sentence, format, args) >= 0);
    va_end(args);
    json_array_append_new(findings,
                          json_pack("{s:s, s:s, s:o}", "check", what, "verdict", verdicts[verdict],
                                    "text", vd_ctl_json_text(sentence, strlen(sentence))));
    free(sentence);
}

static enum vd_ctl_verdict verdict_of(const json_t *finding)
{
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
        if (strcmp(verdicts[i], vd_ctl_text_of(finding, "verdict")) == 0)
            return (enum vd_ctl_verdict)i;
    return VD_CTL_FAILED;
}

/* Who votes ----------------------------------------------------------------------------------- */

/* One of the crew. Can it vote? */
static bool check_voter(const json_t *vedette, json_t *findings)
{
    const char *votes = vd_ctl_text_of(vedette, "votes");
    const char *address = vd_ctl_text_of(vedette, "address");

    if (!vd_ctl_is(vedette, "reached"))
        vd_ctl_find(findings, "voters", VD_CTL_DOUBTFUL, "%s", vd_ctl_text_of(vedette, "error"));
    else if (strcmp(votes, "mute") == 0)
        vd_ctl_find(findings, "voters", VD_CTL_FAILED, "%s does not vote: %s", address,
                    vd_ctl_text_of(vedette, "save_error"));
    else if (strcmp(votes, "abstains") == 0)
        vd_ctl_find(findings, "voters", VD_CTL_WARNED, "%s abstains for now", address);
    else
        return true;
    return false;
}

static void check_voters(struct vd_ctl *ctl, const json_t *survey, const json_t *group,
                         json_t *findings)
{
    const json_t *vedettes = json_object_get(survey, "vedettes"); /* as the crew */
    int64_t total = vd_ctl_number_of(group, "sentinels", 0);
    int64_t majority;
    int64_t count = 0;
    int64_t able = 0;

    for (size_t i = 0; i < ctl->crew.count; i++) {
        const struct vd_ctl_mate *mate = &ctl->crew.mates[i];

        /* Whoever does not answer may be one of the group. */
        if (mate->link != NULL && vd_ctl_master_of(mate, vd_ctl_text_of(group, "name")) == NULL)
            continue;
        count++;
        able += check_voter(json_array_get(vedettes, i), findings);
    }
    total = total > count ? total : count;
    majority = total / 2 + 1;
    if (total > count)
        vd_ctl_find(findings, "voters", VD_CTL_DOUBTFUL, "%lld more are known, and were not asked",
                    (long long)(total - count));
    vd_ctl_find(findings, "voters",
                able >= majority                   ? VD_CTL_FINE
                : able + total - count >= majority ? VD_CTL_DOUBTFUL
                                                   : VD_CTL_FAILED,
                "%lld of %lld vote, %lld are needed", (long long)able, (long long)total,
                (long long)majority);
    if (total < 3)
        vd_ctl_find(findings, "voters", VD_CTL_WARNED,
                    "%lld sentinels bear the loss of none; three bear that of one",
                    (long long)total);
}

static void check_quorum(struct vd_ctl *ctl, const json_t *group, json_t *findings)
{
    const char *name = vd_ctl_text_of(group, "name");
    int64_t quorum = vd_ctl_number_of(group, "quorum", 0);
    int64_t sentinels = vd_ctl_number_of(group, "sentinels", 0);

    for (size_t i = 0; i < ctl->crew.count; i++) {
        struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        const json_t *master = vd_ctl_master_of(mate, name);
        int64_t own = vd_ctl_number_of(master, "quorum", 0);
        int64_t others = vd_ctl_number_of(master, "num-other-sentinels", 0);
        struct vd_err err = {""};
        json_t *reply;

        if (master == NULL)
            continue;
        if (own != quorum || others != sentinels - 1)
            vd_ctl_find(findings, "quorum", VD_CTL_WARNED,
                        "%s: quorum %lld, other sentinels %lld; elsewhere %lld and %lld",
                        mate->name, (long long)own, (long long)others, (long long)quorum,
                        (long long)sentinels - 1);
        reply = vd_ctl_ask(mate, &err, "SENTINEL", "CKQUORUM", name, (char *)NULL);
        if (json_is_string(reply))
            vd_ctl_find(findings, "quorum", VD_CTL_FINE, "%s: %s", mate->name,
                        json_string_value(reply));
        else
            vd_ctl_find(findings, "quorum", mate->link != NULL ? VD_CTL_FAILED : VD_CTL_DOUBTFUL,
                        "%s", err.text);
        json_decref(reply);
    }
}

static void check_agreement(struct vd_ctl *ctl, const json_t *group, json_t *findings)
{
    int64_t epoch = vd_ctl_number_of(group, "config_epoch", 0);
    const char *name = vd_ctl_text_of(group, "name");
    const char *primary = vd_ctl_text_of(group, "primary");
    const json_t *views = json_object_get(group, "views");
    bool same = true;

    for (size_t i = 0; i < ctl->crew.count; i++) {
        const struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        const json_t *master = vd_ctl_master_of(mate, name);
        const char *seen = vd_ctl_text_of(views, mate->name);

        if (mate->link == NULL ||
            (strcmp(seen, primary) == 0 && vd_ctl_number_of(master, "config-epoch", 0) == epoch))
            continue;
        same = false;
        if (master == NULL)
            vd_ctl_find(findings, "agreement", VD_CTL_FAILED, "%s does not watch it", mate->name);
        else
            vd_ctl_find(findings, "agreement", VD_CTL_FAILED,
                        "%s takes %s for the primary, by epoch %s", mate->name, seen,
                        vd_ctl_text_of(master, "config-epoch"));
    }
    if (same)
        vd_ctl_find(findings, "agreement", VD_CTL_FINE,
                    "all who were reached take %s for the primary, by epoch %lld", primary,
                    (long long)epoch);
}

/* What stands against it in the state of the group, as this one sees it. */
static void check_view(const char *name, const json_t *master, json_t *findings)
{
    struct vd_text words = {0};

    if (vd_ctl_has_flag(master, "paused")) {
        vd_ctl_put_duration(&words, vd_ctl_number_of(master, "paused-for", 0));
        vd_ctl_find(findings, "state", VD_CTL_FAILED,
                    "%s: the group is paused for %s more; vedettectl resume ends that", name,
                    vd_text_cstr(&words));
    }
    if (vd_ctl_has_flag(master, "failover_in_progress"))
        vd_ctl_find(findings, "state", VD_CTL_WARNED, "%s: a failover is in progress (%s)", name,
                    vd_ctl_text_of(master, "failover-state"));
    if (vd_ctl_has_flag(master, "s_down") || vd_ctl_has_flag(master, "o_down"))
        vd_ctl_find(findings, "state", VD_CTL_WARNED, "%s: the primary is down", name);
    if (vd_ctl_has_flag(master, "fenced"))
        vd_ctl_find(findings, "state", VD_CTL_FAILED, "%s: the primary's writes are held back",
                    name);
    vd_text_free(&words);
}

static void check_state(const struct vd_ctl *ctl, const char *group, json_t *findings)
{
    for (size_t i = 0; i < ctl->crew.count; i++) {
        const struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        const json_t *master = vd_ctl_master_of(mate, group);

        if (master != NULL)
            check_view(mate->name, master, findings);
    }
}

/* Who would win
 * ------------------------------------------------------------------------------------ */

/* Each server and why it would be taken or not, if that is to be told. */
static void tell_candidates(const json_t *candidates, json_t *findings)
{
    for (size_t i = 0; i < json_array_size(candidates); i++) {
        const json_t *one = json_array_get(candidates, i);
        const char *verdict = vd_ctl_text_of(one, "verdict");
        bool chosen = strcmp(vd_ctl_text_of(one, "chosen"), "yes") == 0;
        bool usual = strcmp(verdict, "fit") == 0 || strcmp(verdict, "is the primary") == 0;
        struct vd_text name = {0};

        vd_ctl_put_address(one, "ip", "port", &name);
        vd_ctl_find(findings, "candidate", usual || chosen ? VD_CTL_FINE : VD_CTL_WARNED, "%s: %s",
                    vd_text_cstr(&name), chosen ? "would be promoted" : verdict);
        vd_text_free(&name);
    }
}

/* The one that would be taken; "": none. */
static void find_winner(const json_t *candidates, struct vd_text *to)
{
    for (size_t i = 0; i < json_array_size(candidates); i++) {
        const json_t *one = json_array_get(candidates, i);

        if (to->len == 0 && strcmp(vd_ctl_text_of(one, "chosen"), "yes") == 0)
            vd_ctl_put_address(one, "ip", "port", to);
    }
}

/* Why it would not be the one that others take. */
static const char *verdict_on(const json_t *candidates, const char *name)
{
    const char *verdict = "";

    for (size_t i = 0; i < json_array_size(candidates); i++) {
        const json_t *one = json_array_get(candidates, i);
        struct vd_text own = {0};

        vd_ctl_put_address(one, "ip", "port", &own);
        if (strcmp(vd_text_cstr(&own), name) == 0)
            verdict = vd_ctl_text_of(one, "verdict");
        vd_text_free(&own);
    }
    return verdict;
}

/*
 * Two that are fit differ in what was heard of them at different moments, which is
 * asked anew before one is promoted: while data is written that is no fault.
 */
static void tell_other_winner(const char *who, const char *winner, const char *first,
                              const json_t *candidates, json_t *findings)
{
    const char *verdict = verdict_on(candidates, first);

    vd_ctl_find(findings, "candidate", strcmp(verdict, "fit") == 0 ? VD_CTL_FINE : VD_CTL_WARNED,
                "%s would take %s%s%s%s%s", who, winner, *first != '\0' ? "; of " : "", first,
                *first != '\0' ? " it says: " : "", verdict);
}

static void check_candidates(struct vd_ctl *ctl, const char *group, json_t *findings)
{
    struct vd_text first = {0};
    size_t asked = 0;

    for (size_t i = 0; i < ctl->crew.count; i++) {
        struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        struct vd_text winner = {0};
        struct vd_err err = {""};
        json_t *replies;
        json_t *candidates;

        if (mate->kind != VD_CTL_VEDETTE || vd_ctl_master_of(mate, group) == NULL)
            continue;
        replies = vd_ctl_ask(mate, &err, "SENTINEL", "CANDIDATES", group, (char *)NULL);
        candidates = vd_ctl_objects_of(replies);
        find_winner(candidates, &winner);
        if (replies != NULL && asked++ == 0) {
            tell_candidates(candidates, findings);
            vd_text_puts(&first, vd_text_cstr(&winner));
        }
        if (replies == NULL)
            vd_ctl_find(findings, "candidate", VD_CTL_DOUBTFUL, "%s", err.text);
        else if (winner.len == 0)
            vd_ctl_find(findings, "candidate", VD_CTL_FAILED, "%s: no replica could be promoted",
                        mate->name);
        else if (strcmp(vd_text_cstr(&first), vd_text_cstr(&winner)) != 0)
            tell_other_winner(mate->name, vd_text_cstr(&winner), vd_text_cstr(&first), candidates,
                              findings);
        vd_text_free(&winner);
        json_decref(candidates);
        json_decref(replies);
    }
    if (asked == 0)
        vd_ctl_find(findings, "candidate", VD_CTL_DOUBTFUL,
                    "other sentinels do not tell whom they would promote");
    vd_text_free(&first);
}

/* Clocks and versions of the sentinels
 * --------------------------------------------------------------- */

void vd_ctl_check_clock(const char *name, int64_t clock_us, int64_t error_us, json_t *findings)
{
    double ahead_ms = (double)clock_us / 1000.;
    double doubt_ms = (double)error_us / 1000.;
    double off_ms = (ahead_ms < 0 ? -ahead_ms : ahead_ms) - doubt_ms;

    if (error_us < 0)
        vd_ctl_find(findings, "clocks", VD_CTL_DOUBTFUL, "%s does not tell its time", name);
    else if (off_ms > CLOCK_MS)
        vd_ctl_find(findings, "clocks", VD_CTL_WARNED,
                    "%s: its clock is %.1f s %s of the one here; logs will mislead", name,
                    (ahead_ms < 0 ? -ahead_ms : ahead_ms) / 1000.,
                    ahead_ms < 0 ? "behind" : "ahead");
    else
        vd_ctl_find(findings, "clocks", VD_CTL_FINE, "%s: within a second of the one here", name);
}

static void check_sentinels(const struct vd_ctl *ctl, const char *group, json_t *findings)
{
    const struct vd_ctl_mate *first = NULL;
    bool same = true;

    for (size_t i = 0; i < ctl->crew.count; i++) {
        const struct vd_ctl_mate *mate = &ctl->crew.mates[i];

        if (vd_ctl_master_of(mate, group) == NULL)
            continue;
        first = first == NULL ? mate : first;
        if (mate->kind != first->kind ||
            strcmp(vd_ctl_version_of(mate), vd_ctl_version_of(first)) != 0) {
            same = false;
            vd_ctl_find(findings, "versions", VD_CTL_WARNED, "%s is %s %s, %s is %s %s", mate->name,
                        vd_ctl_kind_name(mate->kind), vd_ctl_version_of(mate), first->name,
                        vd_ctl_kind_name(first->kind), vd_ctl_version_of(first));
        }
        vd_ctl_check_clock(mate->name, mate->clock_us, mate->clock_error_us, findings);
    }
    if (same && first != NULL)
        vd_ctl_find(findings, "versions", VD_CTL_FINE, "all sentinels who were reached are %s",
                    vd_ctl_version_of(first));
}

/* The answer
 * --------------------------------------------------------------------------------------------- */

static void put_findings(struct vd_ctl *ctl, const json_t *findings)
{
    static const enum vd_ctl_colour colours[] = {VD_CTL_GOOD, VD_CTL_WARN, VD_CTL_WARN, VD_CTL_BAD};
    const char *last = "";
    struct vd_ctl_table table;

    vd_ctl_table_init(&table, ctl->coloured, 2);
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *one = json_array_get(findings, i);
        const char *what = vd_ctl_text_of(one, "check");

        vd_ctl_cell(&table, VD_CTL_BOLD, "%s", strcmp(what, last) == 0 ? "" : what);
        vd_ctl_cell(&table, colours[verdict_of(one)], "%s", vd_ctl_text_of(one, "verdict"));
        vd_ctl_cell(&table, VD_CTL_PLAIN, "%s", vd_ctl_text_of(one, "text"));
        vd_ctl_row_end(&table);
        last = what;
    }
    vd_ctl_table_put(&table, &ctl->text);
}

static int by_check(const void *a, const void *b)
{
    static const char *const order[] = {"voters",    "quorum",  "agreement", "state",
                                        "candidate", "servers", "rights",    "min-replicas",
                                        "versions",  "clocks"};
    const json_t *const *one = a;
    const json_t *const *other = b;
    int places[2] = {0, 0};

    for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++) {
        if (strcmp(order[i], vd_ctl_text_of(*one, "check")) == 0)
            places[0] = i;
        if (strcmp(order[i], vd_ctl_text_of(*other, "check")) == 0)
            places[1] = i;
    }
    if (places[0] != places[1])
        return places[0] - places[1];
    return (int)(json_integer_value(json_object_get(*one, "n")) -
                 json_integer_value(json_object_get(*other, "n")));
}

/* By what was checked, and within that as they were found. */
static json_t *sorted(const json_t *findings)
{
    size_t count = json_array_size(findings);
    json_t **list = vd_calloc(count + 1, sizeof(list[0]));
    json_t *out = json_array();

    for (size_t i = 0; i < count; i++) {
        list[i] = json_array_get(findings, i);
        json_object_set_new(list[i], "n", json_integer((json_int_t)i));
    }
    qsort(list, count, sizeof(list[0]), by_check);
    for (size_t i = 0; i < count; i++) {
        json_object_del(list[i], "n");
        json_array_append(out, list[i]);
    }
    vd_free(list);
    return out;
}

static bool check_group(struct vd_ctl *ctl, const json_t *survey, const json_t *group,
                        json_t *results)
{
    const char *name = vd_ctl_text_of(group, "name");
    json_t *found = json_array();
    json_t *findings;
    enum vd_ctl_verdict worst = VD_CTL_FINE;

    check_voters(ctl, survey, group, found);
    check_quorum(ctl, group, found);
    check_agreement(ctl, group, found);
    check_state(ctl, name, found);
    check_candidates(ctl, name, found);
    check_sentinels(ctl, name, found);
    vd_ctl_check_nodes(ctl, group, found);
    findings = sorted(found);
    json_decref(found);
    for (size_t i = 0; i < json_array_size(findings); i++)
        if (verdict_of(json_array_get(findings, i)) > worst)
            worst = verdict_of(json_array_get(findings, i));
    vd_ctl_put_coloured(&ctl->text, ctl->coloured, VD_CTL_BOLD, "%s", name);
    vd_text_puts(&ctl->text, ": ");
    vd_ctl_put_coloured(&ctl->text, ctl->coloured,
                        worst <= VD_CTL_WARNED ? VD_CTL_GOOD : VD_CTL_BAD, "%s",
                        worst == VD_CTL_FAILED     ? "a failover would fail, or do harm"
                        : worst == VD_CTL_DOUBTFUL ? "not all could be looked at"
                                                   : "ready to fail over");
    vd_text_putc(&ctl->text, '\n');
    put_findings(ctl, findings);
    json_array_append_new(results, json_pack("{s:s, s:b, s:s, s:o}", "name", name, "ready",
                                             worst <= VD_CTL_WARNED, "worst", verdicts[worst],
                                             "findings", findings));
    return worst <= VD_CTL_WARNED;
}

int vd_ctl_run_check(struct vd_ctl *ctl)
{
    json_t *results;
    json_t *survey;
    const json_t *groups;
    int status = VD_CTL_WELL;

    if (!vd_ctl_begin(ctl, &status))
        return status;
    if (ctl->options.group != NULL && vd_ctl_the_group(ctl, &status) == NULL)
        return status;
    results = json_array();
    ctl->json = json_pack("{s:o}", "groups", results);
    survey = vd_ctl_survey(ctl);
    groups = json_object_get(survey, "groups");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        vd_text_puts(&ctl->text, i > 0 ? "\n" : "");
        if (!check_group(ctl, survey, json_array_get(groups, i), results))
            status = VD_CTL_NOT_WELL;
    }
    if (json_array_size(groups) == 0)
        status = vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "no group is watched");
    json_decref(survey);
    return status;
}
