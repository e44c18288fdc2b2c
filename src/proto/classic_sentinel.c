/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sentinel statements. The ones that are options go through the option table;
 * the rest (monitor, known members, epochs, ids) have their readers here.
 * Reasons are Sentinel's own; numbers are read as it reads them, which is as
 * atoi does, with a warning where that is not what was written.
 */
#include <limits.h>
#include <string.h>

#include "proto/addr.h"
#include "proto/classic.h"
#include "proto/classic_want.h"
#include "proto/option.h"

/* Reasons and remedies ----------------------------------------------------------------- */

static const struct {
    const char *reason;
    const char *remedy;
} remedies[] = {
    {"Quorum must be 1 or greater.", "give the number of sentinels that must agree, such as 2"},
    {"Duplicate master name.", "give each monitored master a name of its own"},
    {"Can't resolve instance hostname.",
     "give an IP address, or say 'sentinel resolve-hostnames yes'"},
    {"Invalid port number.", "give a port from 0 to 65535"},
    {"Duplicate hostname and port for replica.", "remove one of the lines"},
    {"Duplicate runid for sentinel.", "remove one of the lines"},
    {"No such master with specified name.",
     "add its 'sentinel monitor' line, or correct the name; case matters"},
    {"negative or zero time parameter.", "give milliseconds, such as 30000"},
    {"negative time parameter.", "give milliseconds, or 0 to switch it off"},
    {"Notification script seems non existing or non executable.",
     "give the path of an executable file; a relative one begins at 'dir'"},
    {"Client reconfiguration script seems non existing or non executable.",
     "give the path of an executable file; a relative one begins at 'dir'"},
    {"Malformed Sentinel id in myid option.", "give 40 hex digits, or remove the line"},
    {"Same command renamed multiple times with rename-command.", "remove one of the lines"},
    {"Unrecognized sentinel configuration statement.",
     "look for a mistyped word, or one too many or too few"},
};

static bool refuse(struct vd_classic *classic, const struct vd_classic_line *line,
                   const char *reason)
{
    const char *remedy = NULL;

    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
        if (strcmp(remedies[i].reason, reason) == 0)
            remedy = remedies[i].remedy;
    }
    return vd_classic_fault(classic, line, reason, remedy);
}

static bool refuse_own(struct vd_classic *classic, const struct vd_classic_line *line,
                       const char *reason, const char *remedy)
{
    return vd_classic_fault(classic, line, reason, remedy);
}

/* What a file that is rewritten keeps cannot stand in an include: it would be read twice then. */
static bool is_misplaced(struct vd_classic *classic, const struct vd_classic_line *line)
{
    return line->included && classic->config->guise != VD_GUISE_OWN &&
           !refuse_own(classic, line, "The file is rewritten, and this line stands in an include",
                       "move the line into the file itself");
}

/* Numbers -------------------------------------------------------------------------------- */

/* compat: as strtoull: blanks, a sign, digits until something else; garbage is 0. */
static int64_t read_number(struct vd_classic *classic, const struct vd_classic_line *line,
                           const struct vd_word *word)
{
    const char *at = word->bytes + strspn(word->bytes, " \t\n\v\f\r");
    bool negative = *at == '-';
    int64_t number = 0;

    if (*at == '-' || *at == '+')
        at++;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (number > (INT64_MAX - 9) / 10)
            number = (INT64_MAX - 9) / 10;
        number = number * 10 + (*at - '0');
    }
    number = negative ? -number : number;
    if (*at != '\0' || word->len == 0)
        vd_config_warn(classic->config, "%s:%u: '%.40s' is read as %lld", line->file, line->number,
                       word->bytes, (long long)number);
    return number;
}

static uint64_t read_epoch(struct vd_classic *classic, const struct vd_classic_line *line,
                           const struct vd_word *word)
{
    uint64_t number;

    if (!vd_parse_uint64(word->bytes, word->len, &number))
        number = (uint64_t)read_number(classic, line, word);
    return number > (uint64_t)INT64_MAX / 2 ? 0 : number; /* no epoch, however it came there */
}

/* Members -------------------------------------------------------------------------------- */

/* Port first, as Sentinel does; names only where they may be resolved. */
static bool read_addr(struct vd_classic *classic, const struct vd_classic_line *line,
                      const struct vd_word *host, const struct vd_word *port, struct vd_addr *out)
{
    int64_t number = read_number(classic, line, port);

    if (number < 0 || number > UINT16_MAX)
        return refuse(classic, line, "Invalid port number.");
    if (!vd_addr_set(out, host->bytes, host->len, (uint16_t)number) ||
        (out->ip[0] == '\0' && !classic->config->globals.resolve_hostnames))
        return refuse(classic, line, "Can't resolve instance hostname.");
    return true;
}

static void apply(struct vd_config_group *group, const struct vd_setting *setting)
{
    vd_options_apply(&group->options, setting);
    group->set |= UINT64_C(1) << setting->option;
}

static bool take_monitor(struct vd_classic *classic, const struct vd_classic_line *line,
                         const struct vd_word *w)
{
    struct vd_setting quorum = {.option = VD_OPT_QUORUM};
    struct vd_config_group *group;
    struct vd_text place = {0};
    struct vd_addr addr = {0};

    quorum.number = read_number(classic, line, &w[3]);
    if (quorum.number < 1)
        return refuse(classic, line, "Quorum must be 1 or greater.");
    if (quorum.number > INT_MAX)
        quorum.number = INT_MAX;
    if (!read_addr(classic, line, &w[1], &w[2], &addr))
        return false;
    if (!vd_group_name_valid(w[0].bytes, w[0].len))
        return refuse_own(classic, line, "Invalid master name",
                          "use at most 255 characters, without blanks and commas");
    if (vd_config_find(classic->config, w[0].bytes) != NULL)
        return refuse(classic, line, "Duplicate master name.");
    if (addr.port == 0)
        vd_config_warn(classic->config, "%s:%u: %s has port 0, to which nobody can connect",
                       line->file, line->number, w[0].bytes);
    group = vd_config_add(classic->config, w[0].bytes);
    group->addr = addr;
    apply(group, &quorum);
    vd_text_printf(&place, "%s:%u", line->file, line->number);
    group->place = place.bytes;
    return true;
}

static bool is_same_addr(const struct vd_addr *a, const struct vd_addr *b)
{
    return a->port == b->port &&
           (strcmp(a->host, b->host) == 0 || (a->ip[0] != '\0' && strcmp(a->ip, b->ip) == 0));
}

static bool take_replica(struct vd_classic *classic, const struct vd_classic_line *line,
                         struct vd_config_group *group, const struct vd_word *w)
{
    struct vd_addr addr = {0};

    if (!read_addr(classic, line, &w[0], &w[1], &addr))
        return false;
    for (size_t i = 0; i < group->replica_count; i++) {
        if (is_same_addr(&group->replicas[i], &addr))
            return refuse(classic, line, "Duplicate hostname and port for replica.");
    }
    group->replicas =
        vd_realloc(group->replicas, (group->replica_count + 1) * sizeof(group->replicas[0]));
    group->replicas[group->replica_count++] = addr;
    return true;
}

/* Any 40 characters are an id to Sentinel; those that travel well in a hello are one to us. */
bool vd_classic_read_id(const struct vd_word *word, struct vd_id *out)
{
    if (word->len != VD_ID_LEN)
        return false;
    for (size_t i = 0; i < word->len; i++) {
        if (word->bytes[i] <= ' ' || word->bytes[i] >= 0x7f || word->bytes[i] == ',')
            return false;
    }
    memcpy(out->hex, word->bytes, VD_ID_LEN + 1);
    return true;
}

static bool take_peer(struct vd_classic *classic, const struct vd_classic_line *line,
                      struct vd_config_group *group, const struct vd_word *w)
{
    struct vd_image_peer peer = {0};

    if (!read_addr(classic, line, &w[0], &w[1], &peer.addr))
        return false;
    if (!vd_classic_read_id(&w[2], &peer.id))
        return refuse_own(classic, line, "Malformed Sentinel id",
                          "give 40 hex digits, or remove the line: the peer will say hello again");
    for (size_t i = 0; i < group->peer_count; i++) {
        if (strcmp(group->peers[i].id.hex, peer.id.hex) == 0)
            return refuse(classic, line, "Duplicate runid for sentinel.");
    }
    group->peers = vd_realloc(group->peers, (group->peer_count + 1) * sizeof(group->peers[0]));
    group->peers[group->peer_count++] = peer;
    return true;
}

/* Options of a group -------------------------------------------------------------------------- */

static bool take_number(struct vd_classic *classic, const struct vd_classic_line *line,
                        struct vd_config_group *group, const struct vd_option_row *row,
                        const struct vd_word *value)
{
    struct vd_setting setting = {.option = row->option};

    setting.number = read_number(classic, line, value);
    if (row->kind == VD_KIND_DURATION && setting.number < row->min)
        return refuse(classic, line,
                      row->min > 0 ? "negative or zero time parameter."
                                   : "negative time parameter.");
    if (setting.number < row->min) {
        /* compat: Sentinel starts with 0, and then turns no replica at all until its timeout. */
        vd_config_warn(classic->config, "%s:%u: %s %lld is taken as %lld", line->file, line->number,
                       line->words.list[1].bytes, (long long)setting.number, (long long)row->min);
        setting.number = row->min;
    }
    if (setting.number > row->max)
        setting.number = row->max;
    apply(group, &setting);
    return true;
}

static bool take_rename(struct vd_classic *classic, const struct vd_classic_line *line,
                        struct vd_config_group *group, const struct vd_word *values)
{
    struct vd_setting setting;
    struct vd_err err = {""};

    if (is_misplaced(classic, line))
        return false;
    if (!vd_option_parse(vd_option_row(VD_OPT_RENAME_COMMAND), VD_FORM_PLAIN, &values[0],
                         &values[1], &setting, &err))
        return refuse_own(classic, line, "rename-command without a command",
                          "give a command and its new name");
    for (size_t i = 0; i < group->options.rename_count; i++) {
        const struct vd_word known = {group->options.renames[i].from,
                                      strlen(group->options.renames[i].from)};

        if (vd_words_equal(&known, &values[0]))
            return refuse(classic, line,
                          "Same command renamed multiple times with rename-command.");
    }
    if (values[1].len == 0) {
        vd_config_warn(classic->config,
                       "%s:%u: %s has no new name: it is used by its own as far as the server "
                       "lets it",
                       line->file, line->number, values[0].bytes);
        return true;
    }
    apply(group, &setting);
    return true;
}

static bool take_group_option(struct vd_classic *classic, const struct vd_classic_line *line,
                              struct vd_config_group *group, const struct vd_option_row *row,
                              const struct vd_word *values)
{
    struct vd_setting setting;
    struct vd_err err = {""};

    if (row->kind == VD_KIND_RENAME)
        return take_rename(classic, line, group, values);
    if (!row->units && (row->kind == VD_KIND_COUNT || row->kind == VD_KIND_DURATION))
        return take_number(classic, line, group, row, values);
    if (row->kind == VD_KIND_SCRIPT &&
        !classic->world->is_executable(classic->world->self,
                                       vd_classic_path(classic, values[0].bytes)))
        return refuse(classic, line,
                      row->option == VD_OPT_NOTIFICATION_SCRIPT
                          ? "Notification script seems non existing or non executable."
                          : "Client reconfiguration script seems non existing or non executable.");
    if (!vd_option_parse(row, VD_FORM_PLAIN, values, NULL, &setting, &err)) {
        vd_err_wrap(&err, "%s", row->names[VD_IN_CLASSIC]);
        return refuse_own(classic, line, err.text, "correct the value");
    }
    apply(group, &setting);
    return true;
}

/* Options of the process ------------------------------------------------------------------------
 */

static bool take_global_option(struct vd_classic *classic, const struct vd_classic_line *line,
                               const struct vd_option_row *row, const struct vd_word *value)
{
    struct vd_setting setting;
    struct vd_err err = {""};
    const char *name = row->names[VD_IN_CLASSIC];

    if (row->option == VD_OPT_ANNOUNCE_PORT) {
        setting = (struct vd_setting){.option = row->option};
        setting.number = read_number(classic, line, value);
        if (setting.number < 0 || setting.number > UINT16_MAX)
            return refuse(classic, line, "Invalid port number.");
    } else if (!vd_option_parse(row, VD_FORM_PLAIN, value, NULL, &setting, &err)) {
        if (row->kind == VD_KIND_BOOL) {
            /* compat: the plural is Sentinel's. */
            (void)vd_err_set(&err, "Please specify yes or no for the %s option%s.", name,
                             row->option == VD_OPT_DENY_SCRIPTS_RECONFIG ? "s" : "");
            return refuse_own(classic, line, err.text, "write yes or no");
        }
        vd_err_wrap(&err, "%s", name);
        return refuse_own(classic, line, err.text, "correct the value");
    }
    vd_globals_apply(&classic->config->globals, &setting);
    classic->config->globals_set |= UINT64_C(1) << (row->option - VD_OPT_GROUP_COUNT);
    return true;
}

/* Statements --------------------------------------------------------------------------------------
 */

enum pass { PASS_GLOBAL, PASS_MONITOR, PASS_GROUP, PASS_COUNT };

enum own_statement { MYID, CURRENT_EPOCH, MONITOR, CONFIG_EPOCH, LEADER_EPOCH, REPLICA, PEER };

/* Statements that are no options; `words` is how many follow, the optional ones included. */
static const struct statement {
    const char *name;
    enum own_statement what;
    enum pass pass;
    size_t words_min;
    size_t words_max;
} statements[] = {
    {"myid", MYID, PASS_GLOBAL, 1, 1},
    {"current-epoch", CURRENT_EPOCH, PASS_GLOBAL, 1, 1},
    {"monitor", MONITOR, PASS_MONITOR, 4, 4},
    {"config-epoch", CONFIG_EPOCH, PASS_GROUP, 2, 2},
    {"leader-epoch", LEADER_EPOCH, PASS_GROUP, 2, 2},
    {"known-replica", REPLICA, PASS_GROUP, 3, 3},
    {"known-slave", REPLICA, PASS_GROUP, 3, 3},
    {"known-sentinel", PEER, PASS_GROUP, 3, 4},
};

static const struct statement *find_statement(const struct vd_word *name)
{
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        if (vd_word_is(name, statements[i].name))
            return &statements[i];
    }
    return NULL;
}

/* The group a statement is about, named first. */
static struct vd_config_group *find_group(struct vd_classic *classic,
                                          const struct vd_classic_line *line,
                                          const struct vd_word *name)
{
    struct vd_config_group *group = vd_config_find(classic->config, name->bytes);

    if (group == NULL)
        refuse(classic, line, "No such master with specified name.");
    return group;
}

static bool take_own(struct vd_classic *classic, const struct vd_classic_line *line,
                     enum own_statement what, const struct vd_word *w, size_t count)
{
    struct vd_config *config = classic->config;
    struct vd_config_group *group = NULL;
    uint64_t epoch;

    if (is_misplaced(classic, line))
        return false;
    if (what != MYID && what != CURRENT_EPOCH && what != MONITOR) {
        group = find_group(classic, line, &w[0]);
        if (group == NULL)
            return false;
    }
    switch (what) {
    case MYID:
        if (!vd_classic_read_id(&w[0], &config->myid))
            return refuse(classic, line, "Malformed Sentinel id in myid option.");
        config->remembers = true;
        return true;
    case CURRENT_EPOCH:
        epoch = read_epoch(classic, line, &w[0]);
        config->remembers = true;
        if (epoch > config->current_epoch)
            config->current_epoch = epoch;
        return true;
    case MONITOR:
        return take_monitor(classic, line, w);
    case CONFIG_EPOCH:
        group->config_epoch = read_epoch(classic, line, &w[1]);
        if (group->config_epoch > config->current_epoch)
            config->current_epoch = group->config_epoch;
        return true;
    case LEADER_EPOCH:
        group->leader_epoch = read_epoch(classic, line, &w[1]);
        config->remembers = true;
        return true;
    case REPLICA:
        return take_replica(classic, line, group, w + 1);
    case PEER:
        /* Without an id it is of a time when sentinels had none: accepted and forgotten. */
        return count < 4 || take_peer(classic, line, group, w + 1);
    }
    vd_panic(__FILE__, __LINE__, "unknown statement");
}

static void take_statement(struct vd_classic *classic, const struct vd_classic_line *line,
                           enum pass pass)
{
    const struct vd_word *name = &line->words.list[1];
    const struct vd_word *values = line->words.list + 2;
    size_t count = line->words.count - 2;
    const struct statement *own = find_statement(name);
    const struct vd_option_row *row = vd_option_find(VD_IN_CLASSIC, name->bytes, name->len);
    bool of_group = row != NULL && row->option < VD_OPT_GROUP_COUNT;
    size_t wanted = of_group ? (row->kind == VD_KIND_RENAME ? 3 : 2) : 1;
    struct vd_config_group *group;

    if (own != NULL && count >= own->words_min && count <= own->words_max) {
        if (own->pass == pass)
            take_own(classic, line, own->what, values, count);
    } else if (row != NULL && count == wanted) {
        if (!of_group && pass == PASS_GLOBAL) {
            take_global_option(classic, line, row, values);
        } else if (of_group && pass == PASS_GROUP) {
            group = find_group(classic, line, &values[0]);
            if (group != NULL)
                take_group_option(classic, line, group, row, values + 1);
        }
    } else if (pass == PASS_GLOBAL) {
        refuse(classic, line, "Unrecognized sentinel configuration statement.");
    }
}

void vd_classic_statements(struct vd_classic *classic)
{
    for (int pass = PASS_GLOBAL; pass < PASS_COUNT; pass++) {
        for (size_t i = 0; i < classic->statements.count; i++) {
            if (classic->statements.list[i].words.count >= 2)
                take_statement(classic, &classic->statements.list[i], (enum pass)pass);
        }
    }
}

bool vd_classic_option(struct vd_classic *classic, const struct vd_classic_line *line)
{
    const struct vd_word *name = &line->words.list[1];

    if (vd_option_find(VD_IN_CLASSIC, name->bytes, name->len) == NULL)
        return false;
    take_statement(classic, line, PASS_GLOBAL);
    take_statement(classic, line, PASS_GROUP);
    return true;
}

const char *vd_classic_statement_name(const char *name, size_t len, bool *of_group)
{
    const struct vd_word word = {name, len};
    const struct statement *own = find_statement(&word);
    const struct vd_option_row *row;

    if (own != NULL) {
        *of_group = own->pass != PASS_GLOBAL;
        return own->what == REPLICA ? "known-replica" : own->name;
    }
    row = vd_option_find(VD_IN_CLASSIC, name, len);
    if (row == NULL)
        return NULL;
    *of_group = row->option < VD_OPT_GROUP_COUNT;
    return row->names[VD_IN_CLASSIC];
}
