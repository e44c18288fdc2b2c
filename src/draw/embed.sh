#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The page of draw.h as C: page.html with page.css and page.js in their places, cut in two at the
# line of @STORY@.  Called by the Makefile.
#
#   embed.sh DIRECTORY_OF_THE_PAGE >page_data.c

set -eu
cd "$1"

page() {
    sed -e '/@CSS@/{r page.css' -e 'd' -e '}' -e '/@JS@/{r page.js' -e 'd' -e '}' page.html
}

array() {
    printf 'const char %s[] = {\n' "$1"
    od -An -v -tu1 | sed 's/ *\([0-9][0-9]*\)/(char)\1,/g'
    printf '};\nconst size_t %s_len = sizeof(%s);\n' "$1" "$1"
}

printf '/* SPDX-License-Identifier: BSD-3-Clause */\n'
printf '/* Made by embed.sh from page.html, page.css and page.js: change those. */\n'
printf '#include "draw/draw.h"\n'
page | sed '/@STORY@/,$d' | array vd_draw_head
page | sed '1,/@STORY@/d' | array vd_draw_tail
