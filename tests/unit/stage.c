/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage: the usual puppet and its scenes, see stage.h. */
#include "stage.h"

struct puppet puppet;
struct vd_group *group;

void stage_set(void)
{
    puppet_init(&puppet, 2, 2, 2);
    puppet_settle(&puppet);
    group = puppet_group(&puppet);
}

void stage_clear(void)
{
    puppet_free(&puppet);
}

TCase *stage_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, stage_set, stage_clear);
    return tests;
}

void stage_keep_alive(void)
{
    struct vd_node *node;
    struct vd_opinion *opinion;
    unsigned last_byte = 0;

    DL_FOREACH (group->nodes, node) {
        struct vd_info info = puppet_replica_info(++last_byte, 1000);

        if (vd_node_is_primary(node))
            continue;
        if (node->pulse.ticket.n != 0)
            puppet_pong(&puppet, &node->command, VD_PONG_OK);
        if (node->info_ticket.n != 0)
            puppet_info(&puppet, node, &info);
    }
    DL_FOREACH (group->opinions, opinion) {
        if (opinion->peer->pulse.ticket.n != 0)
            puppet_pong(&puppet, &opinion->peer->wire, VD_PONG_OK);
    }
}

void stage_lose_primary(void)
{
    struct vd_node *primary = group->primary;

    puppet_link_down(&puppet, &primary->command, VD_DOWN_CLOSED);
    while (primary->s_down_at == VD_NEVER) {
        puppet_pass(&puppet, puppet.now + 10);
        stage_keep_alive();
    }
}

void stage_to_wait_start(void)
{
    stage_lose_primary();
    puppet_answer(&puppet, 1, true, "", 0);
    ck_assert_int_ne(group->primary->o_down_at, VD_NEVER);
    while (group->failover.state == VD_FO_NONE) {
        puppet_pass(&puppet, puppet.now + 1);
        ck_assert_int_lt(puppet.now, 5000);
    }
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_START);
}

void stage_to_wait_promotion(void)
{
    stage_to_wait_start();
    puppet_answer(&puppet, 1, true, PUPPET_SELF, group->failover.epoch);
    stage_keep_alive();
    while (group->failover.state == VD_FO_SELECT_SLAVE) {
        puppet_pass(&puppet, puppet.now + 10);
        stage_keep_alive();
    }
    ck_assert_int_eq(group->failover.state, VD_FO_WAIT_PROMOTION);
}

void stage_say_role(const struct vd_node *node, enum vd_role role)
{
    puppet_role(&puppet, node, role, puppet_addr("10.0.0.1", 6379));
}

void stage_ack_turn(const struct vd_node *node, bool ok)
{
    puppet_ack(&puppet, node, node->turn_ticket, ok ? NULL : "NOPERM no");
}
