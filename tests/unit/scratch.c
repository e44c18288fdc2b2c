/* SPDX-License-Identifier: BSD-3-Clause */
/* Scratch: a directory for one test, see scratch.h. */
#include "scratch.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

char scratch_dir[SCRATCH_SIZE];

void scratch_template(char path[SCRATCH_SIZE])
{
    const char *parent = getenv("TMPDIR");
    int len = snprintf(path, SCRATCH_SIZE, "%s/vedette-check-XXXXXX",
                       parent != NULL && *parent != '\0' ? parent : "/tmp");

    ck_assert_msg(len > 0 && len < SCRATCH_SIZE, "TMPDIR is too long for these tests: %s", parent);
}

void scratch_make(void)
{
    scratch_template(scratch_dir);
    ck_assert_ptr_nonnull(mkdtemp(scratch_dir));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void scratch_remove(void)
{
    ck_assert_int_eq(nftw(scratch_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void scratch_put(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}
