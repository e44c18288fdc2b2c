/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Idle: the clients in the order in which they fell silent, so that one timer,
 * set to the first of them, ends all who are silent for too long.
 */
#include "shell/client.h"

#include "shell/log.h"

void vd_conn_begin_quiet(struct vd_conn *conn)
{
    struct vd_clients *home = conn->home;

    conn->quieter[0] = home->quietest[1];
    conn->quieter[1] = NULL;
    if (home->quietest[1] != NULL)
        home->quietest[1]->quieter[1] = conn;
    else
        home->quietest[0] = conn;
    home->quietest[1] = conn;
}

void vd_conn_end_quiet(struct vd_conn *conn)
{
    struct vd_clients *home = conn->home;

    if (conn->quieter[0] != NULL)
        conn->quieter[0]->quieter[1] = conn->quieter[1];
    else
        home->quietest[0] = conn->quieter[1];
    if (conn->quieter[1] != NULL)
        conn->quieter[1]->quieter[0] = conn->quieter[0];
    else
        home->quietest[1] = conn->quieter[0];
}

void vd_conn_touch(struct vd_conn *conn, vd_ms now)
{
    conn->quiet_at = now;
    vd_conn_end_quiet(conn);
    vd_conn_begin_quiet(conn);
}

void vd_conn_end_idle(struct vd_clients *home, vd_ms now)
{
    vd_ms timeout_ms = home->config->server.timeout_ms;
    struct vd_conn *first;

    ev_timer_stop(home->loop, &home->idle);
    while (timeout_ms > 0 && (first = home->quietest[0]) != NULL) {
        if (first->quiet_at + timeout_ms > now) {
            double wait_s = (double)(first->quiet_at + timeout_ms - now) / 1000.0;

            ev_now_update(home->loop);
            ev_timer_set(&home->idle, wait_s, 0.);
            ev_timer_start(home->loop, &home->idle);
            return;
        }
        if (first->subscriber.channels + first->subscriber.patterns > 0 || first->awaited != NULL) {
            /* Subscribers are silent by nature, and one who waits is kept by us. */
            vd_conn_touch(first, now);
            continue;
        }
        vd_log(VD_LOG_VERBOSE, "closing a client that was idle for %lld s",
               (long long)((now - first->last_at) / 1000));
        vd_conn_end(first);
    }
}
