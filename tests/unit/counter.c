/* SPDX-License-Identifier: BSD-3-Clause */
/* Counter: a client at the desk, see counter.h. */
#include "counter.h"

#include <check.h>
#include <string.h>

static enum vd_log_level notice_level(void)
{
    return VD_LOG_NOTICE;
}

/* One script is there, and no other. */
static bool is_there(const char *path)
{
    return strcmp(path, "/there") == 0;
}

static void copy_facts(void *self, struct vd_server_facts *out)
{
    struct counter *counter = self;

    *out = counter->facts;
}

static long job_pid(void *self, vd_job job)
{
    (void)self;
    return (long)job.n + 4000;
}

void counter_init(struct counter *counter, bool settled)
{
    memset(counter, 0, sizeof(*counter));
    puppet_init(&counter->puppet, 2, 2, 2);
    if (settled)
        puppet_settle(&counter->puppet);
    counter->facts = (struct vd_server_facts){
        .version = "9.9.9",
        .os = "Linux",
        .run_id = PUPPET_SELF,
        .executable = "/bin/vedette",
        .config_file = "/etc/v.cfg",
        .compiler = "c",
        .backend = "epoll",
        .pid = 77,
        .port = 26379,
        .commands = 41,
        .cpu_user_us = 1500007,
    };
    counter->desk = (struct vd_desk){
        .core = counter->puppet.core,
        .server = &counter->server,
        .log_level = notice_level,
        .is_executable = is_there,
        .facts = copy_facts,
        .pid_of = job_pid,
        .self = counter,
    };
    vd_session_init(&counter->session, (vd_client){7}, NULL);
}

void counter_free(struct counter *counter)
{
    vd_session_free(&counter->session);
    vd_text_free(&counter->reply);
    vd_arena_free(&counter->arena);
    puppet_free(&counter->puppet);
}

const char *counter_run(struct counter *counter, const char *line)
{
    struct vd_words words;

    vd_arena_reset(&counter->arena);
    vd_text_clear(&counter->reply);
    ck_assert(vd_words_split(line, strlen(line), &counter->arena, &words));
    vd_request_run(&counter->desk, &counter->session, words.list, words.count, counter->puppet.now,
                   &counter->arena, &counter->reply, &counter->out);
    return vd_text_cstr(&counter->reply);
}

const char *counter_say(struct counter *counter, const char *line)
{
    (void)counter_run(counter, line);
    for (size_t i = 0; i + 1 < counter->reply.len; i++) {
        if (counter->reply.bytes[i] == '\r' && counter->reply.bytes[i + 1] == '\n') {
            counter->reply.bytes[i] = ' ';
            memmove(counter->reply.bytes + i + 1, counter->reply.bytes + i + 2,
                    counter->reply.len - i - 1);
            counter->reply.len--;
        }
    }
    while (counter->reply.len > 0 && counter->reply.bytes[counter->reply.len - 1] == ' ')
        counter->reply.bytes[--counter->reply.len] = '\0';
    return vd_text_cstr(&counter->reply);
}
