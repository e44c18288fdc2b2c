/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A main for harnesses without libFuzzer: runs the files that are named, or
 * standard input, once each; under afl-clang-fast, many inputs in a process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX ((size_t)1024 * 1024)

static unsigned char input[INPUT_MAX];

#ifndef __AFL_LOOP
static int once(unsigned count)
{
    static unsigned done;

    return done++ < count && done <= 1;
}
#define __AFL_LOOP(count) once(count)
#endif

/* In memory of its own, so that a sanitizer sees a look behind the end. */
static void run(FILE *from)
{
    size_t len = fread(input, 1, sizeof(input), from);
    unsigned char *copy = malloc(len + (len == 0));

    if (copy == NULL)
        abort();
    memcpy(copy, input, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");

        if (file == NULL) {
            perror(argv[i]);
            return 1;
        }
        run(file);
        (void)fclose(file);
    }
    while (argc == 1 && __AFL_LOOP(10000)) {
        clearerr(stdin);
        run(stdin);
    }
    return 0;
}
