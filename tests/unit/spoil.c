/* SPDX-License-Identifier: BSD-3-Clause */
/* Spoil: nodes of the stage, each spoiled in one thing, see spoil.h. */
#include "spoil.h"

struct vd_node *second;
struct vd_node *third;

static void set_up(void)
{
    stage_set();
    second = puppet_node(&puppet, 2);
    third = puppet_node(&puppet, 3);
    puppet.core->now = 100000; /* room for things that happened long ago */
    for (struct vd_node *node = group->nodes; node != NULL; node = node->next) {
        node->pulse.ok_at = puppet.core->now;
        node->info_at = puppet.core->now;
    }
}

TCase *spoil_case(const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, set_up, stage_clear);
    return tests;
}

void spoil_id(struct vd_id *id, char c)
{
    memset(id->hex, c, VD_ID_LEN);
}

void spoil_go_down(struct vd_node *node)
{
    node->s_down_at = puppet.core->now;
}

void spoil_lose_link(struct vd_node *node)
{
    node->command.up = false;
}

void spoil_stop_answering(struct vd_node *node)
{
    node->pulse.ok_at = puppet.core->now - 5001;
}

void spoil_never(struct vd_node *node)
{
    node->priority = 0;
}

void spoil_tell_nothing(struct vd_node *node)
{
    node->info_at = VD_NEVER;
}

void spoil_load(struct vd_node *node)
{
    node->loading = true;
}

void spoil_say_primary(struct vd_node *node)
{
    node->role = VD_ROLE_PRIMARY;
    node->follows.port = 0;
}

void spoil_be_foreign(struct vd_node *node)
{
    spoil_id(&node->replid, 'f');
    node->synced.hex[0] = '\0';
}

void spoil_follow_a_stranger_with_data_of_its_own(struct vd_node *node)
{
    spoil_be_foreign(node);
    node->follows = puppet_addr("10.8.8.8", 6379);
}

void spoil_refuse(struct vd_node *node)
{
    node->refused_turn_at = puppet.core->now - 4999;
}
