/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asking one of the crew: a question, or many at once, so that a thousand groups
 * are a few round trips; and replies as JSON. See crew.h.
 */
#include <stdarg.h>
#include <string.h>

#include "ctl/crew.h"
#include "ctl/ctl.h"

#define WORDS_MAX 16
#define AT_ONCE 64    /* questions that are sent before the first reply is read */
#define RETRY_MS 3000 /* not to be held up again by one that hangs */

/* Replies as JSON --------------------------------------------------------------------- */

json_t *vd_ctl_json_of(const redisReply *reply)
{
    json_t *value;

    switch (reply->type) {
    case REDIS_REPLY_ARRAY:
    case REDIS_REPLY_MAP:
    case REDIS_REPLY_SET:
    case REDIS_REPLY_PUSH:
        value = json_array();
        for (size_t i = 0; i < reply->elements; i++)
            json_array_append_new(value, vd_ctl_json_of(reply->element[i]));
        return value;
    case REDIS_REPLY_INTEGER:
        return json_integer(reply->integer);
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
    case REDIS_REPLY_VERB:
        return vd_ctl_json_text(reply->str, reply->len);
    default:
        return json_null();
    }
}

json_t *vd_ctl_fields(const json_t *flat)
{
    json_t *object = json_object();

    for (size_t i = 0; i + 1 < json_array_size(flat); i += 2) {
        const char *name = json_string_value(json_array_get(flat, i));

        if (name != NULL)
            json_object_set(object, name, json_array_get(flat, i + 1));
    }
    return object;
}

json_t *vd_ctl_objects_of(const json_t *replies)
{
    json_t *objects = json_array();

    for (size_t i = 0; i < json_array_size(replies); i++)
        json_array_append_new(objects, vd_ctl_fields(json_array_get(replies, i)));
    return objects;
}

json_t *vd_ctl_info_fields(const char *text)
{
    json_t *object = json_object();

    while (*text != '\0') {
        size_t len = strcspn(text, "\r\n");
        const char *colon = memchr(text, ':', len);

        if (colon != NULL && *text != '#') {
            json_t *name = vd_ctl_json_text(text, (size_t)(colon - text));

            if (strlen(json_string_value(name)) == json_string_length(name))
                json_object_set_new(object, json_string_value(name),
                                    vd_ctl_json_text(colon + 1, (size_t)(text + len - colon - 1)));
            json_decref(name);
        }
        text += len;
        text += strspn(text, "\r\n");
    }
    return object;
}

/* Asking --------------------------------------------------------------------------------- */

void vd_ctl_lose(struct vd_ctl_mate *mate, const struct vd_err *err)
{
    vd_ctl_link_close(mate->link);
    mate->link = NULL;
    vd_free(mate->error);
    mate->error = vd_strdup(err->text);
    mate->retry_at = vd_ctl_now() + RETRY_MS;
}

/* A reply, which may be a refusal; NULL with the reason. */
static json_t *take_reply(struct vd_ctl_mate *mate, redisReply *reply, struct vd_err *err)
{
    json_t *value = NULL;

    if (reply == NULL) {
        vd_ctl_lose(mate, err);
        return NULL;
    }
    if (reply->type == REDIS_REPLY_ERROR)
        (void)vd_err_set(err, "%s: %.300s", mate->name, reply->str);
    else
        value = vd_ctl_json_of(reply);
    freeReplyObject(reply);
    return value;
}

static bool is_lost(const struct vd_ctl_mate *mate, struct vd_err *err)
{
    return mate->link == NULL &&
           !vd_err_set(err, "%s", mate->error != NULL ? mate->error : mate->name);
}

json_t *vd_ctl_ask(struct vd_ctl_mate *mate, struct vd_err *err, ...)
{
    const char *words[WORDS_MAX];
    size_t count = 0;
    va_list args;

    va_start(args, err);
    for (const char *word = va_arg(args, const char *); word != NULL;
         word = va_arg(args, const char *)) {
        VD_ASSERT(count < WORDS_MAX);
        words[count++] = word;
    }
    va_end(args);
    if (is_lost(mate, err))
        return NULL;
    return take_reply(mate, vd_ctl_link_ask(mate->link, count, words, err), err);
}

static size_t count_words(const struct vd_ctl_question *question)
{
    size_t count = 0;

    while (count < VD_CTL_WORDS_MAX && question->words[count] != NULL)
        count++;
    return count;
}

/* What is sent and not read yet must find room on the way, at whoever reads nothing meanwhile. */
static void ask_some(struct vd_ctl_mate *mate, struct vd_ctl_question *questions, size_t count)
{
    struct vd_err err = {""};

    for (size_t i = 0; i < count && mate->link != NULL; i++)
        if (!vd_ctl_link_send(mate->link, count_words(&questions[i]), questions[i].words, &err))
            vd_ctl_lose(mate, &err);
    for (size_t i = 0; i < count; i++) {
        err.text[0] = '\0';
        if (!is_lost(mate, &err))
            questions[i].reply = take_reply(mate, vd_ctl_link_reply(mate->link, &err), &err);
        if (questions[i].reply == NULL)
            questions[i].error = vd_strdup(err.text);
    }
}

void vd_ctl_ask_all(struct vd_ctl_mate *mate, struct vd_ctl_question *questions, size_t count)
{
    for (size_t i = 0; i < count; i += AT_ONCE)
        ask_some(mate, &questions[i], count - i < AT_ONCE ? count - i : AT_ONCE);
}

void vd_ctl_questions_free(struct vd_ctl_question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_decref(questions[i].reply);
        vd_free(questions[i].error);
    }
    vd_free(questions);
}

json_t *vd_ctl_page_of(const struct vd_ctl_mate *mate, const char *page, const json_t *text,
                       struct vd_err *err)
{
    json_t *parsed = json_loads(json_is_string(text) ? json_string_value(text) : "", 0, NULL);

    if (json_is_object(parsed))
        return parsed;
    (void)vd_err_set(err, "%s: what it shows as '%s' is no JSON", mate->name, page);
    json_decref(parsed);
    return NULL;
}

json_t *vd_ctl_ask_page(struct vd_ctl_mate *mate, const char *page, const char *name,
                        const char *value, struct vd_err *err)
{
    json_t *text = vd_ctl_ask(mate, err, "SENTINEL", "SHOW", page, name, value, (char *)NULL);
    json_t *parsed;

    if (text == NULL)
        return NULL;
    parsed = vd_ctl_page_of(mate, page, text, err);
    json_decref(text);
    return parsed;
}
