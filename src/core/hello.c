/* SPDX-License-Identifier: BSD-3-Clause */
/* Hello: see hello.h. PROTOCOL facts: hello messages. */
#include "core/hello.h"

#include "core/election.h"
#include "core/failover.h"
#include "core/forget.h"
#include "core/guard.h"
#include "core/lineage.h"
#include "core/link.h"
#include "core/names.h"
#include "core/notice.h"
#include "core/script.h"
#include "core/succession.h"

/* The same process at another address: all its groups share the peer, so all follow. */
static void move_peer(struct vd_core *core, struct vd_group *group, struct vd_peer *peer,
                      const struct vd_addr *addr)
{
    struct vd_opinion *opinion;
    unsigned others = 0;

    vd_notice_group(core, VD_N_PEER_SWITCH, group, "ip %s port %u for %s",
                    vd_addr_shown(core, addr), (unsigned)addr->port, peer->id.hex);
    vd_wire_close(core, &peer->wire);
    peer->addr = *addr;
    DL_FOREACH2 (peer->opinions, opinion, peer_next) {
        others += opinion->group != group ? 1U : 0U;
        vd_group_dirty(core, opinion->group);
    }
    if (others != 0)
        vd_notice_group(core, VD_N_PEER_UPDATE, group, "%u additional matching instances", others);
}

static void forget_peer(struct vd_core *core, struct vd_peer *peer)
{
    bool last;

    do {
        last = peer->opinion_count == 1;
        vd_group_dirty(core, peer->opinions->group);
        vd_group_touch(core, peer->opinions->group);
        vd_opinion_forget(core, peer->opinions);
    } while (!last);
}

/*
 * Another id at this address: who had it is gone, in all groups, not only in
 * the one in which we hear of it: one process must not have two votes.
 */
static void drop_ghosts(struct vd_core *core, struct vd_group *group, const struct vd_id *id,
                        const struct vd_addr *addr)
{
    struct vd_peer *peer;
    struct vd_peer *next;

    HASH_ITER (hh, core->peers, peer, next) {
        struct vd_opinion *opinion = vd_opinion_find(group, &peer->id);

        if (vd_id_equal(&peer->id, id) || !vd_addr_equal(&peer->addr, addr))
            continue;
        vd_notice_peer(core, VD_N_PEER_INVALID, opinion != NULL ? opinion : peer->opinions, "%s",
                       "");
        forget_peer(core, peer);
    }
}

/*
 * A late hello of a former self (its id was lost) must not make us our own
 * peer. `by`: the subscription that brought it, perhaps the group's first link.
 */
static bool is_own_address(const struct vd_core *core, const struct vd_group *group,
                           const struct vd_wire *by, const struct vd_addr *addr)
{
    const struct vd_globals *globals = &core->globals;
    uint16_t port = globals->announce_port != 0 ? globals->announce_port : globals->listen_port;
    const char *announced = globals->announce_ip;
    const struct vd_node *node;

    if (addr->port != port)
        return false;
    if (announced != NULL && announced[0] != '\0')
        return strcmp(announced, addr->host) == 0 || strcmp(announced, addr->ip) == 0;
    if (by != NULL && by->local_ip[0] != '\0' && strcmp(by->local_ip, addr->ip) == 0)
        return true;
    DL_FOREACH (group->nodes, node) {
        if (node->command.local_ip[0] != '\0' && strcmp(node->command.local_ip, addr->ip) == 0)
            return true;
    }
    return false;
}

/* The teller's opinion in this group, made if need be; NULL: it cannot be taken in. */
static struct vd_opinion *know_peer(struct vd_core *core, struct vd_group *group,
                                    const struct vd_wire *by, const struct vd_hello *hello)
{
    struct vd_opinion *opinion = vd_opinion_find(group, &hello->id);
    struct vd_peer *peer = opinion != NULL ? opinion->peer : vd_peer_find(core, &hello->id);
    struct vd_addr addr = hello->peer;

    if (addr.port == 0 || !vd_names_complete(core, &addr))
        return opinion;
    if (is_own_address(core, group, by, &addr))
        return NULL;
    if (opinion == NULL && vd_forget_has_peer(core, group, &hello->id))
        return NULL;
    if (opinion == NULL || !vd_addr_equal(&peer->addr, &addr))
        drop_ghosts(core, group, &hello->id, &addr);
    if (peer != NULL && !vd_addr_equal(&peer->addr, &addr))
        move_peer(core, group, peer, &addr);
    if (opinion != NULL)
        return opinion;
    if (peer == NULL) {
        if (HASH_COUNT(core->peers) >= core->globals.max_peers) {
            vd_notice_group(core, VD_N_REMARK, group,
                            "hears of more sentinels than max-peers (%u): %s is not taken in",
                            core->globals.max_peers, hello->id.hex);
            return NULL;
        }
        peer = vd_peer_add(core, &hello->id, &addr);
    }
    opinion = vd_opinion_add(core, group, peer);
    vd_notice_peer(core, VD_N_PEER, opinion, "%s", "");
    vd_group_dirty(core, group);
    return opinion;
}

static void adopt(struct vd_core *core, struct vd_opinion *teller, const struct vd_hello *hello,
                  const struct vd_addr *primary)
{
    struct vd_group *group = teller->group;
    struct vd_addr from = group->primary->addr;

    vd_failover_yield(core, group);
    vd_group_dirty(core, group);
    group->learned = true;
    if (vd_addr_equal(&from, primary)) {
        group->config_epoch = hello->config_epoch;
        vd_opinions_reset(core, group);
        return;
    }
    vd_notice_peer(core, VD_N_CONFIG_UPDATE, teller, "%s", "");
    vd_script_reconfig(core, group, "observer", &from, primary);
    vd_succession_by_address(core, group, primary, hello->config_epoch);
}

static bool is_smaller(const struct vd_addr *a, const struct vd_addr *b)
{
    int order = strcmp(a->ip, b->ip);

    return order < 0 || (order == 0 && a->port < b->port);
}

/*
 * In epoch 0 nobody has decided anything; but where ours says that it is a
 * replica, a switchover was cut off whose orderer is gone, and who looked since
 * has gone after it (follow_configured in report.c). So do we, if theirs says
 * that it is a primary; also if ours has died since. If neither is one, the
 * smaller address unites us: then a majority holds the same one for down, and
 * elects.
 * differs: Sentinel names what it was configured with until there is an epoch.
 */
static bool is_settled_there(const struct vd_group *group, const struct vd_node *theirs)
{
    const struct vd_node *ours = group->primary;

    if (group->failover.state != VD_FO_NONE || theirs->s_down_at != VD_NEVER)
        return false;
    if (theirs->role == VD_ROLE_PRIMARY && ours->s_down_at != VD_NEVER)
        return vd_node_has_told(theirs) && vd_lineage_is_related(theirs);
    if (ours->role != VD_ROLE_REPLICA)
        return false;
    if (group->switch_count != 0 && ours->info_at <= group->switches[0])
        return false; /* what it said before it was named */
    if (theirs->role == VD_ROLE_PRIMARY)
        return vd_addr_equal(&ours->follows, &theirs->addr);
    return theirs->role == VD_ROLE_REPLICA && is_smaller(&theirs->addr, &ours->addr);
}

/*
 * Two primaries in one configuration epoch: two orders without a majority can
 * do that. All decide alike, so that it ends: the smaller address wins. Only
 * between servers we know, or by the word of ours, which follows the other; a
 * changed address of one server is no dispute.
 */
static bool wins_dispute(const struct vd_group *group, const struct vd_hello *hello,
                         const struct vd_addr *primary)
{
    const struct vd_node *ours = group->primary;
    const struct vd_node *theirs = vd_node_find(group, primary);

    if (hello->config_epoch != group->config_epoch || theirs == ours)
        return false;
    if (group->config_epoch == 0)
        return theirs != NULL && is_settled_there(group, theirs);
    if (theirs == NULL &&
        (ours->role != VD_ROLE_REPLICA || !vd_addr_equal(&ours->follows, primary)))
        return false;
    return is_smaller(primary, &ours->addr);
}

/* What it says of the group now. False: the same as before, as it does a few times a second. */
static bool take_word(struct vd_core *core, struct vd_opinion *teller, const struct vd_hello *hello,
                      const struct vd_addr *primary)
{
    struct vd_group *group = teller->group;
    bool same_primary = vd_addr_equal(primary, &group->primary->addr);
    /* Epoch 0 is nobody's decision. */
    bool learned = hello->config_epoch != 0 && hello->config_epoch == group->config_epoch;
    /* What one said too long ago counted for nothing, and does again: a fence may be lifted. */
    bool is_news = !teller->heard || !vd_guard_is_recent(core, teller) ||
                   (learned && !group->learned) || teller->config_epoch != hello->config_epoch ||
                   teller->same_primary != same_primary;

    group->learned |= learned;
    core->unheard -= teller->heard ? 0U : 1U;
    teller->heard = true;
    teller->hello_at = core->now;
    teller->config_epoch = hello->config_epoch;
    teller->same_primary = same_primary;
    return is_news;
}

/* False: its name has no address as yet. Ours needs none to be known: who starts before the servers
 * would count as heard by nobody, and give no vote, until the next hello. */
static bool complete_primary(struct vd_core *core, const struct vd_group *group,
                             struct vd_addr *addr)
{
    if (vd_names_complete(core, addr))
        return true;
    if (!vd_addr_equal(addr, &group->primary->addr))
        return false;
    *addr = group->primary->addr;
    return true;
}

/* Mostly that of the server by which it came. */
static struct vd_group *find_group(const struct vd_core *core, const struct vd_wire *by,
                                   const char *name)
{
    if (by != NULL && by->node != NULL && strcmp(by->node->group->name, name) == 0)
        return by->node->group;
    return vd_group_find(core, name);
}

void vd_hello_on_hello(struct vd_core *core, const struct vd_event *event)
{
    const struct vd_hello *hello = event->hello.hello;
    struct vd_wire *wire = vd_wire_find(core, event->hello.link);
    struct vd_group *group;
    struct vd_opinion *teller;
    struct vd_addr primary = hello->primary;

    if (event->hello.link.n != 0) {
        if (wire == NULL)
            return;
        wire->heard_at = core->now;
    }
    if (vd_id_equal(&hello->id, &core->self) || !vd_id_known(&hello->id) ||
        !vd_election_is_epoch(core, hello->epoch) ||
        !vd_election_is_epoch(core, hello->config_epoch))
        return;
    group = find_group(core, wire, hello->group);
    if (group == NULL)
        return;
    teller = know_peer(core, group, wire, hello);
    vd_election_raise_epoch(core, hello->epoch > hello->config_epoch ? hello->epoch
                                                                     : hello->config_epoch);
    if (teller == NULL || primary.port == 0 || !complete_primary(core, group, &primary))
        return;
    if (hello->config_epoch > group->config_epoch || wins_dispute(group, hello, &primary))
        adopt(core, teller, hello, &primary);
    if (take_word(core, teller, hello, &primary))
        vd_group_touch(core, group);
}
