/* SPDX-License-Identifier: BSD-3-Clause */
/* vedette.cfg: it is good, or every fault has its place and reason. In a file without a name. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "shell/conf_native.h"

/* libconfig forgets a text that is being read when it finds a mistake. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig\n";
}

static const char *put_file(const uint8_t *bytes, size_t len)
{
    static char path[64];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("vedette.cfg", 0);
        MUST(fd >= 0);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    MUST(ftruncate(fd, 0) == 0);
    MUST(pwrite(fd, bytes, len, 0) == (ssize_t)len);
    return path;
}

/* What names other files would make the result theirs, not the input's. */
static bool looks_elsewhere(const uint8_t *bytes, size_t len)
{
    return memmem(bytes, len, "@include", 8) != NULL || memmem(bytes, len, "file", 4) != NULL ||
           memmem(bytes, len, "FILE", 4) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct vd_text text = {0};
    struct vd_config config;
    bool good;

    if (looks_elsewhere(bytes, len))
        return 0;
    vd_config_init(&config);
    good = vd_conf_native_read(&config, put_file(bytes, len));
    MUST(good == (config.fault_count == 0));
    for (size_t i = 0; i < config.fault_count; i++) {
        MUST(config.faults[i].reason != NULL);
        vd_fault_print(&config.faults[i], &text);
    }
    for (size_t i = 0; good && i < config.group_count; i++) {
        MUST(vd_config_find(&config, config.groups[i].name) == &config.groups[i]);
        MUST(config.groups[i].addr.port != 0);
    }
    vd_text_free(&text);
    vd_config_free(&config);
    return 0;
}
