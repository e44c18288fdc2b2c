/* SPDX-License-Identifier: BSD-3-Clause */
/* Status and topology: the survey as text, by line and as a tree. */
#include <string.h>

#include "ctl/ctl.h"

static bool is_up(const json_t *node)
{
    return strcmp(vd_ctl_text_of(node, "state"), "up") == 0;
}

/* "in step", "3 ms behind", "2.1 MB behind"; "" unknown. */
static void put_lag(const json_t *node, struct vd_text *to)
{
    const json_t *ms = json_object_get(node, "lag_ms");
    int64_t bytes = vd_ctl_number_of(node, "lag_bytes", -1);

    if (json_is_number(ms)) {
        vd_text_printf(to, "lag ");
        vd_ctl_put_duration(to, (int64_t)(json_number_value(ms) + 0.5));
    }
    if (bytes > 0) {
        vd_text_puts(to, to->len > 0 ? ", " : "");
        vd_ctl_put_bytes(to, bytes);
        vd_text_puts(to, " behind");
    }
}

static void put_node(struct vd_ctl_table *table, const json_t *node)
{
    bool is_replica = strcmp(vd_ctl_text_of(node, "role"), "replica") == 0;
    bool has_link = !is_replica || vd_ctl_is(node, "link_up");
    const char *version = vd_ctl_text_of(node, "version");
    struct vd_text lag = {0};

    vd_ctl_cell(table, VD_CTL_PLAIN, "%s", vd_ctl_text_of(node, "role"));
    vd_ctl_cell(table, is_replica ? VD_CTL_PLAIN : VD_CTL_BOLD, "%s", vd_ctl_text_of(node, "node"));
    vd_ctl_cell(table, is_up(node) ? (has_link ? VD_CTL_GOOD : VD_CTL_WARN) : VD_CTL_BAD, "%s",
                is_up(node) && !has_link ? "no link" : vd_ctl_text_of(node, "state"));
    if (is_replica)
        put_lag(node, &lag);
    vd_ctl_cell(table, VD_CTL_PLAIN, "%s", vd_text_cstr(&lag));
    vd_ctl_cell(table, VD_CTL_FAINT, "%s", version);
    vd_ctl_row_end(table);
    vd_text_free(&lag);
}

static void put_problems(struct vd_ctl *ctl, const json_t *problems, struct vd_text *to)
{
    for (size_t i = 0; i < json_array_size(problems); i++) {
        vd_text_puts(to, "  ! ");
        vd_ctl_put_coloured(to, ctl->coloured, VD_CTL_BAD, "%s",
                            json_string_value(json_array_get(problems, i)));
        vd_text_putc(to, '\n');
    }
}

static void put_head(struct vd_ctl *ctl, const json_t *group, struct vd_text *to)
{
    bool well = vd_ctl_is(group, "well");
    int64_t paused_ms = vd_ctl_number_of(group, "paused_ms", -1);

    vd_ctl_put_coloured(to, ctl->coloured, VD_CTL_BOLD, "%s", vd_ctl_text_of(group, "name"));
    vd_text_puts(to, ": ");
    vd_ctl_put_coloured(to, ctl->coloured, well ? VD_CTL_GOOD : VD_CTL_BAD, "%s",
                        well ? "well" : "not well");
    vd_text_printf(to, ", configuration epoch %lld, quorum %lld of %lld",
                   (long long)vd_ctl_number_of(group, "config_epoch", 0),
                   (long long)vd_ctl_number_of(group, "quorum", 0),
                   (long long)vd_ctl_number_of(group, "sentinels", 0));
    if (paused_ms >= 0) {
        struct vd_text words = {0};

        vd_ctl_put_duration(&words, paused_ms);
        vd_text_puts(to, ", ");
        vd_ctl_put_coloured(to, ctl->coloured, VD_CTL_WARN, "paused for %s more",
                            vd_text_cstr(&words));
        vd_text_free(&words);
    }
    vd_text_putc(to, '\n');
}

static void put_group(struct vd_ctl *ctl, const json_t *group, struct vd_text *to)
{
    const json_t *nodes = json_object_get(group, "nodes");
    struct vd_ctl_table table;

    put_head(ctl, group, to);
    vd_ctl_table_init(&table, ctl->coloured, 2);
    for (size_t i = 0; i < json_array_size(nodes); i++)
        put_node(&table, json_array_get(nodes, i));
    vd_ctl_table_put(&table, to);
    put_problems(ctl, json_object_get(group, "problems"), to);
}

static void put_vedettes(struct vd_ctl *ctl, const json_t *survey, struct vd_text *to)
{
    const json_t *vedettes = json_object_get(survey, "vedettes");
    struct vd_ctl_table table;
    size_t reached = 0;

    vd_ctl_table_init(&table, ctl->coloured, 2);
    for (size_t i = 0; i < json_array_size(vedettes); i++) {
        const json_t *one = json_array_get(vedettes, i);
        const char *votes = vd_ctl_text_of(one, "votes");
        bool silent = votes[0] != '\0' && strcmp(votes, "yes") != 0;

        reached += vd_ctl_is(one, "reached");
        vd_ctl_cell(&table, VD_CTL_PLAIN, "%s", vd_ctl_text_of(one, "address"));
        vd_ctl_cell(&table,
                    !vd_ctl_is(one, "reached") ? VD_CTL_BAD
                    : silent                   ? VD_CTL_WARN
                                               : VD_CTL_GOOD,
                    "%s",
                    !vd_ctl_is(one, "reached") ? "not reached"
                    : silent                   ? votes
                                               : "up");
        vd_ctl_cell(&table, VD_CTL_PLAIN, "%s %s", vd_ctl_text_of(one, "kind"),
                    vd_ctl_text_of(one, "version"));
        vd_ctl_cell(&table, VD_CTL_FAINT, "%s", vd_ctl_text_of(one, "id"));
        vd_ctl_row_end(&table);
    }
    vd_text_printf(to, "vedettes: %zu of %zu reached\n", reached, json_array_size(vedettes));
    vd_ctl_table_put(&table, to);
    put_problems(ctl, json_object_get(survey, "problems"), to);
}

void vd_ctl_put_status(struct vd_ctl *ctl, const json_t *survey, struct vd_text *to)
{
    const json_t *groups = json_object_get(survey, "groups");

    for (size_t i = 0; i < json_array_size(groups); i++) {
        put_group(ctl, json_array_get(groups, i), to);
        vd_text_putc(to, '\n');
    }
    put_vedettes(ctl, survey, to);
}

/* The group that was asked for is there? */
static bool begin(struct vd_ctl *ctl, int *status)
{
    if (!vd_ctl_begin(ctl, status))
        return false;
    if (ctl->options.group != NULL && vd_ctl_the_group(ctl, status) == NULL)
        return false;
    ctl->json = vd_ctl_survey(ctl);
    *status = vd_ctl_is(ctl->json, "well") ? VD_CTL_WELL : VD_CTL_NOT_WELL;
    return true;
}

int vd_ctl_run_status(struct vd_ctl *ctl)
{
    int status;

    if (begin(ctl, &status))
        vd_ctl_put_status(ctl, ctl->json, &ctl->text);
    return status;
}

/* Topology --------------------------------------------------------------------------------- */

#define DEPTH_MAX 64

/* A group as it is drawn. */
struct tree {
    struct vd_ctl *ctl;
    const json_t *nodes; /* the primary is the first */
    bool *drawn;         /* of each */
    struct vd_text *to;
};

/* Is one of the nodes called so? */
static bool is_node(const json_t *nodes, const char *name)
{
    for (size_t i = 0; i < json_array_size(nodes); i++)
        if (strcmp(vd_ctl_text_of(json_array_get(nodes, i), "node"), name) == 0)
            return true;
    return false;
}

static void put_leaf(struct tree *tree, size_t place, const char *stem, const char *branch)
{
    const json_t *node = json_array_get(tree->nodes, place);
    struct vd_text *to = tree->to;
    struct vd_text lag = {0};

    put_lag(node, &lag);
    vd_text_printf(to, "%s%s", stem, branch);
    vd_ctl_put_safe(to, vd_ctl_text_of(node, "node"));
    vd_text_puts(to, "  ");
    vd_ctl_put_coloured(to, tree->ctl->coloured, is_up(node) ? VD_CTL_GOOD : VD_CTL_BAD, "%s",
                        vd_ctl_text_of(node, "state"));
    if (is_up(node) && !vd_ctl_is(node, "link_up"))
        vd_text_puts(to, ", no link");
    if (lag.len > 0)
        vd_text_printf(to, ", %s", vd_text_cstr(&lag));
    tree->drawn[place] = true;
    vd_text_free(&lag);
}

/* The next of those, from that place on, who follow `above` and are not drawn yet. */
static size_t next_follower(const struct tree *tree, const char *above, size_t from)
{
    for (; from < json_array_size(tree->nodes); from++)
        if (!tree->drawn[from] &&
            strcmp(vd_ctl_text_of(json_array_get(tree->nodes, from), "follows"), above) == 0)
            break;
    return from;
}

/* Replicas of replicas hang below those. */
static void put_followers(struct tree *tree, const char *above, const char *stem, unsigned depth)
{
    size_t count = json_array_size(tree->nodes);
    size_t place = depth < DEPTH_MAX ? next_follower(tree, above, 0) : count;

    while (place < count) {
        bool is_last = next_follower(tree, above, place + 1) == count;
        struct vd_text deeper = {0};

        put_leaf(tree, place, stem, is_last ? "`-- " : "|-- ");
        vd_text_putc(tree->to, '\n');
        vd_text_printf(&deeper, "%s%s", stem, is_last ? "    " : "|   ");
        put_followers(tree, vd_ctl_text_of(json_array_get(tree->nodes, place), "node"),
                      vd_text_cstr(&deeper), depth + 1);
        vd_text_free(&deeper);
        place = next_follower(tree, above, place + 1);
    }
}

/* One that no way leads to from the primary, with all that hangs on it. */
static void put_stray(struct tree *tree, size_t place)
{
    const json_t *node = json_array_get(tree->nodes, place);

    put_leaf(tree, place, "", "(?) ");
    vd_text_puts(tree->to, ", follows ");
    vd_ctl_put_safe(tree->to, vd_ctl_text_of(node, "follows"));
    vd_text_putc(tree->to, '\n');
    put_followers(tree, vd_ctl_text_of(node, "node"), "    ", 0);
}

void vd_ctl_put_tree(struct vd_ctl *ctl, const json_t *group, struct vd_text *to)
{
    const json_t *nodes = json_object_get(group, "nodes");
    const json_t *primary = json_array_get(nodes, 0);
    size_t count = json_array_size(nodes);
    struct tree tree = {ctl, nodes, vd_calloc(count + 1, sizeof(bool)), to};

    vd_ctl_put_coloured(to, ctl->coloured, VD_CTL_BOLD, "%s", vd_ctl_text_of(group, "name"));
    vd_text_putc(to, '\n');
    vd_ctl_put_coloured(to, ctl->coloured, VD_CTL_BOLD, "%s", vd_ctl_text_of(primary, "node"));
    vd_text_puts(to, "  ");
    vd_ctl_put_coloured(to, ctl->coloured, is_up(primary) ? VD_CTL_GOOD : VD_CTL_BAD, "primary, %s",
                        vd_ctl_text_of(primary, "state"));
    vd_text_putc(to, '\n');
    tree.drawn[0] = true;
    put_followers(&tree, vd_ctl_text_of(primary, "node"), "", 0);
    for (size_t i = 1; i < count; i++)
        if (!tree.drawn[i] && !is_node(nodes, vd_ctl_text_of(json_array_get(nodes, i), "follows")))
            put_stray(&tree, i);
    /* Who is left follows each other in a circle, which has no beginning. */
    for (size_t i = 1; i < count; i++)
        if (!tree.drawn[i])
            put_stray(&tree, i);
    vd_free(tree.drawn);
}

int vd_ctl_run_topology(struct vd_ctl *ctl)
{
    int status;
    const json_t *groups;

    if (!begin(ctl, &status))
        return status;
    groups = json_object_get(ctl->json, "groups");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        vd_ctl_put_tree(ctl, json_array_get(groups, i), &ctl->text);
        vd_text_putc(&ctl->text, '\n');
    }
    put_vedettes(ctl, ctl->json, &ctl->text);
    return status;
}
