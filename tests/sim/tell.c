/* SPDX-License-Identifier: BSD-3-Clause */
/* Tell: the world's happenings into a story; see tell.h. Words are in tell_words.c. */
#include "tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "core/view.h"
#include "node.h"
#include "original.h"
#include "proto/hello.h"

static int group_of(const struct sim_host *host)
{
    unsigned group = host != NULL ? host->group : SIM_GROUPS_MAX;

    return group < SIM_GROUPS_MAX ? (int)group : VD_STORY_NOBODY;
}

static enum vd_lane_kind kind_of(const struct sim *sim, const struct sim_host *host)
{
    if (sim_node_of(sim, host) != NULL)
        return VD_LANE_SERVER;
    return host->name[0] == 'c' ? VD_LANE_CLIENT : VD_LANE_SENTINEL;
}

void sim_tell_begin(struct sim *sim)
{
    if (sim->story == NULL)
        return;
    for (unsigned g = 0; g < sim->setup.groups; g++)
        VD_ASSERT(vd_story_group(sim->story, sim_group_name(g)) == (int)g);
    for (unsigned i = 0; i < sim->net->host_count; i++) {
        const struct sim_host *host = sim->net->hosts[i];
        struct vd_text detail = {0};

        vd_text_printf(&detail, "%s:%u", host->addr.ip, host->addr.port);
        if (sim_sentinel_of(sim, host) != NULL)
            vd_text_printf(&detail, ", id %s", sim_sentinel_of(sim, host)->id.hex);
        (void)vd_story_add_lane(sim->story, &(struct vd_story_lane){.kind = kind_of(sim, host),
                                                                    .name = host->name,
                                                                    .detail = vd_text_cstr(&detail),
                                                                    .group = group_of(host)});
        vd_text_free(&detail);
    }
}

/* Whom this sentinel names; NULL: it is not there, or nobody. */
static const struct sim_host *named_by(const struct sim *sim, unsigned i, unsigned group,
                                       const struct sim_host **by)
{
    unsigned vedettes = sim->setup.sentinels;

    *by = NULL;
    if (i < vedettes && sim->sentinels[i]->running) {
        *by = sim->sentinels[i]->host;
        return sim_sentinel_names(sim->sentinels[i], group);
    }
    if (i >= vedettes && sim->originals[i - vedettes]->running) {
        *by = sim->originals[i - vedettes]->host;
        return sim_original_names(sim->originals[i - vedettes], group);
    }
    return NULL;
}

/* "m1 is r2 for s1 s2, r1 for s3" */
static void put_named(const struct sim *sim, unsigned group, struct vd_text *to)
{
    unsigned count = sim->setup.sentinels + sim->setup.originals;
    bool told[SIM_SENTINELS_MAX + SIM_ORIGINALS_MAX] = {false};
    const char *between = " is ";

    vd_text_puts(to, sim_group_name(group));
    for (unsigned i = 0; i < count; i++) {
        const struct sim_host *by;
        const struct sim_host *named = named_by(sim, i, group, &by);

        if (told[i] || by == NULL)
            continue;
        vd_text_printf(to, "%s%s for", between, named != NULL ? named->name : "nobody");
        between = ", ";
        for (unsigned k = i; k < count; k++) {
            if (named_by(sim, k, group, &by) != named || by == NULL)
                continue;
            told[k] = true;
            vd_text_printf(to, " %s", by->name);
        }
    }
}

static void put_servers(const struct sim *sim, unsigned group, struct vd_text *to)
{
    const char *between = "; ";

    for (unsigned i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = sim->nodes[i];

        if (node->group != group)
            continue;
        vd_text_printf(to, "%s%s ", between, node->host->name);
        between = ", ";
        if (!node->running)
            vd_text_puts(to, "is dead");
        else if (node->primary == NULL)
            vd_text_puts(to, "is primary");
        else
            vd_text_printf(to, "follows %s%s", node->primary->name,
                           node->upstream == SIM_UP_STREAMING ? "" : ", not in step");
    }
}

void sim_tell_end(struct sim *sim)
{
    if (sim->story == NULL)
        return;
    for (unsigned g = 0; g < sim->setup.groups; g++) {
        struct vd_text text = {0};

        put_named(sim, g, &text);
        put_servers(sim, g, &text);
        sim_tell(sim, NULL, VD_MARK_END, "%s", vd_text_cstr(&text));
        vd_text_free(&text);
    }
    for (unsigned i = 0; i < sim->net->host_count; i++)
        vd_story_end_lane(sim->story, (int)i, sim->now);
}

/* Messages --------------------------------------------------------------------------- */

static enum vd_talk talk_of(const struct sim_msg *msg)
{
    switch ((int)(msg->word == SIM_DONE ? msg->asked : msg->word)) {
    case SIM_QUESTION:
    case SIM_ANSWER:
        return VD_TALK_QUESTION;
    case SIM_PROMOTE:
    case SIM_REPLICATE:
    case SIM_SCRIPT_KILL:
        return VD_TALK_ORDER;
    case SIM_PUBLISH:
    case SIM_MESSAGE:
        return VD_TALK_HELLO;
    case SIM_INFO:
    case SIM_INFO_TEXT:
    case SIM_ROLE:
    case SIM_ROLE_IS:
        return VD_TALK_INFO;
    case SIM_PING:
    case SIM_PONG:
        return VD_TALK_PING;
    case SIM_GET_PRIMARY:
    case SIM_PRIMARY_IS:
    case SIM_WRITE:
        return VD_TALK_CLIENT;
    case SIM_PSYNC:
    case SIM_CONTINUE:
    case SIM_FULLRESYNC:
    case SIM_SYNC_REFUSED:
    case SIM_RDB:
    case SIM_STREAM:
    case SIM_ACK:
        return VD_TALK_STREAM;
    default:
        return VD_TALK_LINK;
    }
}

/* What flows all the time, and says nothing of what is decided. */
static bool is_background(const struct sim_msg *msg)
{
    return msg->word == SIM_STREAM || msg->word == SIM_ACK ||
           (msg->word == SIM_DONE && msg->asked == SIM_PUBLISH);
}

static int group_of_hello(const struct sim *sim, const struct sim_msg *msg)
{
    struct vd_hello hello;
    struct vd_err err;

    if (msg->payload == NULL ||
        !vd_hello_parse(msg->payload->text, msg->payload->len, &hello, &err))
        return VD_STORY_NOBODY;
    return vd_story_group(sim->story, hello.group);
}

void sim_tell_sent(struct sim *sim, struct sim_msg *msg)
{
    const struct sim_host *from = msg->conn->host[msg->from];
    const struct sim_host *to = msg->conn->host[1 - msg->from];
    struct vd_text label = {0};
    struct vd_story_message told = {.sent_at = sim->now, .heard_at = VD_STORY_NEVER};

    if (sim->story == NULL || to == NULL || is_background(msg))
        return;
    sim_msg_words(sim, msg, &label);
    told.from = (int)from->index;
    told.to = (int)to->index;
    told.talk = talk_of(msg);
    told.group = told.talk == VD_TALK_HELLO ? group_of_hello(sim, msg) : group_of(msg->addr);
    if (told.group == VD_STORY_NOBODY)
        told.group = group_of(to);
    if (told.group == VD_STORY_NOBODY)
        told.group = group_of(from);
    told.label = vd_text_cstr(&label);
    if (msg->payload != NULL && told.talk == VD_TALK_HELLO)
        told.detail = msg->payload->text;
    msg->told = vd_story_tell(sim->story, &told) + 1;
    vd_text_free(&label);
}

void sim_tell_heard(struct sim *sim, const struct sim_msg *msg)
{
    if (sim->story != NULL && msg->told != 0)
        vd_story_arrived(sim->story, msg->told - 1, sim->now);
}

/* Sentinels ---------------------------------------------------------------------------- */

void sim_tell_notice(struct sim *sim, const struct sim_sentinel *s, const struct vd_effect *effect)
{
    struct vd_text payload = {0};

    if (sim->story == NULL || effect->notice.level == VD_NOTICE_DEBUG)
        return;
    sim_name_addresses(sim, effect->notice.payload, &payload);
    vd_story_notice(sim->story, (int)s->host->index, sim->now, effect->notice.event,
                    vd_text_cstr(&payload));
    vd_text_free(&payload);
}

static const char *name_of(const struct sim *sim, const struct vd_addr *addr)
{
    const struct sim_host *host = sim_host_find(sim->net, addr);

    if (addr->port == 0)
        return "";
    return host != NULL ? host->name : addr->host;
}

void sim_tell_failover(struct sim *sim, const struct sim_sentinel *s,
                       const struct vd_failover_record *record)
{
    const vd_ms at[] = {record->silent_at,   record->sdown_at,   record->odown_at,
                        record->started_at,  record->elected_at, record->selected_at,
                        record->promoted_at, record->ended_at};
    struct vd_story_failover told = {
        .lane = (int)s->host->index,
        .epoch = record->epoch,
        .loss_bytes = record->loss_bytes,
        .reason = record->reason,
        .result = record->result,
        .from = name_of(sim, &record->from),
        .to = name_of(sim, &record->to),
    };
    vd_ms now = sim_sentinel_clock(s);

    if (sim->story == NULL)
        return;
    told.group = vd_story_group(sim->story, record->group);
    for (int p = 0; p <= VD_PHASE_COUNT; p++)
        told.at[p] = at[p] == VD_NEVER ? VD_STORY_NEVER : sim->now - (now - at[p]) * SIM_MS;
    vd_story_failover(sim->story, &told);
}

/* States --------------------------------------------------------------------------------- */

static void enter(struct sim *sim, const struct sim_host *host, int group, enum vd_band kind,
                  const char *text)
{
    vd_story_enter(sim->story, (int)host->index, group, kind, sim->now, text);
}

static void tell_node(struct sim *sim, const struct sim_node *node)
{
    const struct sim_host *host = node->host;
    char text[32] = "primary";

    if (node->primary != NULL)
        (void)snprintf(text, sizeof(text), "replica of %s", node->primary->name);
    if (!node->running)
        enter(sim, host, (int)node->group, VD_BAND_DEAD, "dead");
    else if (host->paused != 0)
        enter(sim, host, (int)node->group, VD_BAND_PAUSED, "standing still");
    else if (node->loading)
        enter(sim, host, (int)node->group, VD_BAND_LOADING, "loading");
    else
        enter(sim, host, (int)node->group,
              node->primary != NULL ? VD_BAND_REPLICA : VD_BAND_PRIMARY, text);
}

static void tell_sentinel(struct sim *sim, const struct sim_sentinel *s)
{
    int lane = (int)s->host->index;

    if (!s->running) {
        for (unsigned g = 0; g < sim->setup.groups; g++) {
            vd_story_leave(sim->story, lane, (int)g, VD_BAND_SDOWN, sim->now);
            vd_story_leave(sim->story, lane, (int)g, VD_BAND_LEADER, sim->now);
        }
        enter(sim, s->host, VD_STORY_NOBODY, VD_BAND_DEAD, "dead");
    } else if (s->host->paused != 0) {
        enter(sim, s->host, VD_STORY_NOBODY, VD_BAND_PAUSED, "standing still");
    } else {
        vd_story_leave(sim->story, lane, VD_STORY_NOBODY, VD_BAND_DEAD, sim->now);
    }
}

void sim_tell_states(struct sim *sim)
{
    if (sim->story == NULL)
        return;
    for (unsigned i = 0; i < sim->node_count; i++)
        tell_node(sim, sim->nodes[i]);
    for (unsigned i = 0; i < sim->setup.sentinels; i++)
        tell_sentinel(sim, sim->sentinels[i]);
}

void sim_tell(struct sim *sim, const struct sim_host *host, enum vd_mark kind, const char *format,
              ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    SIM_SAY(sim,
            host != NULL              ? host->name
            : kind == VD_MARK_FAULT   ? "fault"
            : kind == VD_MARK_VERDICT ? "oracle"
                                      : "world",
            "%s", text);
    if (sim->story == NULL)
        return;
    vd_story_mark(sim->story,
                  &(struct vd_story_mark){.lane = host != NULL ? (int)host->index : VD_STORY_NOBODY,
                                          .at = sim->now,
                                          .kind = kind,
                                          .group = group_of(host),
                                          .text = text});
    if (kind == VD_MARK_LIFE || kind == VD_MARK_ROLE)
        sim_tell_states(sim);
}
