/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that never fails silently: see mem.h. */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CALM_TURNS 64U

static vd_panic_hook *panic_hook;

void vd_panic_set_hook(vd_panic_hook *hook)
{
    panic_hook = hook;
}

static size_t append(char *to, size_t used, size_t size, const char *text)
{
    while (*text != '\0' && used + 1 < size)
        to[used++] = *text++;
    to[used] = '\0';
    return used;
}

void vd_panic(const char *file, int line, const char *what)
{
    /* No stdio here: the heap may be gone, and the core may not print. */
    char text[512];
    char digits[16];
    size_t used = 0;
    size_t n = sizeof(digits) - 1;
    unsigned rest = (unsigned)line;

    digits[n] = '\0';
    do {
        digits[--n] = (char)('0' + rest % 10U);
        rest /= 10U;
    } while (rest != 0 && n > 0);
    used = append(text, used, sizeof(text), file);
    used = append(text, used, sizeof(text), ":");
    used = append(text, used, sizeof(text), digits + n);
    used = append(text, used, sizeof(text), ": ");
    (void)append(text, used, sizeof(text), what);
    if (panic_hook != NULL)
        panic_hook(text);
    abort();
}

void *vd_alloc(size_t size)
{
    return vd_calloc(1, size);
}

void *vd_calloc(size_t count, size_t size)
{
    void *ptr;

    if (size == 0)
        size = 1;
    if (count == 0)
        count = 1;
    ptr = calloc(count, size);
    if (ptr == NULL)
        vd_panic(__FILE__, __LINE__, "out of memory");
    return ptr;
}

void *vd_realloc(void *old, size_t size)
{
    void *ptr = realloc(old, size == 0 ? 1 : size);

    if (ptr == NULL)
        vd_panic(__FILE__, __LINE__, "out of memory");
    return ptr;
}

char *vd_memdup(const void *bytes, size_t len)
{
    char *copy;

    VD_ASSERT(len < SIZE_MAX);
    copy = vd_alloc(len + 1);
    if (len != 0)
        memcpy(copy, bytes, len);
    return copy;
}

char *vd_strdup(const char *text)
{
    return text == NULL ? NULL : vd_memdup(text, strlen(text));
}

void vd_free(void *ptr)
{
    free(ptr);
}

bool vd_mem_is_calm(unsigned *calm, bool big)
{
    if (big)
        *calm = 0;
    else if (*calm < CALM_TURNS)
        ++*calm;
    return *calm == CALM_TURNS;
}
