/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes by hiredis, which knows nothing of sentinels: the program asks them where the primary is,
 * writes there until that fails, and asks again, as Redis's guideline for clients says, ROLE
 * included.
 */
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <time.h>

static const struct timeval second = {1, 0};

/* Of the environment; "" for none. */
static const char *setting(const char *name)
{
    const char *value = getenv(name);

    return value == NULL ? "" : value;
}

/* A connection that has given its password; NULL where there is none to be had. */
static redisContext *connect_to(const char *host, int port, const char *password)
{
    redisContext *to = redisConnectWithTimeout(host, port, second);
    if (to == NULL)
        return NULL;
    bool good = to->err == 0 && redisSetTimeout(to, second) == REDIS_OK;
    if (good && *password != '\0') {
        redisReply *reply = redisCommand(to, "AUTH %s", password);
        good = reply != NULL && reply->type == REDIS_REPLY_STATUS;
        freeReplyObject(reply);
    }
    if (good)
        return to;
    redisFree(to);
    return NULL;
}

static bool is_primary(redisContext *to)
{
    redisReply *reply = redisCommand(to, "ROLE");
    bool good = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
                strcmp(reply->element[0]->str, "master") == 0;
    freeReplyObject(reply);
    return good;
}

/* The primary that this sentinel names, when it says so itself. */
static redisContext *follow_sentinel(const char *host, int port)
{
    redisContext *sentinel = connect_to(host, port, setting("SENTINEL_PASSWORD"));
    if (sentinel == NULL)
        return NULL;
    redisReply *reply =
        redisCommand(sentinel, "SENTINEL get-master-addr-by-name %s", setting("GROUP"));
    redisContext *primary = NULL;
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        primary =
            connect_to(reply->element[0]->str, atoi(reply->element[1]->str), setting("PASSWORD"));
    freeReplyObject(reply);
    redisFree(sentinel);
    if (primary != NULL && !is_primary(primary)) {
        redisFree(primary);
        primary = NULL;
    }
    return primary;
}

static redisContext *find_primary(void)
{
    char *list = strdup(setting("SENTINELS"));
    redisContext *primary = NULL;
    char *rest = list;
    for (char *one; primary == NULL && (one = strtok_r(rest, ",", &rest)) != NULL;) {
        char *colon = strrchr(one, ':');
        *colon = '\0';
        primary = follow_sentinel(one, atoi(colon + 1));
    }
    free(list);
    return primary;
}

int main(void)
{
    redisContext *primary = NULL;
    const struct timespec pause = {0, 5000000};
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("version %d.%d.%d\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    for (long n = 0;; n++) {
        if (primary == NULL)
            primary = find_primary();
        redisReply *reply =
            primary == NULL ? NULL : redisCommand(primary, "SET client:%ld %ld", n, n);
        if (reply != NULL && reply->type == REDIS_REPLY_STATUS) {
            printf("ok %ld\n", n);
        } else {
            printf("err %s\n", reply != NULL     ? reply->str
                               : primary != NULL ? primary->errstr
                                                 : "no primary");
            if (primary != NULL)
                redisFree(primary);
            primary = NULL;
        }
        freeReplyObject(reply);
        nanosleep(&pause, NULL);
    }
}
