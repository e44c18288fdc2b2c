#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The dashboard's files as C (page.h).  Called by the Makefile.
#
#   embed.sh DIRECTORY_OF_THE_PAGE >page_data.c

set -eu
cd "$1"

array() {
    printf 'const char vd_page_%s[] = {\n' "$1"
    od -An -v -tu1 "page.$1" | sed 's/ *\([0-9][0-9]*\)/(char)\1,/g'
    printf '};\nconst size_t vd_page_%s_len = sizeof(vd_page_%s);\n' "$1" "$1"
}

printf '/* SPDX-License-Identifier: BSD-3-Clause */\n'
printf '/* Made by embed.sh from page.html, page.css and page.js: change those. */\n'
printf '#include "http/page.h"\n'
array html
array css
array js
