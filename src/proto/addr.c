/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses as text. inet_pton decides what a literal is, so that "1.2.3" or
 * an octal-looking address is not taken for one by one room and for a name by
 * another.
 */
#include <arpa/inet.h>
#include <string.h>

#include "proto/addr.h"

/* The literal in its canonical form; "" when it is none. */
static void canonize(char ip[VD_IP_SIZE], const char *host)
{
    unsigned char binary[16];
    int family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;

    ip[0] = '\0';
    if (inet_pton(family, host, binary) != 1)
        return;
    /* IPv4 is accepted in one form only, which is the canonical one. */
    if (family == AF_INET ? !vd_copy(ip, VD_IP_SIZE, host)
                          : inet_ntop(family, binary, ip, VD_IP_SIZE) == NULL)
        ip[0] = '\0';
}

/* Labels of letters, digits, '-' and '_' between dots, one dot allowed at the end. */
static bool is_host_name(const char *host, size_t len)
{
    size_t label = 0;
    bool only_digits = true;

    for (size_t i = 0; i < len; i++) {
        char c = host[i];
        bool digit = c >= '0' && c <= '9';

        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        if (!digit && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-' && c != '_')
            return false;
        if (label == 0 && c == '-')
            return false;
        if (++label > 63)
            return false;
        only_digits = only_digits && digit;
    }
    /* "10.0.0" is a broken literal and no name: no host is called by digits alone. */
    return !only_digits;
}

bool vd_addr_set(struct vd_addr *out, const char *host, size_t len, uint16_t port)
{
    *out = (struct vd_addr){0};
    if (len == 0 || len >= VD_HOST_SIZE || memchr(host, '\0', len) != NULL)
        return false;
    memcpy(out->host, host, len);
    out->host[len] = '\0';
    canonize(out->ip, out->host);
    if (out->ip[0] == '\0' && !is_host_name(host, len)) {
        *out = (struct vd_addr){0};
        return false;
    }
    out->port = port;
    return true;
}

bool vd_port_parse(const char *text, size_t len, uint16_t *out)
{
    uint64_t number;

    if (!vd_parse_uint64(text, len, &number) || number > UINT16_MAX)
        return false;
    *out = (uint16_t)number;
    return true;
}

static const char *find_last(const char *text, size_t len, char c)
{
    while (len > 0) {
        if (text[--len] == c)
            return text + len;
    }
    return NULL;
}

bool vd_addr_parse(struct vd_addr *out, const char *text, size_t len, struct vd_err *err)
{
    const char *colon = find_last(text, len, ':');
    size_t host_len = colon == NULL ? len : (size_t)(colon - text);
    const char *host = text;
    uint16_t port;

    *out = (struct vd_addr){0};
    if (colon == NULL)
        return vd_err_set(err, "has no port; write it as host:port, for IPv6 as [address]:port");
    if (!vd_port_parse(colon + 1, len - host_len - 1, &port) || port == 0)
        return vd_err_set(err, "has no valid port behind its last ':'; a port is 1 to 65535");
    if (host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']') {
        host++;
        host_len -= 2;
        if (memchr(host, ':', host_len) == NULL)
            return vd_err_set(err, "has brackets, but no IPv6 address in them");
    } else if (memchr(host, ':', host_len) != NULL) {
        return vd_err_set(err, "has an IPv6 address without brackets; write it as [address]:port");
    }
    if (!vd_addr_set(out, host, host_len, port))
        return vd_err_set(err, "has neither an IP address nor a host name before its port");
    return true;
}

void vd_addr_print(const char *host, uint16_t port, struct vd_text *to)
{
    bool bracket = strchr(host, ':') != NULL;

    vd_text_puts(to, bracket ? "[" : "");
    vd_text_puts(to, host);
    vd_text_puts(to, bracket ? "]:" : ":");
    vd_text_put_int(to, port);
}

bool vd_addr_is_name(const struct vd_addr *addr)
{
    char ip[VD_IP_SIZE];

    canonize(ip, addr->host);
    return addr->host[0] != '\0' && ip[0] == '\0';
}

bool vd_group_name_valid(const char *name, size_t len)
{
    if (len == 0 || len >= VD_NAME_SIZE)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];

        if (c <= ' ' || c == 0x7f || c == ',')
            return false;
    }
    return true;
}
