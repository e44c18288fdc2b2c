#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# An oracle that cannot fail is not one. Each *.patch here breaks the core in one way; the simulator
# built with it must find a violation, of the kind that the patch names, within so many seeds. The
# source stays as it is: patches are applied to copies, and only what they touch is compiled again.
#
#   tests/mutants/run.sh BUILD [NAME...]     BUILD: a directory in which tests/sim/sim was built
#   tests/mutants/run.sh BUILD --quick       those only that need no more than 2,000 seeds
#
# Head of a patch: a line that says what is broken, then
#   mix: NAME        the family of faults
#   seeds: N         caught within so many, from seed 1 on
#   words: REGEX     what the violation must say (extended regular expression)
#   twice: yes       each seed is run twice and compared: what differs is the violation

set -u
unset CDPATH
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

# one <build> <tmp> <name>: a line for the table, into <tmp>/<name>.row.
one() {
    build=$1 tmp=$2 name=$3
    patch=$here/$name.patch
    field() { sed -n "s/^$1: //p" "$patch" | head -n 1; }
    work=$tmp/$name
    row() { printf '%s\t%s\t%s\t%s\n' "$name" "$(field mix)" "$1" "$2" >"$tmp/$name.row"; }
    mkdir -p "$work" || return 1
    files=$(sed -n 's,^+++ b/,,p' "$patch" | cut -f 1)
    objects=
    for file in $files; do
        mkdir -p "$work/$(dirname "$file")"
        cp "$top/$file" "$work/$file" || return 1
    done
    patch -s -p 1 -d "$work" <"$patch" >"$work/patch.log" 2>&1 || {
        row FAILED "does not apply: $(head -n 1 "$work/patch.log")"
        return 1
    }
    for file in $files; do
        # shellcheck disable=SC2086 # the compiler may be two words
        $CC -std=gnu11 -O1 -g -w $MUTANT_FLAGS -I"$top/src" -c "$work/$file" -o "$work/$(basename "$file").o" \
            >"$work/cc.log" 2>&1 || {
            row FAILED "does not compile: $(head -n 1 "$work/cc.log")"
            return 1
        }
        objects="$objects $work/$(basename "$file").o"
    done
    # The changed objects come first: what they define is not taken from the archives any more.
    # shellcheck disable=SC2086
    (cd "$build" && $CC $MUTANT_FLAGS -o "$work/sim" $objects $MUTANT_LINK) >"$work/ld.log" 2>&1 || {
        row FAILED "does not link: $(head -n 1 "$work/ld.log")"
        return 1
    }
    if [ "$(field twice)" = yes ]; then
        seed=0
        while [ "$seed" -lt "$(field seeds)" ]; do
            seed=$((seed + 1))
            "$work/sim" --seed "$seed" --mix "$(field mix)" --twice >"$work/sim.log" 2>&1
            grep -qE "$(field words)" "$work/sim.log" || continue
            row "$seed of $(field seeds)" "$(grep -E "$(field words)" "$work/sim.log" | cut -c 1-100)"
            return 0
        done
        row FAILED "not caught within $(field seeds) seeds"
        return 1
    fi
    # Other violations than the one it stands for do not count, nor does a seed that the sound core fails, too.
    seed=1
    while [ "$seed" -le "$(field seeds)" ]; do
        "$work/sim" --seed "$seed" --seeds $(($(field seeds) - seed + 1)) --mix "$(field mix)" --until "$(field words)" \
            >"$work/sim.log" 2>&1
        if [ $? -ne 1 ] || ! grep -q '^caught ' "$work/sim.log"; then
            break
        fi
        seed=$((seed - 1 + $(sed -n 's/^caught after \([0-9]*\) seeds.*/\1/p' "$work/sim.log")))
        if "$build/tests/sim/sim" --seed "$seed" --mix "$(field mix)" >/dev/null 2>&1; then
            row "$seed of $(field seeds)" \
                "$(sed -n 's/^caught after [0-9]* seeds: //p' "$work/sim.log" | head -n 1 | cut -c 1-100)"
            return 0
        fi
        seed=$((seed + 1))
    done
    row FAILED "not caught within $(field seeds) seeds"
    return 1
}

if [ "${1:-}" = --one ]; then
    one "$2" "$3" "$4"
    exit
fi
if [ $# -eq 0 ] || ! [ -x "$1/tests/sim/sim" ]; then
    sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
shift
if [ $# -eq 0 ] || [ "$1" = --quick ]; then
    most=2000
    [ $# -gt 0 ] && shift || most=1000000000
    for patch in "$here"/*.patch; do
        [ "$(sed -n 's/^seeds: //p' "$patch")" -gt "$most" ] || set -- "$@" "$(basename "$patch" .patch)"
    done
fi
tmp=$(mktemp -d "${TMPDIR:-/tmp}/vd-mutants.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
CC=$(sed -n 's/^CC = //p' "$build/Makefile")
# A build with sanitizers is linked with them.
MUTANT_FLAGS=$(sed -n 's/^VD_CFLAGS = //p' "$build/Makefile" | tr ' ' '\n' | grep -- '^-fsanitize=' | tr '\n' ' ')
# shellcheck disable=SC2016 # for make
MUTANT_LINK=$(make -s -C "$build" --eval='vd-link: ; @echo $(tests_sim_sim_OBJECTS) $(tests_sim_sim_LDADD)' vd-link)
export CC MUTANT_FLAGS MUTANT_LINK
printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" sh "$0" --one "$build" "$tmp"
cat "$tmp"/*.row 2>/dev/null | awk -F'\t' '
    { printf "%-20s %-9s %-14s %s\n", $1, $2, $3, $4; n++; if ($3 == "FAILED") bad++ }
    END { printf "%d mutants, %d caught\n", n, n - bad }'
made=$(cat "$tmp"/*.row 2>/dev/null | wc -l)
[ "$made" -eq $# ] && ! grep -q '	FAILED	' "$tmp"/*.row
