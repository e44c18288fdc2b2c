/* SPDX-License-Identifier: BSD-3-Clause */
/* The command table: whole, found by any case, and told to clients as Redis tells its own. */
#include <check.h>
#include <string.h>

#include "counter.h"
#include "proto/command.h"
#include "proto/command_details.h"
#include "suite.h"

static struct counter counter;

static void set_up(void)
{
    counter_init(&counter, false);
}

static void tear_down(void)
{
    counter_free(&counter);
}

static void check_row(const struct vd_command *row, bool is_sub)
{
    for (const char *at = row->name; *at != '\0'; at++)
        ck_assert_msg((*at >= 'a' && *at <= 'z') || *at == '-', "%s", row->name);
    ck_assert_int_ne(row->arity, 0);
    ck_assert_msg((row->run == NULL) == (row->sub_count > 0 && strcmp(row->name, "command") != 0),
                  "%s", row->name);
    ck_assert_ptr_nonnull(row->usage);
    ck_assert_ptr_nonnull(row->summary);
    ck_assert_ptr_nonnull(row->since);
    ck_assert_msg((row->group == NULL) == is_sub, "%s", row->name);
    /* Every command is either fast or slow, as ACL rules expect. */
    ck_assert_int_ne((row->categories & VD_CAT_FAST) != 0, (row->categories & VD_CAT_SLOW) != 0);
    ck_assert_msg((row->flags & VD_CMD_ADMIN) == 0 || (row->categories & VD_CAT_ADMIN) != 0, "%s",
                  row->name);
    for (size_t i = 0; i < row->sub_count; i++) {
        check_row(&row->subs[i], true);
        if (i > 0)
            ck_assert_str_lt(row->subs[i - 1].name, row->subs[i].name);
    }
}

START_TEST(rows_are_whole)
{
    size_t count;
    const struct vd_command *rows = vd_commands(&count);

    ck_assert_uint_eq(count, 16); /* QUIT is not told */
    for (size_t i = 0; i < count; i++) {
        check_row(&rows[i], false);
        if (i > 0)
            ck_assert_str_lt(rows[i - 1].name, rows[i].name);
    }
}
END_TEST

static const struct vd_command *find(const char *name)
{
    return vd_command_find(&(struct vd_word){.bytes = name, .len = strlen(name)});
}

START_TEST(found_by_name)
{
    const struct vd_command *client = find("CliEnt");
    struct vd_word list = {.bytes = "LIST", .len = 4};
    struct vd_word cut = {.bytes = "LI", .len = 2};
    struct vd_word nul = {.bytes = "list\0x", .len = 6};

    ck_assert_ptr_nonnull(client);
    ck_assert_str_eq(client->name, "client");
    ck_assert_ptr_eq(client, find("client"));
    ck_assert_ptr_null(find("clien"));
    ck_assert_ptr_null(find("clients"));
    ck_assert_ptr_null(find(""));
    ck_assert_ptr_null(find("select"));
    ck_assert_str_eq(vd_command_find_sub(client, &list)->name, "list");
    ck_assert_ptr_null(vd_command_find_sub(client, &cut));
    ck_assert_ptr_null(vd_command_find_sub(client, &nul));
}
END_TEST

START_TEST(arity)
{
    struct vd_command exact = {.arity = 3};
    struct vd_command least = {.arity = -3};

    ck_assert(!vd_command_fits(&exact, 2));
    ck_assert(vd_command_fits(&exact, 3));
    ck_assert(!vd_command_fits(&exact, 4));
    ck_assert(!vd_command_fits(&least, 2));
    ck_assert(vd_command_fits(&least, 3));
    ck_assert(vd_command_fits(&least, 9));
}
END_TEST

/* Arities of PROTOCOL section 5 and 6. */
START_TEST(arities)
{
    static const struct {
        const char *parent;
        const char *name;
        int arity;
    } known[] = {
        {NULL, "auth", -2},           {NULL, "client", -2},
        {NULL, "command", -1},        {NULL, "hello", -1},
        {NULL, "info", -1},           {NULL, "ping", -1},
        {NULL, "psubscribe", -2},     {NULL, "punsubscribe", -1},
        {NULL, "publish", 3},         {NULL, "role", 1},
        {NULL, "sentinel", -2},       {NULL, "shutdown", -1},
        {"client", "setinfo", 4},     {"client", "setname", 3},
        {"client", "kill", -3},       {"client", "list", -2},
        {"command", "docs", -2},      {"sentinel", "masters", 2},
        {"sentinel", "primaries", 2}, {"sentinel", "master", 3},
        {"sentinel", "slaves", 3},    {"sentinel", "monitor", 6},
        {"sentinel", "set", -5},      {"sentinel", "config", -4},
        {"sentinel", "debug", -2},    {"sentinel", "is-master-down-by-addr", 6},
        {"sentinel", "reset", 3},     {"sentinel", "get-primary-addr-by-name", 3},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct vd_command *row =
            find(known[i].parent != NULL ? known[i].parent : known[i].name);

        if (known[i].parent != NULL)
            row = vd_command_find_sub(
                row, &(struct vd_word){.bytes = known[i].name, .len = strlen(known[i].name)});
        ck_assert_msg(row != NULL, "%s", known[i].name);
        ck_assert_msg(row->arity == known[i].arity, "%s", known[i].name);
    }
}
END_TEST

START_TEST(command_info)
{
    ck_assert_str_eq(counter_say(&counter, "command count"), ":15");
    ck_assert_str_eq(counter_say(&counter, "command info client|id ping nope"),
                     "*3 *10 $9 client|id :2 *3 +noscript +loading +stale :0 :0 :0 "
                     "*2 +@slow +@connection *0 *0 *0 "
                     "*10 $4 ping :-1 *1 +fast :0 :0 :0 *2 +@fast +@connection "
                     "*2 $25 request_policy:all_shards $29 response_policy:all_succeeded *0 *0 "
                     "$-1");
    (void)counter_run(&counter, "hello 3");
    ck_assert_str_eq(counter_say(&counter, "command info role nope"),
                     "*2 *10 $4 role :1 ~4 +noscript +loading +stale +fast :0 :0 :0 "
                     "~3 +@admin +@fast +@dangerous ~0 ~0 ~0 _");
    ck_assert_str_eq(counter_say(&counter, "command info CLIENT|nope client| |id"), "*3 _ _ _");
    (void)counter_run(&counter, "command info client");
    ck_assert_ptr_nonnull(strstr(counter.reply.bytes, "$14\r\nclient|setinfo\r\n:4\r\n"));
}
END_TEST

START_TEST(command_docs)
{
    ck_assert_str_eq(counter_say(&counter, "command docs role nope get"),
                     "*2 $4 role *8 $7 summary $65 Return the role, which is sentinel, and the "
                     "names of all masters. $5 since $6 2.8.12 $5 group $6 server $10 complexity "
                     "$37 O(N) where N is the number of masters");
    ck_assert_str_eq(counter_say(&counter, "command docs get save blpop replicaof"), "*0");
    (void)counter_run(&counter, "command docs client|setinfo info subscribe ping");
    ck_assert_int_eq(strncmp(counter.reply.bytes, "*8\r\n", 4), 0);
    (void)counter_run(&counter, "command docs");
    ck_assert_int_eq(strncmp(counter.reply.bytes, "*30\r\n", 5), 0);
}
END_TEST

static const char *const argument_types[] = {"string", "integer",    "pattern",
                                             "oneof",  "pure-token", "block"};

static void check_argument(const struct vd_argument *arg)
{
    bool known = false;
    bool holds = strcmp(arg->type, "oneof") == 0 || strcmp(arg->type, "block") == 0;

    for (size_t i = 0; i < sizeof(argument_types) / sizeof(argument_types[0]); i++)
        known = known || strcmp(arg->type, argument_types[i]) == 0;
    ck_assert_msg(known, "%s %s", arg->name, arg->type);
    ck_assert_msg(holds == (arg->inside != NULL), "%s", arg->name);
    ck_assert_msg((arg->flags & VD_ARG_MULTIPLE_TOKEN) == 0 || arg->token != NULL, "%s", arg->name);
    if (!holds)
        return;
    ck_assert_ptr_nonnull(arg->inside->name);
    for (const struct vd_argument *inner = arg->inside; inner->name != NULL; inner++)
        check_argument(inner);
}

/* Returns how many of a command and its subcommands have details. */
static size_t check_details(const struct vd_command *parent, const struct vd_command *row)
{
    const struct vd_command_details *details = vd_command_details(parent, row);
    const struct vd_argument *arguments = details != NULL ? details->arguments : NULL;
    size_t count = details != NULL;

    /* HELP shows arguments where DOCS does. */
    ck_assert_msg((row->usage[0] != '\0') == (arguments != NULL), "%s", row->name);
    for (const struct vd_argument *arg = arguments; arg != NULL && arg->name != NULL; arg++)
        check_argument(arg);
    for (size_t i = 0; i < row->sub_count; i++)
        count += check_details(row, &row->subs[i]);
    return count;
}

START_TEST(details_are_whole)
{
    size_t count;
    const struct vd_command *rows = vd_commands(&count);
    size_t used = 0;
    size_t there = 0;

    for (size_t i = 0; i < count; i++)
        used += check_details(NULL, &rows[i]);
    for (const struct vd_command_details *at = vd_command_details_all(); at->name != NULL; at++)
        there++;
    ck_assert_uint_eq(used, there); /* none is of an unknown command, or twice there */
}
END_TEST

START_TEST(docs_tell_arguments)
{
    (void)counter_run(&counter, "hello 3");
    ck_assert_ptr_nonnull(
        strstr(counter_say(&counter, "command docs auth"),
               " $7 history ~1 *2 $5 6.0.0 $28 Takes a user's name as well. "
               "$9 arguments *2 %4 $4 name $8 username $4 type $6 string "
               "$5 since $5 6.0.0 $5 flags ~1 +optional %2 $4 name $8 password $4 type $6 string"));
    ck_assert_ptr_nonnull(strstr(counter_say(&counter, "command docs client|caching"),
                                 "$9 arguments *1 %3 $4 name $4 mode $4 type $5 oneof "
                                 "$9 arguments *2 %3 $4 name $3 yes $4 type $10 pure-token "
                                 "$5 token $3 YES %3 $4 name $2 no"));
    ck_assert_ptr_nonnull(strstr(counter_say(&counter, "command docs sentinel|slaves"),
                                 "$9 doc_flags ~1 +deprecated $16 deprecated_since $5 5.0.0 "
                                 "$11 replaced_by $19 `SENTINEL REPLICAS` $9 arguments *1 %2"));
    ck_assert_ptr_null(
        strstr(counter_say(&counter, "command docs sentinel|ckquorum"), "complexity"));
    ck_assert_ptr_null(strstr(counter_say(&counter, "command docs sentinel|myid"), "arguments"));
}
END_TEST

/* Who claims an older release has its arguments only. */
START_TEST(docs_of_an_older_release)
{
    static const char failover[] = "command docs sentinel|failover";

    ck_assert_ptr_nonnull(strstr(counter_say(&counter, failover), "$5 token $2 TO"));
    counter.server.redis_version = (char *)(uintptr_t) "9.0.0";
    ck_assert_ptr_null(strstr(counter_say(&counter, failover), "$5 token $2 TO"));
    ck_assert_ptr_nonnull(strstr(counter_say(&counter, failover), "$5 token $11 COORDINATED"));
    counter.server.redis_version = (char *)(uintptr_t) "7.0.15";
    ck_assert_ptr_null(strstr(counter_say(&counter, failover), "$5 token $11 COORDINATED"));
    ck_assert_ptr_null(strstr(counter_say(&counter, failover), "history"));
    ck_assert_ptr_nonnull(strstr(counter_say(&counter, failover), "$11 master-name"));
    ck_assert_ptr_null(strstr(counter_say(&counter, "command docs client|kill"), "$6 MAXAGE"));
    counter.server.redis_version = NULL;
}
END_TEST

START_TEST(command_list)
{
    ck_assert_str_eq(counter_say(&counter, "command list filterby pattern S*EL|G*"),
                     "*2 $32 sentinel|get-master-addr-by-name $33 "
                     "sentinel|get-primary-addr-by-name");
    ck_assert_str_eq(counter_say(&counter, "command list filterby aclcat fast"),
                     "*5 $4 auth $5 hello $4 ping $7 publish $4 role");
    ck_assert_str_eq(counter_say(&counter, "command list filterby aclcat nope"), "*0");
    ck_assert_str_eq(counter_say(&counter, "command list filterby module x"), "*0");
    ck_assert_str_eq(counter_say(&counter, "command list filterby x x"), "-ERR syntax error");
    ck_assert_str_eq(counter_say(&counter, "command list filterby"), "-ERR syntax error");
}
END_TEST

START_TEST(command_getkeys)
{
    ck_assert_str_eq(counter_say(&counter, "command getkeys get a"),
                     "-ERR Invalid command specified");
    ck_assert_str_eq(counter_say(&counter, "command getkeys client id x"),
                     "-ERR The command has no key arguments");
    ck_assert_str_eq(counter_say(&counter, "command getkeysandflags ping"),
                     "-ERR The command has no key arguments");
}
END_TEST

START_TEST(help)
{
    const char *reply = counter_run(&counter, "sentinel help");

    ck_assert_int_eq(strncmp(reply,
                             "*61\r\n+SENTINEL <subcommand> [<arg> [value] [opt] ...]. Subcommands "
                             "are:\r\n+CANDIDATES <master-name>\r\n+    ",
                             100),
                     0);
    ck_assert_str_eq(reply + strlen(reply) - strlen("+HELP\r\n+    Print this help.\r\n"),
                     "+HELP\r\n+    Print this help.\r\n");
    ck_assert_ptr_null(strstr(reply, "+HELP\r\n+    Print this help.\r\n+"));
    reply = counter_run(&counter, "client help");
    ck_assert_int_eq(strncmp(reply, "*35\r\n+CLIENT <sub", 17), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("command");
    TCase *tcase = tcase_create("table");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, rows_are_whole);
    tcase_add_test(tcase, found_by_name);
    tcase_add_test(tcase, arity);
    tcase_add_test(tcase, arities);
    tcase_add_test(tcase, command_info);
    tcase_add_test(tcase, command_docs);
    tcase_add_test(tcase, details_are_whole);
    tcase_add_test(tcase, docs_tell_arguments);
    tcase_add_test(tcase, docs_of_an_older_release);
    tcase_add_test(tcase, command_list);
    tcase_add_test(tcase, command_getkeys);
    tcase_add_test(tcase, help);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
