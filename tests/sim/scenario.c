/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenario: the script above the line; see scenario.h. The transcript is scenario_tell.c's. */
#include "scenario.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

#define LINE_MAX_LEN 400

/* The world's numbers, by the names of their fields ------------------------------------ */

enum field_kind { FIELD_UNSIGNED, FIELD_INT64, FIELD_BOOL, FIELD_MS_AS_US };

static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    int64_t least;
    int64_t most;
} fields[] = {
#define FIELD(name, kind, member, least, most)                                                     \
    {                                                                                              \
        name, kind, offsetof(struct sim_setup, member), least, most                                \
    }
    FIELD("sentinels", FIELD_UNSIGNED, sentinels, 1, SIM_SENTINELS_MAX),
    FIELD("originals", FIELD_UNSIGNED, originals, 0, SIM_ORIGINALS_MAX),
    FIELD("groups", FIELD_UNSIGNED, groups, 1, SIM_GROUPS_MAX),
    FIELD("nodes", FIELD_UNSIGNED, nodes, 1, SIM_NODES_MAX),
    FIELD("clients", FIELD_UNSIGNED, clients, 0, SIM_CLIENTS_MAX),
    FIELD("quorum", FIELD_UNSIGNED, quorum, 1, 100),
    FIELD("down-after", FIELD_INT64, down_after_ms, 1, 1000000),
    FIELD("down-after-refused", FIELD_INT64, down_after_refused_ms, 0, 1000000),
    FIELD("failover-timeout", FIELD_INT64, failover_timeout_ms, 1, 10000000),
    FIELD("parallel-syncs", FIELD_UNSIGNED, parallel_syncs, 1, 100),
    FIELD("info-period", FIELD_INT64, info_period_ms, 100, 1000000),
    FIELD("abstain", FIELD_INT64, abstain_ms, 0, 1000000),
    FIELD("reboot-failover", FIELD_UNSIGNED, reboot_failover, 0, 2),
    FIELD("on-save-failure", FIELD_UNSIGNED, save_failure, SIM_SAVE_MUTE, SIM_SAVE_VOLATILE),
    FIELD("max-lag-bytes", FIELD_INT64, max_lag_bytes, 0, INT64_MAX),
    FIELD("latency-us", FIELD_INT64, latency, 1, SIM_S),
    FIELD("loss", FIELD_UNSIGNED, loss_permille, 0, 1000),
    FIELD("fsync-us", FIELD_INT64, fsync, 0, 60 * SIM_S),
    FIELD("write-every", FIELD_MS_AS_US, write_every, 1, 1000000),
    FIELD("repl-timeout", FIELD_INT64, repl_timeout_ms, 1, 1000000),
    FIELD("repl-ping", FIELD_INT64, repl_ping_ms, 100, 10000000),
    FIELD("min-replicas", FIELD_UNSIGNED, min_replicas, 0, SIM_NODES_MAX),
    FIELD("server-handover", FIELD_BOOL, server_handover, 0, 1),
    FIELD("scripts", FIELD_BOOL, scripts, 0, 1),
    FIELD("sync", FIELD_INT64, sync_ms, 1, 1000000),
    FIELD("load", FIELD_INT64, load_ms, 1, 1000000),
    FIELD("backlog", FIELD_INT64, backlog, 1, INT64_MAX),
    FIELD("acquainted", FIELD_BOOL, acquainted, 0, 1),
    FIELD("rewrite", FIELD_BOOL, rewrite, 0, 1),
    FIELD("persistence", FIELD_UNSIGNED, persistence, 0, SIM_KEEP_COUNT - 1),
    FIELD("corpses", FIELD_BOOL, corpses, 0, 1),
    FIELD("exact", FIELD_BOOL, exact, 0, 1),
    FIELD("settle", FIELD_MS_AS_US, faults_end_at, 0, 100000000),
    FIELD("until", FIELD_MS_AS_US, until, 0, 100000000),
    FIELD("faults-from", FIELD_MS_AS_US, faults_from, 0, 100000000),
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static int64_t get_field(const struct field *field, const struct sim_setup *setup)
{
    const void *at = (const char *)setup + field->offset;

    switch (field->kind) {
    case FIELD_UNSIGNED:
        return *(const unsigned *)at;
    case FIELD_BOOL:
        return *(const bool *)at;
    case FIELD_MS_AS_US:
        return *(const sim_us *)at / SIM_MS;
    case FIELD_INT64:
        break;
    }
    return *(const int64_t *)at;
}

static void set_field(const struct field *field, struct sim_setup *setup, int64_t value)
{
    void *at = (char *)setup + field->offset;

    switch (field->kind) {
    case FIELD_UNSIGNED:
        *(unsigned *)at = (unsigned)value;
        break;
    case FIELD_BOOL:
        *(bool *)at = value != 0;
        break;
    case FIELD_MS_AS_US:
        *(sim_us *)at = value * SIM_MS;
        break;
    case FIELD_INT64:
        *(int64_t *)at = value;
        break;
    }
}

/* Words for some of the numbers. */
static const struct {
    const char *field;
    const char *word;
    int64_t value;
} field_words[] = {
    {"reboot-failover", "empty", VD_REBOOT_EMPTY},
    {"reboot-failover", "always", VD_REBOOT_ALWAYS},
    {"reboot-failover", "never", VD_REBOOT_NEVER},
    {"on-save-failure", "mute", SIM_SAVE_MUTE},
    {"on-save-failure", "volatile", SIM_SAVE_VOLATILE},
    {"persistence", "nothing", SIM_KEEP_NOTHING},
    {"persistence", "rdb", SIM_KEEP_RDB},
    {"persistence", "aof", SIM_KEEP_AOF},
    {"", "yes", 1},
    {"", "no", 0},
};
#define FIELD_WORD_COUNT (sizeof(field_words) / sizeof(field_words[0]))

static bool read_value(const struct field *field, const char *word, int64_t *value)
{
    for (size_t i = 0; i < FIELD_WORD_COUNT; i++) {
        bool fits = field_words[i].field[0] == '\0'
                        ? field->kind == FIELD_BOOL
                        : strcmp(field_words[i].field, field->name) == 0;

        if (fits && strcmp(field_words[i].word, word) == 0) {
            *value = field_words[i].value;
            return true;
        }
    }
    return vd_parse_int64(word, strlen(word), value);
}

static const char *value_word(const struct field *field, int64_t value)
{
    for (size_t i = 0; i < FIELD_WORD_COUNT; i++) {
        if (strcmp(field_words[i].field, field->name) == 0 && field_words[i].value == value)
            return field_words[i].word;
    }
    return field->kind != FIELD_BOOL ? NULL : value != 0 ? "yes" : "no";
}

/* The world in which nothing is left to luck -------------------------------------------- */

static void set_up(struct sim_setup *setup)
{
    *setup = (struct sim_setup){
        .seed = 1,
        .mix = sim_mix_find("all"),
        .exact = true,
        .sentinels = 3,
        .groups = 1,
        .nodes = 3,
        .clients = 1,
        .quorum = 2,
        .down_after_ms = 1000,
        .failover_timeout_ms = 10000,
        .parallel_syncs = 1,
        .info_period_ms = 10000,
        .abstain_ms = 2000,
        .latency = 2 * SIM_MS, /* half of it, one way, where there is no luck */
        .fsync = 200,
        .write_every = 100 * SIM_MS,
        .repl_ping_ms = 10000,
        .min_replicas_lag_s = 10,
        .repl_timeout_ms = 15000,
        .sync_ms = 500,
        .load_ms = 50,
        .backlog = 1 << 20,
        .acquainted = true,
        .rewrite = true,
        .persistence = SIM_KEEP_RDB,
    };
}

/* Lines ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool is_mark;
    unsigned bit;
} sights[] = {
    {"votes", false, 1U << VD_TALK_QUESTION}, {"orders", false, 1U << VD_TALK_ORDER},
    {"hello", false, 1U << VD_TALK_HELLO},    {"info", false, 1U << VD_TALK_INFO},
    {"ping", false, 1U << VD_TALK_PING},      {"links", false, 1U << VD_TALK_LINK},
    {"stream", false, 1U << VD_TALK_STREAM},  {"clients", false, 1U << VD_TALK_CLIENT},
    {"notices", true, 1U << VD_MARK_NOTICE},  {"saves", true, 1U << VD_MARK_SAVE},
    {"life", true, 1U << VD_MARK_LIFE},       {"roles", true, 1U << VD_MARK_ROLE},
};

static bool read_sight(struct sim_scenario *scenario, const char *word, bool show,
                       struct vd_err *err)
{
    for (size_t i = 0; i < sizeof(sights) / sizeof(sights[0]); i++) {
        unsigned *set = sights[i].is_mark ? &scenario->marks : &scenario->talks;

        if (strcmp(sights[i].name, word) != 0)
            continue;
        if (show && sights[i].bit == 1U << VD_MARK_NOTICE && sights[i].is_mark)
            scenario->echoes = true;
        *set = show ? *set | sights[i].bit : *set & ~sights[i].bit;
        return true;
    }
    return vd_err_set(err,
                      "'%s' is nothing to show or hide: votes, orders, hello, info, ping, links, "
                      "stream, clients, notices, saves, life, roles",
                      word);
}

static bool read_sights(struct sim_scenario *scenario, char *words, bool show, struct vd_err *err)
{
    char *save = NULL;

    for (char *word = strtok_r(words, " \t", &save); word != NULL;
         word = strtok_r(NULL, " \t", &save)) {
        if (!read_sight(scenario, word, show, err))
            return false;
    }
    return true;
}

/* "seed 7" or "seed 7 kill": the world that the seed draws, for what the other lines leave. */
static bool read_seed(struct sim_scenario *scenario, char *words, struct vd_err *err)
{
    char *save = NULL;
    const char *number = strtok_r(words, " \t", &save);
    const char *mix = strtok_r(NULL, " \t", &save);
    struct sim_options options = {.mix = mix != NULL ? sim_mix_find(mix) : NULL};
    uint64_t seed;

    if (number == NULL || !vd_parse_uint64(number, strlen(number), &seed))
        return vd_err_set(err, "seed needs a number");
    if (mix != NULL && options.mix == NULL)
        return vd_err_set(err, "no mix is called '%s'", mix);
    sim_setup_draw(&scenario->setup, seed, &options);
    return true;
}

static bool read_field(struct sim_scenario *scenario, const char *name, const char *word,
                       struct vd_err *err)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        int64_t value;

        if (strcmp(fields[i].name, name) != 0)
            continue;
        if (!read_value(&fields[i], word, &value) || value < fields[i].least ||
            value > fields[i].most)
            return vd_err_set(err, "%s cannot be '%s'", name, word);
        set_field(&fields[i], &scenario->setup, value);
        return true;
    }
    return vd_err_set(err, "'%s' is no line of a scenario: see tests/scenario/README.md", name);
}

static void read_comment(struct sim_scenario *scenario, const char *text)
{
    text += strspn(text, " ");
    if (scenario->title.len == 0) {
        vd_text_puts(&scenario->title, text);
        return;
    }
    if (scenario->about.len != 0)
        vd_text_putc(&scenario->about, '\n');
    vd_text_puts(&scenario->about, text);
}

static bool read_line(struct sim_scenario *scenario, char *line, struct vd_err *err)
{
    char *words;

    line += strspn(line, " \t");
    if (line[0] == '#') {
        read_comment(scenario, line + 1);
        return true;
    }
    if (strncmp(line, "at ", 3) == 0)
        return sim_schedule_parse_line(&scenario->schedule, line, err);
    words = line + strcspn(line, " \t");
    if (*words != '\0')
        *words++ = '\0';
    words += strspn(words, " \t");
    if (line[0] == '\0')
        return true;
    if (strcmp(line, "show") == 0 || strcmp(line, "hide") == 0)
        return read_sights(scenario, words, line[0] == 's', err);
    if (strcmp(line, "seed") == 0)
        return read_seed(scenario, words, err);
    if (strcmp(line, "from") == 0) {
        int64_t ms;

        if (!vd_parse_int64(words, strlen(words), &ms) || ms < 0)
            return vd_err_set(err, "from needs a time in ms");
        scenario->from = ms * SIM_MS;
        return true;
    }
    return read_field(scenario, line, words, err);
}

static bool check(struct sim_scenario *scenario, struct vd_err *err)
{
    struct sim_setup *setup = &scenario->setup;

    if (setup->groups * setup->nodes > SIM_NODES_MAX)
        return vd_err_set(err, "more than %d servers", SIM_NODES_MAX);
    if (setup->until == 0 && setup->faults_end_at == 0)
        return vd_err_set(err, "it has no end: `until MS`, or `settle MS` for the faults' end");
    if (setup->until != 0)
        setup->faults_end_at = 1000000 * SIM_S; /* never: the dead stay dead */
    if (scenario->from < 0) {
        scenario->from = 0;
        if (scenario->schedule.count != 0)
            scenario->from = scenario->schedule.list[0].at;
    }
    return sim_schedule_fits(&scenario->schedule, setup, err);
}

bool sim_scenario_read(struct sim_scenario *scenario, const char *text, struct vd_err *err)
{
    const char *line = text;
    int number = 1;

    *scenario = (struct sim_scenario){.from = -1};
    set_up(&scenario->setup);
    scenario->talks = 1U << VD_TALK_QUESTION | 1U << VD_TALK_ORDER;
    scenario->marks = (1U << VD_MARK_COUNT) - 1;
    while (*line != '\0' && strncmp(line, "----", 4) != 0) {
        char copy[LINE_MAX_LEN];
        size_t len = strcspn(line, "\n");

        if (len >= sizeof(copy))
            return vd_err_set(err, "line %d is longer than %d bytes", number, LINE_MAX_LEN - 1);
        memcpy(copy, line, len);
        copy[len] = '\0';
        if (!read_line(scenario, copy, err))
            return vd_err_wrap(err, "line %d", number);
        line += len + (line[len] == '\n');
        number++;
    }
    scenario->script_len = (size_t)(line - text);
    return check(scenario, err);
}

void sim_scenario_free(struct sim_scenario *scenario)
{
    vd_text_free(&scenario->title);
    vd_text_free(&scenario->about);
}

/* Run and print ------------------------------------------------------------------------------ */

void sim_scenario_run(const struct sim_scenario *scenario, struct vd_story *story,
                      struct vd_text *to, struct sim_result *result)
{
    struct vd_story own = {0};

    if (story == NULL)
        story = &own;
    sim_run_world(&scenario->setup, &scenario->schedule, story, result);
    vd_story_name(story, vd_text_cstr(&scenario->title), vd_text_cstr(&scenario->about));
    sim_scenario_tell(scenario, story, to);
    vd_text_printf(to, "           end        %llu writes acknowledged, %llu of them lost\n",
                   (unsigned long long)result->stats.acked, (unsigned long long)result->stats.lost);
    vd_story_free(&own);
}

void sim_scenario_print(const struct sim_setup *setup, const struct sim_schedule *schedule,
                        struct vd_text *to)
{
    struct sim_options options = {.mix = setup->mix};
    struct sim_setup drawn;

    vd_text_printf(to, "seed %llu %s\n", (unsigned long long)setup->seed, setup->mix->name);
    sim_setup_draw(&drawn, setup->seed, &options);
    drawn.until = -1; /* one of the two ends stands in every scenario */
    drawn.faults_end_at = -1;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        int64_t value = get_field(&fields[i], setup);
        const char *word = value_word(&fields[i], value);

        if (value == get_field(&fields[i], &drawn) ||
            (value == 0 && fields[i].offset == offsetof(struct sim_setup, until)))
            continue;
        if (word != NULL)
            vd_text_printf(to, "%s %s\n", fields[i].name, word);
        else
            vd_text_printf(to, "%s %lld\n", fields[i].name, (long long)value);
    }
    for (unsigned i = 0; i < schedule->count; i++) {
        sim_schedule_print_entry(&schedule->list[i], to);
        vd_text_putc(to, '\n');
    }
}
