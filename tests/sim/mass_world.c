/* SPDX-License-Identifier: BSD-3-Clause */
/* Mass world: see mass_world.h. */
#include "mass_parts.h"

#include <stdio.h>
#include <string.h>

#define LATENCY 200 /* us, one way */
#define SETTLED_OFFSET 1000
#define KEYS 100

void sim_mass_drop(struct sim_mass_load *load)
{
    if (load != NULL && --load->refs == 0)
        vd_free(load);
}

struct sim_mass_load *sim_mass_new_load(void)
{
    struct sim_mass_load *load = vd_alloc(sizeof(*load));

    load->refs = 1;
    return load;
}

/* Queues ------------------------------------------------------------------------------ */

void sim_mass_put(struct sim_mass_queue *queue, const struct sim_mass_item *item)
{
    if (queue->count == queue->room) {
        size_t room = queue->room == 0 ? 1024 : queue->room * 2;
        struct sim_mass_item *list = vd_calloc(room, sizeof(*list));

        for (size_t i = 0; i < queue->count; i++)
            list[i] = queue->list[(queue->head + i) & (queue->room - 1)];
        vd_free(queue->list);
        queue->list = list;
        queue->head = 0;
        queue->room = room;
    }
    queue->list[(queue->head + queue->count++) & (queue->room - 1)] = *item;
}

struct sim_mass_item sim_mass_take(struct sim_mass_queue *queue)
{
    struct sim_mass_item item = queue->list[queue->head];

    queue->head = (queue->head + 1) & (queue->room - 1);
    queue->count--;
    return item;
}

static void empty(struct sim_mass_queue *queue)
{
    while (queue->count > 0)
        sim_mass_drop(sim_mass_take(queue).load);
    vd_free(queue->list);
    *queue = (struct sim_mass_queue){0};
}

/* All latencies are alike: what is sent later arrives later. */
static void send(struct sim_mass *mass, struct sim_mass_item item)
{
    item.at = mass->now + LATENCY;
    sim_mass_put(&mass->wire, &item);
}

/* What a vedette says leaves it when its turn is over. */
void sim_mass_say(struct sim_mass_vedette *v, const struct sim_mass_item *item)
{
    sim_us now = v->mass->now;

    sim_mass_put(&v->out, item);
    if (v->flush_at == INT64_MAX)
        v->flush_at = v->busy_until > now ? v->busy_until : now;
}

/* Addresses and ids -------------------------------------------------------------------- */

struct vd_addr sim_mass_addr_of_node(uint32_t node)
{
    struct vd_addr addr = {.port = 6379};

    (void)snprintf(addr.ip, sizeof(addr.ip), "10.%u.%u.%u", node >> 16 & 255U, node >> 8 & 255U,
                   node & 255U);
    memcpy(addr.host, addr.ip, sizeof(addr.ip));
    return addr;
}

struct vd_addr sim_mass_addr_of_vedette(unsigned index)
{
    struct vd_addr addr = {.port = 26379};

    (void)snprintf(addr.ip, sizeof(addr.ip), "192.168.0.%u", index + 1);
    memcpy(addr.host, addr.ip, sizeof(addr.ip));
    return addr;
}

/* A vedette's address gives its index, too: what a link leads to is known by its kind. */
uint32_t sim_mass_index_of(const char *ip)
{
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;

    VD_ASSERT(sscanf(ip, "%u.%u.%u.%u", &a, &b, &c, &d) == 4);
    return a == 10 ? b << 16 | c << 8 | d : d - 1;
}

static struct vd_id make_id(uint64_t number)
{
    struct vd_id id;

    (void)snprintf(id.hex, sizeof(id.hex), "%016llx%024llx",
                   (unsigned long long)(number * 0x9e3779b97f4a7c15U), (unsigned long long)number);
    return id;
}

struct vd_id sim_mass_id_of_vedette(unsigned index)
{
    return make_id(1000000000U + index);
}

/* Servers ---------------------------------------------------------------------------------- */

static void break_links(struct sim_mass *mass, uint32_t index, uint64_t but)
{
    struct sim_mass_node *node = &mass->nodes[index];

    for (unsigned v = 0; v < SIM_MASS_VEDETTES; v++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            if (node->links[v][kind] == 0 || node->links[v][kind] == but)
                continue;
            send(mass, (struct sim_mass_item){.type = ITEM_CLOSED,
                                              .vedette = (uint8_t)v,
                                              .link = node->links[v][kind]});
            node->links[v][kind] = 0;
        }
    }
}

static bool is_in_step(const struct sim_mass *mass, const struct sim_mass_node *node)
{
    const struct sim_mass_node *above = &mass->nodes[node->follows];

    return !node->dead && node->role == VD_ROLE_REPLICA && !above->dead &&
           above->role == VD_ROLE_PRIMARY;
}

static void list_replicas(const struct sim_mass *mass, uint32_t index, struct sim_mass_load *load)
{
    uint32_t first = index - index % SIM_MASS_NODES;

    for (uint32_t i = first; i < first + SIM_MASS_NODES; i++) {
        if (i == index || mass->nodes[i].follows != index || !is_in_step(mass, &mass->nodes[i]))
            continue;
        load->replicas[load->info.replica_count++] = (struct vd_info_replica){
            .addr = sim_mass_addr_of_node(i), .online = true, .offset = SETTLED_OFFSET};
    }
    load->info.replicas = load->replicas;
    load->info.connected_replicas = (int64_t)load->info.replica_count;
}

static struct sim_mass_load *tell_info(const struct sim_mass *mass, uint32_t index)
{
    const struct sim_mass_node *node = &mass->nodes[index];
    struct sim_mass_load *load = sim_mass_new_load();
    bool in_step = is_in_step(mass, node);

    load->info = (struct vd_info){.role = node->role,
                                  .run_id = make_id(2000000000U + index),
                                  .replid = node->replid,
                                  .replid2 = node->replid2,
                                  .replid2_offset = -1,
                                  .primary_offset = SETTLED_OFFSET,
                                  .replica_offset = -1,
                                  .priority = 100,
                                  .announced = true,
                                  .keys = KEYS};
    if (node->role == VD_ROLE_PRIMARY) {
        list_replicas(mass, index, load);
        return load;
    }
    load->info.primary = sim_mass_addr_of_node(node->follows);
    load->info.replica_offset = SETTLED_OFFSET;
    load->info.link_up = in_step;
    load->info.link_down_ms = in_step ? 0 : (mass->now - node->lost_at) / SIM_MS;
    if (in_step)
        load->info.replid = mass->nodes[node->follows].replid;
    return load;
}

static void publish(struct sim_mass *mass, uint32_t index, struct sim_mass_load *load)
{
    for (unsigned v = 0; v < SIM_MASS_VEDETTES; v++) {
        uint64_t link = mass->nodes[index].links[v][VD_LINK_SUBSCRIBE];

        if (link == 0)
            continue;
        load->refs++;
        send(mass, (struct sim_mass_item){
                       .type = ITEM_HELLO, .vedette = (uint8_t)v, .link = link, .load = load});
    }
}

static void obey(struct sim_mass *mass, const struct sim_mass_item *item)
{
    struct sim_mass_node *node = &mass->nodes[item->target];
    uint32_t first = item->target - item->target % SIM_MASS_NODES;

    switch (item->request) {
    case VD_RQ_HELLO:
        publish(mass, item->target, item->load);
        for (uint32_t i = first; i < first + SIM_MASS_NODES; i++) {
            if (mass->nodes[i].follows == item->target && is_in_step(mass, &mass->nodes[i]))
                publish(mass, i, item->load); /* by the stream */
        }
        break;
    case VD_RQ_PROMOTE:
        node->role = VD_ROLE_PRIMARY;
        node->follows = item->target;
        node->replid2 = node->replid;
        node->replid = make_id(mass->next_id++);
        break_links(mass, item->target, item->link);
        break;
    case VD_RQ_REPLICATE:
        node->role = VD_ROLE_REPLICA;
        node->follows = sim_mass_index_of(item->load->addr.ip);
        node->replid = mass->nodes[node->follows].replid;
        break_links(mass, item->target, item->link);
        break;
    default:
        break;
    }
}

static void serve(struct sim_mass *mass, struct sim_mass_item item)
{
    struct sim_mass_load *said = item.load;

    if (mass->nodes[item.target].dead) {
        sim_mass_drop(said); /* the link's end is the answer */
        return;
    }
    obey(mass, &item);
    item.type = ITEM_REPLY;
    item.load = item.request == VD_RQ_INFO || item.request == VD_RQ_ROLE
                    ? tell_info(mass, item.target)
                    : NULL;
    send(mass, item);
    sim_mass_drop(said);
}

void sim_mass_kill(struct sim_mass *mass, uint32_t index)
{
    uint32_t first = index - index % SIM_MASS_NODES;

    break_links(mass, index, 0);
    mass->nodes[index].dead = true;
    for (uint32_t i = first; i < first + SIM_MASS_NODES; i++) {
        if (mass->nodes[i].follows == index)
            mass->nodes[i].lost_at = mass->now;
    }
}

/* A vedette as others see it --------------------------------------------------------------- */

static void serve_peer(struct sim_mass *mass, struct sim_mass_item item)
{
    struct sim_mass_vedette *to = &mass->vedettes[item.target];
    struct sim_mass_call *call;

    if (item.request == VD_RQ_QUESTION) {
        item.load->call = ++mass->next_call;
        call = &mass->calls[mass->next_call % SIM_MASS_CALLS];
        VD_ASSERT(!call->pending);
        *call = (struct sim_mass_call){true, item.vedette, item.link, item.ticket};
        item.type = ITEM_QUESTION;
        sim_mass_put(&to->inbox, &item);
        return;
    }
    if (item.request == VD_RQ_HELLO) {
        struct sim_mass_item hello = {.type = ITEM_HELLO, .load = item.load};

        sim_mass_put(&to->inbox, &hello);
    } else {
        sim_mass_drop(item.load);
    }
    item.type = ITEM_REPLY;
    item.load = NULL;
    sim_mass_say(to, &item);
}

static void arrive(struct sim_mass *mass, struct sim_mass_item item)
{
    bool peer = item.kind == VD_LINK_PEER;

    switch (item.type) {
    case ITEM_CONNECT:
        item.type = ITEM_UP;
        if (!peer && mass->nodes[item.target].dead)
            item.type = ITEM_REFUSED;
        else if (!peer)
            mass->nodes[item.target].links[item.vedette][item.kind] = item.link;
        send(mass, item);
        return;
    case ITEM_REQUEST:
        if (peer)
            serve_peer(mass, item);
        else
            serve(mass, item);
        return;
    default:
        sim_mass_put(&mass->vedettes[item.vedette].inbox, &item);
    }
}

static void flush(struct sim_mass_vedette *v)
{
    while (v->out.count > 0)
        send(v->mass, sim_mass_take(&v->out));
    v->flush_at = INT64_MAX;
}

/* The earliest of all that may happen next. */
static bool step(struct sim_mass *mass, sim_us until)
{
    sim_us at = mass->wire.count > 0 ? mass->wire.list[mass->wire.head].at : INT64_MAX;
    struct sim_mass_vedette *next = NULL;
    bool flushes = false;

    for (unsigned i = 0; i < SIM_MASS_VEDETTES; i++) {
        struct sim_mass_vedette *v = &mass->vedettes[i];
        sim_us when = sim_mass_turn_at(v);

        if (v->flush_at <= when && v->flush_at <= at) {
            at = v->flush_at;
            next = v;
            flushes = true;
        } else if (when < at) {
            at = when;
            next = v;
            flushes = false;
        }
    }
    if (at >= until)
        return false;
    mass->now = at > mass->now ? at : mass->now;
    if (next == NULL)
        arrive(mass, sim_mass_take(&mass->wire));
    else if (flushes)
        flush(next);
    else
        sim_mass_turn(next);
    return true;
}

void sim_mass_run(struct sim_mass *mass, sim_us until, bool (*stop)(const struct sim_mass *mass))
{
    while (step(mass, until)) {
        if (stop != NULL && stop(mass))
            return;
    }
    mass->now = until;
}

/* Begin and end ------------------------------------------------------------------------------ */

/* All know each other, and the replicas: what is looked at is a death, not an acquaintance. */
static struct vd_core *new_core(const struct sim_mass *mass, unsigned index)
{
    struct vd_globals globals;
    struct vd_options options;
    struct vd_image_group *groups = vd_calloc(mass->groups, sizeof(*groups));
    struct vd_addr *replicas = vd_calloc((size_t)mass->groups * 2, sizeof(*replicas));
    char(*names)[16] = vd_calloc(mass->groups, sizeof(*names));
    struct vd_image_peer peers[SIM_MASS_VEDETTES - 1];
    struct vd_image image = {
        .self = sim_mass_id_of_vedette(index), .globals = &globals, .groups = groups};
    struct vd_core *core;
    size_t peer_count = 0;

    for (unsigned i = 0; i < SIM_MASS_VEDETTES; i++) {
        if (i != index)
            peers[peer_count++] =
                (struct vd_image_peer){sim_mass_id_of_vedette(i), sim_mass_addr_of_vedette(i)};
    }
    vd_globals_init(&globals);
    globals.listen_port = 26379;
    globals.max_groups = mass->groups;
    vd_options_init(&options, &globals);
    options.quorum = 2;
    options.down_after_ms = mass->down_after_ms;
    for (unsigned g = 0; g < mass->groups; g++) {
        (void)snprintf(names[g], sizeof(names[g]), "m%u", g);
        replicas[(size_t)g * 2] = sim_mass_addr_of_node(g * SIM_MASS_NODES + 1);
        replicas[(size_t)g * 2 + 1] = sim_mass_addr_of_node(g * SIM_MASS_NODES + 2);
        groups[g] = (struct vd_image_group){.name = names[g],
                                            .from_config = true,
                                            .primary = sim_mass_addr_of_node(g * SIM_MASS_NODES),
                                            .options = &options,
                                            .replicas = &replicas[(size_t)g * 2],
                                            .replica_count = SIM_MASS_NODES - 1,
                                            .peers = peers,
                                            .peer_count = peer_count};
    }
    image.group_count = mass->groups;
    core = vd_core_new(&image, false);
    vd_options_free(&options);
    vd_globals_free(&globals);
    vd_free(names);
    vd_free(replicas);
    vd_free(groups);
    return core;
}

struct sim_mass *sim_mass_new(unsigned groups, vd_ms down_after_ms)
{
    struct sim_mass *mass = vd_alloc(sizeof(*mass));

    mass->now = SIM_S;
    mass->groups = groups;
    mass->down_after_ms = down_after_ms;
    mass->nodes = vd_calloc((size_t)groups * SIM_MASS_NODES, sizeof(*mass->nodes));
    mass->calls = vd_calloc(SIM_MASS_CALLS, sizeof(*mass->calls));
    mass->next_id = 3000000000U;
    for (uint32_t i = 0; i < groups * SIM_MASS_NODES; i++) {
        uint32_t first = i - i % SIM_MASS_NODES;

        mass->nodes[i].role = i == first ? VD_ROLE_PRIMARY : VD_ROLE_REPLICA;
        mass->nodes[i].follows = first; /* a primary itself: that is not looked at */
        mass->nodes[i].replid = make_id(mass->next_id + first);
    }
    mass->next_id += (uint64_t)groups * SIM_MASS_NODES;
    for (unsigned i = 0; i < SIM_MASS_VEDETTES; i++) {
        struct sim_mass_vedette *v = &mass->vedettes[i];

        v->mass = mass;
        v->index = i;
        v->flush_at = INT64_MAX;
        v->busy_until = SIM_S + (sim_us)i * 300 * SIM_MS; /* not all at once */
        sim_mass_open(v, new_core(mass, i));
    }
    return mass;
}

void sim_mass_reset_stats(struct sim_mass *mass)
{
    for (unsigned i = 0; i < SIM_MASS_VEDETTES; i++)
        memset(&mass->vedettes[i].stats, 0, sizeof(mass->vedettes[i].stats));
}

void sim_mass_free(struct sim_mass *mass)
{
    for (unsigned i = 0; i < SIM_MASS_VEDETTES; i++) {
        struct sim_mass_vedette *v = &mass->vedettes[i];

        sim_mass_close(v);
        empty(&v->inbox);
        empty(&v->out);
    }
    empty(&mass->wire);
    vd_free(mass->nodes);
    vd_free(mass->calls);
    vd_free(mass);
}
