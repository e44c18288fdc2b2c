/* SPDX-License-Identifier: BSD-3-Clause */
/* INFO: whatever a server says, the facts are well formed, and their line can be printed. */
#include <string.h>

#include "fuzz.h"
#include "proto/info.h"
#include "proto/trace.h"

static void check_id(const struct vd_id *id)
{
    size_t len = strlen(id->hex);

    MUST(len == 0 || len == VD_ID_LEN);
    MUST(strspn(id->hex, "0123456789abcdefABCDEF") == len);
}

static void check_addr(const struct vd_addr *addr)
{
    MUST(memchr(addr->host, '\0', sizeof(addr->host)) != NULL);
    MUST(memchr(addr->ip, '\0', sizeof(addr->ip)) != NULL);
    MUST(addr->port == 0 || addr->host[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct vd_arena arena = {0};
    struct vd_text line = {0};
    struct vd_info info;
    struct vd_event event = {.type = VD_EV_INFO};
    bool useful = vd_info_parse((const char *)bytes, len, &arena, &info);

    check_id(&info.run_id);
    check_id(&info.replid);
    check_id(&info.replid2);
    check_addr(&info.primary);
    MUST(info.link_down_ms >= 0);
    MUST(info.keys >= -1);
    MUST(useful || (info.role == VD_ROLE_UNKNOWN && info.replica_count == 0));
    for (size_t i = 0; i < info.replica_count; i++) {
        check_addr(&info.replicas[i].addr);
        MUST(info.replicas[i].addr.port != 0);
    }
    event.info.info = &info;
    vd_trace_event(&event, &line);
    for (size_t i = 0; i < line.len; i++)
        MUST(line.bytes[i] >= ' ' && line.bytes[i] < 0x7f);
    vd_text_free(&line);
    vd_arena_free(&arena);
    return 0;
}
