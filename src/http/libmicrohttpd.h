/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libmicrohttpd: what this room calls of it, loaded when there is an http-port;
 * see shell/library.h. The table is filled by vd_http_start.
 */
#ifndef VD_HTTP_LIBMICROHTTPD_H
#define VD_HTTP_LIBMICROHTTPD_H

#include <microhttpd.h>

#include "shell/library.h"

#define VD_LIBMICROHTTPD "libmicrohttpd.so.12" /* has been its name since 2015 */

/* clang-format off */
#define VD_LIBMICROHTTPD_CALLS(CALL) \
    CALL(MHD_, add_response_header) \
    CALL(MHD_, basic_auth_get_username_password) \
    CALL(MHD_, create_response_from_buffer) \
    CALL(MHD_, create_response_from_buffer_with_free_callback) \
    CALL(MHD_, create_response_from_callback) \
    CALL(MHD_, destroy_response) \
    CALL(MHD_, free) \
    CALL(MHD_, get_daemon_info) \
    CALL(MHD_, get_timeout) \
    CALL(MHD_, lookup_connection_value) \
    CALL(MHD_, queue_response) \
    CALL(MHD_, resume_connection) \
    CALL(MHD_, run) \
    CALL(MHD_, start_daemon) \
    CALL(MHD_, stop_daemon) \
    CALL(MHD_, suspend_connection)
/* clang-format on */

struct vd_libmicrohttpd {
    VD_LIBMICROHTTPD_CALLS(VD_LIBRARY_CALL)
};

extern struct vd_libmicrohttpd vd_mhd;

#endif
