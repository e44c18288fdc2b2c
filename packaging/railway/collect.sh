#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Copies programs, with the libraries that they load, into a directory that is laid over a bare image:
#
#   collect.sh OUT PROGRAM...
#
# What the dynamic linker says is what is taken: no list of packages that could grow old.

set -eu

out=$1
shift
# /lib is a link to /usr/lib in today's Debian, and must stay one.
settle() {
    case $1 in
    /lib*) printf '/usr%s' "$1" ;;
    *) printf '%s' "$1" ;;
    esac
}
for program in "$@"; do
    install -D -m 0755 "$program" "$out$(settle "$program")"
    for library in $(ldd "$program" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }'); do
        install -D -m 0644 "$library" "$out$(settle "$library")"
    done
done
