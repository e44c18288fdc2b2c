/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Failover by order: given to one of the crew, followed by what that one tells
 * of it to its end, and then looked at from all sides. The dry run asks the
 * same one whom it would take.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "proto/addr.h"

#define SLACK_MS 5000 /* beyond the failover-timeout */
#define WAIT_MOST_MS (24 * 3600 * 1000)
#define AGREE_MS 5000
#define LOOK_MS 20

struct order {
    struct vd_ctl *ctl;
    struct vd_ctl_mate *mate;
    const char *group;
    char host[VD_HOST_SIZE]; /* "": whom it likes */
    char port[8];
    int64_t began_at;
    bool switched;
    bool ended;
    bool aborted;
    bool deaf; /* what it says is not heard any more */
    json_t *events;
};

/* Whom -------------------------------------------------------------------------------------- */

static bool read_target(struct order *order, int *status)
{
    const char *to = order->ctl->options.to;
    struct vd_addr addr;
    struct vd_err err;

    if (to == NULL)
        return true;
    if (!vd_addr_parse(&addr, to, strlen(to), &err)) {
        *status = vd_ctl_refuse(order->ctl, VD_CTL_USAGE, "--to %s: %s", to, err.text);
        return false;
    }
    (void)snprintf(order->host, sizeof(order->host), "%s", addr.host);
    (void)snprintf(order->port, sizeof(order->port), "%u", (unsigned)addr.port);
    return true;
}

/* What real sentinels cannot is said before anything is done. */
static bool is_possible(struct order *order, int *status)
{
    const struct vd_ctl_options *options = &order->ctl->options;
    enum vd_ctl_kind kind = order->mate->kind;

    if (kind == VD_CTL_VEDETTE)
        return true;
    if (options->to != NULL || options->dry_run || (options->coordinated && kind == VD_CTL_REDIS)) {
        *status = vd_ctl_refuse(order->ctl, VD_CTL_NOT_WELL, "%s is a %s: it knows no %s",
                                order->mate->name, vd_ctl_kind_name(kind),
                                options->to != NULL ? "--to"
                                : options->dry_run  ? "--dry-run"
                                                    : "--coordinated");
        return false;
    }
    return true;
}

/* The dry run -----------------------------------------------------------------------------------
 */

static bool is_target(const struct order *order, const json_t *candidate)
{
    if (order->host[0] == '\0')
        return strcmp(vd_ctl_text_of(candidate, "chosen"), "yes") == 0;
    return strcmp(vd_ctl_text_of(candidate, "ip"), order->host) == 0 &&
           strcmp(vd_ctl_text_of(candidate, "port"), order->port) == 0;
}

static int rehearse(struct order *order)
{
    struct vd_ctl *ctl = order->ctl;
    struct vd_err err = {""};
    json_t *replies =
        vd_ctl_ask(order->mate, &err, "SENTINEL", "CANDIDATES", order->group, (char *)NULL);
    json_t *candidates = json_array();
    bool would = false;
    struct vd_ctl_table table;
    struct vd_text name = {0};

    ctl->json =
        json_pack("{s:o, s:s, s:o}", "group", vd_ctl_json_text(order->group, strlen(order->group)),
                  "asked", order->mate->name, "candidates", candidates);
    if (replies == NULL)
        return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s", err.text);
    vd_ctl_table_init(&table, ctl->coloured, 2);
    for (size_t i = 0; i < json_array_size(replies); i++) {
        json_t *one = vd_ctl_fields(json_array_get(replies, i));
        const char *verdict = vd_ctl_text_of(one, "verdict");
        bool fit = strcmp(verdict, "fit") == 0;
        bool taken = is_target(order, one) && fit;

        would = would || taken;
        json_array_append_new(candidates, one);
        vd_text_clear(&name);
        vd_ctl_put_address(one, "ip", "port", &name);
        vd_ctl_cell(&table, VD_CTL_PLAIN, "%s", vd_text_cstr(&name));
        vd_ctl_cell(&table,
                    taken ? VD_CTL_GOOD
                    : fit ? VD_CTL_PLAIN
                          : VD_CTL_WARN,
                    "%s", taken ? "would be promoted" : verdict);
        vd_ctl_cell(&table, VD_CTL_FAINT, "priority %s, offset %s", vd_ctl_text_of(one, "priority"),
                    vd_ctl_text_of(one, "offset"));
        vd_ctl_row_end(&table);
    }
    json_decref(replies);
    vd_text_free(&name);
    json_object_set_new(ctl->json, "would_promote", json_boolean(would));
    vd_ctl_put_safe(&ctl->text, order->group);
    vd_text_puts(&ctl->text,
                 would ? ": a failover would be tried\n" : ": nobody could be promoted\n");
    vd_ctl_table_put(&table, &ctl->text);
    return would ? VD_CTL_WELL : VD_CTL_NOT_WELL;
}

/* Following it -----------------------------------------------------------------------------------
 */

/* Is the event about the group? Names stand first, behind "master", or behind '@'. */
static bool is_about(const char *payload, const char *group)
{
    size_t len = strlen(group);
    bool may_follow = true; /* the next word may be the name */

    for (size_t place = 0; *payload != '\0'; place++) {
        size_t word = strcspn(payload, " ");

        if (may_follow && word == len && strncmp(payload, group, len) == 0)
            return true;
        may_follow = (word == 1 && *payload == '@') ||
                     (place == 0 && word == 6 && strncmp(payload, "master", 6) == 0);
        payload += word;
        payload += strspn(payload, " ");
    }
    return false;
}

static void take_event(struct order *order, const char *name, const char *payload)
{
    long long after = (long long)(vd_ctl_now() - order->began_at);
    struct vd_text line = {0};

    if (!is_about(payload, order->group))
        return;
    order->switched = order->switched || strcmp(name, "+switch-master") == 0;
    order->ended = order->ended || strcmp(name, "+failover-end") == 0;
    order->aborted = order->aborted || strncmp(name, "-failover-abort", 15) == 0;
    json_array_append_new(order->events,
                          json_pack("{s:I, s:o, s:o}", "after_ms", (json_int_t)after, "event",
                                    vd_ctl_json_text(name, strlen(name)), "text",
                                    vd_ctl_json_text(payload, strlen(payload))));
    if (order->ctl->options.json)
        return;
    vd_text_printf(&line, "%7lld ms  ", after);
    vd_ctl_put_coloured(&line, order->ctl->coloured, name[0] == '-' ? VD_CTL_WARN : VD_CTL_BOLD,
                        "%-33s", name);
    vd_text_putc(&line, ' ');
    vd_ctl_put_safe(&line, payload);
    (void)printf("%s\n", vd_text_cstr(&line));
    (void)fflush(stdout);
    vd_text_free(&line);
}

/* One message, if it comes in time. False: the link is lost. */
static bool hear(struct order *order, struct vd_ctl_link *ear, int timeout_ms, struct vd_err *err)
{
    redisReply *message = vd_ctl_link_read(ear, timeout_ms, err);

    if (message == NULL)
        return err->text[0] == '\0';
    if (message->type == REDIS_REPLY_ARRAY && message->elements == 4 &&
        message->element[2]->type == REDIS_REPLY_STRING &&
        message->element[3]->type == REDIS_REPLY_STRING)
        take_event(order, message->element[2]->str, message->element[3]->str);
    freeReplyObject(message);
    return true;
}

static struct vd_ctl_link *open_ear(struct order *order, struct vd_err *err)
{
    static const char *const words[] = {"PSUBSCRIBE", "*"};
    bool refused;
    struct vd_ctl_link *ear = vd_ctl_link_open(&order->ctl->crew.access, order->mate->host,
                                               order->mate->port, &refused, err);
    redisReply *reply = ear == NULL ? NULL : vd_ctl_link_ask(ear, 2, words, err);

    if (reply != NULL && reply->type != REDIS_REPLY_ERROR) {
        freeReplyObject(reply);
        return ear;
    }
    if (reply != NULL)
        (void)vd_err_set(err, "%s: %.200s", order->mate->name, reply->str);
    freeReplyObject(reply);
    vd_ctl_link_close(ear);
    return NULL;
}

static bool give(struct order *order, struct vd_err *err)
{
    const struct vd_ctl_options *options = &order->ctl->options;
    const char *coordinated = options->coordinated ? "COORDINATED" : "TO";
    const char *words[4] = {NULL};
    size_t count = 0;
    json_t *reply;

    if (options->coordinated)
        words[count++] = coordinated;
    if (order->host[0] != '\0') {
        words[count++] = "TO";
        words[count++] = order->host;
        words[count++] = order->port;
    }
    reply = vd_ctl_ask(order->mate, err, "SENTINEL", "FAILOVER", order->group, words[0], words[1],
                       words[2], words[3], (char *)NULL);
    json_decref(reply);
    return reply != NULL;
}

/* Its end, seen from everywhere
 * --------------------------------------------------------------------- */

/* Do all who were reached name the same primary, and not the old one? */
static bool agree(struct vd_ctl *ctl, const char *group, const char *old, struct vd_text *primary)
{
    vd_text_clear(primary);
    for (size_t i = 0; i < ctl->crew.count; i++) {
        struct vd_ctl_mate *mate = &ctl->crew.mates[i];
        struct vd_text name = {0};
        struct vd_err err;
        const char *host;
        const char *port_text;
        uint16_t port;
        json_t *reply;
        bool same;

        if (vd_ctl_master_of(mate, group) == NULL)
            continue;
        reply = vd_ctl_ask(mate, &err, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", group, (char *)NULL);
        host = json_string_value(json_array_get(reply, 0));
        port_text = json_string_value(json_array_get(reply, 1));
        if (host != NULL && port_text != NULL && vd_port_parse(port_text, strlen(port_text), &port))
            vd_addr_print(host, port, &name);
        json_decref(reply);
        if (primary->len == 0)
            vd_text_puts(primary, vd_text_cstr(&name));
        same = name.len > 0 && strcmp(vd_text_cstr(&name), vd_text_cstr(primary)) == 0;
        vd_text_free(&name);
        if (!same)
            return false;
    }
    return primary->len > 0 && strcmp(vd_text_cstr(primary), old) != 0;
}

static int conclude(struct order *order, const char *old)
{
    struct vd_ctl *ctl = order->ctl;
    int64_t until = vd_ctl_now() + AGREE_MS;
    struct vd_text primary = {0};
    bool agreed = false;

    while ((order->switched || order->deaf) &&
           !(agreed = agree(ctl, order->group, old, &primary)) && vd_ctl_now() < until)
        (void)poll(NULL, 0, LOOK_MS);
    order->switched = order->switched || agreed;
    json_object_set_new(ctl->json, "done", json_boolean(order->switched));
    json_object_set_new(ctl->json, "ended", json_boolean(order->ended));
    json_object_set_new(ctl->json, "agreed", json_boolean(agreed));
    json_object_set_new(ctl->json, "to",
                        order->switched ? vd_ctl_json_text(vd_text_cstr(&primary), primary.len)
                                        : json_null());
    if (agreed) {
        vd_ctl_put_safe(&ctl->text, order->group);
        vd_text_puts(&ctl->text, ": the primary is ");
        vd_ctl_put_coloured(&ctl->text, ctl->coloured, VD_CTL_GOOD, "%s", vd_text_cstr(&primary));
        vd_text_puts(&ctl->text, ", and all who were reached agree\n");
    }
    vd_text_free(&primary);
    if (!order->switched)
        return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s: %s; %s is the primary still", order->group,
                             order->aborted ? "the failover was given up"
                             : order->deaf  ? "it cannot be followed any more"
                                            : "no failover within the time (--wait)",
                             old);
    if (!agreed)
        return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s: not all agree on the new primary yet",
                             order->group);
    return vd_ctl_tell_unreached(ctl) ? VD_CTL_NOT_WELL : VD_CTL_WELL;
}

static int carry_out(struct order *order, const json_t *master, const char *old)
{
    struct vd_ctl *ctl = order->ctl;
    struct vd_err err = {""};
    struct vd_ctl_link *ear = open_ear(order, &err);
    int64_t wait_ms = ctl->options.wait_ms;
    int64_t until;

    if (wait_ms < 0) {
        wait_ms = vd_ctl_number_of(master, "failover-timeout", 60000);
        wait_ms = (wait_ms < 0 || wait_ms > WAIT_MOST_MS ? WAIT_MOST_MS : wait_ms) + SLACK_MS;
    }
    order->events = json_array();
    ctl->json =
        json_pack("{s:o, s:s, s:o, s:o}", "group",
                  vd_ctl_json_text(order->group, strlen(order->group)), "asked", order->mate->name,
                  "from", vd_ctl_json_text(old, strlen(old)), "events", order->events);
    if (ear == NULL)
        return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s", err.text);
    order->began_at = vd_ctl_now();
    until = order->began_at + wait_ms;
    if (!give(order, &err)) {
        vd_ctl_link_close(ear);
        return vd_ctl_refuse(ctl, VD_CTL_NOT_WELL, "%s", err.text);
    }
    while (!(order->switched && order->ended) && !order->aborted && vd_ctl_now() < until)
        if (!hear(order, ear, (int)(until - vd_ctl_now()), &err)) {
            vd_ctl_warn(err.text);
            order->deaf = true;
            break;
        }
    vd_ctl_link_close(ear);
    return conclude(order, old);
}

int vd_ctl_run_failover(struct vd_ctl *ctl)
{
    int begun = VD_CTL_WELL;
    struct order order = {.ctl = ctl};
    int status = VD_CTL_WELL;
    const json_t *master;
    struct vd_text old = {0};

    if (!read_target(&order, &status))
        return status;
    if (!vd_ctl_begin(ctl, &begun))
        return begun;
    order.group = vd_ctl_the_group(ctl, &begun);
    if (order.group == NULL)
        return begun;
    order.mate = vd_ctl_best_mate(&ctl->crew, order.group);
    if (!is_possible(&order, &status))
        return status;
    if (ctl->options.dry_run)
        return rehearse(&order);
    master = vd_ctl_master_of(order.mate, order.group);
    vd_ctl_put_address(master, "ip", "port", &old);
    status = carry_out(&order, master, vd_text_cstr(&old));
    vd_text_free(&old);
    return status;
}
