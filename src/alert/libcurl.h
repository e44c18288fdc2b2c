/* SPDX-License-Identifier: BSD-3-Clause */
/* libcurl: what post.c calls of it, loaded when there are alerts; see shell/library.h. */
#ifndef VD_ALERT_LIBCURL_H
#define VD_ALERT_LIBCURL_H

#include <curl/curl.h>

#include "shell/library.h"

#define VD_LIBCURL "libcurl.so.4" /* has been its name since 2006 */

/* clang-format off */
#define VD_LIBCURL_CALLS(CALL) \
    CALL(curl_, easy_cleanup) \
    CALL(curl_, easy_getinfo) \
    CALL(curl_, easy_init) \
    CALL(curl_, easy_setopt) \
    CALL(curl_, easy_strerror) \
    CALL(curl_, free) \
    CALL(curl_, global_cleanup) \
    CALL(curl_, global_init) \
    CALL(curl_, multi_add_handle) \
    CALL(curl_, multi_assign) \
    CALL(curl_, multi_cleanup) \
    CALL(curl_, multi_info_read) \
    CALL(curl_, multi_init) \
    CALL(curl_, multi_remove_handle) \
    CALL(curl_, multi_setopt) \
    CALL(curl_, multi_socket_action) \
    CALL(curl_, slist_append) \
    CALL(curl_, slist_free_all) \
    CALL(curl_, url) \
    CALL(curl_, url_cleanup) \
    CALL(curl_, url_get) \
    CALL(curl_, url_set) \
    CALL(curl_, version_info)
/* clang-format on */

struct vd_libcurl {
    VD_LIBCURL_CALLS(VD_LIBRARY_CALL)
};

#endif
