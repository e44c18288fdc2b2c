/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of a witness: see witness.h. */
#include <ctype.h>
#include <string.h>

#include "proto/addr.h"
#include "proto/hello.h"
#include "shell/witness.h"

#define PREFIX VD_WORD_FAILOVER "1,"
#define AGE_MAX_MS INT64_C(86400000)
#define PHRASE_MAX 64

enum field {
    LEADER,
    EPOCH,
    AGE,
    REASON,
    RESULT,
    FROM_HOST,
    FROM_IP,
    FROM_PORT,
    TO_HOST,
    TO_IP,
    TO_PORT,
    SILENCE,
    AGREEMENT,
    ELECTION,
    SELECTION,
    PROMOTION,
    TOTAL,
    REPLICAS,
    LOSS,
    GROUP,
    FIELD_COUNT,
};

static void put_addr(const struct vd_addr *addr, struct vd_text *to)
{
    vd_text_printf(to, ",%s,%s,%u", addr->host, addr->ip, (unsigned)addr->port);
}

void vd_witness_print(const struct vd_history_entry *entry, const char *self, int64_t now_ms,
                      struct vd_text *to)
{
    const struct vd_phases *phases = &entry->phases;
    const int64_t parts[] = {phases->silence_ms,   phases->agreement_ms, phases->election_ms,
                             phases->selection_ms, phases->promotion_ms, phases->total_ms,
                             phases->replicas_ms,  entry->loss_bytes};

    vd_text_printf(to, PREFIX "%s,%llu,%lld,%s,%s", self, (unsigned long long)entry->epoch,
                   (long long)(now_ms - entry->at_ms), entry->reason, entry->result);
    put_addr(&entry->from, to);
    put_addr(&entry->to, to);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        vd_text_printf(to, ",%lld", (long long)parts[i]);
    vd_text_printf(to, ",%s", entry->group);
}

/* Reading ------------------------------------------------------------------------------ */

static size_t split(char *text, const char *fields[FIELD_COUNT])
{
    size_t count = 0;

    for (char *comma = text; comma != NULL; text = comma + 1) {
        comma = strchr(text, ',');
        if (comma != NULL)
            *comma = '\0';
        if (count < FIELD_COUNT)
            fields[count] = text;
        count++;
        if (comma == NULL)
            break;
    }
    return count;
}

/* A few plain words. */
static bool is_phrase(const char *text)
{
    size_t len = strnlen(text, PHRASE_MAX + 1);

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && strchr(" -_", text[i]) == NULL)
            return false;
    return len > 0 && len <= PHRASE_MAX;
}

static bool read_number(const char *text, int64_t least, int64_t *out)
{
    return vd_parse_int64(text, strlen(text), out) && *out >= least;
}

/* All empty: none. */
static bool read_addr(const char *const *fields, struct vd_addr *out)
{
    const char *host = fields[0][0] != '\0' ? fields[0] : fields[1];
    struct vd_addr ip;
    uint16_t port;

    memset(out, 0, sizeof(*out));
    if (!vd_port_parse(fields[2], strlen(fields[2]), &port))
        return false;
    if (port == 0)
        return true;
    if (!vd_addr_set(out, host, strlen(host), port))
        return false;
    if (fields[1][0] == '\0')
        return true;
    return vd_addr_set(&ip, fields[1], strlen(fields[1]), port) && !vd_addr_is_name(&ip) &&
           vd_copy(out->ip, sizeof(out->ip), ip.ip);
}

static bool read_phases(const char *const *fields, struct vd_history_entry *out)
{
    struct vd_phases *phases = &out->phases;

    phases->begun_at = VD_NEVER;
    return read_number(fields[SILENCE], -1, &phases->silence_ms) &&
           read_number(fields[AGREEMENT], -1, &phases->agreement_ms) &&
           read_number(fields[ELECTION], -1, &phases->election_ms) &&
           read_number(fields[SELECTION], -1, &phases->selection_ms) &&
           read_number(fields[PROMOTION], -1, &phases->promotion_ms) &&
           read_number(fields[TOTAL], -1, &phases->total_ms) &&
           read_number(fields[REPLICAS], -1, &phases->replicas_ms) &&
           read_number(fields[LOSS], -1, &out->loss_bytes);
}

bool vd_witness_parse(char *text, int64_t now_ms, struct vd_history_entry *out)
{
    const char *fields[FIELD_COUNT];
    int64_t age_ms;
    int64_t epoch;

    memset(out, 0, sizeof(*out));
    if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 ||
        split(text + strlen(PREFIX), fields) != FIELD_COUNT)
        return false;
    out->source = VD_HISTORY_TOLD;
    out->leader = fields[LEADER];
    out->reason = fields[REASON];
    out->result = fields[RESULT];
    out->group = fields[GROUP];
    if (!read_number(fields[EPOCH], 0, &epoch) || !read_number(fields[AGE], 0, &age_ms) ||
        age_ms > AGE_MAX_MS || !is_phrase(out->reason) || !is_phrase(out->result) ||
        !read_addr(&fields[FROM_HOST], &out->from) || !read_addr(&fields[TO_HOST], &out->to))
        return false;
    out->epoch = (uint64_t)epoch;
    out->at_ms = now_ms - age_ms;
    return read_phases(fields, out);
}
