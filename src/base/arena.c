/* SPDX-License-Identifier: BSD-3-Clause */
/* Arena: memory of one turn, see arena.h. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)16 * 1024)
/* Of a burst: big enough for malloc to give it back to the system when it is over. */
#define BLOCK_BIG ((size_t)512 * 1024)
/* It is the kernel that clears each page of a new one: those of one burst serve the next. */
#define LOOK_EVERY 64 /* resets */

struct vd_arena_block {
    struct vd_arena_block *next;
    size_t size;
    size_t used;
    max_align_t bytes[];
};

static struct vd_arena_block *add_block(struct vd_arena *arena, size_t least)
{
    size_t size = arena->blocks == NULL ? BLOCK_SIZE : BLOCK_BIG;
    struct vd_arena_block *block = NULL;

    if (size < least)
        size = least;
    VD_ASSERT(size < SIZE_MAX - sizeof(*block));
    if (size == BLOCK_BIG && arena->spare != NULL) {
        block = arena->spare;
        arena->spare = block->next;
    } else {
        block = vd_realloc(NULL, sizeof(*block) + size);
    }
    block->size = size;
    block->used = 0;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

/* Not cleared. */
static void *take(struct vd_arena *arena, size_t size)
{
    const size_t align = sizeof(max_align_t);
    struct vd_arena_block *block = arena->blocks;
    char *at;

    VD_ASSERT(size < SIZE_MAX / 2);
    size = (size + align - 1) / align * align;
    if (block == NULL || block->size - block->used < size)
        block = add_block(arena, size);
    at = (char *)block->bytes + block->used;
    block->used += size;
    arena->used += size;
    return at;
}

void *vd_arena_alloc(struct vd_arena *arena, size_t size)
{
    return memset(take(arena, size), 0, size);
}

char *vd_arena_memdup(struct vd_arena *arena, const void *bytes, size_t len)
{
    char *copy = take(arena, len + 1);

    if (len != 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

char *vd_arena_strdup(struct vd_arena *arena, const char *text)
{
    return text == NULL ? NULL : vd_arena_memdup(arena, text, strlen(text));
}

char *vd_arena_printf(struct vd_arena *arena, const char *format, ...)
{
    char shorter[256]; /* as most are: formatted once */
    va_list args;
    int len;
    char *text;

    va_start(args, format);
    len = vsnprintf(shorter, sizeof(shorter), format, args);
    va_end(args);
    VD_ASSERT(len >= 0);
    if ((size_t)len < sizeof(shorter))
        return vd_arena_memdup(arena, shorter, (size_t)len);
    text = vd_arena_alloc(arena, (size_t)len + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

static void free_blocks(struct vd_arena_block *block)
{
    while (block != NULL) {
        struct vd_arena_block *next = block->next;

        vd_free(block);
        block = next;
    }
}

/* Keep as many as were in use at once since this was done last. */
static void look_through_spare(struct vd_arena *arena)
{
    struct vd_arena_block **end = &arena->spare;

    for (unsigned i = 0; i < arena->most && *end != NULL; i++)
        end = &(*end)->next;
    free_blocks(*end);
    *end = NULL;
    arena->most = 0;
    arena->resets = 0;
}

void vd_arena_reset(struct vd_arena *arena)
{
    unsigned big = 0;

    while (arena->blocks != NULL && arena->blocks->size != BLOCK_SIZE) {
        struct vd_arena_block *block = arena->blocks;

        arena->blocks = block->next;
        if (block->size != BLOCK_BIG) {
            vd_free(block);
            continue;
        }
        block->next = arena->spare;
        arena->spare = block;
        big++;
    }
    if (arena->blocks != NULL)
        arena->blocks->used = 0;
    arena->used = 0;
    arena->most = big > arena->most ? big : arena->most;
    if (++arena->resets >= LOOK_EVERY)
        look_through_spare(arena);
}

void vd_arena_free(struct vd_arena *arena)
{
    free_blocks(arena->blocks);
    free_blocks(arena->spare);
    arena->blocks = NULL;
    arena->spare = NULL;
    arena->used = 0;
}
