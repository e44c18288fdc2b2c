/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What access control means for connections: who is deleted, or listens to
 * what it may not any more, has to go; what was denied is noted; who is held
 * back by CLIENT PAUSE waits.
 */
#include "shell/client.h"
#include "shell/clock.h"

static bool may_listen(void *self, const struct vd_word *name, bool pattern)
{
    return vd_acl_may_listen(self, name, pattern);
}

void vd_conn_check_users(struct vd_clients *home)
{
    struct vd_conn *conn;
    struct vd_conn *next;

    HASH_ITER (hh, home->table, conn, next) {
        struct vd_acl_user *user = conn->session.user;

        if (!vd_acl_is_gone(user) && vd_pubsub_all(&conn->subscriber, may_listen, user))
            continue;
        /* Behind what it is owed: it may be the one who gave the order. */
        conn->closing = true;
        vd_conn_owe(conn);
    }
}

/* The users of the configuration, when they are not those of the one before. */
void vd_conn_adopt_users(struct vd_clients *home, const struct vd_acl *declared)
{
    struct vd_text text = {0};

    vd_acl_print(declared, &text);
    if (strcmp(vd_text_cstr(&text), vd_text_cstr(&home->declared)) != 0) {
        vd_acl_adopt(home->acl, declared);
        vd_conn_check_users(home);
    }
    vd_text_free(&home->declared);
    home->declared = text;
}

void vd_conn_log_denial(struct vd_conn *conn, const struct vd_denial *denial)
{
    struct vd_clients *home = conn->home;
    struct vd_text line = {0};

    home->stats.auth_denied += denial->reason == VD_DENIAL_AUTH;
    home->stats.command_denied += denial->reason == VD_DENIAL_COMMAND;
    home->stats.channel_denied += denial->reason == VD_DENIAL_CHANNEL;
    vd_conn_describe(conn, &line);
    line.bytes[line.len - 1] = '\0'; /* its line end */
    vd_acl_log(home->acl, denial, line.bytes, vd_clock_wall_ms(),
               home->config->server.acllog_max_len);
    vd_text_free(&line);
}

/* CLIENT PAUSE ------------------------------------------------------------------------ */

bool vd_conn_is_held(const struct vd_conn *conn)
{
    char asker[9];

    if (conn->home->paused_until == VD_NEVER || conn->home->paused_until <= conn->home->now)
        return false;
    /* differs: an election must not wait for it; Redis's sentinel lets its peers wait as well. */
    vd_session_asker(&conn->session, asker);
    return asker[0] == '\0';
}

static void end_pause(struct vd_clients *home)
{
    home->paused_until = VD_NEVER;
    ev_timer_stop(home->loop, &home->pause);
    for (struct vd_conn *conn = home->table; conn != NULL; conn = conn->hh.next) {
        if (!conn->waiting)
            vd_conn_resume(conn);
    }
}

static void on_pause_end(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    end_pause(timer->data);
}

void vd_conn_pause_all(struct vd_clients *home, vd_ms duration_ms)
{
    vd_ms until = home->now + duration_ms;

    if (duration_ms == 0) {
        end_pause(home);
        return;
    }
    if (home->paused_until != VD_NEVER && home->paused_until > until)
        return;
    home->paused_until = until;
    ev_timer_stop(home->loop, &home->pause);
    ev_now_update(home->loop);
    ev_timer_init(&home->pause, on_pause_end, (double)duration_ms / 1000.0, 0.);
    home->pause.data = home;
    ev_timer_start(home->loop, &home->pause);
}
