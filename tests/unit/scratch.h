/* SPDX-License-Identifier: BSD-3-Clause */
/* Scratch: a directory of the test's own, for unit tests of what writes or reads files. */
#ifndef VD_TESTS_SCRATCH_H
#define VD_TESTS_SCRATCH_H

#define SCRATCH_SIZE 80 /* of a path; with a name behind it, it is still one for a socket */

/* A path for mkdtemp or mkstemp, below $TMPDIR, or /tmp. */
void scratch_template(char path[SCRATCH_SIZE]);

/* Its path. There is one at a time, since Check's fixtures take no argument. */
extern char scratch_dir[SCRATCH_SIZE];

/* Make it, empty; remove it with all that is in it. */
void scratch_make(void);
void scratch_remove(void);

/* The file's text is this and nothing else. */
void scratch_put(const char *path, const char *text);

#endif
