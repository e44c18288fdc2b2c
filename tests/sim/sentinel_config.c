/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentinel: what it is told before its first start; see sentinel.h. */
#include "node.h"
#include "original.h"
#include "sentinel.h"

/* What it would have learnt by itself: the replicas of a group and the other sentinels. */
static void introduce(const struct sim_sentinel *s, struct vd_image_group *group, unsigned number,
                      struct vd_addr *replicas, struct vd_image_peer *peers)
{
    const struct sim *sim = s->sim;

    for (unsigned i = 1; i < sim->setup.nodes; i++)
        replicas[i - 1] = sim->nodes[number * sim->setup.nodes + i]->host->addr;
    group->replicas = replicas;
    group->replica_count = sim->setup.nodes - 1;
    group->peers = peers;
    for (unsigned i = 0; i < sim->setup.sentinels; i++) {
        if (i != s->index)
            peers[group->peer_count++] = (struct vd_image_peer){
                .id = sim->sentinels[i]->id, .addr = sim->sentinels[i]->host->addr};
    }
    for (unsigned i = 0; i < sim->setup.originals; i++)
        peers[group->peer_count++] = (struct vd_image_peer){.id = sim->originals[i]->id,
                                                            .addr = sim->originals[i]->host->addr};
}

void sim_sentinel_configure(const struct sim_sentinel *s, struct sim_saved *saved, bool acquainted)
{
    const struct sim_setup *setup = &s->sim->setup;
    struct vd_globals globals;
    struct vd_options options;
    struct vd_image_group groups[SIM_GROUPS_MAX] = {0};
    struct vd_image image = {.self = s->id, .globals = &globals, .groups = groups};
    struct vd_addr replicas[SIM_GROUPS_MAX][SIM_NODES_MAX];
    struct vd_image_peer peers[SIM_GROUPS_MAX][SIM_ORIGINAL_PEERS];

    vd_globals_init(&globals);
    globals.listen_port = 26379;
    globals.info_period_ms = setup->info_period_ms;
    globals.abstain_ms = setup->abstain_ms;
    vd_options_init(&options, &globals);
    options.quorum = setup->quorum;
    options.down_after_ms = setup->down_after_ms;
    options.down_after_refused_ms = setup->down_after_refused_ms;
    options.failover_timeout_ms = setup->failover_timeout_ms;
    options.parallel_syncs = setup->parallel_syncs;
    if (setup->scripts) {
        options.notification_script = vd_strdup("/bin/notify");
        options.client_reconfig_script = vd_strdup("/bin/reconfig");
    }
    options.handover = setup->server_handover ? VD_SWITCHOVER_SERVER : VD_SWITCHOVER_PAUSE;
    options.reboot_failover = (enum vd_reboot_failover)setup->reboot_failover;
    if (setup->max_lag_bytes != 0)
        options.candidate_max_lag_bytes = setup->max_lag_bytes;
    for (unsigned g = 0; g < setup->groups; g++) {
        groups[g].name = sim_group_name(g);
        groups[g].from_config = true;
        groups[g].primary = s->sim->nodes[g * setup->nodes]->host->addr;
        groups[g].options = &options;
        if (acquainted)
            introduce(s, &groups[g], g, replicas[g], peers[g]);
    }
    image.group_count = setup->groups;
    sim_saved_merge(saved, &image);
    vd_options_free(&options);
    vd_globals_free(&globals);
}

void sim_sentinel_acquaint(struct sim_sentinel *s)
{
    VD_ASSERT(!s->disk.platter.exists);
    sim_sentinel_configure(s, &s->disk.platter, true);
}
