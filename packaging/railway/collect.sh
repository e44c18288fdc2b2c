#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Copies programs, with the libraries that they load, into a directory that is laid over a bare image:
#
#   collect.sh OUT PROGRAM...
#
# What the dynamic linker says is what is taken, and what a program names because it loads it when it
# is needed: no list of packages that could grow old.

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
linked() { ldd "$1" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }'; }
named() {
    grep -aoE 'lib[a-z0-9]+\.so\.[0-9]+' "$1" | sort -u | while read -r name; do
        /sbin/ldconfig -p | awk -v name="$name" '$1 == name { print $NF; exit }'
    done
}
for program in "$@"; do
    install -D -m 0755 "$program" "$out$(settle "$program")"
    for library in $(linked "$program") $(named "$program"); do
        install -D -m 0644 "$library" "$out$(settle "$library")"
        for other in $(linked "$library"); do
            install -D -m 0644 "$other" "$out$(settle "$other")"
        done
    done
done
