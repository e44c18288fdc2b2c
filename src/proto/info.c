/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INFO line by line. A table names the fields of one value; the replicas'
 * lines and the keyspace have readers of their own. Numbers that are none, or
 * beyond all measure, leave the field as it was.
 */
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "proto/addr.h"
#include "proto/info.h"

struct slice {
    const char *at;
    size_t len;
};

struct reader {
    struct vd_info *info;
    struct vd_arena *arena;
    struct slice rest;                /* behind the present line */
    struct vd_info_replica *replicas; /* room for every line that begins like one */
    size_t replica_room;
    struct slice primary_host;
    uint16_t primary_port;
    bool in_keyspace;
    bool found; /* any line of use */
};

static inline bool slice_is(struct slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

/* The part before the first `separator`; *rest is what stands behind it, empty if it is not there.
 */
static struct slice take_until(struct slice s, char separator, struct slice *rest)
{
    const char *stop = memchr(s.at, separator, s.len);
    size_t len = stop == NULL ? s.len : (size_t)(stop - s.at);

    *rest =
        stop == NULL ? (struct slice){s.at + s.len, 0} : (struct slice){stop + 1, s.len - len - 1};
    return (struct slice){s.at, len};
}

/* Single values ------------------------------------------------------------- */

enum field_kind {
    FIELD_NUMBER,  /* int64_t, not negative */
    FIELD_SIGNED,  /* int64_t */
    FIELD_SECONDS, /* vd_ms, from seconds; negative is 0 */
    FIELD_ID,      /* struct vd_id, hex; all zeros is none */
    FIELD_IS,      /* bool: the value is `word` */
    FIELD_IS_NOT,  /* bool: the value is not `word` */
};

struct field {
    const char *name;
    size_t len;
    enum field_kind kind;
    size_t offset;
    const char *word;
};

#define AT(member) offsetof(struct vd_info, member)

#define NAME(text) text, sizeof(text) - 1

static const struct field fields[] = {
    {NAME("run_id"), FIELD_ID, AT(run_id), NULL},
    {NAME("master_replid"), FIELD_ID, AT(replid), NULL},
    {NAME("master_replid2"), FIELD_ID, AT(replid2), NULL},
    {NAME("second_repl_offset"), FIELD_SIGNED, AT(replid2_offset), NULL},
    {NAME("master_repl_offset"), FIELD_NUMBER, AT(primary_offset), NULL},
    {NAME("slave_repl_offset"), FIELD_NUMBER, AT(replica_offset), NULL},
    {NAME("master_link_status"), FIELD_IS, AT(link_up), "up"},
    {NAME("master_link_down_since_seconds"), FIELD_SECONDS, AT(link_down_ms), NULL},
    {NAME("master_sync_in_progress"), FIELD_IS, AT(sync_in_progress), "1"},
    {NAME("slave_priority"), FIELD_SIGNED, AT(priority), NULL},
    {NAME("replica_announced"), FIELD_IS_NOT, AT(announced), "0"},
    {NAME("connected_slaves"), FIELD_NUMBER, AT(connected_replicas), NULL},
    {NAME("master_failover_state"), FIELD_IS_NOT, AT(failover_under_way), "no-failover"},
};

static void read_id(struct slice value, struct vd_id *out)
{
    bool zeros = true;

    if (value.len != VD_ID_LEN)
        return;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
            return;
        zeros = zeros && c == '0';
    }
    if (zeros)
        return;
    memcpy(out->hex, value.at, VD_ID_LEN);
    out->hex[VD_ID_LEN] = '\0';
}

static void read_field(const struct field *field, struct slice value, struct vd_info *info)
{
    void *at = (char *)info + field->offset;
    int64_t number = 0;

    switch (field->kind) {
    case FIELD_NUMBER:
    case FIELD_SIGNED:
        if (vd_parse_int64(value.at, value.len, &number) &&
            (number >= 0 || field->kind == FIELD_SIGNED))
            *(int64_t *)at = number;
        break;
    case FIELD_SECONDS:
        /* -1 is said by a replica whose link was never up since it started: nothing is known. */
        if (vd_parse_int64(value.at, value.len, &number) && number <= INT64_MAX / 1000)
            *(vd_ms *)at = number < 0 ? 0 : number * 1000;
        break;
    case FIELD_ID:
        read_id(value, at);
        break;
    case FIELD_IS:
        *(bool *)at = slice_is(value, field->word);
        break;
    case FIELD_IS_NOT:
        *(bool *)at = !slice_is(value, field->word);
        break;
    }
}

/* Replicas -------------------------------------------------------------------- */

/* slave<digit...> */
static bool is_replica_name(struct slice name)
{
    return name.len >= 6 && memcmp(name.at, "slave", 5) == 0 && name.at[5] >= '0' &&
           name.at[5] <= '9';
}

/* "ip=..,port=..,state=..,offset=..", or of old "ip,port,state"; false without a usable address. */
static bool read_replica(struct slice value, struct vd_info_replica *out)
{
    struct slice host = {0};
    struct slice port = {0};
    struct slice state = {0};
    struct slice rest = value;
    uint16_t number;
    size_t place = 0;

    out->offset = -1;
    while (rest.len > 0) {
        struct slice part = take_until(rest, ',', &rest);
        struct slice text;
        struct slice key = take_until(part, '=', &text);

        if (key.len == part.len) { /* no '=': the old form */
            text = part;
            key = place == 0   ? (struct slice){"ip", 2}
                  : place == 1 ? (struct slice){"port", 4}
                               : (struct slice){"state", 5};
        }
        place++;
        if (slice_is(key, "ip"))
            host = text;
        else if (slice_is(key, "port"))
            port = text;
        else if (slice_is(key, "state"))
            state = text;
        else if (slice_is(key, "offset") &&
                 (!vd_parse_int64(text.at, text.len, &out->offset) || out->offset < 0))
            out->offset = -1;
    }
    out->online = slice_is(state, "online");
    return vd_port_parse(port.at, port.len, &number) && number != 0 &&
           vd_addr_set(&out->addr, host.at, host.len, number);
}

/* Other lines ------------------------------------------------------------------ */

/* db<n>:keys=<n>,... */
static void read_database(struct slice value, struct vd_info *info)
{
    struct slice rest;
    struct slice part = take_until(value, ',', &rest);
    struct slice text;
    int64_t keys;

    if (slice_is(take_until(part, '=', &text), "keys") &&
        vd_parse_int64(text.at, text.len, &keys) && keys >= 0 && keys < INT64_MAX - info->keys)
        info->keys += keys;
}

/* The first of them: as many may follow as there are lines like it. */
static void make_room(struct reader *r)
{
    struct slice rest = r->rest;

    r->replica_room = 1;
    while (rest.len > 0)
        r->replica_room += is_replica_name(take_until(rest, '\n', &rest)) ? 1 : 0;
    r->replicas = vd_arena_alloc(r->arena, r->replica_room * sizeof(r->replicas[0]));
}

static void read_other(struct reader *r, struct slice name, struct slice value)
{
    struct vd_info *info = r->info;

    if (slice_is(name, "role")) {
        info->role = slice_is(value, "master")  ? VD_ROLE_PRIMARY
                     : slice_is(value, "slave") ? VD_ROLE_REPLICA
                                                : VD_ROLE_UNKNOWN;
    } else if (slice_is(name, "master_host")) {
        r->primary_host = value;
    } else if (slice_is(name, "master_port")) {
        if (!vd_port_parse(value.at, value.len, &r->primary_port))
            r->primary_port = 0;
    } else if (slice_is(name, "loading") || slice_is(name, "async_loading")) {
        info->loading = info->loading || slice_is(value, "1");
    } else if (is_replica_name(name)) {
        if (r->replicas == NULL)
            make_room(r);
        VD_ASSERT(info->replica_count < r->replica_room);
        if (!read_replica(value, &r->replicas[info->replica_count]))
            return;
        info->replica_count++;
    } else if (r->in_keyspace && name.len > 2 && memcmp(name.at, "db", 2) == 0) {
        read_database(value, info);
    } else {
        return;
    }
    r->found = true;
}

#define PAIR(a, b) ((unsigned)(a) << 8 | (unsigned)(b))

/* Four lines of five are passed over by how they begin. */
static bool may_matter(struct slice line)
{
    if (line.len > 0 && line.at[0] == '#')
        return true;
    if (line.len < 2)
        return false;
    switch (PAIR((unsigned char)line.at[0], (unsigned char)line.at[1])) {
    case PAIR('a', 's'): /* async_loading */
    case PAIR('c', 'o'): /* connected_slaves */
    case PAIR('d', 'b'):
    case PAIR('l', 'o'): /* loading */
    case PAIR('m', 'a'): /* master_... */
    case PAIR('r', 'e'): /* replica_announced */
    case PAIR('r', 'o'): /* role */
    case PAIR('r', 'u'): /* run_id */
    case PAIR('s', 'e'): /* second_repl_offset */
    case PAIR('s', 'l'): /* slave... */
        return true;
    default:
        return false;
    }
}

static void read_line(struct reader *r, struct slice line)
{
    struct slice value;
    struct slice name;

    if (!may_matter(line))
        return;
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len > 0 && line.at[0] == '#') {
        r->in_keyspace = slice_is(line, "# Keyspace");
        if (r->in_keyspace && r->info->keys < 0)
            r->info->keys = 0;
        return;
    }
    name = take_until(line, ':', &value);
    if (name.len == line.len)
        return;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (name.len != fields[i].len || memcmp(name.at, fields[i].name, name.len) != 0)
            continue;
        read_field(&fields[i], value, r->info);
        if (fields[i].offset == AT(failover_under_way))
            r->info->failover_supported = true;
        r->found = true;
        return;
    }
    read_other(r, name, value);
}

bool vd_info_parse(const char *text, size_t len, struct vd_arena *arena, struct vd_info *out)
{
    struct reader r = {.info = out, .arena = arena, .rest = {text, len}};

    *out = (struct vd_info){
        .replid2_offset = -1,
        .primary_offset = -1,
        .replica_offset = -1,
        .priority = 100,
        .announced = true,
        .connected_replicas = -1,
        .keys = -1,
    };
    while (r.rest.len > 0)
        read_line(&r, take_until(r.rest, '\n', &r.rest));
    /* Of a primary these lines would be left over from another life. */
    if (out->role == VD_ROLE_REPLICA && r.primary_host.len > 0 &&
        !vd_addr_set(&out->primary, r.primary_host.at, r.primary_host.len, r.primary_port))
        out->primary.port = 0;
    out->replicas = r.replicas;
    return r.found;
}
