/* SPDX-License-Identifier: BSD-3-Clause */
/* Exchange: see exchange.h. */
#include "http/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/json.h"

const char *vd_http_query(const struct vd_http_request *request, const char *name)
{
    return request->query == NULL ? NULL : request->query(request->self, name);
}

void vd_http_refuse(struct vd_http_reply *reply, unsigned status, const char *format, ...)
{
    char sentence[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    vd_http_say(reply, status, json_pack("{s:o}", "error", vd_json_text(sentence)));
}

bool vd_http_query_count(const struct vd_http_request *request, const char *name, int64_t most,
                         int64_t *out, struct vd_http_reply *reply)
{
    const char *text = vd_http_query(request, name);
    int64_t number;

    if (text == NULL)
        return true;
    if (!vd_parse_int64(text, strlen(text), &number) || number < 0 || number > most) {
        vd_http_refuse(reply, 400, "%s must be a whole number from 0 to %lld", name,
                       (long long)most);
        return false;
    }
    *out = number;
    return true;
}
