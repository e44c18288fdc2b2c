/* SPDX-License-Identifier: BSD-3-Clause */
/* Library: see library.h. */
#include "shell/library.h"

#include <dlfcn.h>
#include <string.h>

bool vd_library_load(const char *file, const char *const *names, void *table, size_t count,
                     struct vd_err *err)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    char *slots = table;

    if (library == NULL)
        return vd_err_set(err,
                          "%s; install the package that has it, and if packages were upgraded since"
                          " this vedette was started, restart it",
                          dlerror());
    for (size_t i = 0; i < count; i++) {
        void *call = dlsym(library, names[i]);

        if (call == NULL) {
            (void)dlclose(library);
            memset(table, 0, count * sizeof(call));
            return vd_err_set(err, "%s has no %s; install the version that this was built with",
                              file, names[i]);
        }
        /* POSIX: a pointer to a function fits. ISO C has no cast for it. */
        memcpy(slots + i * sizeof(call), &call, sizeof(call));
    }
    return true;
}
