/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SENTINEL's questions: answered from the views, but for the one that may ask
 * for a vote, which is an event. Its orders are in run_order.c.
 */
#include <string.h>

#include "proto/addr.h"
#include "proto/call.h"
#include "proto/option.h"
#include "proto/render.h"

static bool find_group(struct vd_call *call, struct vd_view_group *group)
{
    const struct vd_word *name = &call->words[2];

    /* A name with a NUL in it is nobody's. */
    if (strlen(name->bytes) == name->len &&
        vd_view_group(call->desk->core, call->now, name->bytes, group))
        return true;
    vd_resp_error(&call->resp, "ERR No such master with that name");
    return false;
}

void vd_run_sentinel_address(struct vd_call *call)
{
    vd_render_address(call->desk->core, &call->words[2], &call->resp);
}

void vd_run_sentinel_groups(struct vd_call *call)
{
    vd_render_groups(call->desk->core, call->now, &call->resp);
}

void vd_run_sentinel_group(struct vd_call *call)
{
    struct vd_view_group group;

    if (find_group(call, &group))
        vd_render_group(call->desk->core, &group, &call->resp);
}

void vd_run_sentinel_replicas(struct vd_call *call)
{
    struct vd_view_group group;

    if (find_group(call, &group))
        vd_render_replicas(call->desk->core, call->now, group.name, &call->resp);
}

void vd_run_sentinel_peers(struct vd_call *call)
{
    struct vd_view_group group;

    if (find_group(call, &group))
        vd_render_peers(call->desk->core, call->now, group.name, &call->resp);
}

void vd_run_sentinel_ckquorum(struct vd_call *call)
{
    struct vd_view_group group;

    if (find_group(call, &group))
        vd_render_quorum(&group, &call->resp);
}

void vd_run_sentinel_info_cache(struct vd_call *call)
{
    vd_render_info_cache(call->desk->core, call->now, call->words + 2, call->count - 2,
                         &call->resp);
}

void vd_run_sentinel_scripts(struct vd_call *call)
{
    vd_render_scripts(call->desk->core, call->now, call->desk->pid_of, call->desk->self,
                      &call->resp);
}

void vd_run_sentinel_myid(struct vd_call *call)
{
    struct vd_view_core view;

    vd_view_core(call->desk->core, &view);
    vd_resp_bulk_cstr(&call->resp, view.self.hex);
}

/* IS-MASTER-DOWN-BY-ADDR ----------------------------------------------------- */

static void answer_unknown(struct vd_call *call)
{
    vd_resp_array(&call->resp, 3);
    vd_resp_int(&call->resp, 0);
    vd_resp_bulk_cstr(&call->resp, "*");
    vd_resp_int(&call->resp, 0);
}

void vd_run_sentinel_question(struct vd_call *call)
{
    const struct vd_word *words = call->words;
    const struct vd_word *candidate = &words[5];
    struct vd_event *event = &call->out->event;
    int64_t port;
    int64_t epoch;

    *event = (struct vd_event){.type = VD_EV_QUESTION};
    if (!vd_parse_int64(words[3].bytes, words[3].len, &port) ||
        !vd_parse_int64(words[4].bytes, words[4].len, &epoch) || epoch < 0) {
        /* differs: a negative epoch is no number here; Sentinel takes it as a huge one. */
        vd_resp_error(&call->resp, "ERR value is not an integer or out of range");
        return;
    }
    /* differs: Sentinel takes any text; ours would go into notices and the saved state. */
    if (candidate->len > VD_ID_LEN || !vd_call_is_label(candidate)) {
        vd_resp_error(&call->resp, "ERR runid is not an id");
        return;
    }
    if (port < 0 || port > UINT16_MAX ||
        !vd_addr_set(&event->question.addr, words[2].bytes, words[2].len, (uint16_t)port)) {
        answer_unknown(call);
        return;
    }
    event->question.client = call->session->id;
    event->question.epoch = (uint64_t)epoch;
    event->question.wants_vote =
        candidate->len > 0 && !(candidate->len == 1 && candidate->bytes[0] == '*');
    if (event->question.wants_vote)
        memcpy(event->question.candidate.hex, candidate->bytes, candidate->len);
    vd_session_asker(call->session, event->question.asker);
    call->out->type = VD_OUT_EVENT;
}
