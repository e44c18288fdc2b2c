/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Awaited: replies that the core still owes to a client, in the order of its
 * requests. Others may be run meanwhile; what they are answered waits behind.
 * So all questions that a peer sends at once are one turn's, and cost one sync
 * of the disk instead of one each.
 */
#include "shell/client.h"

#define MARKS_FIRST 8

/* A reply's place, so many bytes into `behind`; the first one's is at its beginning. */
struct mark {
    size_t at;
    bool muted; /* CLIENT REPLY does not want it; what is said of later ones does not concern it */
};

struct vd_awaited {
    struct vd_text behind;
    struct mark *marks;
    size_t count;
    size_t room;
    size_t first; /* of the marks that are still open */
    size_t moved; /* bytes of `behind` that have left it */
};

void vd_conn_await(struct vd_conn *conn)
{
    struct vd_awaited *awaited = conn->awaited;

    if (awaited == NULL) {
        awaited = vd_alloc(sizeof(*awaited));
        conn->awaited = awaited;
    }
    if (awaited->count == awaited->room) {
        awaited->room = awaited->room == 0 ? MARKS_FIRST : awaited->room * 2;
        awaited->marks = vd_realloc(awaited->marks, awaited->room * sizeof(awaited->marks[0]));
    }
    awaited->marks[awaited->count++] = (struct mark){awaited->behind.len, conn->session.muted};
}

size_t vd_conn_awaits(const struct vd_conn *conn)
{
    return conn->awaited == NULL ? 0 : conn->awaited->count - conn->awaited->first;
}

bool vd_conn_awaits_muted(const struct vd_conn *conn)
{
    VD_ASSERT(vd_conn_awaits(conn) > 0);
    return conn->awaited->marks[conn->awaited->first].muted;
}

struct vd_text *vd_conn_behind(struct vd_conn *conn)
{
    return conn->awaited == NULL ? NULL : &conn->awaited->behind;
}

void vd_conn_forget_awaited(struct vd_conn *conn)
{
    if (conn->awaited == NULL)
        return;
    vd_text_free(&conn->awaited->behind);
    vd_free(conn->awaited->marks);
    vd_free(conn->awaited);
    conn->awaited = NULL;
}

void vd_conn_awaited_came(struct vd_conn *conn)
{
    struct vd_awaited *awaited = conn->awaited;
    bool is_last = vd_conn_awaits(conn) == 1;
    size_t until = is_last ? awaited->behind.len : awaited->marks[awaited->first + 1].at;

    if (until > awaited->moved)
        vd_text_add(vd_conn_reply(conn), awaited->behind.bytes + awaited->moved,
                    until - awaited->moved);
    awaited->moved = until;
    awaited->first++;
    if (is_last)
        vd_conn_forget_awaited(conn);
}

void vd_conn_await_no_more(struct vd_conn *conn)
{
    VD_ASSERT(vd_conn_awaits(conn) > 0);
    if (vd_conn_awaits(conn) == 1)
        vd_conn_awaited_came(conn);
    else
        conn->awaited->count--; /* what waits behind it waits behind the one before */
}
