#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Which lines and branches of src/core and src/proto are run by make check (units, scenarios,
# simulator, fuzzing seeds): builds with gcov into build/coverage, runs it, and prints a table; the
# lines themselves are in build/coverage/html, and those that are never run, one by one, in
# build/coverage/never. Fails where a room has less than 95 % of its lines or 85 % of its branches.
#
#   sh tests/coverage.sh [SEEDS]     so many simulated seeds besides (2000)
#
# Not counted are branches of assertions, whose other side is a bug, lines that only say that they are
# never come to (VD_ASSERT(false), vd_panic), and the branches inside uthash's and utlist's macros, of
# which one HASH_FIND has thirty.

set -u
unset CDPATH
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
build=$top/build/coverage
seeds=${1:-2000}
jobs=$(nproc 2>/dev/null || echo 2)
rules='--rc lcov_branch_coverage=1 --rc genhtml_branch_coverage=1 --rc lcov_excl_line=VD_ASSERT.false.|vd_panic'
rules="$rules --rc lcov_excl_br_line=VD_ASSERT|HASH_|DL_APPEND|DL_DELETE"


sh packaging/install-deps.sh --coverage || exit 1
mkdir -p "$build" || exit 1
[ -x configure ] || autoreconf -fi >/dev/null 2>&1
(cd "$build" && "$top/configure" CFLAGS='-O0 -g --coverage' LDFLAGS=--coverage >configure.log 2>&1) || {
    tail -n 20 "$build/configure.log"
    exit 1
}
find "$build" -name '*.gcda' -exec rm -f {} +
make -C "$build" -j"$jobs" all check TESTS= >"$build/build.log" 2>&1 || {
    tail -n 40 "$build/build.log"
    exit 1
}
# One at a time: processes that end at once would wait for each other's counts. A test that fails is
# told, and its coverage counts all the same.
tests=$(cd "$build" && find tests/unit -name 'check_*' ! -name '*.*' | sort | tr '\n' ' ')
CK_DEFAULT_TIMEOUT=300 make -C "$build" -k check TESTS="$tests tests/scenario/check.sh tests/fuzz/corpora.sh" \
    >"$build/check.log" 2>&1 || sed -n '/^FAIL/p' "$build/check.log"
"$build/tests/sim/sim" --seeds "$seeds" --failures 1000 >"$build/sim.log" 2>&1 || tail -n 3 "$build/sim.log"
# shellcheck disable=SC2086
lcov $rules --quiet --capture --directory "$build" --base-directory "$top" --no-external --output-file "$build/all.info" &&
    lcov $rules --quiet --extract "$build/all.info" '*/src/core/*' '*/src/proto/*' --output-file "$build/house.info" &&
    genhtml $rules --quiet --output-directory "$build/html" "$build/house.info" || exit 1
# shellcheck disable=SC2086
for room in core proto; do
    lcov $rules --quiet --extract "$build/house.info" "*/src/$room/*" --output-file "$build/$room.info"
    printf '== src/%s\n' "$room"
    lcov $rules --summary "$build/$room.info" 2>&1 | sed -n 's/^ *\(lines\|branches\)\.*: */\1 /p'
done
# From the records themselves, for lcov's own list is made for eyes: file, lines found and hit, branches found and hit.
printf '== least covered: lines, branches\n'
awk -F: '
    function share(hit, all) { return sprintf(all ? "%5.1f%% of %4d" : "%13s", all ? 100 * hit / all : "-", all) }
    { n[$1] = $2 }
    /^SF:/ { file = $0; sub(/.*\/src\//, "src/", file); split("", n) }
    /^end_of_record/ && n["LF"] { print share(n["LH"], n["LF"]) "  " share(n["BRH"], n["BRF"]) "  " file }
' "$build/house.info" | sort -n | head -n 15
# Which lines are never run, with their text.
awk '
    /^SF:/ { file = substr($0, 4); name = file; sub(/.*\/src\//, "src/", name); line = 0 }
    /^DA:/ && split(substr($0, 4), part, ",") && part[2] == 0 {
        while (line < part[1] && (getline text <file) > 0)
            line++
        print name ":" part[1] ": " text
    }
    /^end_of_record/ { close(file) }
' "$build/house.info" >"$build/never"
for room in core proto; do
    # shellcheck disable=SC2086
    lcov $rules --summary "$build/$room.info" 2>&1 | awk -v room="$room" '
        $1 ~ /^lines/ && $2 + 0 < 95 || $1 ~ /^branches/ && $2 + 0 < 85 { print "FAIL: src/" room ": " $0; low = 1 }
        END { exit low }' || exit 1
done
