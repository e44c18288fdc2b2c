/* SPDX-License-Identifier: BSD-3-Clause */
/* Net, who is there and at which address; see net.h. */
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "schedule.h"

struct sim_host *sim_host_new(struct sim_net *net, const char *name, unsigned group,
                              unsigned number, uint16_t port, const struct sim_host_ops *ops,
                              void *self)
{
    struct sim_host *host = vd_alloc(sizeof(*host));
    struct sim_who who;

    VD_ASSERT(net->host_count < SIM_HOSTS_MAX);
    VD_ASSERT(group < SIM_PLACES && number < SIM_PLACES && net->by_addr[group][number] == NULL);
    net->by_addr[group][number] = host;
    VD_ASSERT(vd_copy(host->name, sizeof(host->name), name));
    (void)snprintf(host->addr.host, sizeof(host->addr.host), "10.0.%u.%u", group, number);
    VD_ASSERT(vd_copy(host->addr.ip, sizeof(host->addr.ip), host->addr.host));
    host->addr.port = port;
    host->group = SIM_GROUPS_MAX;
    host->bit = sim_who_of_name(name, &who) ? sim_who_bit(who.kind, who.number) : 0;
    host->net = net;
    host->ops = ops;
    host->self = self;
    host->powered = true;
    host->parked_tail = &host->parked;
    host->index = net->host_count;
    net->hosts[net->host_count++] = host;
    for (unsigned i = 0; i < net->host_count; i++) {
        sim_us most = net->sim->setup.latency;
        sim_us way = most / 2 + (sim_us)sim_below(&net->sim->times, (uint64_t)most / 2 + 1);

        net->latency[i][host->index] = way;
        net->latency[host->index][i] = way;
    }
    return host;
}

/* The next number of an address, and the character behind it. */
static const char *read_place(const char *text, unsigned *place)
{
    *place = 0;
    while (*text >= '0' && *text <= '9' && *place < SIM_PLACES)
        *place = *place * 10 + (unsigned)(*text++ - '0');
    return text;
}

static const struct sim_host *find_literal(const struct sim_net *net, const char *text)
{
    const struct sim_host *host;
    const char *rest;
    unsigned group;
    unsigned number;

    if (strncmp(text, "10.0.", 5) != 0)
        return NULL;
    rest = read_place(text + 5, &group);
    if (*rest != '.' || *read_place(rest + 1, &number) != '\0' || group >= SIM_PLACES ||
        number >= SIM_PLACES)
        return NULL;
    host = net->by_addr[group][number];
    return host != NULL && strcmp(host->addr.ip, text) == 0 ? host : NULL;
}

const struct sim_host *sim_host_find(const struct sim_net *net, const struct vd_addr *addr)
{
    const struct sim_host *host = find_literal(net, addr->ip);

    if (host == NULL || host->addr.port != addr->port)
        host = find_literal(net, addr->host);
    return host != NULL && host->addr.port == addr->port ? host : NULL;
}
