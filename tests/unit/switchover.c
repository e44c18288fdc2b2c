/* SPDX-License-Identifier: BSD-3-Clause */
/* Switchover: the scenes of a planned failover, see switchover.h. */
#include "switchover.h"

struct vd_node *primary;
const unsigned switchover_ways[2] = {0, VD_FAILOVER_COORDINATED};

static void set_up(void)
{
    stage_set();
    primary = group->primary;
    primary->can_hand_over = true;
    puppet_pass(&puppet, puppet.now + 1);
}

TCase *switchover_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, set_up, stage_clear);
    return tests;
}

const struct vd_effect *switchover_order(unsigned flags, unsigned wanted)
{
    struct vd_order words = {.type = VD_ORDER_FAILOVER, .name = "m", .flags = flags};

    if (wanted != 0)
        words.addr = puppet_node(&puppet, wanted)->addr;
    return puppet_order(&puppet, &words);
}

void switchover_tell(struct vd_node *node, enum vd_role role, int64_t offset)
{
    struct vd_info info =
        role == VD_ROLE_PRIMARY ? puppet_primary_info() : puppet_replica_info(2, offset);

    if (node == primary)
        info.run_id = puppet_primary_info().run_id;
    else
        info.run_id = node->run_id;
    info.failover_supported = true;
    info.primary_offset = offset;
    if (node == primary && role == VD_ROLE_REPLICA)
        info.primary = group->failover.chosen->addr;
    ck_assert_uint_ne(node->info_ticket.n, 0);
    puppet_info(&puppet, node, &info);
}

void switchover_ack(struct vd_node *node, vd_ticket ticket, bool ok)
{
    puppet_ack(&puppet, node, ticket, ok ? NULL : "NOPERM no");
}

unsigned switchover_sent_to(const struct vd_node *node, enum vd_request request)
{
    unsigned count = 0;

    for (size_t i = 0; i < puppet.effects.count; i++) {
        const struct vd_effect *effect = &puppet.effects.list[i];

        count += effect->type == VD_EF_SEND && effect->send.request == request &&
                 effect->send.link.n == node->command.link.n;
    }
    return count;
}

void switchover_elect(void)
{
    puppet_answer(&puppet, 1, false, PUPPET_SELF, group->failover.epoch);
}

struct vd_node *switchover_choose(unsigned flags)
{
    ck_assert_int_eq(switchover_order(flags, 0)->reply.kind, VD_REPLY_OK);
    switchover_elect();
    ck_assert_int_eq(group->failover.state, VD_FO_SELECT_SLAVE);
    switchover_tell(primary, VD_ROLE_PRIMARY, 1000);
    switchover_tell(puppet_node(&puppet, 2), VD_ROLE_REPLICA, 1000);
    switchover_tell(puppet_node(&puppet, 3), VD_ROLE_REPLICA, 1000);
    ck_assert_ptr_nonnull(group->failover.chosen);
    return group->failover.chosen;
}

struct vd_node *switchover_drain(unsigned flags)
{
    struct vd_node *chosen = switchover_choose(flags);

    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_PAUSE), 1);
    switchover_ack(primary, group->failover.handover_ticket, true);
    ck_assert_int_eq(group->failover.handover, VD_HO_DRAINING);
    return chosen;
}

struct vd_node *switchover_demote(unsigned flags)
{
    struct vd_node *chosen = switchover_drain(flags);

    switchover_tell(primary, VD_ROLE_PRIMARY, 1500);
    switchover_tell(chosen, VD_ROLE_REPLICA, 1500);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_REPLICATE), 1);
    ck_assert_uint_eq(switchover_sent_to(primary, VD_RQ_UNPAUSE),
                      0); /* its clients are sent away first */
    ck_assert_int_eq(group->failover.handover, VD_HO_DEMOTING);
    return chosen;
}

void switchover_say_role(struct vd_node *node, enum vd_role role)
{
    puppet_role(&puppet, node, role, primary->addr);
}
