#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Sets up, builds with the sanitizers and passes every test: make check (units, simulator, tidy), then
# tests/live against real servers.  The last line says what came of it; exit 0 only if all passed.
# Works in build/test and a temporary directory, and leaves no process behind.
#
#   sh tests/run.sh [pytest's arguments, for tests/live]

set -u
unset CDPATH
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
build=$top/build/test
logs=$top/build/logs
python=/usr/bin/python3
jobs=$(nproc 2>/dev/null || echo 2)

tmp=$(mktemp -d "${TMPDIR:-/tmp}/vd.XXXXXX") || exit 1

trap 'rm -rf "$tmp"' EXIT
trap 'printf "FAIL: interrupted\n"; exit 1' HUP INT TERM

fail() {
    printf 'FAIL: %s\n' "$1"
    exit 1
}

# step <name> <command...>: its output goes to a log, of which a failure shows the end.
step() {
    name=$1
    shift
    printf '== %s\n' "$name"
    "$@" >"$logs/$name.log" 2>&1 || {
        tail -n 60 "$logs/$name.log"
        fail "$name (all of it: build/logs/$name.log)"
    }
}

configure() {
    (cd "$build" && "$top/configure" --enable-asan --enable-werror)
}

check() {
    make -C "$build" -j"$jobs" check || {
        cat "$build/test-suite.log"
        return 1
    }
}

mkdir -p "$logs" || exit 1
printf '== install-deps\n'
sh packaging/install-deps.sh || fail install-deps
# Not where it is up to date: another build may be reading what it writes.
if [ ! -x configure ] || [ ! -f Makefile.in ] || [ -n "$(find configure.ac Makefile.am -newer configure)" ]; then
    step autoreconf autoreconf -fi
fi
rm -rf "$build"
mkdir -p "$build" || exit 1
step configure configure
step build make -C "$build" -j"$jobs"
step check check

# A sanitizer's report counts also where the test did not look at how its daemon ended.
printf '== live\n'
TMPDIR=$tmp VEDETTE=$build/vedette PYTHONDONTWRITEBYTECODE=1 \
    ASAN_OPTIONS=log_path=$tmp/sanitizer UBSAN_OPTIONS=log_path=$tmp/sanitizer:print_stacktrace=1 \
    "$python" tests/reaper.py 900 "$python" -m pytest -v --durations=10 -p no:cacheprovider tests/live "$@"
live=$?
for report in "$tmp"/sanitizer.*; do
    [ -f "$report" ] || continue
    cat "$report"
    live=1
done
[ "$live" -eq 0 ] || fail "live"
printf 'PASS: every test\n'
