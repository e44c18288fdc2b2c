/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hello line, read and written. Reading is strict: a field that is not
 * what it should be spoils the line, because nothing good follows from half
 * of one.
 */
#include <string.h>

#include "proto/addr.h"
#include "proto/hello.h"

#define FIELDS 8
/* Two hosts, a name, an id, two epochs, two ports and commas fit well; longer is no hello. */
#define LONGEST 2048

struct field {
    const char *at;
    size_t len;
};

static size_t split_fields(const char *text, size_t len, struct field fields[FIELDS])
{
    size_t count = 0;
    const char *end = text + len;

    for (const char *at = text;; at++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma == NULL ? end : comma;

        if (count < FIELDS)
            fields[count] = (struct field){at, (size_t)(stop - at)};
        count++;
        if (comma == NULL || count > FIELDS)
            return count;
        at = comma;
    }
}

/* Ids are 40 characters, hex digits unless an operator chose otherwise. */
static bool read_id(const struct field *field, struct vd_id *out)
{
    if (field->len != VD_ID_LEN)
        return false;
    for (size_t i = 0; i < field->len; i++) {
        if (field->at[i] <= ' ' || field->at[i] >= 0x7f)
            return false;
    }
    memcpy(out->hex, field->at, VD_ID_LEN);
    out->hex[VD_ID_LEN] = '\0';
    return true;
}

static bool read_addr(const struct field *host, const struct field *port, struct vd_addr *out)
{
    uint16_t number;

    return vd_port_parse(port->at, port->len, &number) &&
           vd_addr_set(out, host->at, host->len, number);
}

bool vd_hello_parse(const char *text, size_t len, struct vd_hello *out, struct vd_err *err)
{
    struct field f[FIELDS];
    size_t count;

    *out = (struct vd_hello){0};
    if (len > LONGEST)
        return vd_err_set(err, "hello of %zu bytes", len);
    count = split_fields(text, len, f);
    if (count != FIELDS)
        return vd_err_set(err, "hello of %s than 8 fields", count < FIELDS ? "fewer" : "more");
    if (!read_addr(&f[0], &f[1], &out->peer))
        return vd_err_set(err, "hello with a bad address of its sender");
    if (!read_id(&f[2], &out->id))
        return vd_err_set(err, "hello with a bad id");
    if (!vd_parse_uint64(f[3].at, f[3].len, &out->epoch))
        return vd_err_set(err, "hello with a bad epoch");
    if (!vd_group_name_valid(f[4].at, f[4].len))
        return vd_err_set(err, "hello with a bad group name");
    memcpy(out->group, f[4].at, f[4].len);
    out->group[f[4].len] = '\0';
    if (!read_addr(&f[5], &f[6], &out->primary))
        return vd_err_set(err, "hello with a bad address of the primary");
    if (!vd_parse_uint64(f[7].at, f[7].len, &out->config_epoch))
        return vd_err_set(err, "hello with a bad configuration epoch");
    return true;
}

static void put_unsigned(struct vd_text *to, uint64_t number)
{
    if (number <= INT64_MAX)
        vd_text_put_int(to, (int64_t)number);
    else
        vd_text_printf(to, "%llu", (unsigned long long)number);
}

static void put_addr(struct vd_text *to, const struct vd_addr *addr)
{
    vd_text_puts(to, addr->host[0] != '\0' ? addr->host : addr->ip);
    vd_text_putc(to, ',');
    vd_text_put_int(to, addr->port);
}

void vd_hello_print(const struct vd_hello *hello, struct vd_text *to)
{
    put_addr(to, &hello->peer);
    vd_text_putc(to, ',');
    vd_text_puts(to, hello->id.hex);
    vd_text_putc(to, ',');
    put_unsigned(to, hello->epoch);
    vd_text_putc(to, ',');
    vd_text_puts(to, hello->group);
    vd_text_putc(to, ',');
    put_addr(to, &hello->primary);
    vd_text_putc(to, ',');
    put_unsigned(to, hello->config_epoch);
}

static bool begins(const char *text, size_t len, const char *prefix)
{
    size_t prefix_len = strlen(prefix);

    return len > prefix_len && memcmp(text, prefix, prefix_len) == 0;
}

bool vd_hello_is_word(const char *text, size_t len)
{
    return len <= LONGEST &&
           (begins(text, len, VD_WORD_ALERTS) || begins(text, len, VD_WORD_FAILOVER));
}
