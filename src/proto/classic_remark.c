/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remarks: what a sentinel.conf has no lines for, kept in comments that begin
 * with "# vedette: ". Sentinel keeps comments as they are, so a remark may be
 * older than the lines around it: one that names another epoch than they do
 * counts for nothing. What is wrong with a remark is never a fault.
 */
#include <string.h>

#include "proto/classic.h"
#include "proto/classic_want.h"
#include "proto/option.h"

enum remark { VOTE, LINEAGE, UNSOUND, REMARK_COUNT };

static const struct {
    const char *name;
    bool of_group;
    size_t words_min; /* behind the name */
    size_t words_max;
} remarks[REMARK_COUNT] = {
    [VOTE] = {"vote", true, 3, 3},       /* group, epoch, for whom */
    [LINEAGE] = {"lineage", true, 3, 4}, /* group, configuration epoch, id, the one before */
    [UNSOUND] = {"unsound", false, 0, 0},
};

static enum remark find_remark(const struct vd_word *name)
{
    int i = 0;

    while (i < REMARK_COUNT && !vd_word_is(name, remarks[i].name))
        i++;
    return (enum remark)i;
}

const char *vd_classic_remark_name(const char *name, size_t len, bool *of_group)
{
    const struct vd_word word = {name, len};
    enum remark what = find_remark(&word);

    if (what == REMARK_COUNT)
        return vd_option_find(VD_IN_CLASSIC, name, len) == NULL
                   ? NULL
                   : vd_classic_statement_name(name, len, of_group);
    *of_group = remarks[what].of_group;
    return remarks[what].name;
}

static void take_vote(struct vd_classic *classic, const struct vd_classic_line *line,
                      struct vd_config_group *group, const struct vd_word *w)
{
    struct vd_id id;
    uint64_t epoch;

    if (!vd_parse_uint64(w[1].bytes, w[1].len, &epoch) || !vd_classic_read_id(&w[2], &id)) {
        (void)vd_classic_fault(classic, line, "it is no vote", NULL);
        return;
    }
    if (epoch == group->leader_epoch)
        group->vote = id;
}

static void take_lineage(struct vd_classic *classic, const struct vd_classic_line *line,
                         struct vd_config_group *group, const struct vd_word *w, size_t count)
{
    struct vd_id id;
    struct vd_id before = {""};
    uint64_t epoch;

    if (!vd_parse_uint64(w[1].bytes, w[1].len, &epoch) || !vd_classic_read_id(&w[2], &id) ||
        (count > 3 && !vd_classic_read_id(&w[3], &before))) {
        (void)vd_classic_fault(classic, line, "it is no lineage", NULL);
        return;
    }
    if (epoch != group->config_epoch)
        return;
    group->lineage = id;
    group->lineage_before = before;
}

/* A directive of the server that Sentinel would refuse as a line. */
static bool take_directive(struct vd_classic *classic, const struct vd_classic_line *line)
{
    struct vd_classic_line directive = *line;

    if (!vd_classic_is_own_directive(&line->words.list[1]))
        return false;
    directive.words.list++;
    directive.words.count--;
    vd_classic_directive(classic, &directive);
    return true;
}

static void take(struct vd_classic *classic, const struct vd_classic_line *line)
{
    const struct vd_word *w = line->words.list + 2;
    size_t count = line->words.count - 2;
    enum remark what = find_remark(&line->words.list[1]);
    struct vd_config_group *group;

    if (what == REMARK_COUNT) {
        /* A comment of somebody's that only looks like ours is left in peace. */
        if (!vd_classic_option(classic, line) && !take_directive(classic, line))
            vd_config_warn(classic->config, "%s:%u: '%s' is nothing that vedette notes: ignored",
                           line->file, line->number, line->words.list[1].bytes);
        return;
    }
    if (count < remarks[what].words_min || count > remarks[what].words_max) {
        (void)vd_classic_fault(classic, line, "it has too few or too many words", NULL);
        return;
    }
    if (what == UNSOUND) {
        classic->config->unsound = true;
        return;
    }
    group = vd_config_find(classic->config, w[0].bytes);
    if (group == NULL) /* removed since, by Sentinel */
        return;
    if (what == VOTE)
        take_vote(classic, line, group, w);
    else
        take_lineage(classic, line, group, w, count);
}

void vd_classic_remarks(struct vd_classic *classic)
{
    for (size_t i = 0; i < classic->remarks.count; i++)
        take(classic, &classic->remarks.list[i]);
}
