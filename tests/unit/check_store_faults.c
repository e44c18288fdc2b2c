/* SPDX-License-Identifier: BSD-3-Clause */
/* The store when things go wrong: a process killed in the middle of saving, a full disk, and saving
 * that is allowed to fail. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "depot.h"
#include "shell/state_dir.h"
#include "suite.h"
#include "victim.h"

static struct vd_err err;

/* Faults ---------------------------------------------------------------------------- */

/* Saves epochs for ever and tells each through the pipe when its receipt is there. */
static _Noreturn void save_for_ever(int to)
{
    struct vd_store *store = vd_store_open(depot_dir, &err);
    struct depot_sample sample;

    depot_make_sample(&sample);
    for (uint64_t epoch = 1;; epoch++) {
        struct vd_receipt receipt = {false};

        sample.image.epoch = epoch;
        sample.groups[0].vote_epoch = epoch;
        sample.groups[1].vote_epoch = epoch;
        if (store == NULL || !vd_store_save(store, &sample.image, &receipt, &err) ||
            write(to, &epoch, sizeof(epoch)) != (ssize_t)sizeof(epoch))
            _exit(1);
    }
}

/* Killed at any instant: what had a receipt is there, and no save is there by half. */
START_TEST(killed_while_saving)
{
    uint64_t told = victim_kill(save_for_ever, 20 + 7 * (unsigned)_i);
    struct vd_saved saved;

    depot_load(&saved);
    ck_assert_uint_ge(saved.image.epoch, told);
    ck_assert_uint_le(saved.image.epoch, told + 1);
    ck_assert_uint_eq(saved.image.groups[0].vote_epoch, saved.image.epoch);
    ck_assert_uint_eq(saved.image.groups[1].vote_epoch, saved.image.epoch);
    ck_assert_uint_eq(saved.image.groups[0].peer_count, 2);
    vd_saved_free(&saved);
}
END_TEST

/* Files may grow no longer, as on a full disk. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};

    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(full_disk)
{
    char *reserve = depot_path("vedette.reserve");
    struct vd_store *store = depot_open();
    struct depot_sample sample;
    struct vd_saved saved;
    struct stat status;

    depot_make_sample(&sample);
    depot_save(store, &sample.image);
    ck_assert_int_eq(stat(reserve, &status), 0);
    ck_assert_int_ge(status.st_size, VD_RESERVE_BYTES);
    /* No file may grow, and yet votes are saved, over and over. */
    limit_files(64 * 1024);
    for (uint64_t epoch = 100; epoch < 300; epoch++) {
        sample.image.epoch = epoch;
        ck_assert_msg(depot_try_save(store, &sample.image, &err), "epoch %d: %s", (int)epoch,
                      err.text);
    }
    /* Nothing can be written at all: the reserve goes, and then saving fails with a reason. */
    limit_files(0);
    sample.image.epoch = 1000;
    ck_assert(!depot_try_save(store, &sample.image, &err));
    ck_assert_ptr_nonnull(strstr(err.text, depot_dir));
    ck_assert_int_ne(access(reserve, F_OK), 0);
    /* Room again: saving goes on, and the reserve is back. */
    limit_files(RLIM_INFINITY);
    sample.image.epoch = 1001;
    ck_assert_msg(depot_try_save(store, &sample.image, &err), "%s", err.text);
    ck_assert_int_eq(access(reserve, F_OK), 0);
    vd_store_close(store);
    depot_load(&saved);
    ck_assert_uint_eq(saved.image.epoch, 1001);
    vd_saved_free(&saved);
    depot_free_sample(&sample);
    vd_free(reserve);
}
END_TEST

/*
 * Volatile: a failed save has its receipt, but only on scratch_dir of a state that says
 * that it may not be trusted; what was missed is saved with the next one.
 */
START_TEST(volatile_saves)
{
    struct vd_store *store = depot_open();
    struct vd_config *config = depot_make_config();
    struct depot_sample sample;
    struct vd_saved saved;

    depot_make_sample(&sample);
    config->server.on_save_failure = VD_SAVE_VOLATILE;
    vd_store_configured(store, config);
    limit_files(0);
    vd_store_set_unsound(store, false);
    ck_assert(!depot_try_save(store, &sample.image, &err));
    limit_files(RLIM_INFINITY);
    depot_save(store, &sample.image);
    ck_assert(vd_store_is_unsound(store));
    ck_assert(vd_store_settle(store, false, &err)); /* nothing: votes may go missing any time */
    ck_assert(vd_store_is_unsound(store));
    limit_files(0);
    sample.image.epoch = 50;
    sample.image.group_count = 1;
    ck_assert(depot_try_save(store, &sample.image, &err));
    ck_assert(vd_store_wants_all(store));
    ck_assert(!vd_store_settle(store, true, &err));
    limit_files(RLIM_INFINITY);
    /* The whole image, in which `other` is no more. */
    depot_save(store, &sample.image);
    ck_assert(!vd_store_wants_all(store));
    ck_assert(vd_store_settle(store, true, &err));
    vd_store_close(store);
    depot_load(&saved);
    ck_assert(!saved.unsound);
    ck_assert_uint_eq(saved.image.epoch, 50);
    ck_assert_uint_eq(saved.image.group_count, 1);
    vd_saved_free(&saved);
    depot_free_config(config);
    depot_free_sample(&sample);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store faults");
    TCase *faults = depot_case("faults");

    tcase_add_loop_test(faults, killed_while_saving, 0, 8);
    tcase_add_test(faults, full_disk);
    tcase_add_test(faults, volatile_saves);
    suite_add_tcase(suite, faults);
    return suite_run(suite);
}
