/* SPDX-License-Identifier: BSD-3-Clause */
/* Survey: see survey.h. */
#include "shell/survey.h"

unsigned vd_survey_majority(const struct vd_view_group *group)
{
    return (group->peer_count + 1) / 2 + 1;
}

bool vd_survey_can_act(const struct vd_view_group *group)
{
    return group->usable >= vd_survey_majority(group) && group->usable >= group->options->quorum;
}

bool vd_survey_is_up(const struct vd_view_node *node)
{
    return !node->s_down && !node->disconnected &&
           (node->health == VD_HEALTH_UP || node->health == VD_HEALTH_SLOW);
}

bool vd_survey_serves(const struct vd_view_node *node)
{
    return vd_survey_is_up(node) && node->role_reported == VD_ROLE_REPLICA && node->link_ok;
}

int64_t vd_survey_lag_bytes(const struct vd_view_node *primary, const struct vd_view_node *replica)
{
    if (primary->info_ms == VD_NEVER || replica->info_ms == VD_NEVER)
        return -1;
    return primary->offset > replica->offset ? primary->offset - replica->offset : 0;
}

const char *vd_survey_health_word(enum vd_health health)
{
    static const char *const words[VD_HEALTH_COUNT] = {
        "unknown", "up", "slow", "refused", "silent", "auth", "loading", "busy", "rebooted",
    };

    return words[health];
}
