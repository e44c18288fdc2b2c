/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * History: each vedette keeps the failovers that it led, and what their leaders
 * told of others; here they are put together, the leader's own word first. One
 * is called GROUP-EPOCH, for no two elections of a group share an epoch.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define BAR_WIDTH 40

/* In the order in which they come; `replicas` is behind the total. */
static const char *const phases[] = {"silence",   "agreement", "election",
                                     "selection", "promotion", "replicas"};

/* Where the leader is, by the crew; else its id. "" unknown. */
static const char *leader_of(const struct vd_ctl *ctl, const struct vd_ctl_mate *teller,
                             const json_t *failover)
{
    const char *source = vd_ctl_text_of(failover, "source");
    const char *id = vd_ctl_text_of(failover, "leader");

    if (source[0] == '\0' || strcmp(source, "led") == 0)
        return teller->name;
    for (size_t i = 0; id[0] != '\0' && i < ctl->crew.count; i++)
        if (ctl->crew.mates[i].id != NULL && strcmp(ctl->crew.mates[i].id, id) == 0)
            return ctl->crew.mates[i].name;
    return id;
}

static json_t *entry_of(const json_t *failover, const char *leader)
{
    json_t *entry = json_deep_copy(failover);
    struct vd_text id = {0};

    vd_text_printf(&id, "%s-%lld", vd_ctl_text_of(failover, "group"),
                   (long long)vd_ctl_number_of(failover, "epoch", 0));
    json_object_set_new(entry, "id", vd_ctl_json_text(id.bytes, id.len));
    json_object_set_new(entry, "led_by",
                        leader[0] == '\0' ? json_null() : vd_ctl_json_text(leader, strlen(leader)));
    vd_text_free(&id);
    return entry;
}

static int by_time(const void *a, const void *b)
{
    int64_t one = vd_ctl_number_of(*(json_t *const *)a, "at_ms", 0);
    int64_t other = vd_ctl_number_of(*(json_t *const *)b, "at_ms", 0);

    return one < other ? -1 : one > other;
}

static json_t *sorted(const json_t *entries)
{
    size_t count = json_array_size(entries);
    json_t **list = vd_calloc(count + 1, sizeof(list[0]));
    json_t *out = json_array();

    for (size_t i = 0; i < count; i++)
        list[i] = json_array_get(entries, i);
    qsort(list, count, sizeof(list[0]), by_time);
    for (size_t i = 0; i < count; i++)
        json_array_append(out, list[i]);
    vd_free(list);
    return out;
}

/* How much it knows: its leader most. */
static int rank_of(const json_t *entry)
{
    const char *source = vd_ctl_text_of(entry, "source");

    return strcmp(source, "told") == 0 ? 1 : strcmp(source, "seen") == 0 ? 2 : 0;
}

/* Of all who tell of a failover the one who knows most. */
static void add_entry(json_t *by_id, json_t *entry)
{
    const char *id = vd_ctl_text_of(entry, "id");
    const json_t *known = json_object_get(by_id, id);

    if (known == NULL || rank_of(entry) < rank_of(known))
        json_object_set(by_id, id, entry);
    json_decref(entry);
}

/* All that anybody knows, oldest first. *asked: how many told; *status: did one refuse? */
static json_t *gather(struct vd_ctl *ctl, size_t *asked, int *status)
{
    const char *wanted = ctl->options.group;
    json_t *by_id = json_object();
    json_t *entries = json_array();
    const char *id;
    json_t *entry;
    json_t *out;

    *asked = 0;
    for (size_t i = 0; i < ctl->crew.count; i++) {
        struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        struct vd_err err = {""};
        json_t *page = mate->link == NULL || mate->kind != VD_CTL_VEDETTE
                           ? NULL
                           : vd_ctl_ask_page(mate, "failovers", "limit", "1000", &err);
        const json_t *list = json_object_get(page, "failovers");

        *asked += page != NULL;
        if (mate->link != NULL && err.text[0] != '\0')
            *status = vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s", err.text);
        for (size_t j = 0; j < json_array_size(list); j++) {
            const json_t *one = json_array_get(list, j);

            if (wanted == NULL || strcmp(wanted, vd_ctl_text_of(one, "group")) == 0)
                add_entry(by_id, entry_of(one, leader_of(ctl, mate, one)));
        }
        json_decref(page);
    }
    json_object_foreach(by_id, id, entry)
    {
        json_array_append(entries, entry);
    }
    out = sorted(entries);
    json_decref(by_id);
    json_decref(entries);
    return out;
}

static void put_total(const json_t *entry, struct vd_text *to)
{
    int64_t total = vd_ctl_number_of(entry, "total_ms", -1);

    vd_text_clear(to);
    if (total >= 0)
        vd_ctl_put_duration(to, total);
}

static void put_list(struct vd_ctl *ctl, const json_t *entries)
{
    struct vd_ctl_table table;
    struct vd_text cell = {0};

    vd_ctl_table_init(&table, ctl->coloured, 0);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *one = json_array_get(entries, i);
        const char *result = vd_ctl_text_of(one, "result");
        const char *to = vd_ctl_text_of(one, "to");

        vd_ctl_cell(&table, VD_CTL_BOLD, "%s", vd_ctl_text_of(one, "id"));
        vd_text_clear(&cell);
        vd_ctl_put_time(&cell, vd_ctl_number_of(one, "at_ms", 0));
        vd_ctl_cell(&table, VD_CTL_PLAIN, "%s", vd_text_cstr(&cell));
        vd_ctl_cell(&table, VD_CTL_PLAIN, "%s", vd_ctl_text_of(one, "reason"));
        vd_ctl_cell(&table, VD_CTL_PLAIN, "%s -> %s", vd_ctl_text_of(one, "from"),
                    to[0] != '\0' ? to : "none");
        vd_ctl_cell(&table, strcmp(result, "done") == 0 ? VD_CTL_GOOD : VD_CTL_WARN, "%s", result);
        put_total(one, &cell);
        vd_ctl_cell_right(&table, VD_CTL_PLAIN, "%s", vd_text_cstr(&cell));
        vd_ctl_row_end(&table);
    }
    vd_ctl_table_put(&table, &ctl->text);
    vd_text_free(&cell);
    if (json_array_size(entries) == 0)
        vd_text_puts(&ctl->text, "no failover so far\n");
}

static int64_t longest(const json_t *parts)
{
    int64_t most = 1;

    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        int64_t ms = vd_ctl_number_of(parts, phases[i], 0);

        most = ms > most ? ms : most;
    }
    return most;
}

static void put_phases(struct vd_ctl *ctl, const json_t *entry)
{
    const json_t *parts = json_object_get(entry, "phases_ms");
    int64_t most = longest(parts);
    struct vd_ctl_table table;
    struct vd_text cell = {0};

    vd_ctl_table_init(&table, ctl->coloured, 2);
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        int64_t ms = vd_ctl_number_of(parts, phases[i], -1);
        int width = ms <= 0 ? 0 : 1 + (int)((double)ms / (double)most * (BAR_WIDTH - 1));

        if (ms < 0)
            continue;
        vd_ctl_cell(&table, VD_CTL_PLAIN, "%s", phases[i]);
        vd_text_clear(&cell);
        vd_ctl_put_duration(&cell, ms);
        vd_ctl_cell_right(&table, VD_CTL_PLAIN, "%s", vd_text_cstr(&cell));
        vd_text_clear(&cell);
        while (width-- > 0)
            vd_text_putc(&cell, '=');
        vd_ctl_cell(&table, VD_CTL_FAINT, "%s", vd_text_cstr(&cell));
        vd_ctl_row_end(&table);
    }
    vd_ctl_table_put(&table, &ctl->text);
    vd_text_free(&cell);
}

static void put_line(struct vd_ctl *ctl, const char *name, const char *value)
{
    vd_text_printf(&ctl->text, "%-10s", name);
    vd_ctl_put_safe(&ctl->text, value);
    vd_text_putc(&ctl->text, '\n');
}

static void put_one(struct vd_ctl *ctl, const json_t *entry)
{
    int64_t loss = vd_ctl_number_of(entry, "loss_bytes", -1);
    const char *leader = vd_ctl_text_of(entry, "led_by");
    struct vd_text value = {0};

    put_line(ctl, "id", vd_ctl_text_of(entry, "id"));
    vd_ctl_put_time(&value, vd_ctl_number_of(entry, "at_ms", 0));
    put_line(ctl, "began", vd_text_cstr(&value));
    put_line(ctl, "led by", leader[0] != '\0' ? leader : "unknown: seen from outside");
    put_line(ctl, "reason", vd_ctl_text_of(entry, "reason"));
    put_line(ctl, "from", vd_ctl_text_of(entry, "from"));
    put_line(ctl, "to", vd_ctl_text_of(entry, "to"));
    put_line(ctl, "result", vd_ctl_text_of(entry, "result"));
    put_total(entry, &value);
    put_line(ctl, "total", vd_text_cstr(&value));
    if (loss >= 0) {
        vd_text_clear(&value);
        vd_text_puts(&value, "at most ");
        vd_ctl_put_bytes(&value, loss);
        put_line(ctl, "lost", vd_text_cstr(&value));
    }
    put_phases(ctl, entry);
    vd_text_free(&value);
}

static json_t *find(const json_t *entries, const char *id)
{
    for (size_t i = json_array_size(entries); i > 0; i--)
        if (strcmp(vd_ctl_text_of(json_array_get(entries, i - 1), "id"), id) == 0)
            return json_array_get(entries, i - 1);
    return NULL;
}

int vd_ctl_run_history(struct vd_ctl *ctl)
{
    int status = VD_CTL_WELL;
    const char *id = ctl->options.word_count > 0 ? ctl->options.words[0] : NULL;
    json_t *entries;
    size_t asked;

    if (!vd_ctl_begin(ctl, &status))
        return status;
    entries = gather(ctl, &asked, &status);
    if (ctl->json == NULL)
        ctl->json = json_object();
    json_object_set_new(ctl->json, "failovers", entries);
    if (asked == 0 && status != VD_CTL_WELL)
        return status;
    if (asked == 0)
        return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL,
                             "nobody here keeps a history: other sentinels do not");
    if (id != NULL) {
        json_t *one = find(entries, id);

        if (one == NULL)
            return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL,
                                 "no failover is called '%.300s'; history "
                                 "lists them",
                                 id);
        json_incref(one);
        json_decref(ctl->json);
        ctl->json = one;
        put_one(ctl, one);
    } else {
        put_list(ctl, entries);
    }
    /* What those know who could not be asked is missing. */
    return vd_ctl_tell_unreached(ctl) ? VD_CTL_NOT_WELL : status;
}
