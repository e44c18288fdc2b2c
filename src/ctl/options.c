/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: see options.h. */
#include "ctl/options_room.h"

#include <getopt.h>
#include <string.h>

#include "ctl/ctl.h"
#include "proto/addr.h"
#include "proto/option.h"

#define PORT 26379
#define TIMEOUT_MS 2000
#define PAUSE_MS (30 * 60 * 1000)
#define EVERY_MS 1000
#define FOR_MOST_MS (INT64_C(366) * 24 * 3600 * 1000)

/* What an option is stored by. */
enum key {
    KEY_SENTINEL = 's',
    KEY_CONFIG = 'c',
    KEY_GROUP = 'g',
    KEY_JSON = 'j',
    KEY_HELP = 'h',
    KEY_VERSION = 'V',
    KEY_ONLY = 256,
    KEY_USER,
    KEY_PASSWORD_FILE,
    KEY_ASK_PASSWORD,
    KEY_TIMEOUT,
    KEY_TLS,
    KEY_TLS_CA,
    KEY_TLS_CERT,
    KEY_TLS_KEY,
    KEY_TLS_NO_NAMES,
    KEY_ALL,
    KEY_COORDINATED,
    KEY_DRY_RUN,
    KEY_TO,
    KEY_WAIT,
    KEY_FOR,
    KEY_EVERY,
};

static const struct {
    const char *name;
    int key;
    const char *value;    /* NULL: takes none */
    const char *commands; /* that take it, between blanks; NULL: all */
    const char *summary;
} options_table[] = {
    {"sentinel", KEY_SENTINEL, "HOST:PORT", NULL, "ask this one first; may be repeated"},
    {"config", KEY_CONFIG, "FILE", NULL,
     "ask the vedette whose vedette.cfg or sentinel.conf this is"},
    {"only", KEY_ONLY, NULL, NULL, "ask nobody but those who are named"},
    {"group", KEY_GROUP, "NAME", NULL, "this group; needed where there are several"},
    {"json", KEY_JSON, NULL, NULL, "answer in JSON"},
    {"timeout", KEY_TIMEOUT, "TIME", NULL, "how long to wait for anybody (2s)"},
    {"user", KEY_USER, "NAME", NULL, "who we are; also VEDETTE_USER"},
    {"password-file", KEY_PASSWORD_FILE, "FILE", NULL,
     "its first line is the password; also VEDETTE_PASSWORD"},
    {"ask-password", KEY_ASK_PASSWORD, NULL, NULL, "ask for it on the terminal"},
    {"tls", KEY_TLS, NULL, NULL, "speak TLS"},
    {"tls-ca-cert-file", KEY_TLS_CA, "FILE", NULL, "whose certificates are good"},
    {"tls-cert-file", KEY_TLS_CERT, "FILE", NULL, "our certificate, where one is asked for"},
    {"tls-key-file", KEY_TLS_KEY, "FILE", NULL, "its key"},
    {"tls-no-verify-names", KEY_TLS_NO_NAMES, NULL, NULL,
     "take a certificate whomever it is for, if it is good"},
    {"all", KEY_ALL, NULL, " pause resume ", "all groups"},
    {"for", KEY_FOR, "TIME", " pause watch ", "for how long: 30m, 2h (pause: 30m)"},
    {"every", KEY_EVERY, "TIME", " watch ", "how often to look (1s)"},
    {"coordinated", KEY_COORDINATED, NULL, " failover ",
     "lose no write, or leave everything as it is"},
    {"to", KEY_TO, "NODE", " failover ", "promote this replica, HOST:PORT"},
    {"dry-run", KEY_DRY_RUN, NULL, " failover ", "only tell what would be done"},
    {"wait", KEY_WAIT, "TIME", " failover ", "how long to follow it (its failover-timeout)"},
    {"help", KEY_HELP, NULL, NULL, "print this, or what a command takes"},
    {"version", KEY_VERSION, NULL, NULL, "print the version"},
};

#define OPTION_COUNT (sizeof(options_table) / sizeof(options_table[0]))

/* Help -------------------------------------------------------------------------------- */

static bool is_taken_by(size_t i, const char *command)
{
    char padded[32];

    if (options_table[i].commands == NULL)
        return true;
    (void)snprintf(padded, sizeof(padded), " %s ", command);
    return strstr(options_table[i].commands, padded) != NULL;
}

static void print_option(size_t i, FILE *out)
{
    char left[64];

    (void)snprintf(left, sizeof(left), "%s%c%s --%s%s%s", options_table[i].key < 256 ? "-" : "",
                   options_table[i].key < 256 ? options_table[i].key : ' ',
                   options_table[i].key < 256 ? "," : "  ", options_table[i].name,
                   options_table[i].value != NULL ? " " : "",
                   options_table[i].value != NULL ? options_table[i].value : "");
    (void)fprintf(out, "  %-29s %s\n", left, options_table[i].summary);
}

static void print_all(FILE *out)
{
    (void)fputs("usage: vedettectl [OPTION ...] COMMAND [ARGUMENT ...]\n\n"
                "Look at Redis and Valkey groups through the vedettes, or other sentinels, that "
                "watch them, and steer.\n\n",
                out);
    for (const struct vd_ctl_command *one = vd_ctl_commands; one->name != NULL; one++) {
        char left[64];

        (void)snprintf(left, sizeof(left), "%s %s", one->name, one->usage);
        (void)fprintf(out, "  %-29s %s\n", left, one->summary);
    }
    (void)fputs("\noptions, before or behind the command:\n", out);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options_table[i].commands == NULL)
            print_option(i, out);
    (void)fputs("\nWithout -s or -c: those of VEDETTE_SENTINELS, then VEDETTE_CONFIG, then "
                "localhost:26379.\n"
                "Exit status: 0 well, 1 not well or not done, 2 wrong usage, 3 nobody could be "
                "asked.\nvedettectl COMMAND --help tells of one; vedettectl(1) of all.\n",
                out);
}

void vd_ctl_help(const struct vd_ctl_command *command, FILE *out)
{
    if (command == NULL) {
        print_all(out);
        return;
    }
    (void)fprintf(out, "usage: vedettectl [OPTION ...] %s %s\n\n%s.\n", command->name,
                  command->usage, command->summary);
    for (size_t i = 0, own = 0; i < OPTION_COUNT; i++) {
        if (options_table[i].commands == NULL || !is_taken_by(i, command->name))
            continue;
        if (own++ == 0)
            (void)fputc('\n', out);
        print_option(i, out);
    }
    (void)fputs("\nThe options of all commands: vedettectl --help.\n", out);
}

/* Values --------------------------------------------------------------------------------- */

static bool read_time(const char *name, const char *text, int64_t most, int64_t *out,
                      struct vd_err *err)
{
    vd_ms ms;

    if (!vd_duration_parse(text, strlen(text), &ms))
        return vd_err_set(err, "--%s %.40s: that is no time; write it as 500ms, 2s, 30m or 2h",
                          name, text);
    if (ms < 1 || ms > most)
        return vd_err_set(err, "--%s %.40s: that is too %s", name, text, ms < 1 ? "short" : "long");
    *out = ms;
    return true;
}

bool vd_ctl_options_add_place(struct vd_ctl_options *options, const char *text, struct vd_err *err)
{
    struct vd_addr addr;
    struct vd_err why = {""};

    /* A host alone, which is the port that everybody has. */
    if (!vd_addr_set(&addr, text, strlen(text), PORT) &&
        (!vd_addr_parse(&addr, text, strlen(text), &why) || addr.port == 0))
        return vd_err_set(err, "%.300s is no HOST:PORT%s%s", text, why.text[0] != '\0' ? ": " : "",
                          why.text);
    options->places =
        vd_realloc(options->places, (options->place_count + 1) * sizeof(options->places[0]));
    options->places[options->place_count++] =
        (struct vd_ctl_place){vd_strdup(addr.host), addr.port};
    return true;
}

/* The command line --------------------------------------------------------------------------- */

static bool take_common(struct vd_ctl_options *options, int key, const char *value,
                        struct vd_err *err)
{
    int64_t ms = 0;

    switch (key) {
    case KEY_SENTINEL:
        return vd_ctl_options_add_place(options, value, err);
    case KEY_CONFIG:
        vd_ctl_set_text(&options->config_file, value);
        return true;
    case KEY_ONLY:
        options->only = true;
        return true;
    case KEY_GROUP:
        vd_ctl_set_text(&options->group, value);
        return true;
    case KEY_JSON:
        options->json = true;
        return true;
    case KEY_TIMEOUT:
        if (!read_time("timeout", value, 3600000, &ms, err))
            return false;
        options->timeout_ms = (int)ms;
        return true;
    case KEY_USER:
        vd_ctl_set_text(&options->user, value);
        return true;
    case KEY_PASSWORD_FILE:
        return vd_ctl_read_secret(value, &options->pass, err);
    case KEY_ASK_PASSWORD:
        options->ask_password = true;
        return true;
    case KEY_HELP:
        options->help = true;
        return true;
    case KEY_VERSION:
        options->version = true;
        return true;
    default:
        return vd_err_set(err, "an option is in the table and nowhere else");
    }
}

static bool take_tls(struct vd_ctl_options *options, int key, const char *value)
{
    switch (key) {
    case KEY_TLS:
        break;
    case KEY_TLS_CA:
        vd_ctl_set_text(&options->ca_cert_file, value);
        break;
    case KEY_TLS_CERT:
        vd_ctl_set_text(&options->cert_file, value);
        break;
    case KEY_TLS_KEY:
        vd_ctl_set_text(&options->key_file, value);
        break;
    case KEY_TLS_NO_NAMES:
        options->tls.verify_names = false;
        break;
    default:
        return false;
    }
    options->use_tls = true;
    return true;
}

static bool take(struct vd_ctl_options *options, int key, const char *value, struct vd_err *err)
{
    switch (key) {
    case KEY_ALL:
        options->all = true;
        return true;
    case KEY_COORDINATED:
        options->coordinated = true;
        return true;
    case KEY_DRY_RUN:
        options->dry_run = true;
        return true;
    case KEY_TO:
        vd_ctl_set_text(&options->to, value);
        return true;
    case KEY_WAIT:
        return read_time("wait", value, INT32_MAX, &options->wait_ms, err);
    case KEY_FOR:
        return read_time("for", value, FOR_MOST_MS, &options->for_ms, err);
    case KEY_EVERY:
        return read_time("every", value, INT32_MAX, &options->every_ms, err);
    default:
        return take_tls(options, key, value) || take_common(options, key, value, err);
    }
}

static void make_longs(struct option longs[OPTION_COUNT + 1])
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        longs[i] = (struct option){options_table[i].name,
                                   options_table[i].value != NULL ? required_argument : no_argument,
                                   NULL, options_table[i].key};
}

/* As getopt wants them: '+' to stop at the first word that is none, ':' to tell a missing value. */
static void make_shorts(char shorts[2 * OPTION_COUNT + 3])
{
    size_t at = 0;

    shorts[at++] = '+';
    shorts[at++] = ':';
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options_table[i].key >= 256)
            continue;
        shorts[at++] = (char)options_table[i].key;
        if (options_table[i].value != NULL)
            shorts[at++] = ':';
    }
    shorts[at] = '\0';
}

static const struct vd_ctl_command *find_command(const char *name)
{
    for (const struct vd_ctl_command *one = vd_ctl_commands; one->name != NULL; one++)
        if (strcmp(one->name, name) == 0)
            return one;
    return NULL;
}

/* Which options were given, so that they can be held against the command. */
static bool judge(const struct vd_ctl_options *options, const bool *given, struct vd_err *err)
{
    const struct vd_ctl_command *command = options->command;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (given[i] && !is_taken_by(i, command->name))
            return vd_err_set(err, "%s takes no --%s; see vedettectl %s --help", command->name,
                              options_table[i].name, command->name);
    if (options->word_count > command->most_words)
        return vd_err_set(err, "%s takes %s%s, not '%.100s'; see vedettectl %s --help",
                          command->name, command->most_words == 0 ? "no argument" : "only ",
                          command->usage, options->words[command->most_words], command->name);
    return true;
}

static bool take_options(struct vd_ctl_options *options, int argc, char **argv, const char *shorts,
                         bool *given, struct vd_err *err)
{
    struct option longs[OPTION_COUNT + 1] = {{0}};
    int key;

    make_longs(longs);
    optind = 0; /* begin anew, also the second time */
    while ((key = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (key == ':')
            return vd_err_set(err, "%s wants a value; see vedettectl --help", argv[optind - 1]);
        if (key == '?')
            return vd_err_set(err, "there is no option %.100s; see vedettectl --help",
                              argv[optind - 1]);
        for (size_t i = 0; i < OPTION_COUNT; i++)
            given[i] = given[i] || options_table[i].key == key;
        if (!take(options, key, optarg, err))
            return false;
    }
    return true;
}

/* The command is looked for first: what stands behind `drill` is the drill's. */
static bool read_line(struct vd_ctl_options *options, int argc, char **argv, bool *given,
                      struct vd_err *err)
{
    char shorts[2 * OPTION_COUNT + 3];

    make_shorts(shorts);
    if (!take_options(options, argc, argv, shorts, given, err))
        return false;
    if (optind >= argc)
        return true;
    argc -= optind;
    argv += optind;
    options->command = find_command(argv[0]);
    if (options->command == NULL)
        return vd_err_set(err, "there is no command '%.100s'; see vedettectl --help", argv[0]);
    if (options->command->run == vd_ctl_run_drill)
        optind = 1;
    else if (!take_options(options, argc, argv, shorts + 1, given, err))
        return false;
    options->words = argv + optind;
    options->word_count = (size_t)(argc - optind);
    return true;
}

bool vd_ctl_options_read(struct vd_ctl_options *options, int argc, char **argv, struct vd_err *err)
{
    bool given[OPTION_COUNT] = {false};

    *options = (struct vd_ctl_options){
        .timeout_ms = TIMEOUT_MS, .for_ms = -1, .every_ms = EVERY_MS, .wait_ms = -1};
    options->tls.verify_names = true;
    if (!read_line(options, argc, argv, given, err))
        return false;
    if (options->help || options->version)
        return true;
    if (options->command == NULL)
        return vd_err_set(err, "a command is missing: status, check, failover ...; see "
                               "vedettectl --help");
    if (!judge(options, given, err))
        return false;
    if (options->for_ms < 0 && strcmp(options->command->name, "pause") == 0)
        options->for_ms = PAUSE_MS;
    return vd_ctl_options_finish(options, err);
}

void vd_ctl_options_free(struct vd_ctl_options *options)
{
    for (size_t i = 0; i < options->place_count; i++)
        vd_free(options->places[i].host);
    vd_free(options->places);
    vd_free(options->user);
    vd_free(options->pass);
    vd_free(options->node_user);
    vd_free(options->node_pass);
    vd_free(options->config_file);
    if (options->config != NULL)
        vd_config_free(options->config);
    vd_free(options->config);
    vd_free(options->ca_cert_file);
    vd_free(options->cert_file);
    vd_free(options->key_file);
    vd_free(options->group);
    vd_free(options->to);
}
