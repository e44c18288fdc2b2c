/* SPDX-License-Identifier: BSD-3-Clause */
/* CONFIG GET and DEBUG without arguments: values of the process, told by the option table. */
#include <string.h>

#include "proto/option.h"
#include "proto/render.h"

static void put_value(const struct vd_option_row *row, const struct vd_globals *globals,
                      int log_level, struct vd_resp *resp)
{
    struct vd_text value = {0};

    if (row->option == VD_OPT_LOG_LEVEL)
        vd_text_puts(&value, row->choices[log_level]);
    else
        vd_option_print_global(row->option, globals, &value);
    vd_resp_bulk(resp, value.bytes, value.len);
    vd_text_free(&value);
}

void vd_render_config(const struct vd_globals *globals, int log_level,
                      const struct vd_word *patterns, size_t count, struct vd_resp *resp)
{
    size_t mark = vd_resp_mark(resp);
    size_t pairs = 0;
    size_t row_count;
    const struct vd_option_row *rows = vd_option_rows(&row_count);
    bool shown[VD_OPT_COUNT + 1] = {false};

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < row_count; j++) {
            const char *name = rows[j].names[VD_IN_CONFIG];

            if (name == NULL || shown[rows[j].option] ||
                !vd_glob(patterns[i].bytes, patterns[i].len, name, strlen(name), true))
                continue;
            shown[rows[j].option] = true;
            vd_resp_bulk_cstr(resp, name);
            put_value(&rows[j], globals, log_level, resp);
            pairs++;
        }
    }
    vd_resp_map_at(resp, mark, pairs);
}

void vd_render_debug(const struct vd_globals *globals, struct vd_resp *resp)
{
    size_t mark = vd_resp_mark(resp);
    size_t pairs = 0;
    size_t count;
    const struct vd_option_row *rows = vd_option_rows(&count);

    for (size_t i = 0; i < count; i++) {
        if (rows[i].names[VD_IN_DEBUG] == NULL)
            continue;
        vd_resp_bulk_cstr(resp, rows[i].names[VD_IN_DEBUG]);
        put_value(&rows[i], globals, 0, resp);
        pairs++;
    }
    vd_resp_map_at(resp, mark, pairs);
}
