/* SPDX-License-Identifier: BSD-3-Clause */
/* The hello line: what was understood is printed so that it is understood as the same again. */
#include <string.h>

#include "fuzz.h"
#include "proto/hello.h"
#include "proto/pack.h"

/* All that is in it, and not only what is printed. */
static void pack(const struct vd_hello *hello, struct vd_text *to)
{
    const struct vd_event event = {.type = VD_EV_HELLO, .hello = {.hello = hello}};

    vd_text_clear(to);
    vd_pack_event(&event, NULL, to);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct vd_text line = {0};
    struct vd_text again = {0};
    struct vd_hello hello;
    struct vd_hello back;
    struct vd_err err = {""};

    if (!vd_hello_parse((const char *)bytes, len, &hello, &err)) {
        MUST(err.text[0] != '\0');
        return 0;
    }
    vd_hello_print(&hello, &line);
    MUST(vd_hello_parse(line.bytes, line.len, &back, &err));
    pack(&hello, &line);
    pack(&back, &again);
    MUST(line.len == again.len && memcmp(line.bytes, again.bytes, line.len) == 0);
    vd_text_free(&line);
    vd_text_free(&again);
    return 0;
}
