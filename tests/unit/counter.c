/* SPDX-License-Identifier: BSD-3-Clause */
/* Counter: a client at the desk, see counter.h. */
#include "counter.h"

#include <check.h>
#include <string.h>

struct vd_text counter_file;

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

/* One ACL file: what was written to it last, "/acl"; any other is missing. */
static bool read_file(const char *path, struct vd_text *to, struct vd_err *err)
{
    if (strcmp(path, "/acl") != 0)
        return vd_err_set(err, "No such file or directory");
    vd_text_puts(to, vd_text_cstr(&counter_file));
    return true;
}

static bool write_file(const char *path, const struct vd_text *text, struct vd_err *err)
{
    if (strcmp(path, "/acl") != 0)
        return vd_err_set(err, "Permission denied");
    vd_text_clear(&counter_file);
    vd_text_puts(&counter_file, vd_text_cstr(text));
    return true;
}

static void no_luck(void *bytes, size_t len)
{
    memset(bytes, 0xa5, len);
}

static int64_t wall_ms(void)
{
    return 1000000;
}

/* Clients 7 and 8. */
static bool is_connected(void *self, vd_client client)
{
    (void)self;
    return client.n == 7 || client.n == 8;
}

/* There is one page, "groups": how it was asked. */
static bool show(void *self, const char *page, const struct vd_word *query, size_t count,
                 struct vd_text *to)
{
    (void)self;
    if (strcmp(page, "groups") != 0) {
        vd_text_printf(to, "there is no page '%s'", page);
        return false;
    }
    vd_text_printf(to, "%s?", page);
    for (size_t i = 0; i + 1 < count; i += 2)
        vd_text_printf(to, "%s=%s", query[i].bytes, query[i + 1].bytes);
    vd_text_printf(to, "<%zu>", count / 2);
    return true;
}

void counter_init(struct counter *counter, bool settled)
{
    memset(counter, 0, sizeof(*counter));
    puppet_init(&counter->puppet, 2, 2, 2);
    if (settled)
        puppet_settle(&counter->puppet);
    counter->facts = (struct vd_server_facts){
        .version = "9.9.9",
        .redis_version = VD_REDIS_VERSION,
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
    counter->acl = vd_acl_new(false);
    counter->desk = (struct vd_desk){
        .core = counter->puppet.core,
        .server = &counter->server,
        .log_level = notice_level,
        .is_executable = is_there,
        .facts = copy_facts,
        .pid_of = job_pid,
        .acl = counter->acl,
        .read_file = read_file,
        .write_file = write_file,
        .random = no_luck,
        .wall_ms = wall_ms,
        .is_connected = is_connected,
        .show = show,
        .self = counter,
    };
    vd_session_init(&counter->session, (vd_client){7}, counter->acl);
}

void counter_free(struct counter *counter)
{
    vd_session_free(&counter->session);
    vd_acl_free(counter->acl);
    vd_text_free(&counter_file);
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
