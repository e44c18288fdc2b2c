/* SPDX-License-Identifier: BSD-3-Clause */
/* Scratch: a directory for one test, see scratch.h. */
#include "scratch.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE "/tmp/vedette-check-XXXXXX"

char scratch_dir[sizeof(TEMPLATE)];

void scratch_make(void)
{
    memcpy(scratch_dir, TEMPLATE, sizeof(TEMPLATE));
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
