/* SPDX-License-Identifier: BSD-3-Clause */
/* Mixes: which faults go together in one run, and what must hold nevertheless. */
#include <string.h>

#include "faults.h"

#define K(kind) (UINT64_C(1) << SIM_##kind)
#define NODES                                                                                      \
    (K(NODE_KILL) | K(NODE_EMPTY) | K(NODE_POWER) | K(NODE_PAUSE) | K(NODE_BUSY) | K(NODE_PRIORITY))
#define SENTINELS                                                                                  \
    (K(SENTINEL_KILL) | K(SENTINEL_DOOM) | K(SENTINEL_POWER) | K(SENTINEL_PAUSE) |                 \
     K(SENTINEL_STALL) | K(SENTINEL_FREEZE) | K(SENTINEL_DRIFT))
#define DISKS (K(DISK_FAIL) | K(DISK_FAIL_LATE) | K(DISK_SLOW))
#define NETS                                                                                       \
    (K(SPLIT) | K(BRIDGE) | K(ISOLATE) | K(ONE_WAY) | K(CUT) | K(HICCUP) | K(SPLIT_PEERS) |        \
     K(SPLIT_NODES) | K(LOSS) | K(DELAY) | K(ECHO) | K(RESET) | K(BLACKHOLE))
#define HANDS (K(NODE_AUTH) | K(NODE_DENY) | K(NODE_TURN))
#define ORDERS                                                                                     \
    (K(OP_FAILOVER) | K(OP_SWITCHOVER) | K(OP_RESET) | K(OP_SET) | K(OP_ANEW) | K(OP_CRASH))

static const struct sim_mix mixes[] = {
    {
        .name = "all",
        .about = "any of everything, a few kinds in each run",
        .kinds = NODES | SENTINELS | DISKS | NETS | K(SENTINEL_ALL) | K(OP_FAILOVER) | K(OP_SET),
        .most = 10,
        .swarm = true,
    },
    {
        .name = "calm",
        .about = "nothing goes wrong, and nothing must happen",
        .kinds = 0,
        .most = 0,
        .clean_net = true,
        .no_switch = true,
        .no_loss = true,
    },
    {
        .name = "kill",
        .about = "the primary is killed once",
        .kinds = K(NODE_KILL),
        .most = 1,
        .clean_net = true,
        .no_corpses = true,
        .within_ms = 200,
    },
    {
        .name = "hang",
        .about = "the primary stands still once",
        .kinds = K(NODE_PAUSE),
        .most = 1,
        .clean_net = true,
        .no_corpses = true,
        .within_ms = 200,
        .unannounced = true,
    },
    {
        .name = "empty",
        .about = "a primary comes back at once, without its data",
        .kinds = K(NODE_EMPTY),
        .most = 1,
        .clean_net = true,
        .no_corpses = true,
    },
    {
        .name = "cascade",
        .about = "servers die, one after the other",
        .kinds = NODES,
        .most = 8,
    },
    {
        .name = "crash",
        .about = "sentinels crash at every boundary while servers die",
        .kinds = SENTINELS | K(SENTINEL_ALL) | K(NODE_KILL) | K(NODE_PAUSE),
        .most = 10,
    },
    {
        .name = "net",
        .about = "partitions, loss, resets while servers die",
        .kinds = NETS | K(NODE_KILL),
        .most = 8,
        .swarm = true,
    },
    {
        .name = "disk",
        .about = "saves fail and drag while servers and sentinels die",
        .kinds = DISKS | K(NODE_KILL) | K(SENTINEL_DOOM) | K(SENTINEL_KILL),
        .most = 10,
    },
    {
        .name = "pause",
        .about = "processes and machines stand still",
        .kinds = K(SENTINEL_PAUSE) | K(SENTINEL_STALL) | K(SENTINEL_FREEZE) | K(NODE_PAUSE) |
                 K(NODE_KILL),
        .most = 8,
    },
    {
        .name = "orders",
        .about = "operators give orders at the wrong moment",
        .kinds = ORDERS | K(NODE_KILL),
        .most = 8,
    },
    {
        .name = "planned",
        .about = "switchovers by order: no acknowledged write is lost",
        .kinds = K(OP_SWITCHOVER) | K(SENTINEL_KILL) | K(SENTINEL_DOOM) | K(SENTINEL_PAUSE) |
                 K(SENTINEL_STALL) | K(SENTINEL_DRIFT) | K(DISK_FAIL) | K(DISK_SLOW) |
                 K(SPLIT_PEERS) | K(NODE_PRIORITY),
        .most = 6,
        .opener = SIM_OP_SWITCHOVER,
        .clean_net = true,
        .no_loss = true,
        .no_corpses = true,
    },
    {
        .name = "hands",
        .about = "administrators change passwords, rights and roles by hand",
        .kinds = HANDS | K(NODE_KILL) | K(OP_FAILOVER) | K(OP_RESET),
        .most = 6,
    },
    {
        .name = "mass",
        .about = "all primaries of many groups die at once",
        .kinds = K(NODE_MASS) | K(NODE_KILL) | K(SENTINEL_KILL) | K(SENTINEL_STALL),
        .most = 3,
        .many = true,
    },
    {
        .name = "early",
        .about = "it begins before they know each other",
        .kinds = NODES | SENTINELS | NETS,
        .most = 8,
        .swarm = true,
        .no_corpses = true,
        .early = true,
    },
    {
        .name = "amnesia",
        .about = "sentinels lose their state",
        .kinds = K(SENTINEL_AMNESIA) | K(NODE_KILL) | K(SPLIT),
        .most = 5,
        .no_corpses = true,
    },
    {
        .name = "mixed",
        .about = "vedettes and original Sentinels in one quorum",
        .kinds = NODES | SENTINELS | NETS | K(DISK_FAIL) | K(SENTINEL_ALL) | K(OP_FAILOVER),
        .most = 6,
        .swarm = true,
        .mixed = true,
    },
    {
        .name = "moves",
        .about = "servers change their addresses, and find those of others",
        .kinds = K(NODE_MOVE) | K(NODE_SWAP) | K(NODE_KILL) | K(SENTINEL_KILL) | K(SPLIT),
        .most = 5,
        .no_corpses = true,
    },
    {
        .name = "late",
        .about = "sentinels read late and send late, and nothing must happen",
        .kinds = K(SENTINEL_LATE),
        .most = 8,
        .clean_net = true,
        .no_switch = true,
        .no_loss = true,
    },
};
#define MIX_COUNT (sizeof(mixes) / sizeof(mixes[0]))
/* Not the last: the numbers of seeds shall mean what they have meant. */
#define MIX_DRAWN (MIX_COUNT - 1)

const struct sim_mix *sim_mix_find(const char *name)
{
    for (size_t i = 0; i < MIX_COUNT; i++) {
        if (strcmp(mixes[i].name, name) == 0)
            return &mixes[i];
    }
    return NULL;
}

const struct sim_mix *sim_mix_at(size_t index)
{
    return index < MIX_COUNT ? &mixes[index] : NULL;
}

const struct sim_mix *sim_mix_of_seed(uint64_t seed)
{
    size_t place = seed % (2 * MIX_DRAWN);

    /* Half of the seeds are of the first, which has everything. */
    return place < MIX_DRAWN ? &mixes[place] : &mixes[0];
}
