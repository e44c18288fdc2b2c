/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines and filters of connections, see client_info.h. */
#include "proto/client_info.h"

#include <string.h>

#include "proto/command.h"

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static bool is_subscriber(const struct vd_session *session)
{
    return session->channels + session->patterns > 0;
}

void vd_client_line(const struct vd_client_facts *facts, struct vd_text *to)
{
    const struct vd_session *session = facts->session;
    struct vd_text command = {0};

    if (session->last != NULL)
        vd_command_put_name(session->last_parent, session->last, &command);
    else
        vd_text_puts(&command, "NULL");
    vd_text_printf(to, "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld",
                   (unsigned long long)session->id.n, facts->addr, facts->laddr, facts->fd,
                   or_empty(session->name), (long long)facts->age_s, (long long)facts->idle_s);
    vd_text_printf(to, " flags=%c db=0 sub=%u psub=%u ssub=0 multi=-1 watch=0",
                   is_subscriber(session) ? 'P' : 'N', session->channels, session->patterns);
    vd_text_printf(to,
                   " qbuf=%zu qbuf-free=%zu argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=%zu oll=0 "
                   "omem=%zu tot-mem=%zu",
                   facts->input, facts->input_free, facts->output, facts->output,
                   facts->input + facts->input_free + facts->output);
    vd_text_printf(
        to, " events=%s cmd=%s user=default redir=-1 resp=%u lib-name=%s lib-ver=%s io-thread=0\n",
        facts->watches_write ? "rw" : "r", command.bytes, session->version,
        or_empty(session->lib_name), or_empty(session->lib_ver));
    vd_text_free(&command);
}

static bool is_among(const struct vd_word *ids, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t wanted;

        if (vd_parse_uint64(ids[i].bytes, ids[i].len, &wanted) && wanted == id)
            return true;
    }
    return false;
}

static bool is_text(const struct vd_word *word, const char *text)
{
    return word->len == strlen(text) && memcmp(word->bytes, text, word->len) == 0;
}

bool vd_client_filter_takes(const struct vd_client_filter *filter,
                            const struct vd_client_facts *facts, bool me)
{
    bool subscriber = is_subscriber(facts->session);

    if (me && filter->skip_me)
        return false;
    if (filter->ids != NULL && !is_among(filter->ids, filter->id_count, facts->session->id.n))
        return false;
    if (filter->addr != NULL && !is_text(filter->addr, facts->addr))
        return false;
    if (filter->laddr != NULL && !is_text(filter->laddr, facts->laddr))
        return false;
    if (filter->max_age_s >= 0 && facts->age_s < filter->max_age_s)
        return false;
    switch (filter->type) {
    case VD_CLIENT_ANY:
        return true;
    case VD_CLIENT_NORMAL:
        return !subscriber;
    case VD_CLIENT_PUBSUB:
        return subscriber;
    case VD_CLIENT_NONE:
        return false;
    }
    return false;
}
