/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients' input: requests come out the same whether the bytes come at once
 * or in pieces. The first byte says how large the pieces are, and who asks.
 */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "proto/reader.h"

/* Takes the requests out of the first *len bytes and notes them; false: broken. */
static bool take(struct vd_reader *reader, char *bytes, size_t *len, bool stranger,
                 struct vd_text *story)
{
    for (;;) {
        enum vd_read got = vd_reader_next(reader, bytes, *len, stranger);

        if (got == VD_READ_BROKEN) {
            MUST(strncmp(reader->error, "Protocol error", 14) == 0);
            vd_text_printf(story, "broken: %s", reader->error);
            return false;
        }
        if (got == VD_READ_MORE)
            return true;
        MUST(reader->used > 0 && reader->used <= *len);
        vd_text_printf(story, "%zu:", reader->count);
        for (size_t i = 0; i < reader->count; i++) {
            MUST(reader->words[i].bytes[reader->words[i].len] == '\0');
            vd_text_printf(story, "%zu=", reader->words[i].len);
            vd_text_add(story, reader->words[i].bytes, reader->words[i].len);
        }
        vd_text_putc(story, '\n');
        *len -= reader->used;
        memmove(bytes, bytes + reader->used, *len);
    }
}

static void read_all(const uint8_t *bytes, size_t len, size_t piece, bool stranger,
                     struct vd_text *story)
{
    struct vd_reader reader;
    char *input = vd_alloc(len + 1);
    size_t have = 0;

    vd_reader_init(&reader);
    while (len > 0) {
        size_t more = piece < len ? piece : len;

        memcpy(input + have, bytes, more);
        have += more;
        bytes += more;
        len -= more;
        if (!take(&reader, input, &have, stranger, story))
            break;
    }
    vd_reader_free(&reader);
    vd_free(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct vd_text whole = {0};
    struct vd_text pieces = {0};

    if (len < 2)
        return 0;
    read_all(bytes + 1, len - 1, len, (bytes[0] & 1U) != 0, &whole);
    read_all(bytes + 1, len - 1, 1 + bytes[0] / 2U, (bytes[0] & 1U) != 0, &pieces);
    MUST(whole.len == pieces.len && strcmp(vd_text_cstr(&whole), vd_text_cstr(&pieces)) == 0);
    vd_text_free(&whole);
    vd_text_free(&pieces);
    return 0;
}
