/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies: see replies.h. The reader calls back for every element; they are
 * put into an arena that is handed from link to link and stays with one only
 * while a reply of its is not whole.
 */
#include "shell/replies.h"

#include <string.h>

/* hiredis gives no `self` but through the task. NULL: over the limit, which ends the reading. */
static struct vd_value *make(const redisReadTask *task, enum vd_value_type type)
{
    struct vd_replies *replies = task->privdata;
    struct vd_value *value;

    if (++replies->made > VD_REPLY_ELEMENTS_MAX)
        return NULL;
    value = vd_arena_alloc(&replies->arena, sizeof(*value));
    value->type = type;
    if (task->parent != NULL) {
        struct vd_value *parent = task->parent->obj;

        VD_ASSERT(task->idx >= 0 && (size_t)task->idx < parent->count);
        parent->elements[task->idx] = value;
    }
    return value;
}

static void *make_text(const redisReadTask *task, char *text, size_t len)
{
    struct vd_replies *replies = task->privdata;
    enum vd_value_type type = VD_VALUE_TEXT;
    struct vd_value *value;

    if (task->type == REDIS_REPLY_STATUS)
        type = VD_VALUE_STATUS;
    if (task->type == REDIS_REPLY_ERROR)
        type = VD_VALUE_ERROR;
    if (task->type == REDIS_REPLY_VERB && len >= 4) {
        text += 4; /* "txt:" */
        len -= 4;
    }
    value = make(task, type);
    if (value == NULL)
        return NULL;
    value->text = vd_arena_memdup(&replies->arena, text, len);
    value->len = len;
    return value;
}

static void *make_array(const redisReadTask *task, size_t count)
{
    struct vd_replies *replies = task->privdata;
    struct vd_value *value =
        make(task, task->type == REDIS_REPLY_PUSH ? VD_VALUE_PUSH : VD_VALUE_ARRAY);

    if (value == NULL)
        return NULL;
    if (count > VD_REPLY_ELEMENTS_MAX - replies->made) {
        replies->made = VD_REPLY_ELEMENTS_MAX + 1;
        return NULL;
    }
    value->elements = vd_arena_alloc(&replies->arena, (count + 1) * sizeof(struct vd_value *));
    value->count = count;
    return value;
}

static void *make_integer(const redisReadTask *task, long long number)
{
    struct vd_value *value = make(task, VD_VALUE_INTEGER);

    if (value != NULL)
        value->number = number;
    return value;
}

static void *make_double(const redisReadTask *task, double number, char *text, size_t len)
{
    (void)number;
    return make_text(task, text, len);
}

static void *make_nil(const redisReadTask *task)
{
    return make(task, VD_VALUE_NIL);
}

static void *make_bool(const redisReadTask *task, int truth)
{
    return make_integer(task, truth != 0);
}

static void free_nothing(void *object)
{
    (void)object; /* the arena has it */
}

static redisReplyObjectFunctions functions = {
    .createString = make_text,
    .createArray = make_array,
    .createInteger = make_integer,
    .createDouble = make_double,
    .createNil = make_nil,
    .createBool = make_bool,
    .freeObject = free_nothing,
};

void vd_replies_init(struct vd_replies *replies, struct vd_reply_scratch *scratch)
{
    memset(replies, 0, sizeof(*replies));
    replies->scratch = scratch;
}

static void borrow_reader(struct vd_replies *replies)
{
    if (replies->reader != NULL)
        return;
    replies->reader = replies->scratch->reader;
    replies->scratch->reader = NULL;
    if (replies->reader == NULL)
        replies->reader = redisReaderCreateWithFunctions(&functions);
    VD_ASSERT(replies->reader != NULL); /* out of memory */
    replies->reader->privdata = replies;
}

/* hiredis prepares the next reply as soon as it looks for one: ridx 0, but nothing is known of it.
 */
static bool is_between_replies(const redisReader *reader)
{
    return reader->pos == reader->len &&
           (reader->ridx < 0 || (reader->ridx == 0 && reader->task[0]->type < 0));
}

/* Nothing is half read: thousands of links, most of them silent, can do with one. */
static void return_reader(struct vd_replies *replies)
{
    replies->reader->ridx = -1; /* what was prepared knows whom it was for */
    if (replies->scratch->reader == NULL)
        replies->scratch->reader = replies->reader;
    else
        redisReaderFree(replies->reader);
    replies->reader = NULL;
}

/* The memory goes back to be used by whoever reads next. */
static void give_back(struct vd_replies *replies)
{
    struct vd_arena *shared = &replies->scratch->arena;

    vd_arena_reset(&replies->arena);
    if (replies->arena.blocks == NULL)
        return;
    if (shared->blocks != NULL)
        vd_arena_free(&replies->arena);
    else
        *shared = replies->arena;
    memset(&replies->arena, 0, sizeof(replies->arena));
}

void vd_replies_free(struct vd_replies *replies)
{
    if (replies->scratch == NULL)
        return;
    give_back(replies);
    redisReaderFree(replies->reader);
    memset(replies, 0, sizeof(*replies));
}

void vd_reply_scratch_free(struct vd_reply_scratch *scratch)
{
    redisReaderFree(scratch->reader);
    vd_arena_free(&scratch->arena);
    scratch->reader = NULL;
}

bool vd_replies_feed(struct vd_replies *replies, const char *bytes, size_t len, const char **why)
{
    borrow_reader(replies);
    if (redisReaderFeed(replies->reader, bytes, len) == REDIS_OK)
        return true;
    *why = replies->reader->errstr;
    return false;
}

const struct vd_value *vd_replies_next(struct vd_replies *replies, const char **why)
{
    redisReader *reader = replies->reader;
    void *value = NULL;

    *why = NULL;
    if (reader == NULL)
        return NULL;
    if (replies->made == 0) {
        give_back(replies);
        replies->arena = replies->scratch->arena;
        memset(&replies->scratch->arena, 0, sizeof(replies->scratch->arena));
    }
    if (redisReaderGetReply(reader, &value) != REDIS_OK) {
        *why =
            replies->made > VD_REPLY_ELEMENTS_MAX ? "a reply of too many elements" : reader->errstr;
        return NULL;
    }
    if (value != NULL) {
        replies->made = 0;
        return value;
    }
    if (reader->len - reader->pos > VD_REPLY_BYTES_MAX ||
        replies->arena.used > 2 * VD_REPLY_BYTES_MAX)
        *why = "a reply of more than 1 MB";
    if (replies->made == 0)
        give_back(replies);
    if (*why == NULL && is_between_replies(reader))
        return_reader(replies);
    return NULL;
}

struct vd_arena *vd_replies_arena(struct vd_replies *replies)
{
    return &replies->arena;
}
