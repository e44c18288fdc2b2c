/* SPDX-License-Identifier: BSD-3-Clause */
/* Phases: see phases.h. */
#include "shell/phases.h"

/* A phase lasts from the last instant that was reached until its own. */
static int64_t since(vd_ms at, vd_ms *last)
{
    int64_t lasted;

    if (at == VD_NEVER)
        return -1;
    lasted = *last == VD_NEVER || at < *last ? 0 : at - *last;
    if (*last == VD_NEVER || at > *last)
        *last = at;
    return lasted;
}

void vd_phases_of(const struct vd_failover_record *record, struct vd_phases *out)
{
    vd_ms last = record->silent_at;

    if (last == VD_NEVER)
        last = record->sdown_at;
    if (last == VD_NEVER || (record->started_at != VD_NEVER && record->started_at < last))
        last = record->started_at; /* ordered: there was nothing to be seen */
    out->begun_at = last;
    out->silence_ms = since(record->sdown_at, &last);
    out->agreement_ms = since(record->odown_at, &last);
    out->election_ms = since(record->elected_at, &last);
    out->selection_ms = since(record->selected_at, &last);
    out->promotion_ms = since(record->promoted_at, &last);
    out->total_ms = -1;
    if (record->promoted_at != VD_NEVER && out->begun_at != VD_NEVER)
        out->total_ms = record->promoted_at - out->begun_at;
    out->replicas_ms = record->promoted_at == VD_NEVER ? -1 : since(record->ended_at, &last);
}

static void print_one(struct vd_text *to, const char *name, int64_t ms)
{
    if (ms < 0)
        return;
    vd_text_printf(to, "%s%s %lld ms", to->len == 0 ? "" : ", ", name, (long long)ms);
}

void vd_phases_print(const struct vd_phases *phases, struct vd_text *to)
{
    struct vd_text text = {0};

    print_one(&text, "silence", phases->silence_ms);
    print_one(&text, "agreement", phases->agreement_ms);
    print_one(&text, "election", phases->election_ms);
    print_one(&text, "selection", phases->selection_ms);
    print_one(&text, "promotion", phases->promotion_ms);
    print_one(&text, "total", phases->total_ms);
    print_one(&text, "replicas", phases->replicas_ms);
    vd_text_puts(to, text.len == 0 ? "nothing was reached" : vd_text_cstr(&text));
    vd_text_free(&text);
}
