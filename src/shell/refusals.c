/* SPDX-License-Identifier: BSD-3-Clause */
/* Refusals: see refusals.h. */
#include "shell/refusals.h"

#include <stdio.h>
#include <string.h>

#define uthash_malloc(size) vd_alloc(size)
#define uthash_free(ptr, size) vd_free(ptr)
#include <uthash.h>

#include "shell/log.h"

#define PLACE_SIZE (VD_IP_SIZE + 8)

struct vd_refusal {
    char place[PLACE_SIZE]; /* key */
    struct vd_grants grants;
    UT_hash_handle hh;
};

static struct vd_refusal *find(const struct vd_refusals *refusals, const char *ip, uint16_t port,
                               char place[PLACE_SIZE])
{
    struct vd_refusal *refusal;

    (void)snprintf(place, PLACE_SIZE, "%s %u", ip, (unsigned)port);
    HASH_FIND_STR(refusals->by_place, place, refusal);
    return refusal;
}

struct vd_grants vd_refusals_find(const struct vd_refusals *refusals, const char *ip, uint16_t port)
{
    static const struct vd_grants everything;
    char place[PLACE_SIZE];
    const struct vd_refusal *refusal = find(refusals, ip, port, place);

    return refusal != NULL ? refusal->grants : everything;
}

static bool is_same(const struct vd_grants *a, const struct vd_grants *b)
{
    return a->no_replicaof == b->no_replicaof && a->no_transaction == b->no_transaction &&
           a->no_rewrite == b->no_rewrite && a->no_kill == b->no_kill && a->no_hello == b->no_hello;
}

void vd_refusals_keep(struct vd_refusals *refusals, const char *ip, uint16_t port,
                      const struct vd_grants *grants)
{
    static const struct vd_grants everything;
    char place[PLACE_SIZE];
    struct vd_refusal *refusal = find(refusals, ip, port, place);

    if (is_same(grants, refusal != NULL ? &refusal->grants : &everything))
        return;
    if (refusal == NULL) {
        refusal = vd_alloc(sizeof(*refusal));
        memcpy(refusal->place, place, PLACE_SIZE);
        HASH_ADD_STR(refusals->by_place, place, refusal);
    }
    refusal->grants = *grants;
    vd_log(VD_LOG_NOTICE, "the server at %s refuses%s%s%s%s%s; vedette does without", place,
           grants->no_replicaof ? " REPLICAOF" : "", grants->no_transaction ? " MULTI/EXEC" : "",
           grants->no_rewrite ? " CONFIG REWRITE" : "", grants->no_kill ? " CLIENT KILL" : "",
           grants->no_hello ? " HELLO 3" : "");
}

void vd_refusals_free(struct vd_refusals *refusals)
{
    struct vd_refusal *refusal;
    struct vd_refusal *next;

    HASH_ITER (hh, refusals->by_place, refusal, next) {
        HASH_DEL(refusals->by_place, refusal);
        vd_free(refusal);
    }
}
