#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the harnesses with clang, libFuzzer and the sanitizers into build/fuzz and runs each.
#
#   sh tests/fuzz/run.sh [SECONDS_PER_TARGET [TARGET...]]
#
# Without arguments it is a smoke run: 4 seconds for each target. What is found anew is kept in
# build/fuzz/corpus/TARGET, and what fails in build/fuzz/failed; run that once more with
# build/fuzz/TARGET FILE. The exit status is 0 only if nothing failed.
#
# For AFL++, with its compiler and without libFuzzer: CC=afl-clang-fast FUZZER= sh tests/fuzz/run.sh 0
# builds the same targets with a main of their own, for afl-fuzz -i tests/fuzz/corpus/TARGET.

set -u
unset CDPATH
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
out=$top/build/fuzz
seconds=${1:-4}
[ $# -eq 0 ] || shift
all='reader info hello classic native option recording rewrite'
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $all
CC=${CC:-clang}
FUZZER=${FUZZER-fuzzer}
sanitizers=address,undefined

command -v "$CC" >/dev/null || {
    printf 'FAIL: %s is not installed (packaging/install-deps.sh --checks)\n' "$CC"
    exit 1
}
mkdir -p "$out/objects" "$out/failed" || exit 1
instrument=$sanitizers
[ -z "$FUZZER" ] || instrument=$sanitizers,fuzzer-no-link
flags="-std=c11 -g -O1 -fno-omit-frame-pointer -fsanitize=$instrument -fno-sanitize-recover=all
    -D_GNU_SOURCE -Isrc -Itests/fuzz $(pkg-config --cflags libconfig)"

# What changed since is compiled anew: headers, or the way to compile, mean everything.
stamp=$out/objects/stamp
printf '%s %s\n' "$CC" "$flags" >"$out/objects/flags.new"
cmp -s "$out/objects/flags.new" "$out/objects/flags" || rm -f "$stamp"
mv "$out/objects/flags.new" "$out/objects/flags"
if [ ! -f "$stamp" ] || [ -n "$(find src tests/fuzz -name '*.h' -newer "$stamp")" ]; then
    rm -f "$out"/objects/*.o
fi
: >"$stamp.new"
objects=
for source in src/base/*.c src/core/*.c src/proto/*.c src/draw/story.c src/replay/*.c src/shell/conf_native.c \
    src/shell/conf_file.c src/shell/native_name.c tests/fuzz/*.c; do
    object=$out/objects/$(printf '%s' "${source%.c}" | tr / -).o
    if [ ! -f "$object" ] || [ -n "$(find "$source" -newer "$object")" ]; then
        # shellcheck disable=SC2086
        $CC $flags -c "$source" -o "$object" || { printf 'FAIL: build\n'; exit 1; }
    fi
    case $source in
    tests/fuzz/*) ;;
    *) objects="$objects $object" ;;
    esac
done
mv "$stamp.new" "$stamp"
for target in $all; do
    main=
    link=$sanitizers${FUZZER:+,$FUZZER}
    [ -n "$FUZZER" ] || main=$out/objects/tests-fuzz-main.o
    # shellcheck disable=SC2046,SC2086
    $CC -fsanitize="$link" "$out/objects/tests-fuzz-fuzz_$target.o" $main $objects \
        $(pkg-config --libs libconfig) -o "$out/$target" || { printf 'FAIL: link %s\n' "$target"; exit 1; }
done
[ "$seconds" -gt 0 ] || exit 0

failed=
for target in "$@"; do
    mkdir -p "$out/corpus/$target"
    dictionary=tests/fuzz/$target.dict
    if [ -z "$FUZZER" ]; then
        "$out/$target" "tests/fuzz/corpus/$target"/* || failed="$failed $target"
        continue
    fi
    [ -f "$dictionary" ] || dictionary=
    if "$out/$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1500 \
        ${dictionary:+"-dict=$dictionary"} -artifact_prefix="$out/failed/$target-" -print_final_stats=1 \
        "$out/corpus/$target" "tests/fuzz/corpus/$target" >"$out/$target.log" 2>&1; then
        printf '%-10s %9s runs in %s s, %s inputs kept\n' "$target" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$target.log")" "$seconds" \
            "$(find "$out/corpus/$target" -type f | wc -l)"
    else
        tail -n 40 "$out/$target.log"
        failed="$failed $target"
    fi
done
[ -z "$failed" ] || {
    printf 'FAIL:%s (build/fuzz/failed has the inputs)\n' "$failed"
    exit 1
}
printf 'PASS: %s\n' "$*"
