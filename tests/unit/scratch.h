/* SPDX-License-Identifier: BSD-3-Clause */
/* Scratch: a directory of the test's own, for unit tests of what writes files. */
#ifndef VD_TESTS_SCRATCH_H
#define VD_TESTS_SCRATCH_H

/* Its path. There is one at a time, since Check's fixtures take no argument. */
extern char scratch_dir[];

/* Make it, empty; remove it with all that is in it. */
void scratch_make(void);
void scratch_remove(void);

/* The file's text is this and nothing else. */
void scratch_put(const char *path, const char *text);

#endif
