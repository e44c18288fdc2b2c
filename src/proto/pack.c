/* SPDX-License-Identifier: BSD-3-Clause */
/* Pack: numbers, texts and addresses; see pack.h. */
#include "proto/pack.h"

#include <string.h>

#define GROUP_BITS 7U
#define GROUP_MASK 0x7FU
#define MORE 0x80U

/* Writing ------------------------------------------------------------------------ */

void vd_pack_number(uint64_t number, struct vd_text *to)
{
    while (number > GROUP_MASK) {
        vd_text_putc(to, (char)(MORE | (number & GROUP_MASK)));
        number >>= GROUP_BITS;
    }
    vd_text_putc(to, (char)number);
}

/* Zigzag: small numbers of either sign are short. */
void vd_pack_signed(int64_t number, struct vd_text *to)
{
    uint64_t bits = (uint64_t)number;

    vd_pack_number(number < 0 ? ~(bits << 1) : bits << 1, to);
}

/* Length + 1, then the bytes; 0 is NULL. */
void vd_pack_string(const char *string, struct vd_text *to)
{
    size_t len;

    if (string == NULL) {
        vd_text_putc(to, '\0');
        return;
    }
    len = strlen(string);
    vd_pack_number(len + 1, to);
    vd_text_add(to, string, len);
}

void vd_pack_secret(const char *secret, const struct vd_veil *veil, struct vd_text *to)
{
    if (secret == NULL || secret[0] == '\0' || veil == NULL)
        vd_pack_string(secret, to);
    else
        vd_pack_string(veil->hide(veil->self, secret), to);
}

void vd_pack_addr(const struct vd_addr *addr, struct vd_text *to)
{
    vd_pack_string(addr->host, to);
    vd_pack_string(addr->ip, to);
    vd_pack_number(addr->port, to);
}

/* Reading ------------------------------------------------------------------------ */

void vd_unpack_fail(struct vd_unpack *from, const char *complaint)
{
    if (from->complaint == NULL)
        from->complaint = complaint;
    from->at = from->end;
}

uint64_t vd_unpack_number(struct vd_unpack *from, uint64_t max)
{
    uint64_t number = 0;

    for (unsigned shift = 0; shift < 64; shift += GROUP_BITS) {
        uint64_t bits;
        unsigned char byte;

        if (from->at == from->end) {
            vd_unpack_fail(from, "it ends too early");
            return 0;
        }
        byte = *from->at++;
        bits = byte & GROUP_MASK;
        if (bits << shift >> shift != bits || (byte == 0 && shift != 0))
            break;
        number |= bits << shift;
        if ((byte & MORE) == 0) {
            if (number <= max)
                return number;
            vd_unpack_fail(from, "a number is too large");
            return 0;
        }
    }
    vd_unpack_fail(from, "a number is malformed");
    return 0;
}

int64_t vd_unpack_signed(struct vd_unpack *from)
{
    uint64_t bits = vd_unpack_number(from, UINT64_MAX);

    return (bits & 1U) != 0 ? -(int64_t)(bits >> 1) - 1 : (int64_t)(bits >> 1);
}

bool vd_unpack_bool(struct vd_unpack *from)
{
    return vd_unpack_number(from, 1) != 0;
}

const char *vd_unpack_string(struct vd_unpack *from)
{
    uint64_t len = vd_unpack_number(from, UINT64_MAX);
    const char *bytes = (const char *)from->at;

    if (len == 0)
        return NULL;
    len--;
    if (len > (uint64_t)(from->end - from->at)) {
        vd_unpack_fail(from, "a text is longer than what holds it");
        return NULL;
    }
    if (len != 0 && memchr(bytes, '\0', (size_t)len) != NULL) {
        vd_unpack_fail(from, "a text holds a NUL");
        return NULL;
    }
    from->at += len;
    return vd_arena_memdup(from->arena, bytes, (size_t)len);
}

const char *vd_unpack_text(struct vd_unpack *from)
{
    const char *text = vd_unpack_string(from);

    if (text == NULL) {
        vd_unpack_fail(from, "a text is missing");
        return "";
    }
    return text;
}

void vd_unpack_array(struct vd_unpack *from, char *to, size_t size)
{
    if (!vd_copy(to, size, vd_unpack_text(from)))
        vd_unpack_fail(from, "a text is too long for its place");
}

size_t vd_unpack_count(struct vd_unpack *from, size_t least)
{
    uint64_t count = vd_unpack_number(from, UINT64_MAX);

    if (count > (uint64_t)(from->end - from->at) / least) {
        vd_unpack_fail(from, "a list is longer than what holds it");
        return 0;
    }
    return (size_t)count;
}

void vd_unpack_addr(struct vd_unpack *from, struct vd_addr *out)
{
    memset(out, 0, sizeof(*out));
    vd_unpack_array(from, out->host, sizeof(out->host));
    vd_unpack_array(from, out->ip, sizeof(out->ip));
    out->port = (uint16_t)vd_unpack_number(from, UINT16_MAX);
}
