/* SPDX-License-Identifier: BSD-3-Clause */
/* The dashboard's files, embedded by embed.sh from src/http/page. */
#ifndef VD_HTTP_PAGE_H
#define VD_HTTP_PAGE_H

#include <stddef.h>

extern const char vd_page_html[];
extern const size_t vd_page_html_len;
extern const char vd_page_css[];
extern const size_t vd_page_css_len;
extern const char vd_page_js[];
extern const size_t vd_page_js_len;

#endif
