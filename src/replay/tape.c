/* SPDX-License-Identifier: BSD-3-Clause */
/* Tape: events and effects of turns as items; see tape.h. Words are in tape_words.c. */
#include "replay/tape.h"

#include <string.h>

#include "proto/addr.h"
#include "proto/hello.h"
#include "proto/trace.h"
#include "replay/tape_list.h"
#include "replay/tape_words.h"

/* Effects --------------------------------------------------------------------------- */

static void take_connect(struct vd_tape *tape, vd_ms now, const struct vd_effect *effect)
{
    int place =
        vd_tape_find_place(tape, &effect->connect.addr, effect->connect.kind == VD_LINK_PEER);
    struct vd_tape_item *item = vd_tape_add_item(tape, VD_TAPE_SAID, now);

    item->place = place;
    item->talk = VD_TALK_LINK;
    item->label = effect->connect.kind == VD_LINK_SUBSCRIBE ? "connect, to subscribe" : "connect";
    tape->links = vd_tape_grow(tape->links, tape->link_count, sizeof(*tape->links));
    tape->links[tape->link_count++] = (struct vd_tape_link){
        .number = effect->connect.link.n,
        .kind = effect->connect.kind,
        .place = place,
        .opening = tape->item_count - 1,
    };
}

static void take_close(struct vd_tape *tape, vd_ms now, const struct vd_effect *effect)
{
    struct vd_tape_link *link = vd_tape_find_link(tape, effect->close.link);
    struct vd_tape_item *item;

    if (link == NULL)
        return;
    item = vd_tape_add_item(tape, VD_TAPE_SAID, now);
    item->place = link->place;
    item->talk = VD_TALK_LINK;
    item->label = "closes the connection";
    vd_tape_close_link(tape, link);
}

static void take_send(struct vd_tape *tape, vd_ms now, const struct vd_effect *effect)
{
    struct vd_tape_link *link = vd_tape_find_link(tape, effect->send.link);
    struct vd_text label = {0};
    struct vd_tape_item *item;

    if (link == NULL)
        return;
    item = vd_tape_add_item(tape, VD_TAPE_SAID, now);
    item->place = link->place;
    item->talk = vd_tape_request_words(effect, &label);
    item->label = vd_tape_keep(tape, &label);
    vd_text_clear(&label);
    if (vd_tape_send_key(effect, &label))
        item->key = vd_tape_keep(tape, &label);
    if (effect->send.request == VD_RQ_HELLO && effect->send.hello != NULL) {
        item->group = vd_arena_strdup(&tape->arena, effect->send.hello->group);
        vd_text_clear(&label);
        vd_hello_print(effect->send.hello, &label);
        item->detail = vd_tape_keep(tape, &label);
        vd_text_clear(&label);
        vd_tape_addr(&effect->send.hello->peer, &label);
        if (tape->name == NULL || strcmp(tape->name, vd_text_cstr(&label)) != 0)
            tape->name = vd_tape_keep(tape, &label);
    }
    vd_text_free(&label);
    link->waiting = vd_tape_grow(link->waiting, link->waiting_count, sizeof(*link->waiting));
    link->waiting[link->waiting_count++] =
        (struct waiting){effect->send.ticket.n, tape->item_count - 1};
}

static void take_reply(struct vd_tape *tape, vd_ms now, const struct vd_effect *effect)
{
    struct vd_text label = {0};

    for (size_t i = tape->item_count; i-- > 0;) {
        struct vd_tape_item *asked = &tape->items[i];

        if (asked->kind != VD_TAPE_ASKED || asked->client.n != effect->reply.client.n ||
            asked->until != VD_STORY_NEVER)
            continue;
        vd_tape_reply_words(effect, &label);
        asked->reply = vd_tape_keep(tape, &label);
        asked->until = vd_tape_next_instant(tape, now);
        break;
    }
    vd_text_free(&label);
}

static void take_notice(struct vd_tape *tape, vd_ms now, const struct vd_effect *effect)
{
    struct vd_tape_item *item;

    if (effect->notice.level == VD_NOTICE_DEBUG)
        return;
    item = vd_tape_add_item(tape, VD_TAPE_NOTICE, now);
    item->label = vd_arena_strdup(&tape->arena, effect->notice.event);
    item->detail =
        effect->notice.payload != NULL ? vd_arena_strdup(&tape->arena, effect->notice.payload) : "";
}

static int64_t instant(vd_ms at)
{
    return at == VD_NEVER ? VD_STORY_NEVER : at * 1000;
}

static void take_record(struct vd_tape *tape, vd_ms now, const struct vd_failover_record *record)
{
    const vd_ms at[] = {record->silent_at,   record->sdown_at,   record->odown_at,
                        record->started_at,  record->elected_at, record->selected_at,
                        record->promoted_at, record->ended_at};
    struct vd_story_failover *failover = vd_arena_alloc(&tape->arena, sizeof(*failover));
    struct vd_text name = {0};
    struct vd_tape_item *item = vd_tape_add_item(tape, VD_TAPE_FAILOVER, now);

    item->group = vd_arena_strdup(&tape->arena, record->group);
    failover->epoch = record->epoch;
    failover->loss_bytes = record->loss_bytes;
    failover->reason = vd_arena_strdup(&tape->arena, record->reason);
    failover->result = vd_arena_strdup(&tape->arena, record->result);
    vd_tape_addr(&record->from, &name);
    failover->from = vd_tape_keep(tape, &name);
    vd_text_clear(&name);
    if (record->to.port != 0)
        vd_tape_addr(&record->to, &name);
    failover->to = vd_tape_keep(tape, &name);
    vd_text_free(&name);
    for (int p = 0; p <= VD_PHASE_COUNT; p++)
        failover->at[p] = instant(at[p]);
    item->failover = failover;
}

static void take_effect(struct vd_tape *tape, vd_ms now, const struct vd_effect *effect)
{
    switch (effect->type) {
    case VD_EF_CONNECT:
        take_connect(tape, now, effect);
        break;
    case VD_EF_CLOSE:
        take_close(tape, now, effect);
        break;
    case VD_EF_SEND:
        take_send(tape, now, effect);
        break;
    case VD_EF_REPLY:
        take_reply(tape, now, effect);
        break;
    case VD_EF_NOTICE:
        take_notice(tape, now, effect);
        break;
    case VD_EF_RECORD:
        take_record(tape, now, effect->record);
        break;
    case VD_EF_RESOLVE:
    case VD_EF_SPAWN:
    case VD_EF_KILL:
    case VD_EF_CRASH:
        break;
    }
}

/* Events ---------------------------------------------------------------------------- */

/* What came back for a request, whose place comes back; 0: nothing is known of it. */
static size_t add_answer(struct vd_tape *tape, vd_link handle, vd_ticket ticket, vd_ms at)
{
    struct vd_tape_link *link = vd_tape_find_link(tape, handle);
    size_t said = link != NULL ? vd_tape_take_waiting(link, ticket) : 0;
    struct vd_tape_item *item;

    if (said == 0)
        return 0;
    item = vd_tape_add_item(tape, VD_TAPE_ANSWER, at);
    item->place = tape->items[said].place;
    item->talk = tape->items[said].talk;
    tape->items[said].answer = tape->item_count - 1;
    return said;
}

static void add_state(struct vd_tape *tape, vd_ms at, int place, enum vd_band band,
                      const char *label)
{
    struct vd_tape_item *item = vd_tape_add_item(tape, VD_TAPE_STATE, at);

    item->place = place;
    item->band = band;
    item->label = label;
}

static void take_answer(struct vd_tape *tape, vd_link link, vd_ticket ticket,
                        const struct vd_event *event)
{
    size_t said = add_answer(tape, link, ticket, event->at);
    size_t answer = tape->item_count - 1;
    struct vd_text label = {0};

    if (said == 0)
        return;
    if (event->type == VD_EV_PONG && event->pong.kind == VD_PONG_OK) {
        tape->items[said].kind = VD_TAPE_LEFT_OUT;
        tape->items[answer].kind = VD_TAPE_LEFT_OUT;
        return;
    }
    vd_tape_answer_words(event, &label);
    tape->items[answer].label = vd_tape_keep(tape, &label);
    vd_text_clear(&label);
    if (vd_tape_server_state(event, &label))
        add_state(tape, event->at, tape->items[said].place, vd_tape_server_band(event),
                  vd_tape_keep(tape, &label));
    vd_text_free(&label);
}

static void take_up(struct vd_tape *tape, const struct vd_event *event)
{
    struct vd_tape_link *link = vd_tape_find_link(tape, event->up.link);
    struct vd_tape_item *item;

    if (link == NULL)
        return;
    link->up = true;
    item = vd_tape_add_item(tape, VD_TAPE_ANSWER, event->at);
    item->place = link->place;
    item->talk = VD_TALK_LINK;
    item->label = "connected";
    tape->items[link->opening].answer = tape->item_count - 1;
}

static void take_down(struct vd_tape *tape, const struct vd_event *event)
{
    struct vd_tape_link *link = vd_tape_find_link(tape, event->down.link);
    enum vd_tape_kind kind = VD_TAPE_HEARD;
    struct vd_tape_item *item;

    if (link == NULL)
        return;
    if (!link->up) /* or else the connect is shown as lost */
        kind = event->down.reason == VD_DOWN_REFUSED ? VD_TAPE_ANSWER : VD_TAPE_LEFT_OUT;
    item = vd_tape_add_item(tape, kind, event->at);
    item->place = link->place;
    item->talk = VD_TALK_LINK;
    item->label = vd_tape_down_words(event->down.reason);
    item->detail = event->down.text != NULL ? vd_arena_strdup(&tape->arena, event->down.text) : "";
    if (kind == VD_TAPE_ANSWER)
        tape->items[link->opening].answer = tape->item_count - 1;
    if (link->kind == VD_LINK_COMMAND)
        add_state(tape, event->at, link->place, VD_BAND_DEAD, "not reached");
    vd_tape_close_link(tape, link);
}

static void take_hello(struct vd_tape *tape, const struct vd_event *event)
{
    const struct vd_hello *hello = event->hello.hello;
    struct vd_tape_link *link = vd_tape_find_link(tape, event->hello.link);
    struct vd_text text = {0};
    struct vd_tape_item *item;

    if (strcmp(hello->id.hex, tape->id) == 0 || (event->hello.link.n != 0 && link == NULL))
        return;
    item = vd_tape_add_item(tape, link != NULL ? VD_TAPE_HEARD : VD_TAPE_ASKED, event->at);
    item->place = link != NULL ? link->place : VD_TAPE_NOWHERE;
    item->talk = VD_TALK_HELLO;
    item->group = vd_arena_strdup(&tape->arena, hello->group);
    item->who = vd_arena_printf(&tape->arena, "%.8s", hello->id.hex);
    vd_hello_print(hello, &text);
    item->detail = vd_tape_keep(tape, &text);
    if (link == NULL)
        item->key = item->detail;
    vd_text_clear(&text);
    vd_tape_hello_words(hello, &text);
    item->label = vd_tape_keep(tape, &text);
    vd_text_free(&text);
}

static void take_question(struct vd_tape *tape, const struct vd_event *event)
{
    struct vd_tape_item *item = vd_tape_add_item(tape, VD_TAPE_ASKED, event->at);
    struct vd_text text = {0};

    item->talk = VD_TALK_QUESTION;
    item->who = vd_arena_strdup(&tape->arena, event->question.asker);
    item->client = event->question.client;
    vd_tape_question_words(event, &text);
    item->label = vd_tape_keep(tape, &text);
    vd_text_clear(&text);
    vd_tape_question_key(event, &text);
    item->key = vd_tape_keep(tape, &text);
    vd_text_free(&text);
}

static void take_order(struct vd_tape *tape, const struct vd_event *event)
{
    struct vd_tape_item *item = vd_tape_add_item(tape, VD_TAPE_MARK, event->at);
    struct vd_text text = {0};

    item->mark = VD_MARK_FAULT;
    vd_trace_event(event, &text);
    item->label = vd_tape_keep(tape, &text);
    vd_text_free(&text);
}

static void take_event(struct vd_tape *tape, const struct vd_event *event)
{
    switch (event->type) {
    case VD_EV_START:
        vd_tape_add_item(tape, VD_TAPE_MARK, event->at)->mark = VD_MARK_LIFE;
        tape->items[tape->item_count - 1].label = "starts";
        break;
    case VD_EV_LINK_UP:
        take_up(tape, event);
        break;
    case VD_EV_LINK_DOWN:
        take_down(tape, event);
        break;
    case VD_EV_PONG:
        take_answer(tape, event->pong.link, event->pong.ticket, event);
        break;
    case VD_EV_INFO:
        take_answer(tape, event->info.link, event->info.ticket, event);
        break;
    case VD_EV_ROLE:
        take_answer(tape, event->role.link, event->role.ticket, event);
        break;
    case VD_EV_ANSWER:
        take_answer(tape, event->answer.link, event->answer.ticket, event);
        break;
    case VD_EV_ACK:
        take_answer(tape, event->ack.link, event->ack.ticket, event);
        break;
    case VD_EV_HELLO:
        take_hello(tape, event);
        break;
    case VD_EV_QUESTION:
        take_question(tape, event);
        break;
    case VD_EV_ORDER:
        take_order(tape, event);
        break;
    case VD_EV_DUE:
    case VD_EV_SCRIPT_EXIT:
    case VD_EV_RESOLVED:
        break;
    }
}

/* Turns ------------------------------------------------------------------------------ */

static void on_origin(void *self, const struct vd_origin *origin, const struct vd_image *image)
{
    struct vd_tape *tape = self;

    tape->version = vd_arena_strdup(&tape->arena, origin->version);
    tape->wall_ms = origin->wall_ms;
    tape->began_at = origin->at;
    tape->ended_at = origin->at;
    (void)memcpy(tape->id, image->self.hex, sizeof(tape->id));
}

static void on_turn(void *self, uint64_t number, const struct vd_turn_input *input,
                    const struct vd_turn_output *output)
{
    struct vd_tape *tape = self;

    (void)number;
    for (size_t i = 0; i < input->count; i++)
        take_event(tape, &input->events[i]);
    if (output->image != NULL) {
        struct vd_tape_item *item = vd_tape_add_item(tape, VD_TAPE_MARK, input->now);

        item->mark = VD_MARK_SAVE;
        item->label = output->saved ? vd_arena_printf(&tape->arena, "saved, epoch %llu",
                                                      (unsigned long long)output->image->epoch)
                                    : "cannot save";
    }
    for (size_t i = 0; i < output->count; i++) {
        const struct vd_effect *effect = &output->effects[i];

        if (!effect->promise || output->image == NULL || output->saved)
            take_effect(tape, input->now, effect);
    }
    tape->ended_at = input->now;
}

struct vd_replay_watch vd_tape_watch(struct vd_tape *tape)
{
    return (struct vd_replay_watch){on_origin, on_turn, tape};
}
