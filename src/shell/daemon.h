/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Daemon: the rooms of the shell put together round one core: started in the
 * order in which they can fail without having changed anything, run until told
 * to leave, taken down again.
 */
#ifndef VD_SHELL_DAEMON_H
#define VD_SHELL_DAEMON_H

#include "shell/lag.h"
#include "shell/load.h"
#include "shell/turn.h"

struct vd_daemon {
    struct vd_config *config; /* owned */
    char **arguments;         /* by which it is read anew; owned */
    size_t argument_count;
    struct ev_loop *loop;
    struct vd_inbox inbox;
    struct vd_drive drive;
    struct vd_turn turn;
    struct vd_lag *lag; /* NULL: nobody wants to know; so the next */
    struct vd_load *load;
    void (*reloaded)(void *self); /* after SIGHUP was acted on; NULL: nobody cares */
    void *reloaded_self;
    void (*word)(void *self, const char *text, size_t len); /* see vd_clients_hooks; NULL */
    void *word_self;
    /* SENTINEL SHOW, as in struct vd_desk; NULL: nothing is shown. */
    bool (*show)(void *self, const char *page, const struct vd_word *query, size_t count,
                 struct vd_text *to);
    void *show_self;
    unsigned long files; /* limit of open descriptors */
    bool fresh;          /* there was no saved state */
    bool began;          /* the drive and the turn are to be ended */
    ev_signal hang_up;
    ev_signal terminate;
    ev_signal interrupt;
    ev_timer watchdog; /* systemd's, if it wants to hear of us */
};

/*
 * Start with the configuration that was read from the arguments (the
 * program's name left out). Takes the configuration and the record (NULL: none
 * is kept) over, in any case. False with the reason and the remedy; nothing is
 * left then.
 */
bool vd_daemon_start(struct vd_daemon *daemon, struct vd_config *config, struct vd_record *record,
                     size_t count, const char *const *arguments, struct vd_err *err) VD_MUSTCHECK;

/* After a start that went well, something else did not: tell it as a failed start is, and stop. */
void vd_daemon_give_up(struct vd_daemon *daemon, const struct vd_err *err);

/*
 * All is up: whoever waits for that is told (systemd, the process that was
 * started to become a daemon). Serve until SIGTERM, SIGINT or SHUTDOWN.
 */
void vd_daemon_run(struct vd_daemon *daemon);

/* Leave cleanly: sockets closed, lock and pidfile gone. */
void vd_daemon_stop(struct vd_daemon *daemon);

/* Begin to measure what alerts and pages tell, if the configuration has any of them. */
void vd_daemon_measure(struct vd_daemon *daemon);

/* Begin to measure it now, whatever the configuration has: somebody asks. */
void vd_daemon_measure_now(struct vd_daemon *daemon);

/* SIGHUP: read the configuration anew and act on what has changed; reload.c. */
void vd_daemon_reload(struct vd_daemon *daemon);

#endif
