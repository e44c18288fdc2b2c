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

/* The letters of its flags: P subscribed, t tracking, e not to be evicted; N none of them. */
static void put_flags(const struct vd_session *session, struct vd_text *to)
{
    size_t before = to->len;

    if (is_subscriber(session))
        vd_text_putc(to, 'P');
    if (session->tracking.on)
        vd_text_putc(to, 't');
    if (session->tracking.on && session->tracking.bcast)
        vd_text_putc(to, 'B');
    if (session->no_evict)
        vd_text_putc(to, 'e');
    if (to->len == before)
        vd_text_putc(to, 'N');
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
    vd_text_puts(to, " flags=");
    put_flags(session, to);
    vd_text_printf(to, " db=0 sub=%u psub=%u ssub=0 multi=-1 watch=0", session->channels,
                   session->patterns);
    vd_text_printf(to,
                   " qbuf=%zu qbuf-free=%zu argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=%zu oll=0 "
                   "omem=%zu tot-mem=%zu",
                   facts->input, facts->input_free, facts->output, facts->output,
                   facts->input + facts->input_free + facts->output);
    vd_text_printf(to, " events=%s cmd=%s user=%s redir=%lld", facts->watches_write ? "rw" : "r",
                   command.bytes, vd_acl_name(session->user),
                   session->tracking.on ? (long long)session->tracking.redirect : -1LL);
    vd_text_printf(to, " resp=%u lib-name=%s lib-ver=%s io-thread=0\n", session->version,
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

/* "1.2.3.4:5" is of 1.2.3.4, "[::1]:5" of ::1. */
static bool is_ip(const struct vd_word *ip, const char *addr)
{
    const char *colon = strrchr(addr, ':');
    const char *end = colon != NULL ? colon : addr + strlen(addr);

    if (addr[0] == '[' && end > addr + 1) {
        addr++;
        end--;
    }
    return ip->len == (size_t)(end - addr) && memcmp(ip->bytes, addr, ip->len) == 0;
}

static bool has_flags(const struct vd_word *wanted, const struct vd_session *session)
{
    struct vd_text flags = {0};
    bool all = true;

    put_flags(session, &flags);
    for (size_t i = 0; i < wanted->len; i++)
        all = all && memchr(flags.bytes, wanted->bytes[i], flags.len) != NULL;
    vd_text_free(&flags);
    return all;
}

static bool is_of_type(enum vd_client_type type, const struct vd_session *session)
{
    return type != VD_CLIENT_NONE && is_subscriber(session) == (type == VD_CLIENT_PUBSUB);
}

/* Of the traits that are asked: are all of them there (`all`), or any? */
static bool agrees(const struct vd_client_traits *traits, const struct vd_client_facts *facts,
                   bool all)
{
    const struct vd_session *session = facts->session;
    const struct {
        bool asked;
        bool is;
    } answers[] = {
        {traits->ids != NULL,
         traits->ids != NULL && is_among(traits->ids, traits->id_count, session->id.n)},
        {traits->addr != NULL, traits->addr != NULL && is_text(traits->addr, facts->addr)},
        {traits->laddr != NULL, traits->laddr != NULL && is_text(traits->laddr, facts->laddr)},
        {traits->ip != NULL, traits->ip != NULL && is_ip(traits->ip, facts->addr)},
        {traits->user != NULL,
         traits->user != NULL && is_text(traits->user, vd_acl_name(session->user))},
        {traits->name != NULL,
         traits->name != NULL && is_text(traits->name, or_empty(session->name))},
        {traits->lib_name != NULL,
         traits->lib_name != NULL && is_text(traits->lib_name, or_empty(session->lib_name))},
        {traits->lib_ver != NULL,
         traits->lib_ver != NULL && is_text(traits->lib_ver, or_empty(session->lib_ver))},
        {traits->flags != NULL, traits->flags != NULL && has_flags(traits->flags, session)},
        /* Valkey's capabilities: nobody can claim one here, as nobody can at its sentinel. */
        {traits->capa != NULL, traits->capa != NULL && traits->capa->len == 0},
        {traits->db != NULL, traits->db != NULL && is_text(traits->db, "0")},
        {traits->type != VD_CLIENT_ANY, is_of_type(traits->type, session)},
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (answers[i].asked && answers[i].is != all)
            return !all;
    }
    return all;
}

bool vd_client_filter_takes(const struct vd_client_filter *filter,
                            const struct vd_client_facts *facts, bool me)
{
    return !(me && filter->skip_me) && agrees(&filter->wanted, facts, true) &&
           !agrees(&filter->unwanted, facts, false) &&
           (filter->max_age_s < 0 || facts->age_s >= filter->max_age_s) &&
           (filter->idle_s < 0 || facts->idle_s >= filter->idle_s);
}
