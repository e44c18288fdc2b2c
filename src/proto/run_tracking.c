/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CLIENT TRACKING and what belongs to it. Redis's sentinel takes these
 * commands, though it has no keys of which it could tell anything; so what a
 * client asks for is checked, kept and shown, and nothing comes of it.
 */
#include <string.h>

#include "proto/call.h"

#define PREFIX_BYTES_MAX 8192 /* each is compared with each, and they are kept */

/* One option; moves behind it. */
static bool read_option(struct vd_call *call, size_t *at, struct vd_tracking *asked)
{
    const struct vd_word *word = &call->words[(*at)++];
    bool has_value = *at < call->count;
    int64_t id;

    if (vd_word_is(word, "redirect") && has_value) {
        word = &call->words[(*at)++];
        if (asked->redirect != 0) {
            vd_resp_error(&call->resp, "ERR A client can only redirect to a single other client");
            return false;
        }
        if (!vd_parse_int64(word->bytes, word->len, &id)) {
            vd_resp_error(&call->resp, "ERR value is not an integer or out of range");
            return false;
        }
        if (id < 1 || !call->desk->is_connected(call->desk->self, (vd_client){(uint64_t)id})) {
            vd_resp_error(&call->resp, "ERR The client ID you want redirect to does not exist");
            return false;
        }
        asked->redirect = (uint64_t)id;
    } else if (vd_word_is(word, "prefix") && has_value) {
        word = &call->words[(*at)++];
        asked->prefixes[asked->prefix_count++] = vd_memdup(word->bytes, word->len);
    } else if (vd_word_is(word, "bcast")) {
        asked->bcast = true;
    } else if (vd_word_is(word, "optin")) {
        asked->optin = true;
    } else if (vd_word_is(word, "optout")) {
        asked->optout = true;
    } else if (vd_word_is(word, "noloop")) {
        asked->noloop = true;
    } else {
        vd_resp_error(&call->resp, "ERR syntax error");
        return false;
    }
    return true;
}

static bool overlap(const char *a, const char *b)
{
    size_t len = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

    return memcmp(a, b, len) == 0;
}

static size_t prefix_bytes(const struct vd_tracking *tracking)
{
    size_t bytes = 0;

    for (size_t i = 0; i < tracking->prefix_count; i++)
        bytes += strlen(tracking->prefixes[i]) + 1;
    return bytes;
}

static bool check_prefixes(struct vd_call *call, const struct vd_tracking *asked)
{
    const struct vd_tracking *before = &call->session->tracking;

    /* differs: there is no bound there, and one request may stop the loop for seconds. */
    if (prefix_bytes(before) + prefix_bytes(asked) > PREFIX_BYTES_MAX) {
        vd_resp_error(&call->resp, "ERR Prefixes of a client must not have more than %d bytes",
                      PREFIX_BYTES_MAX);
        return false;
    }
    for (size_t i = 0; i < asked->prefix_count; i++) {
        for (size_t j = 0; j < before->prefix_count; j++) {
            if (!overlap(asked->prefixes[i], before->prefixes[j]))
                continue;
            vd_resp_error(&call->resp,
                          "ERR Prefix '%s' overlaps with an existing prefix '%s'. Prefixes for a "
                          "single client must not overlap.",
                          asked->prefixes[i], before->prefixes[j]);
            return false;
        }
        for (size_t j = i + 1; j < asked->prefix_count; j++) {
            if (!overlap(asked->prefixes[i], asked->prefixes[j]))
                continue;
            vd_resp_error(&call->resp,
                          "ERR Prefix '%s' overlaps with another provided prefix '%s'. Prefixes "
                          "for a single client must not overlap.",
                          asked->prefixes[i], asked->prefixes[j]);
            return false;
        }
    }
    return true;
}

/* Do the options go together, and with those in force? */
static bool check(struct vd_call *call, const struct vd_tracking *asked)
{
    const struct vd_tracking *before = &call->session->tracking;
    const char *error = NULL;

    if (asked->prefix_count > 0 && !asked->bcast)
        error = "PREFIX option requires BCAST mode to be enabled";
    else if (before->on && before->bcast != asked->bcast)
        error = "You can't switch BCAST mode on/off before disabling tracking for this client, and "
                "then re-enabling it with a different mode.";
    else if (asked->bcast && (asked->optin || asked->optout))
        error = "OPTIN and OPTOUT are not compatible with BCAST";
    else if (asked->optin && asked->optout)
        error = "You can't specify both OPTIN mode and OPTOUT mode";
    else if ((asked->optin && before->optout) || (asked->optout && before->optin))
        error = "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and "
                "then re-enabling it with a different mode.";
    if (error != NULL)
        vd_resp_error(&call->resp, "ERR %s", error);
    return error == NULL && (!asked->bcast || check_prefixes(call, asked));
}

/* Prefixes add up, the rest is as it was asked for last. */
static void turn_on(struct vd_tracking *tracking, struct vd_tracking *asked)
{
    size_t count = tracking->prefix_count + asked->prefix_count;
    char **prefixes = vd_calloc(count + 1, sizeof(prefixes[0]));

    for (size_t i = 0; i < count; i++)
        prefixes[i] = i < tracking->prefix_count ? tracking->prefixes[i]
                                                 : asked->prefixes[i - tracking->prefix_count];
    vd_free(tracking->prefixes);
    vd_free(asked->prefixes);
    *tracking = *asked;
    tracking->on = true;
    tracking->prefixes = prefixes;
    tracking->prefix_count = count;
}

void vd_run_client_tracking(struct vd_call *call)
{
    struct vd_session *session = call->session;
    struct vd_session asked = {0};
    size_t at = 3;
    bool on = vd_word_is(&call->words[2], "on");
    bool ok = true;

    asked.tracking.prefixes = vd_calloc(call->count, sizeof(asked.tracking.prefixes[0]));
    while (ok && at < call->count)
        ok = read_option(call, &at, &asked.tracking);
    if (ok && !on && !vd_word_is(&call->words[2], "off")) {
        vd_resp_error(&call->resp, "ERR syntax error");
        ok = false;
    }
    if (ok && on)
        ok = check(call, &asked.tracking);
    if (ok && on)
        turn_on(&session->tracking, &asked.tracking);
    else
        vd_session_stop_tracking(&asked);
    if (ok && !on)
        vd_session_stop_tracking(session);
    if (ok)
        vd_resp_status(&call->resp, "OK");
}

void vd_run_client_trackinginfo(struct vd_call *call)
{
    const struct vd_tracking *tracking = &call->session->tracking;
    const struct {
        bool is_set;
        const char *name;
    } flags[] = {
        {!tracking->on, "off"},
        {tracking->on, "on"},
        {tracking->bcast, "bcast"},
        {tracking->optin, "optin"},
        {tracking->optin && tracking->caching, "caching-yes"},
        {tracking->optout, "optout"},
        {tracking->optout && tracking->caching, "caching-no"},
        {tracking->noloop, "noloop"},
    };
    struct vd_resp *resp = &call->resp;
    size_t count = 0;

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        count += flags[i].is_set;
    vd_resp_map(resp, 3);
    vd_resp_bulk_cstr(resp, "flags");
    vd_resp_set(resp, count);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (flags[i].is_set)
            vd_resp_bulk_cstr(resp, flags[i].name);
    }
    vd_resp_bulk_cstr(resp, "redirect");
    vd_resp_int(resp, tracking->on ? (int64_t)tracking->redirect : -1);
    vd_resp_bulk_cstr(resp, "prefixes");
    vd_resp_array(resp, tracking->prefix_count);
    for (size_t i = 0; i < tracking->prefix_count; i++)
        vd_resp_bulk_cstr(resp, tracking->prefixes[i]);
}

void vd_run_client_getredir(struct vd_call *call)
{
    const struct vd_tracking *tracking = &call->session->tracking;

    vd_resp_int(&call->resp, tracking->on ? (int64_t)tracking->redirect : -1);
}

void vd_run_client_caching(struct vd_call *call)
{
    struct vd_tracking *tracking = &call->session->tracking;
    bool yes = vd_word_is(&call->words[2], "yes");

    if (!tracking->on) {
        vd_resp_error(&call->resp, "ERR CLIENT CACHING can be called only when the client is in "
                                   "tracking mode with OPTIN or OPTOUT mode enabled");
    } else if (!yes && !vd_word_is(&call->words[2], "no")) {
        vd_resp_error(&call->resp, "ERR syntax error");
    } else if (yes ? !tracking->optin : !tracking->optout) {
        vd_resp_error(&call->resp,
                      "ERR CLIENT CACHING %s is only valid when tracking is enabled in "
                      "%s mode.",
                      yes ? "YES" : "NO", yes ? "OPTIN" : "OPTOUT");
    } else {
        tracking->caching = true;
        vd_resp_status(&call->resp, "OK");
    }
}
