/* SPDX-License-Identifier: BSD-3-Clause */
/* Model: groups, nodes, peers, opinions; see model.h. */
#include "core/model.h"

#include <string.h>

#include "base/text.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool hosts_equal(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

bool vd_addr_equal(const struct vd_addr *a, const struct vd_addr *b)
{
    if (a->port != b->port)
        return false;
    if (a->ip[0] != '\0' && strcmp(a->ip, b->ip) == 0)
        return true;
    return a->host[0] != '\0' && hosts_equal(a->host, b->host);
}

const char *vd_addr_shown(const struct vd_core *core, const struct vd_addr *addr)
{
    if (core->globals.announce_hostnames && addr->host[0] != '\0')
        return addr->host;
    return addr->ip[0] != '\0' ? addr->ip : addr->host;
}

/* Phases and ranks need a hash that is the same everywhere, not a good one. */
uint64_t vd_hash_text(uint64_t hash, const char *text)
{
    if (hash == 0)
        hash = 14695981039346656037U;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211U;
    return hash;
}

/* The address index ---------------------------------------------------------- */

static void make_key(char *key, size_t size, const char *host, uint16_t port)
{
    size_t len = 0;
    char digits[8];
    size_t at = sizeof(digits);
    unsigned rest = port;

    while (host[len] != '\0' && len + 8 < size) {
        key[len] = lower(host[len]);
        len++;
    }
    do {
        digits[--at] = (char)('0' + rest % 10U);
        rest /= 10U;
    } while (rest != 0);
    key[len++] = ':';
    memcpy(key + len, digits + at, sizeof(digits) - at);
    key[len + sizeof(digits) - at] = '\0';
}

static void index_add(struct vd_core *core, const char *host, uint16_t port, struct vd_group *group)
{
    char key[VD_HOST_SIZE + 16];
    struct vd_address_entry *entry;

    make_key(key, sizeof(key), host, port);
    HASH_FIND_STR(core->addresses, key, entry);
    if (entry == NULL) {
        entry = vd_alloc(sizeof(*entry));
        entry->key = vd_strdup(key);
        HASH_ADD_KEYPTR(hh, core->addresses, entry->key, strlen(entry->key), entry);
    }
    entry->groups = vd_realloc(entry->groups, (entry->count + 1) * sizeof(struct vd_group *));
    entry->groups[entry->count++] = group;
}

static void index_drop(struct vd_core *core, const char *host, uint16_t port,
                       const struct vd_group *group)
{
    char key[VD_HOST_SIZE + 16];
    struct vd_address_entry *entry;
    size_t kept = 0;

    make_key(key, sizeof(key), host, port);
    HASH_FIND_STR(core->addresses, key, entry);
    if (entry == NULL)
        return;
    for (size_t i = 0; i < entry->count; i++) {
        if (entry->groups[i] != group)
            entry->groups[kept++] = entry->groups[i];
    }
    entry->count = kept;
    if (kept != 0)
        return;
    HASH_DEL(core->addresses, entry);
    vd_free(entry->groups);
    vd_free(entry->key);
    vd_free(entry);
}

static void index_primary(struct vd_core *core, struct vd_group *group, bool add)
{
    const struct vd_addr *addr = &group->primary->addr;
    void (*change)(struct vd_core *, const char *, uint16_t, struct vd_group *) = index_add;

    if (!add) {
        if (addr->host[0] != '\0')
            index_drop(core, addr->host, addr->port, group);
        if (addr->ip[0] != '\0')
            index_drop(core, addr->ip, addr->port, group);
        return;
    }
    if (addr->host[0] != '\0')
        change(core, addr->host, addr->port, group);
    if (addr->ip[0] != '\0' && !hosts_equal(addr->ip, addr->host))
        change(core, addr->ip, addr->port, group);
}

struct vd_group *vd_group_find_address(const struct vd_core *core, const struct vd_addr *addr)
{
    char key[VD_HOST_SIZE + 16];
    struct vd_address_entry *entry = NULL;

    if (addr->ip[0] != '\0') {
        make_key(key, sizeof(key), addr->ip, addr->port);
        HASH_FIND_STR(core->addresses, key, entry);
    }
    if (entry == NULL) {
        make_key(key, sizeof(key), addr->host, addr->port);
        HASH_FIND_STR(core->addresses, key, entry);
    }
    return entry == NULL ? NULL : entry->groups[0];
}

/* Groups ------------------------------------------------------------------------ */

struct vd_group *vd_group_find(const struct vd_core *core, const char *name)
{
    struct vd_group *group;

    HASH_FIND_STR(core->groups, name, group);
    return group;
}

struct vd_group *vd_group_add(struct vd_core *core, const char *name, const struct vd_addr *primary,
                              const struct vd_options *options)
{
    struct vd_group *group = vd_alloc(sizeof(*group));
    size_t count = HASH_COUNT(core->groups);

    VD_ASSERT(vd_group_find(core, name) == NULL);
    group->name = vd_strdup(name);
    vd_options_copy(&group->options, options);
    group->phase = vd_hash_text(vd_hash_text(0, core->self.hex), name);
    group->stand_at = VD_NEVER;
    group->following_since = VD_NEVER;
    group->paused_until = VD_NEVER;
    group->isolated_since = VD_NEVER;
    group->fenced_at = VD_NEVER;
    group->failover.entered_at = core->now;
    HASH_ADD_KEYPTR(hh, core->groups, group->name, strlen(group->name), group);
    if (count == core->by_index_room) {
        core->by_index_room = count == 0 ? 16 : count * 2;
        core->by_index =
            vd_realloc(core->by_index, core->by_index_room * sizeof(struct vd_group *));
    }
    core->by_index[count] = group;
    group->primary = vd_node_add(core, group, primary);
    index_primary(core, group, true);
    return group;
}

void vd_group_drop(struct vd_core *core, struct vd_group *group)
{
    size_t count = HASH_COUNT(core->groups);
    size_t at = 0;
    struct vd_group **changed = &core->dirty_groups;

    while (*changed != NULL && *changed != group)
        changed = &(*changed)->dirty_next;
    if (*changed != NULL)
        *changed = group->dirty_next;

    index_primary(core, group, false);
    while (group->opinions != NULL)
        vd_opinion_drop(core, group->opinions);
    while (group->nodes != NULL)
        vd_node_drop(core, group->nodes);
    VD_ASSERT(!group->touched);
    vd_heap_drop(&core->group_due, &group->due);
    while (core->by_index[at] != group)
        at++;
    memmove(core->by_index + at, core->by_index + at + 1,
            (count - at - 1) * sizeof(struct vd_group *));
    HASH_DEL(core->groups, group);
    vd_options_free(&group->options);
    vd_free(group->forgotten);
    vd_free(group->name);
    vd_free(group);
}

void vd_group_set_primary(struct vd_core *core, struct vd_group *group, struct vd_node *node)
{
    VD_ASSERT(node->group == group);
    index_primary(core, group, false);
    group->primary = node;
    index_primary(core, group, true);
}

void vd_group_set_address(struct vd_core *core, struct vd_node *node, const struct vd_addr *addr)
{
    if (!vd_node_is_primary(node)) {
        node->addr = *addr;
        return;
    }
    index_primary(core, node->group, false);
    node->addr = *addr;
    index_primary(core, node->group, true);
}

void vd_group_touch(struct vd_core *core, struct vd_group *group)
{
    if (group->touched)
        return;
    group->touched = true;
    group->touched_next = core->touched;
    core->touched = group;
}

void vd_group_settle_by(struct vd_core *core, struct vd_group *group, vd_ms at)
{
    if (!vd_heap_has(&group->due) || at < group->due.key)
        vd_heap_set(&core->group_due, &group->due, at);
}

void vd_group_dirty(struct vd_core *core, struct vd_group *group)
{
    core->dirty = true;
    if (group->dirty)
        return;
    group->dirty = true;
    group->dirty_next = core->dirty_groups;
    core->dirty_groups = group;
}

/* Nodes --------------------------------------------------------------------------- */

static void wire_init(struct vd_wire *wire, enum vd_link_kind kind, struct vd_node *node,
                      struct vd_peer *peer, vd_ms now)
{
    wire->kind = kind;
    wire->node = node;
    wire->peer = peer;
    wire->retry_at = now;
    wire->since = now;
    wire->lost_since = VD_NEVER;
    wire->heard_at = now;
}

static void pulse_init(struct vd_pulse *pulse, vd_ms now)
{
    pulse->sent_at = VD_NEVER;
    pulse->ok_at = now;
    pulse->reply_at = now;
    pulse->silent_since = now; /* a link that never connected counts from here */
    pulse->refused_since = VD_NEVER;
    pulse->kind = VD_PONG_NONE;
}

struct vd_node *vd_node_find(const struct vd_group *group, const struct vd_addr *addr)
{
    struct vd_node *node;

    DL_FOREACH (group->nodes, node) {
        if (vd_addr_equal(&node->addr, addr) ||
            (node->alias != NULL && vd_addr_equal(node->alias, addr)))
            return node;
    }
    return NULL;
}

struct vd_node *vd_node_add(struct vd_core *core, struct vd_group *group,
                            const struct vd_addr *addr)
{
    struct vd_node *node = vd_alloc(sizeof(*node));

    node->group = group;
    node->addr = *addr;
    wire_init(&node->command, VD_LINK_COMMAND, node, NULL, core->now);
    wire_init(&node->subscribe, VD_LINK_SUBSCRIBE, node, NULL, core->now);
    pulse_init(&node->pulse, core->now);
    node->created_at = core->now;
    node->s_down_at = VD_NEVER;
    node->o_down_at = VD_NEVER;
    node->hello_sent_at = VD_NEVER;
    node->info_sent_at = VD_NEVER;
    node->info_at = VD_NEVER;
    node->info_wanted = true;
    node->role_at = core->now;
    node->offset = -1;
    node->follows_at = VD_NEVER;
    node->priority = 100;
    node->announced = true;
    node->connected_replicas = -1;
    node->listed_at = VD_NEVER;
    node->keys = -1;
    node->reboot_at = VD_NEVER;
    node->reconf_at = VD_NEVER;
    node->turn_sent_at = VD_NEVER;
    node->refused_turn_at = VD_NEVER;
    node->role_sent_at = VD_NEVER;
    DL_APPEND(group->nodes, node);
    group->node_count++;
    return node;
}

void vd_node_drop(struct vd_core *core, struct vd_node *node)
{
    struct vd_group *group = node->group;

    VD_ASSERT(node->command.link.n == 0);
    VD_ASSERT(node->subscribe.link.n == 0);
    DL_DELETE(group->nodes, node);
    group->node_count--;
    core->lost_wires -= node->command.is_lost ? 1U : 0U;
    if (group->failover.chosen == node)
        group->failover.chosen = NULL;
    if (group->fenced == node) {
        group->fenced = NULL;
        group->fence_ticket.n = 0;
    }
    vd_free(node->info);
    vd_free(node->alias);
    vd_free(node);
}

void vd_node_start(struct vd_node *node, vd_ms now)
{
    wire_init(&node->command, VD_LINK_COMMAND, node, NULL, now);
    wire_init(&node->subscribe, VD_LINK_SUBSCRIBE, node, NULL, now);
    pulse_init(&node->pulse, now);
    node->created_at = now;
    node->role_at = now;
}

/* Peers and opinions ------------------------------------------------------------------ */

struct vd_peer *vd_peer_find(const struct vd_core *core, const struct vd_id *id)
{
    struct vd_peer *peer;

    HASH_FIND_STR(core->peers, id->hex, peer);
    return peer;
}

struct vd_peer *vd_peer_add(struct vd_core *core, const struct vd_id *id,
                            const struct vd_addr *addr)
{
    struct vd_peer *peer = vd_alloc(sizeof(*peer));

    peer->id = *id;
    peer->addr = *addr;
    wire_init(&peer->wire, VD_LINK_PEER, NULL, peer, core->now);
    pulse_init(&peer->pulse, core->now);
    peer->down_after_ms = core->globals.default_down_after_ms;
    peer->phase = vd_hash_text(0, id->hex);
    HASH_ADD_STR(core->peers, id.hex, peer);
    vd_heap_set(&core->peer_due, &peer->due, core->now);
    return peer;
}

void vd_peer_drop(struct vd_core *core, struct vd_peer *peer)
{
    VD_ASSERT(peer->opinions == NULL);
    VD_ASSERT(peer->wire.link.n == 0);
    core->lost_wires -= peer->wire.is_lost ? 1U : 0U;
    vd_heap_drop(&core->peer_due, &peer->due);
    HASH_DEL(core->peers, peer);
    vd_free(peer);
}

void vd_peer_start(struct vd_core *core, struct vd_peer *peer)
{
    wire_init(&peer->wire, VD_LINK_PEER, NULL, peer, core->now);
    pulse_init(&peer->pulse, core->now);
    vd_heap_set(&core->peer_due, &peer->due, core->now);
}

/* One of its groups has less than the rest, or the same: nobody else need be asked. */
static bool lower_down_after(struct vd_peer *peer, const struct vd_group *group)
{
    vd_ms after_ms = group->options.down_after_ms;

    if (peer->opinion_count != 1 && after_ms > peer->down_after_ms)
        return false;
    peer->down_after_ms = after_ms;
    return true;
}

/* The group that had the least has more now, or is gone. Mostly the next has as little as it had:
 * a peer is in thousands of groups, and they come, go and are set one by one. */
static void raise_down_after(struct vd_peer *peer)
{
    const struct vd_opinion *opinion;
    vd_ms least = INT64_MAX;

    DL_FOREACH2 (peer->opinions, opinion, peer_next) {
        least = vd_min_ms(least, opinion->group->options.down_after_ms);
        if (least <= peer->down_after_ms)
            return;
    }
    peer->down_after_ms = least;
}

void vd_peer_refresh(struct vd_peer *peer, const struct vd_group *group)
{
    if (!lower_down_after(peer, group))
        raise_down_after(peer);
}

struct vd_opinion *vd_opinion_find(const struct vd_group *group, const struct vd_id *id)
{
    struct vd_opinion *opinion;

    DL_FOREACH (group->opinions, opinion) {
        if (vd_id_equal(&opinion->peer->id, id))
            return opinion;
    }
    return NULL;
}

struct vd_opinion *vd_opinion_add(struct vd_core *core, struct vd_group *group,
                                  struct vd_peer *peer)
{
    struct vd_opinion *opinion = vd_alloc(sizeof(*opinion));

    opinion->group = group;
    opinion->peer = peer;
    opinion->s_down_at = VD_NEVER;
    opinion->answered_at = VD_NEVER;
    opinion->asked_at = VD_NEVER;
    opinion->claimed_at = VD_NEVER;
    opinion->hello_at = core->now;
    opinion->hello_sent_at = VD_NEVER;
    opinion->hello_wanted = true;
    DL_APPEND(group->opinions, opinion);
    group->opinion_count++;
    DL_APPEND2(peer->opinions, opinion, peer_prev, peer_next);
    peer->opinion_count++;
    (void)lower_down_after(peer, group);
    core->unheard++;
    return opinion;
}

void vd_opinion_drop(struct vd_core *core, struct vd_opinion *opinion)
{
    struct vd_peer *peer = opinion->peer;

    vd_opinion_set_asked(core, opinion, (vd_ticket){0});
    core->unheard -= opinion->heard ? 0U : 1U;
    DL_DELETE(opinion->group->opinions, opinion);
    opinion->group->opinion_count--;
    DL_DELETE2(peer->opinions, opinion, peer_prev, peer_next);
    peer->opinion_count--;
    vd_free(opinion);
    if (peer->opinions == NULL)
        vd_peer_drop(core, peer);
    else
        raise_down_after(peer);
}

void vd_opinion_set_asked(struct vd_core *core, struct vd_opinion *opinion, vd_ticket ticket)
{
    if (opinion->asked.n != 0)
        HASH_DEL(core->asked, opinion);
    opinion->asked = ticket;
    if (ticket.n != 0)
        HASH_ADD(hh, core->asked, asked, sizeof(vd_ticket), opinion);
}

void vd_opinions_reset(struct vd_core *core, struct vd_group *group)
{
    struct vd_opinion *opinion;

    /* differs: an opinion is about one address and configuration epoch and dies with it. */
    DL_FOREACH (group->opinions, opinion) {
        opinion->primary_down = false;
        opinion->answered_at = VD_NEVER;
        vd_opinion_set_asked(core, opinion, (vd_ticket){0});
        opinion->asked_at = VD_NEVER;
        opinion->ask_wanted = false;
        opinion->claimed_at = VD_NEVER;
        opinion->voted_for.hex[0] = '\0';
        opinion->voted_epoch = 0;
        opinion->same_primary = false;
    }
}
