/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs: the command link and the subscription of one server, which share a
 * connection where the server speaks RESP3. The core knows nothing of it: it
 * opens and closes either when it likes. That HELLO 3 was taken is known a
 * round trip behind the connection; until then a subscription waits, and when
 * it is known, the subscription is seated, wherever it was before.
 *
 * differs: Sentinel has two connections to each server, whatever that speaks.
 */
#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <string.h>
#include <uthash.h>

#include "shell/connection.h"

/* One account at one server, under the name that it was given. */
struct vd_pair {
    struct vd_strand *command; /* NULL: none at present; so the next */
    struct vd_strand *subscription;
    bool apart; /* while this command link lives: the subscription has a connection of its own */
    UT_hash_handle hh;
    char key[];
};

/*
 * Who has other credentials may be let do other things, and must not ride with
 * us. Texts have no NUL inside, so that two accounts never have one key.
 */
static void print_key(const struct vd_effect *effect, struct vd_text *key)
{
    const struct vd_addr *addr = &effect->connect.addr;
    const char *user = effect->connect.user;
    const char *pass = effect->connect.pass;

    vd_text_puts(key, addr->host[0] != '\0' ? addr->host : addr->ip);
    vd_text_putc(key, '\0');
    vd_text_put_int(key, addr->port);
    vd_text_putc(key, '\0');
    vd_text_puts(key, user != NULL ? user : "");
    vd_text_putc(key, '\0');
    vd_text_puts(key, pass != NULL ? pass : "");
}

static struct vd_pair *find_or_add(struct vd_links *links, const struct vd_effect *effect)
{
    struct vd_text key = {0};
    struct vd_pair *pair;

    print_key(effect, &key);
    HASH_FIND(hh, links->pairs, key.bytes, key.len, pair);
    if (pair == NULL) {
        pair = vd_alloc(sizeof(*pair) + key.len);
        memcpy(pair->key, key.bytes, key.len);
        HASH_ADD_KEYPTR(hh, links->pairs, pair->key, key.len, pair);
    }
    vd_text_free(&key);
    return pair;
}

void vd_pair_join(struct vd_links *links, struct vd_strand *strand, const struct vd_effect *effect)
{
    struct vd_pair *pair = find_or_add(links, effect);
    struct vd_strand **place =
        strand->kind == VD_LINK_COMMAND ? &pair->command : &pair->subscription;

    if (*place != NULL)
        return; /* another group watches the same server: its links each have their connection */
    *place = strand;
    strand->pair = pair;
}

void vd_pair_leave(struct vd_links *links, struct vd_strand *strand)
{
    struct vd_pair *pair = strand->pair;

    if (pair == NULL)
        return;
    strand->pair = NULL;
    if (pair->subscription == strand) {
        pair->subscription = NULL;
    } else {
        pair->command = NULL;
        pair->apart = false;
    }
    if (pair->command != NULL || pair->subscription != NULL)
        return;
    HASH_DEL(links->pairs, pair);
    vd_free(pair);
}

enum vd_seat vd_pair_seat(struct vd_strand *strand)
{
    const struct vd_pair *pair = strand->pair;

    if (strand->kind != VD_LINK_SUBSCRIBE || pair == NULL || pair->command == NULL || pair->apart)
        return VD_SEAT_OWN;
    switch (pair->command->connection->speech) {
    case VD_SPEECH_UNKNOWN:
        return VD_SEAT_AWAITED;
    case VD_SPEECH_RESP2:
        return VD_SEAT_OWN;
    case VD_SPEECH_RESP3:
        vd_connection_subscribe(pair->command->connection, strand);
        return VD_SEAT_SHARED;
    }
    VD_ASSERT(false);
    return VD_SEAT_OWN;
}

void vd_pair_on_greeted(struct vd_connection *connection)
{
    struct vd_strand *command = connection->command;
    struct vd_strand *subscription;
    struct vd_connection *own;

    if (command == NULL || command->pair == NULL || command->pair->subscription == NULL)
        return;
    subscription = command->pair->subscription;
    own = subscription->connection;
    if (connection->speech != VD_SPEECH_RESP3) {
        if (own->asleep)
            vd_connection_open(own);
        return;
    }
    /*
     * It waited; or was opened, or shared one with a command link that the core
     * has closed. What is said between the end of that and the reply to this is
     * missed, as it is when a link is lost.
     */
    vd_connection_subscribe(connection, subscription);
    own->subscription = NULL;
    VD_ASSERT(own->command == NULL);
    vd_connection_free(own);
}

struct vd_strand *vd_pair_waiting(const struct vd_connection *connection)
{
    const struct vd_strand *command = connection->command;
    struct vd_strand *subscription;

    if (command == NULL || command->pair == NULL)
        return NULL;
    subscription = command->pair->subscription;
    return subscription != NULL && subscription->connection->asleep ? subscription : NULL;
}

/*
 * A subscription that falls silent on a connection that answers is at fault
 * itself, and to subscribe once more by the same way may mend nothing: the next
 * one is as far from it as can be. Where the server owes replies, it is the
 * server that is silent.
 */
void vd_pair_on_closed(const struct vd_strand *strand)
{
    const struct vd_connection *connection = strand->connection;

    if (strand->kind == VD_LINK_SUBSCRIBE && strand->pair != NULL && strand->is_up &&
        connection->command != NULL && connection->queue == NULL)
        strand->pair->apart = true;
}
