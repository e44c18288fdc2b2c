/* SPDX-License-Identifier: BSD-3-Clause */
/* Guise: see guise.h. */
#include "shell/guise.h"

#include <string.h>

static const struct {
    const char *part; /* of the name */
    enum vd_guise guise;
    bool server; /* a sentinel only by --sentinel */
} names[] = {
    {"redis-sentinel", VD_GUISE_REDIS, false},
    {"valkey-sentinel", VD_GUISE_VALKEY, false},
    {"redis-server", VD_GUISE_REDIS, true},
    {"valkey-server", VD_GUISE_VALKEY, true},
};

static bool has_sentinel(size_t count, const char *const *arguments)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(arguments[i], "--sentinel") == 0)
            return true;
    }
    return false;
}

bool vd_guise_find(const char *called, size_t count, const char *const *arguments,
                   enum vd_guise *out, struct vd_err *err)
{
    const char *slash = strrchr(called, '/');
    const char *name = slash == NULL ? called : slash + 1;

    *out = VD_GUISE_OWN;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strstr(name, names[i].part) == NULL)
            continue;
        if (names[i].server && !has_sentinel(count, arguments))
            return vd_err_set(err,
                              "vedette is called as %.60s, but it is a sentinel and no server; "
                              "add --sentinel if that is what you mean",
                              name);
        *out = names[i].guise;
        return true;
    }
    return true;
}

const char *vd_guise_name(enum vd_guise guise)
{
    switch (guise) {
    case VD_GUISE_OWN:
        return "vedette";
    case VD_GUISE_REDIS:
        return "redis-sentinel";
    case VD_GUISE_VALKEY:
        return "valkey-sentinel";
    }
    vd_panic(__FILE__, __LINE__, "unknown guise");
}
