/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory. Every allocation of vedette passes here, so that none can fail
 * unnoticed: out of memory ends the process with the size and the place. A
 * monitor that limps on without memory is worse than one that restarts from
 * its saved state. What the network may ask for is bounded by limits, not by
 * allocation failures.
 */
#ifndef VD_BASE_MEM_H
#define VD_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* An assertion that stays in production: one condition each, programmer errors only. */
#define VD_ASSERT(cond) ((cond) ? (void)0 : vd_panic(__FILE__, __LINE__, #cond))

/* Marks results that must be looked at. */
#define VD_MUSTCHECK __attribute__((warn_unused_result))

#define VD_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Called once before the process ends in vd_panic; `text` names the place. It must not return to
 * use the core again. */
typedef void vd_panic_hook(const char *text);
void vd_panic_set_hook(vd_panic_hook *hook);
_Noreturn void vd_panic(const char *file, int line, const char *what);

/* Zeroed memory, owned by the caller, released with vd_free. Never NULL. */
void *vd_alloc(size_t size);

/* Zeroed array of `count` elements; overflow of count * size ends the process. */
void *vd_calloc(size_t count, size_t size);

/* As realloc, never NULL; new bytes are not cleared. */
void *vd_realloc(void *old, size_t size);

/* A copy of `text`, owned by the caller; NULL gives NULL. */
char *vd_strdup(const char *text);

/* A copy of `len` bytes with a NUL behind them, owned by the caller. */
char *vd_memdup(const void *bytes, size_t len);

/* NULL is fine. */
void vd_free(void *ptr);

/*
 * Memory that bursts need is kept while they come and given back behind the last:
 * true when so many turns in a row, of which this is one, were not `big`. To give
 * it back and take it again in each turn costs more than most turns. `calm`
 * counts, from 0.
 */
bool vd_mem_is_calm(unsigned *calm, bool big);

#endif
