/* SPDX-License-Identifier: BSD-3-Clause */
/* Report: see report.h. PROTOCOL facts: INFO of data nodes. */
#include "core/report.h"

#include "core/fence.h"
#include "core/forget.h"
#include "core/guard.h"
#include "core/handover.h"
#include "core/lineage.h"
#include "core/link.h"
#include "core/names.h"
#include "core/notice.h"
#include "core/promotion.h"
#include "core/reconf.h"
#include "core/succession.h"

#define HOPS_MAX 3       /* from the configured primary along what nodes say they follow */
#define MODEL_MAX 65536U /* bytes; a longer text is nobody's model, and is kept as it is */

static struct vd_wire *take_reply(struct vd_core *core, vd_link link)
{
    struct vd_wire *wire = vd_wire_find(core, link);

    if (wire == NULL || wire->pending == 0)
        return NULL;
    wire->pending--;
    wire->heard_at = core->now;
    wire->dropped = 0;
    return wire;
}

static void set_role(struct vd_core *core, struct vd_node *node, enum vd_role role, bool restarted)
{
    bool is_good = (role == VD_ROLE_PRIMARY) == vd_node_is_primary(node);

    if (role == VD_ROLE_UNKNOWN || role == node->role)
        return;
    node->rogue_sudden = role == VD_ROLE_PRIMARY && node->role == VD_ROLE_REPLICA && !restarted;
    if (node->role != VD_ROLE_UNKNOWN || !is_good)
        vd_notice_node(core, is_good ? VD_N_ROLE_GOOD : VD_N_ROLE_BAD, node,
                       "new reported role is %s", role == VD_ROLE_PRIMARY ? "master" : "slave");
    node->role = role;
    node->role_at = core->now;
}

static void set_follows(struct vd_core *core, struct vd_node *node, const struct vd_addr *follows)
{
    struct vd_addr addr = *follows;

    if (addr.port != 0)
        (void)vd_names_complete(core, &addr);
    if (node->follows_at == VD_NEVER || !vd_addr_equal(&addr, &node->follows))
        node->follows_at = core->now;
    node->follows = addr;
}

static void copy_facts(struct vd_core *core, struct vd_node *node, const struct vd_info *info)
{
    bool is_replica = info->role == VD_ROLE_REPLICA;

    node->replid = info->replid;
    node->replid2 = info->replid2;
    node->replid2_offset = info->replid2_offset;
    node->offset = is_replica ? info->replica_offset : info->primary_offset;
    node->link_up = !is_replica || info->link_up;
    node->link_down_ms = info->link_down_ms;
    node->sync_in_progress = info->sync_in_progress;
    node->loading = info->loading;
    node->priority = info->priority;
    node->announced = info->announced;
    node->connected_replicas = info->connected_replicas;
    node->can_hand_over = info->failover_supported;
    node->hands_over = info->failover_under_way;
    if (info->keys >= 0)
        node->keys = info->keys;
    if (is_replica)
        set_follows(core, node, &info->primary);
    else
        node->follows.port = 0;
}

/*
 * Restarted, by its run id; or, when we have just started ourselves, by its
 * lineage: where it has told us one. From a switch until the new primary has
 * told its own the group's is that of the one before, who proves nothing.
 */
static bool was_restarted(const struct vd_node *node, const struct vd_info *info)
{
    const struct vd_id *lineage = &node->group->lineage;

    if (vd_id_known(&node->run_id))
        return vd_id_known(&info->run_id) && !vd_id_equal(&node->run_id, &info->run_id);
    if (vd_id_equal(lineage, &node->group->lineage_before))
        return false;
    return vd_node_is_primary(node) && info->role == VD_ROLE_PRIMARY && vd_id_known(lineage) &&
           vd_id_known(&info->replid) && !vd_id_equal(&info->replid, lineage) &&
           !vd_id_equal(&info->replid2, lineage);
}

static void learn_replicas(struct vd_core *core, struct vd_node *node, const struct vd_info *info)
{
    struct vd_group *group = node->group;

    if (!vd_node_is_primary(node) || info->role != VD_ROLE_PRIMARY)
        return;
    for (size_t i = 0; i < info->replica_count; i++) {
        struct vd_addr addr = info->replicas[i].addr;
        struct vd_node *added = vd_node_find(group, &addr);

        if (added == NULL && addr.port != 0 && vd_names_complete(core, &addr))
            added = vd_node_find(group, &addr);
        if (added != NULL) {
            added->listed_at = core->now;
            added->hinted = false;
        }
        if (added != NULL || addr.port == 0 || !vd_names_complete(core, &addr) ||
            vd_forget_has_node(core, group, &addr))
            continue;
        if (group->node_count > core->globals.max_replicas) {
            vd_notice_group(core, VD_N_REMARK, group,
                            "has more replicas than max-replicas (%u): the rest is not watched",
                            core->globals.max_replicas);
            return;
        }
        added = vd_node_add(core, group, &addr);
        added->listed_at = core->now;
        vd_notice_node(core, VD_N_REPLICA, added, "%s", "");
        vd_group_dirty(core, group);
    }
}

static void set_alias(struct vd_node *node, const struct vd_addr *addr)
{
    if (node->alias == NULL)
        node->alias = vd_alloc(sizeof(*node->alias));
    *node->alias = *addr;
}

/* One process known by two addresses: keep the primary, or the one known first. False: `node` is
 * gone. */
static bool drop_double(struct vd_core *core, struct vd_node *node)
{
    struct vd_group *group = node->group;
    struct vd_node *other;
    struct vd_node *next;
    bool node_is_later = true; /* than the one looked at */

    if (!vd_id_known(&node->run_id) || group->failover.state != VD_FO_NONE)
        return true;
    DL_FOREACH_SAFE (group->nodes, other, next) {
        if (other == node) {
            node_is_later = false;
            continue;
        }
        if (!vd_id_equal(&other->run_id, &node->run_id) || !other->command.up ||
            other->s_down_at != VD_NEVER)
            continue;
        vd_group_dirty(core, group);
        vd_group_touch(core, group);
        if (vd_node_is_primary(other) || (!vd_node_is_primary(node) && node_is_later)) {
            set_alias(other, &node->addr);
            vd_node_forget(core, node);
            return false;
        }
        set_alias(node, &other->addr);
        vd_node_forget(core, other);
    }
    return true;
}

/* Nodes that somebody has told of, or that were the primary. */
static unsigned count_known(const struct vd_group *group)
{
    const struct vd_node *node;
    unsigned known = 0;

    DL_FOREACH (group->nodes, node)
        known += !node->hinted;
    return known;
}

/*
 * differs: a sentinel without state, whose configured primary says that it is
 * a replica, follows what it says; Sentinel calls it down for ever.
 */
static void follow_configured(struct vd_core *core, struct vd_node *node)
{
    struct vd_group *group = node->group;
    struct vd_addr addr = node->follows;
    const struct vd_node *other;
    bool in_circle;

    /* One that remembers members has a state: what it was configured with is what they agreed on.
     */
    if (!vd_node_is_primary(node) || node->role != VD_ROLE_REPLICA || group->learned ||
        count_known(group) > 1 + vd_succession_recent(core, group) || group->config_epoch != 0 ||
        addr.port == 0 || vd_addr_equal(&addr, &node->addr) ||
        vd_succession_recent(core, group) >= HOPS_MAX) {
        node->follow_pending = false;
        return;
    }
    if (!vd_names_complete(core, &addr))
        return; /* with the next INFO, then */
    node->follow_pending = false;
    vd_notice_node(core, VD_N_REMARK, node, "is configured as primary but follows %s",
                   vd_notice_name(core, &addr));
    /* A switchover that was cut off: all who look stop where they began, and agree. */
    other = vd_node_find(group, &addr);
    in_circle = other != NULL && !other->hinted;
    vd_succession_by_address(core, group, &addr, 0);
    group->learned = false;
    group->primary->hinted = false;
    group->primary->follow_pending = !in_circle; /* a chain: it may follow somebody, too */
}

/*
 * Servers of one kind and version say much the same, so that a difference is
 * all that needs to be kept of a text. The first of each kind is the model.
 */
static void keep_text(struct vd_core *core, struct vd_node *node, const char *text)
{
    static const struct vd_text no_model;
    size_t len = strlen(text);

    if (len > MODEL_MAX) {
        vd_free(node->info);
        node->info = vd_delta_new(&no_model, text, len);
        return;
    }
    for (size_t i = 0; i < VD_INFO_MODELS; i++) {
        struct vd_text *model = &core->info_models[i];

        if (model->len == 0)
            vd_text_puts(model, text);
        vd_free(node->info);
        node->info = vd_delta_new(model, text, len);
        if (vd_delta_size(node->info) <= len / 2)
            return;
    }
}

void vd_report_on_info(struct vd_core *core, const struct vd_event *event)
{
    const struct vd_info *info = event->info.info;
    struct vd_wire *wire = take_reply(core, event->info.link);
    struct vd_node *node;
    bool restarted;

    if (wire == NULL || wire->node == NULL)
        return;
    node = wire->node;
    node->info_ticket.n = 0;
    node->info_heard = event->info.ticket.n;
    vd_group_touch(core, node->group);
    if (info == NULL)
        return;
    node->follow_pending |= node->info_at == VD_NEVER;
    restarted = was_restarted(node, info);
    node->info_at = core->now;
    keep_text(core, node, event->info.raw);
    copy_facts(core, node, info);
    if (restarted) {
        node->was_linked = false;
        vd_guard_on_reboot(core, node);
    }
    if (info->role == VD_ROLE_REPLICA && info->link_up) {
        node->was_linked = true;
        if (vd_addr_equal(&node->follows, &node->group->primary->addr))
            node->synced = info->replid;
    }
    if (vd_id_known(&info->run_id))
        node->run_id = info->run_id;
    set_role(core, node, info->role, restarted);
    if (!drop_double(core, node))
        return;
    vd_lineage_learn(core, node);
    learn_replicas(core, node, info);
    if (info->role == VD_ROLE_REPLICA)
        (void)vd_guard_leaves_alone(core, node); /* said at once */
    vd_reconf_on_info(core, node);
    vd_promotion_on_role(core, node);
    if (node->follow_pending)
        follow_configured(core, node);
}

void vd_report_on_role(struct vd_core *core, const struct vd_event *event)
{
    struct vd_wire *wire = take_reply(core, event->role.link);
    struct vd_node *node;

    if (wire == NULL || wire->node == NULL)
        return;
    node = wire->node;
    node->role_ticket.n = 0;
    vd_group_touch(core, node->group);
    if (event->role.role == VD_ROLE_UNKNOWN) {
        node->info_wanted = true; /* not permitted, perhaps: INFO tells as well */
        return;
    }
    if (event->role.role == VD_ROLE_REPLICA)
        set_follows(core, node, &event->role.primary);
    set_role(core, node, event->role.role, false);
    vd_promotion_on_role(core, node);
}

void vd_report_on_ack(struct vd_core *core, const struct vd_event *event)
{
    struct vd_wire *wire = take_reply(core, event->ack.link);
    struct vd_node *node;

    if (wire == NULL || wire->node == NULL)
        return;
    node = wire->node;
    if (vd_handover_on_ack(core, node, event) || vd_fence_on_ack(core, node, event))
        return;
    if (node->turn_ticket.n != event->ack.ticket.n)
        return; /* a hello, a SCRIPT KILL: their effects are observed */
    node->turn_ticket.n = 0;
    /* A former primary that was not told takes no writes that it would lose: it is told again. */
    if (!event->ack.unsent || vd_node_is_primary(node))
        vd_handover_release(core, node);
    node->info_wanted = true;
    vd_group_touch(core, node->group);
    if (node->promoted) {
        vd_promotion_on_ack(core, node, event);
        return;
    }
    if (event->ack.ok || event->ack.unsent)
        return;
    if (vd_node_is_primary(node))
        node->refused_turn_at = core->now;
    vd_notice_node(core, VD_N_REMARK, node, "refused to %s: %s",
                   vd_node_is_primary(node) ? "be primary again" : "follow the primary",
                   event->ack.text != NULL ? event->ack.text : "no reason given");
}
