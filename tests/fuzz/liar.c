/* SPDX-License-Identifier: BSD-3-Clause */
/* Liar: see liar.h. */
#include "liar.h"

#include <string.h>

#include "base/text.h"
#include "fuzz.h"

#define PICK(list) ((list)[liar_take(sizeof(list) / sizeof((list)[0]))])

static const uint8_t *at;
static const uint8_t *end;

void liar_begin(const uint8_t *bytes, size_t len)
{
    at = bytes;
    end = bytes + len;
}

bool liar_is_done(void)
{
    return at == end;
}

unsigned liar_take(unsigned count)
{
    return at == end ? 0 : *at++ % count;
}

const char *liar_host(void)
{
    static const char *const hosts[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.1.1",
                                        "10.0.1.2", "10.0.1.3", "db-1",     "::1",      ""};

    return PICK(hosts);
}

static const char *liar_number(void)
{
    static const char *const numbers[] = {"0",
                                          "1",
                                          "2",
                                          "3",
                                          "5",
                                          "100",
                                          "26379",
                                          "6379",
                                          "1048577",
                                          "4294967296",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "-1",
                                          "1000",
                                          "",
                                          "18446744073709551615"};

    return PICK(numbers);
}

const char *liar_id(void)
{
    static const char *const ids[] = {
        LIAR_SELF,
        "1111111111111111111111111111111111111111",
        "2222222222222222222222222222222222222222",
        "3333333333333333333333333333333333333333",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "0000000000000000000000000000000000000000",
        "*",
    };

    return PICK(ids);
}

uint64_t liar_epoch(void)
{
    static const uint64_t epochs[] = {0, 1, 2, 3, 4, 5, 8, 1000000, INT64_MAX, UINT64_MAX};

    return PICK(epochs);
}

struct vd_addr liar_addr(void)
{
    static const uint16_t ports[] = {6379, 26379, 0, 1};
    struct vd_addr addr = {.port = PICK(ports)};
    const char *host = liar_host();

    MUST(vd_copy(addr.host, sizeof(addr.host), host));
    if (strchr(host, '-') == NULL)
        MUST(vd_copy(addr.ip, sizeof(addr.ip), host));
    return addr;
}

const char *liar_group(void)
{
    static const char *const names[] = {"m", "n", "x", "*"};

    return PICK(names);
}

const char *liar_info(struct vd_arena *arena)
{
    static const char *const fields[] = {"run_id",
                                         "master_replid",
                                         "master_replid2",
                                         "second_repl_offset",
                                         "master_repl_offset",
                                         "slave_repl_offset",
                                         "master_link_down_since_seconds",
                                         "slave_priority",
                                         "connected_slaves",
                                         "master_port"};
    bool is_primary = liar_take(2) == 0;
    char *text = vd_arena_printf(
        arena, "role:%s\r\nmaster_host:%s\r\nmaster_port:6379\r\nmaster_link_status:%s\r\n",
        is_primary ? "master" : "slave", liar_host(), liar_take(2) == 0 ? "up" : "down");

    for (unsigned n = liar_take(8); n > 0; n--) {
        const char *field = PICK(fields);
        bool is_id = strstr(field, "id") != NULL;

        text =
            vd_arena_printf(arena, "%s%s:%s\r\n", text, field, is_id ? liar_id() : liar_number());
    }
    for (unsigned n = liar_take(8); n > 0; n--)
        text = vd_arena_printf(arena, "%sslave%u:ip=%s,port=6379,state=online,offset=%s\r\n", text,
                               n, liar_host(), liar_number());
    if (liar_take(3) == 0)
        text = vd_arena_printf(arena, "%sloading:1\r\n", text);
    if (liar_take(3) == 0)
        text = vd_arena_printf(arena, "%smaster_failover_state:%s\r\n", text,
                               liar_take(2) == 0 ? "no-failover" : "waiting-for-sync");
    return vd_arena_printf(arena, "%s# Keyspace\r\ndb0:keys=%s,expires=0\r\n", text, liar_number());
}

const char *liar_hello(struct vd_arena *arena)
{
    const char *host = liar_host();
    const char *port = liar_number();
    const char *id = liar_id();
    unsigned long long epoch = liar_epoch();
    const char *group = liar_group();
    const char *primary = liar_host();
    const char *primary_port = liar_number();

    return vd_arena_printf(arena, "%s,%s,%s,%llu,%s,%s,%s,%llu", host, port, id, epoch, group,
                           primary, primary_port, (unsigned long long)liar_epoch());
}
