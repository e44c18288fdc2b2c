/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notices: the exact words that operators, scripts and clients parse. One row
 * per event of Sentinel gives its name, its level, whether it is a promise,
 * and whether a group's notification script hears of it. The words are an
 * interface; change none.
 */
#ifndef VD_CORE_NOTICE_H
#define VD_CORE_NOTICE_H

#include "core/model.h"

/* id, channel, level, promise, given to the notification script */
#define VD_NOTICES(X)                                                                              \
    X(MONITOR, "+monitor", WARNING, true, true)                                                    \
    X(UNMONITOR, "-monitor", WARNING, true, true)                                                  \
    X(SET, "+set", WARNING, true, true)                                                            \
    X(RESET, "+reset-master", WARNING, true, true)                                                 \
    X(REPLICA, "+slave", NOTICE, false, false)                                                     \
    X(REPLICA_GONE, "-slave", NOTICE, true, false)       /* ours */                                \
    X(PEER_GONE, "-sentinel", NOTICE, true, false)       /* ours */                                \
    X(PAUSED, "+paused", WARNING, true, true)            /* ours */                                \
    X(RESUMED, "-paused", WARNING, true, true)           /* ours */                                \
    X(FOREIGN, "-foreign-instance", WARNING, true, true) /* ours */                                \
    X(FENCED, "+fenced", WARNING, true, true)            /* ours */                                \
    X(UNFENCED, "-fenced", WARNING, true, true)          /* ours */                                \
    X(PEER, "+sentinel", NOTICE, false, false)                                                     \
    X(PEER_SWITCH, "+sentinel-address-switch", NOTICE, false, false)                               \
    X(PEER_UPDATE, "+sentinel-address-update", NOTICE, false, false)                               \
    X(PEER_INVALID, "+sentinel-invalid-addr", NOTICE, false, false)                                \
    X(REBOOT, "+reboot", NOTICE, false, false)                                                     \
    X(ROLE_GOOD, "+role-change", VERBOSE, false, false)                                            \
    X(ROLE_BAD, "-role-change", VERBOSE, false, false)                                             \
    X(SDOWN, "+sdown", WARNING, false, true)                                                       \
    X(SUP, "-sdown", WARNING, false, true)                                                         \
    X(ODOWN, "+odown", WARNING, false, true)                                                       \
    X(OUP, "-odown", WARNING, false, true)                                                         \
    X(NEW_EPOCH, "+new-epoch", WARNING, true, false)                                               \
    X(VOTE, "+vote-for-leader", WARNING, true, false)                                              \
    X(TRY, "+try-failover", WARNING, true, true)                                                   \
    X(ELECTED, "+elected-leader", WARNING, true, true)                                             \
    X(NOT_ELECTED, "-failover-abort-not-elected", WARNING, true, true)                             \
    X(SELECT, "+failover-state-select-slave", WARNING, true, true)                                 \
    X(NO_GOOD, "-failover-abort-no-good-slave", WARNING, true, true)                               \
    X(SELECTED, "+selected-slave", WARNING, true, true)                                            \
    X(SEND_NOONE, "+failover-state-send-slaveof-noone", NOTICE, true, false)                       \
    X(WAIT_PROMOTION, "+failover-state-wait-promotion", NOTICE, true, false)                       \
    X(SLAVE_TIMEOUT, "-failover-abort-slave-timeout", WARNING, true, true)                         \
    X(MASTER_TIMEOUT, "-failover-abort-master-timeout", WARNING, true, true)                       \
    X(PROMOTED, "+promoted-slave", WARNING, true, true)                                            \
    X(RECONF, "+failover-state-reconf-slaves", WARNING, true, true)                                \
    X(RECONF_SENT, "+slave-reconf-sent", NOTICE, true, false)                                      \
    X(RECONF_INPROG, "+slave-reconf-inprog", NOTICE, false, false)                                 \
    X(RECONF_DONE, "+slave-reconf-done", NOTICE, false, false)                                     \
    X(RECONF_TIMEOUT, "-slave-reconf-sent-timeout", NOTICE, false, false)                          \
    X(RECONF_SENT_BE, "+slave-reconf-sent-be", NOTICE, true, false)                                \
    X(END_TIMEOUT, "+failover-end-for-timeout", WARNING, true, true)                               \
    X(END, "+failover-end", WARNING, true, true)                                                   \
    X(CONFIG_UPDATE, "+config-update-from", WARNING, true, true)                                   \
    X(SWITCH, "+switch-master", WARNING, true, true)                                               \
    X(CONVERT, "+convert-to-slave", NOTICE, true, false)                                           \
    X(FIX, "+fix-slave-config", NOTICE, true, false)                                               \
    X(SCRIPT_ERROR, "-script-error", WARNING, false, false)                                        \
    X(SCRIPT_TIMEOUT, "-script-timeout", WARNING, false, false)                                    \
    X(COMMAND_LINK, "-cmd-link-reconnection", DEBUG, false, false)                                 \
    X(SUBSCRIBE_LINK, "-pubsub-link-reconnection", DEBUG, false, false)                            \
    X(REMARK, "vedette", LOG_ONLY, false, false) /* no event of Sentinel: for people */

enum vd_notice {
#define VD_NOTICE_ID(id, channel, level, promise, script) VD_N_##id,
    VD_NOTICES(VD_NOTICE_ID)
#undef VD_NOTICE_ID
        VD_N_COUNT,
};

/* "<extra>", about no group. */
void vd_notice_plain(struct vd_core *core, enum vd_notice notice, const char *format, ...)
    VD_PRINTF(3, 4);
/* "<path> <process id>": of a script that runs. */
void vd_notice_script(struct vd_core *core, enum vd_notice notice, vd_job job, const char *path);
/* "master <name> <ip> <port> <extra>"; an empty extra leaves no blank. */
void vd_notice_group(struct vd_core *core, enum vd_notice notice, struct vd_group *group,
                     const char *format, ...) VD_PRINTF(4, 5);
/* "<type> <name> <ip> <port> @ <group> <ip> <port> <extra>"; a primary is shown as its group. */
void vd_notice_node(struct vd_core *core, enum vd_notice notice, struct vd_node *node,
                    const char *format, ...) VD_PRINTF(4, 5);
void vd_notice_peer(struct vd_core *core, enum vd_notice notice, struct vd_opinion *opinion,
                    const char *format, ...) VD_PRINTF(4, 5);
/* "<name> <old ip> <old port> <new ip> <new port>" */
void vd_notice_switch(struct vd_core *core, struct vd_group *group, const struct vd_addr *from,
                      const struct vd_addr *to);

/* "ip:port", "[ip6]:port": a replica's name. Made in the turn's arena. */
const char *vd_notice_name(struct vd_core *core, const struct vd_addr *addr);

#endif
