/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store in a classic file: there and back, links, modes and owners, a
 * second daemon, files that vanish or become directories, a full disk, and a
 * process killed in the middle of saving. Every test has a directory of its
 * own.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "shell/conf_file.h"
#include "shell/config_load.h"
#include "shell/guise.h"
#include "shell/restore.h"
#include "shell/store.h"
#include "suite.h"
#include "victim.h"

#define ID1 "1111111111111111111111111111111111111111"

static char file[128];
static struct vd_config config;
static struct vd_arena arena;
static struct vd_image *image;
static struct vd_err err;

/* The file read as a process would that is called redis-sentinel. */
static void load(void)
{
    const char *const arguments[] = {file};
    bool fresh;

    vd_config_free(&config);
    vd_config_init(&config);
    config.guise = VD_GUISE_REDIS;
    ck_assert_msg(vd_config_load(&config, 1, arguments, &err), "%s", err.text);
    image = (struct vd_image *)(uintptr_t)vd_restore_merge(&config, NULL, &arena, &fresh);
}

static void begin(void)
{
    scratch_make();
    (void)snprintf(file, sizeof(file), "%s/sentinel.conf", scratch_dir);
    scratch_put(file,
                "# kept\nport 26380\nsentinel monitor m 10.0.0.1 6379 2\nsentinel myid " ID1 "\n");
    load();
}

static void finish(void)
{
    scratch_remove();
    vd_config_free(&config);
    vd_arena_free(&arena);
}

static struct vd_store *must_open(void)
{
    struct vd_store *store = vd_store_open_classic(file, &err);

    ck_assert_msg(store != NULL, "%s", err.text);
    vd_store_configured(store, &config);
    return store;
}

static bool try_save(struct vd_store *store, uint64_t epoch)
{
    struct vd_receipt receipt = {false};
    bool good;

    image->epoch = epoch;
    good = vd_store_save(store, image, &receipt, &err);
    ck_assert(good == receipt.durable);
    return good;
}

static void must_save(struct vd_store *store, uint64_t epoch)
{
    ck_assert_msg(try_save(store, epoch), "%s", err.text);
}

static void check_file(uint64_t epoch)
{
    struct vd_text text = {0};

    ck_assert(vd_conf_file_read(file, &text, &err));
    ck_assert_int_eq(strncmp(text.bytes, "# kept\n", 7), 0);
    vd_text_free(&text);
    load();
    ck_assert_uint_eq(config.current_epoch, epoch);
    ck_assert_str_eq(config.myid.hex, ID1);
    ck_assert_int_eq(config.server.port, 26380);
}

/* Files in the directory: no half-written one may stay behind. */
static int count_files(void)
{
    DIR *dir = opendir(scratch_dir);
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

/* There and back ---------------------------------------------------------------------------- */

START_TEST(there_and_back)
{
    struct vd_store *store = must_open();
    struct vd_saved saved;
    bool found = true;

    ck_assert(vd_store_wants_all(store));
    ck_assert(vd_store_load(store, &saved, &found, &err));
    ck_assert(!found);
    must_save(store, 7);
    check_file(7);
    must_save(store, 8);
    vd_store_close(store);
    check_file(8);
    ck_assert_int_eq(count_files(), 1);
}
END_TEST

START_TEST(what_an_operator_has_written_meanwhile_stays)
{
    struct vd_store *store = must_open();

    must_save(store, 7);
    scratch_put(file, "# kept\nport 26380\n# and this\ntimeout 3\n");
    must_save(store, 8);
    check_file(8);
    ck_assert_int_eq(config.server.timeout_ms, 3000);
    vd_store_close(store);
}
END_TEST

/* As with Sentinel: nothing is lost with it, comments and settings included. */
START_TEST(a_file_that_has_vanished_is_made_anew)
{
    struct vd_store *store = must_open();

    ck_assert_int_eq(unlink(file), 0);
    must_save(store, 7);
    check_file(7);
    must_save(store, 8);
    ck_assert_int_eq(unlink(file), 0);
    must_save(store, 9);
    check_file(9);
    vd_store_close(store);
}
END_TEST

START_TEST(unsound_until_settled)
{
    struct vd_store *store = must_open();

    vd_store_set_unsound(store, true);
    must_save(store, 7);
    ck_assert(vd_store_is_unsound(store));
    check_file(7);
    ck_assert(config.unsound);
    ck_assert_msg(vd_store_settle(store, false, &err), "%s", err.text);
    ck_assert(!vd_store_is_unsound(store));
    check_file(7);
    ck_assert(!config.unsound);
    vd_store_close(store);
}
END_TEST

/* Modes, owners, links ------------------------------------------------------------------------ */

START_TEST(mode_and_owner_stay)
{
    static const mode_t modes[] = {0600, 0640, 0644, 0664};
    bool root = geteuid() == 0;
    struct vd_store *store;
    struct stat status;

    ck_assert_int_eq(chmod(file, modes[_i]), 0);
    ck_assert_int_eq(chown(file, root ? 4711 : (uid_t)-1, root ? 4712 : (gid_t)-1), 0);
    store = must_open();
    must_save(store, 7);
    ck_assert_int_eq(stat(file, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, modes[_i]);
    ck_assert_uint_eq(status.st_uid, root ? 4711 : geteuid());
    ck_assert_uint_eq(status.st_gid, root ? 4712 : getegid());
    /* Also of one that has vanished. */
    ck_assert_int_eq(unlink(file), 0);
    must_save(store, 8);
    ck_assert_int_eq(stat(file, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, modes[_i]);
    ck_assert_uint_eq(status.st_uid, root ? 4711 : geteuid());
    vd_store_close(store);
}
END_TEST

START_TEST(a_link_stays_one)
{
    char name[160];
    char real[PATH_MAX];
    struct vd_store *store;
    struct stat status;

    (void)snprintf(name, sizeof(name), "%s/real.d", scratch_dir);
    ck_assert_int_eq(mkdir(name, 0700), 0);
    (void)snprintf(name, sizeof(name), "%s/real.d/real.conf", scratch_dir);
    ck_assert_int_eq(rename(file, name), 0);
    ck_assert_int_eq(symlink("real.d/real.conf", file), 0);
    store = must_open();
    must_save(store, 7);
    vd_store_close(store);
    ck_assert_int_eq(lstat(file, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    ck_assert_ptr_nonnull(realpath(file, real));
    ck_assert_ptr_nonnull(strstr(real, "/real.d/real.conf"));
    check_file(7);
}
END_TEST

/* Refusals ------------------------------------------------------------------------------------ */

START_TEST(second_daemon)
{
    struct vd_store *store = must_open();

    ck_assert_ptr_null(vd_store_open_classic(file, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "another vedette runs"));
    /* Every save makes it another file: the lock goes with it. */
    for (uint64_t epoch = 1; epoch < 4; epoch++) {
        must_save(store, epoch);
        ck_assert_ptr_null(vd_store_open_classic(file, &err));
    }
    vd_store_close(store);
    vd_store_close(must_open());
}
END_TEST

START_TEST(no_file)
{
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_ptr_null(vd_store_open_classic(file, &err));
    ck_assert_ptr_nonnull(strstr(err.text, file));
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
}
END_TEST

START_TEST(a_directory_in_its_place)
{
    struct vd_store *store = must_open();
    char away[160];

    must_save(store, 7);
    (void)snprintf(away, sizeof(away), "%s.away", file);
    ck_assert_int_eq(rename(file, away), 0);
    ck_assert_int_eq(mkdir(file, 0700), 0);
    ck_assert(!try_save(store, 8));
    ck_assert_ptr_nonnull(strstr(err.text, "Is a directory"));
    ck_assert_int_eq(rmdir(file), 0);
    ck_assert_int_eq(rename(away, file), 0);
    check_file(7);
    must_save(store, 9);
    check_file(9);
    ck_assert_int_eq(count_files(), 1);
    vd_store_close(store);
}
END_TEST

/* A process that may not write there, which root always may: its own child gives that up. */
START_TEST(a_directory_that_cannot_be_written)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct vd_store *store;

        if (geteuid() == 0 && (chown(file, 4711, 4711) != 0 || setgid(4711) != 0 ||
                               chmod(scratch_dir, 0755) != 0 || setuid(4711) != 0))
            _exit(2);
        if (geteuid() != 4711 && chmod(scratch_dir, 0500) != 0)
            _exit(2);
        store = vd_store_open_classic(file, &err);
        if (store == NULL || try_save(store, 7))
            _exit(3);
        vd_store_close(store);
        _exit(strstr(err.text, "Permission denied") != NULL &&
                      strstr(err.text, "its directory") != NULL
                  ? 0
                  : 4);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_int_eq(chmod(scratch_dir, 0700), 0);
}
END_TEST

/*
 * A directory that may be written but not read cannot be synced: no receipt, but the file is the
 * new one, and must be ours as the old one was.
 */
START_TEST(a_directory_that_cannot_be_synced)
{
    pid_t pid;
    int status;

    if (geteuid() != 0)
        return;
    pid = fork();
    if (pid == 0) {
        struct vd_store *store;

        if (chown(file, 4711, 4711) != 0 || chown(scratch_dir, 4711, 4711) != 0 ||
            chmod(scratch_dir, 0300) != 0 || setgid(4711) != 0 || setuid(4711) != 0)
            _exit(2);
        store = vd_store_open_classic(file, &err);
        if (store == NULL || try_save(store, 7) ||
            strstr(err.text, "cannot sync the directory") == NULL)
            _exit(3);
        if (vd_store_open_classic(file, &err) != NULL ||
            strstr(err.text, "another vedette runs") == NULL)
            _exit(4);
        vd_store_close(store);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_int_eq(chmod(scratch_dir, 0700), 0);
    check_file(7);
    ck_assert_int_eq(count_files(), 1);
}
END_TEST

START_TEST(full_disk)
{
    struct rlimit limit = {16, RLIM_INFINITY};
    struct vd_store *store = must_open();

    must_save(store, 7);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(!try_save(store, 8));
    ck_assert_ptr_nonnull(strstr(err.text, file));
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    check_file(7);
    ck_assert_int_eq(count_files(), 1);
    must_save(store, 9);
    check_file(9);
    vd_store_close(store);
}
END_TEST

/* Killed ----------------------------------------------------------------------------------------
 */

static _Noreturn void save_for_ever(int to)
{
    struct vd_store *store = must_open();

    for (uint64_t epoch = 1;; epoch++) {
        if (!try_save(store, epoch) || write(to, &epoch, sizeof(epoch)) != (ssize_t)sizeof(epoch))
            _exit(1);
    }
}

/* Killed at any instant: what had a receipt is there, and the file is whole. */
START_TEST(killed_while_saving)
{
    uint64_t told = victim_kill(save_for_ever, 5 + 7 * (unsigned)_i);

    load();
    ck_assert_uint_ge(config.current_epoch, told);
    ck_assert_uint_le(config.current_epoch, told + 1);
    ck_assert_str_eq(config.myid.hex, ID1);
    ck_assert_uint_eq(config.group_count, 1);
    /* And the next one can start. */
    vd_store_close(must_open());
}
END_TEST

/* Names
 * -------------------------------------------------------------------------------------------- */

static const struct {
    const char *called;
    const char *argument;
    enum vd_guise guise;
    bool refused;
} calls[] = {
    {"vedette", "--sentinel", VD_GUISE_OWN, false},
    {"/opt/redis-sentinel/bin/vedette", "x", VD_GUISE_OWN, false},
    {"redis-sentinel", "x", VD_GUISE_REDIS, false},
    {"../src/redis-sentinel", "x", VD_GUISE_REDIS, false},
    {"/usr/bin/my-redis-sentinel7", "x", VD_GUISE_REDIS, false},
    {"valkey-sentinel", "x", VD_GUISE_VALKEY, false},
    {"redis-server", "--sentinel", VD_GUISE_REDIS, false},
    {"valkey-server", "--sentinel", VD_GUISE_VALKEY, false},
    {"redis-server", "--sentinels", VD_GUISE_OWN, true},
    {"valkey-server", "x", VD_GUISE_OWN, true},
    {"", "x", VD_GUISE_OWN, false},
};

START_TEST(names)
{
    enum vd_guise guise = VD_GUISE_OWN;

    ck_assert(vd_guise_find(calls[_i].called, 1, &calls[_i].argument, &guise, &err) !=
              calls[_i].refused);
    ck_assert_int_eq(guise, calls[_i].guise);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_classic");
    TCase *tcase = tcase_create("store_classic");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, begin, finish);
    tcase_add_test(tcase, there_and_back);
    tcase_add_test(tcase, what_an_operator_has_written_meanwhile_stays);
    tcase_add_test(tcase, a_file_that_has_vanished_is_made_anew);
    tcase_add_test(tcase, unsound_until_settled);
    tcase_add_loop_test(tcase, mode_and_owner_stay, 0, 4);
    tcase_add_test(tcase, a_link_stays_one);
    tcase_add_test(tcase, second_daemon);
    tcase_add_test(tcase, no_file);
    tcase_add_test(tcase, a_directory_in_its_place);
    tcase_add_test(tcase, a_directory_that_cannot_be_written);
    tcase_add_test(tcase, a_directory_that_cannot_be_synced);
    tcase_add_test(tcase, full_disk);
    tcase_add_loop_test(tcase, killed_while_saving, 0, 10);
    suite_add_rows(tcase, names, calls);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
