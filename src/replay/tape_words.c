/* SPDX-License-Identifier: BSD-3-Clause */
/* Words for what a recording holds; see tape_words.h. */
#include "replay/tape_words.h"

#include <string.h>

#include "proto/addr.h"
#include "proto/hello.h"

typedef unsigned long long ull;

void vd_tape_addr(const struct vd_addr *addr, struct vd_text *to)
{
    vd_addr_print(addr->ip[0] != '\0' ? addr->ip : addr->host, addr->port, to);
}

void vd_tape_hello_words(const struct vd_hello *hello, struct vd_text *to)
{
    vd_text_printf(to, "%s: %s is ", hello->id.hex, hello->group);
    vd_tape_addr(&hello->primary, to);
    vd_text_printf(to, ", configuration %llu", (ull)hello->config_epoch);
}

static void put_asked(const struct vd_addr *addr, uint64_t epoch, const char *candidate,
                      struct vd_text *to)
{
    if (candidate == NULL) {
        vd_text_puts(to, "is ");
        vd_tape_addr(addr, to);
        vd_text_puts(to, " down?");
    } else {
        vd_text_printf(to, "vote for %s in epoch %llu?", candidate, (ull)epoch);
    }
}

/* The wire's "*": no vote is wanted. */
static const char *wanted(const char *candidate)
{
    return candidate == NULL || strcmp(candidate, "*") == 0 ? NULL : candidate;
}

enum vd_talk vd_tape_request_words(const struct vd_effect *effect, struct vd_text *to)
{
    switch (effect->send.request) {
    case VD_RQ_PING:
        vd_text_puts(to, "PING");
        return VD_TALK_PING;
    case VD_RQ_INFO:
        vd_text_puts(to, "INFO");
        return VD_TALK_INFO;
    case VD_RQ_ROLE:
        vd_text_puts(to, "ROLE");
        return VD_TALK_INFO;
    case VD_RQ_HELLO:
        if (effect->send.hello != NULL)
            vd_tape_hello_words(effect->send.hello, to);
        return VD_TALK_HELLO;
    case VD_RQ_QUESTION:
        put_asked(&effect->send.addr, effect->send.epoch, wanted(effect->send.candidate), to);
        return VD_TALK_QUESTION;
    case VD_RQ_PROMOTE:
        vd_text_puts(to, "REPLICAOF NO ONE");
        return VD_TALK_ORDER;
    case VD_RQ_REPLICATE:
        vd_text_puts(to, "REPLICAOF ");
        vd_tape_addr(&effect->send.addr, to);
        return VD_TALK_ORDER;
    case VD_RQ_SCRIPT_KILL:
        vd_text_puts(to, "SCRIPT KILL");
        return VD_TALK_ORDER;
    case VD_RQ_MAINTAIN:
        vd_text_puts(to, effect->send.pause_ms != 0 ? "SENTINEL PAUSE" : "SENTINEL RESUME");
        return VD_TALK_ORDER;
    case VD_RQ_PAUSE:
        vd_text_puts(to, "CLIENT PAUSE");
        return VD_TALK_ORDER;
    case VD_RQ_UNPAUSE:
        vd_text_puts(to, "CLIENT UNPAUSE");
        return VD_TALK_ORDER;
    case VD_RQ_HANDOVER:
        vd_text_puts(to, "FAILOVER TO ");
        vd_tape_addr(&effect->send.addr, to);
        return VD_TALK_ORDER;
    case VD_RQ_ABORT:
        vd_text_puts(to, "FAILOVER ABORT");
        return VD_TALK_ORDER;
    }
    VD_ASSERT(false);
    return VD_TALK_LINK;
}

void vd_tape_question_words(const struct vd_event *event, struct vd_text *to)
{
    put_asked(&event->question.addr, event->question.epoch,
              event->question.wants_vote ? event->question.candidate.hex : NULL, to);
}

static void put_vote(bool down, const char *leader, uint64_t epoch, struct vd_text *to)
{
    vd_text_puts(to, down ? "it is down" : "it is up");
    if (leader[0] != '\0' && strcmp(leader, "*") != 0)
        vd_text_printf(to, "; my vote in epoch %llu is for %s", (ull)epoch, leader);
}

void vd_tape_reply_words(const struct vd_effect *effect, struct vd_text *to)
{
    if (effect->reply.kind == VD_REPLY_VOTE)
        put_vote(effect->reply.down, effect->reply.leader != NULL ? effect->reply.leader : "",
                 effect->reply.leader_epoch, to);
    else
        vd_text_puts(to, effect->reply.text != NULL ? effect->reply.text : "OK");
}

static void put_role(enum vd_role role, const struct vd_addr *primary, struct vd_text *to)
{
    if (role == VD_ROLE_REPLICA) {
        vd_text_puts(to, "replica of ");
        vd_tape_addr(primary, to);
    } else {
        vd_text_puts(to, role == VD_ROLE_PRIMARY ? "primary" : "an error");
    }
}

static void put_info(const struct vd_info *info, struct vd_text *to)
{
    bool is_replica;

    if (info == NULL) {
        vd_text_puts(to, "an error");
        return;
    }
    is_replica = info->role == VD_ROLE_REPLICA;
    put_role(info->role, &info->primary, to);
    vd_text_printf(to, " at %lld",
                   (long long)(is_replica ? info->replica_offset : info->primary_offset));
    vd_text_puts(to, info->loading ? ", loading" : "");
    vd_text_puts(to, is_replica && !info->link_up ? ", cut off" : "");
}

void vd_tape_answer_words(const struct vd_event *event, struct vd_text *to)
{
    switch ((int)event->type) {
    case VD_EV_PONG:
        vd_text_puts(to, event->pong.text != NULL ? event->pong.text : "no reply");
        return;
    case VD_EV_INFO:
        put_info(event->info.info, to);
        return;
    case VD_EV_ROLE:
        put_role(event->role.role, &event->role.primary, to);
        return;
    case VD_EV_ANSWER:
        if (event->answer.ok)
            put_vote(event->answer.down, event->answer.leader.hex, event->answer.leader_epoch, to);
        else
            vd_text_puts(to, "an error");
        return;
    default:
        vd_text_puts(to, event->ack.ok             ? "OK"
                         : event->ack.text != NULL ? event->ack.text
                                                   : "an error");
        return;
    }
}

const char *vd_tape_down_words(enum vd_down_reason reason)
{
    static const char *const words[] = {
        [VD_DOWN_CLOSED] = "closes the connection",
        [VD_DOWN_RESET] = "resets the connection",
        [VD_DOWN_REFUSED] = "connection refused",
        [VD_DOWN_TIMEOUT] = "is not reached",
        [VD_DOWN_AUTH] = "refuses the password",
        [VD_DOWN_TLS] = "TLS fails",
        [VD_DOWN_UNRESOLVED] = "its name has no address",
        [VD_DOWN_LIMIT] = "our own limit of connections",
    };

    return words[reason];
}

bool vd_tape_server_state(const struct vd_event *event, struct vd_text *to)
{
    if (event->type == VD_EV_INFO && event->info.info != NULL) {
        put_role(event->info.info->role, &event->info.info->primary, to);
        return event->info.info->role != VD_ROLE_UNKNOWN;
    }
    if (event->type == VD_EV_ROLE && event->role.role != VD_ROLE_UNKNOWN) {
        put_role(event->role.role, &event->role.primary, to);
        return true;
    }
    return false;
}

enum vd_band vd_tape_server_band(const struct vd_event *event)
{
    enum vd_role role = event->type == VD_EV_INFO ? event->info.info->role : event->role.role;

    if (event->type == VD_EV_INFO && event->info.info->loading)
        return VD_BAND_LOADING;
    return role == VD_ROLE_PRIMARY ? VD_BAND_PRIMARY : VD_BAND_REPLICA;
}

/* Keys ------------------------------------------------------------------------------- */

static void put_key(const struct vd_addr *addr, uint64_t epoch, const char *candidate,
                    struct vd_text *to)
{
    vd_text_printf(to, "%llu %s ", (ull)epoch, candidate != NULL ? candidate : "*");
    vd_tape_addr(addr, to);
}

bool vd_tape_send_key(const struct vd_effect *effect, struct vd_text *to)
{
    if (effect->send.request == VD_RQ_HELLO && effect->send.hello != NULL) {
        vd_hello_print(effect->send.hello, to);
        return true;
    }
    if (effect->send.request != VD_RQ_QUESTION)
        return false;
    put_key(&effect->send.addr, effect->send.epoch, wanted(effect->send.candidate), to);
    return true;
}

void vd_tape_question_key(const struct vd_event *event, struct vd_text *to)
{
    put_key(&event->question.addr, event->question.epoch,
            event->question.wants_vote ? event->question.candidate.hex : NULL, to);
}
