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
#   sh tests/fuzz/run.sh --afl [SECONDS_PER_TARGET [TARGET...]]
#
# The same by AFL++ (Debian's afl++): built by afl-clang-fast into build/fuzz-afl with tests/fuzz/main.c,
# which takes many inputs in one process. What afl-fuzz finds is in build/fuzz-afl/found/TARGET and is
# taken up again by the next run. With 0 seconds they are only built.

set -u
unset CDPATH
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
out=$top/build/fuzz
CC=${CC:-clang}
FUZZER=fuzzer
package='packaging/install-deps.sh --checks'
if [ "${1-}" = --afl ]; then
    shift
    out=$top/build/fuzz-afl
    CC=afl-clang-fast
    FUZZER=
    package='apt-get install afl++'
fi
seconds=${1:-4}
[ $# -eq 0 ] || shift
all='reader info hello classic native option recording rewrite acl core tls http'
jobs=$(nproc 2>/dev/null || echo 2)
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $all
sanitizers=address,undefined

command -v "$CC" >/dev/null || {
    printf 'FAIL: %s is not installed (%s)\n' "$CC" "$package"
    exit 1
}
mkdir -p "$out/objects" "$out/failed" || exit 1
instrument=$sanitizers
[ -z "$FUZZER" ] || instrument=$sanitizers,fuzzer-no-link
flags="-std=c11 -g -O1 -fno-omit-frame-pointer -fsanitize=$instrument -fno-sanitize-recover=all
    -D_GNU_SOURCE -DVD_VERSION=\"fuzz\" -Isrc -Itests/fuzz $(pkg-config --cflags libconfig openssl jansson libmicrohttpd)"

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
stale=
for source in src/base/*.c src/core/*.c src/proto/*.c src/draw/story.c src/replay/*.c src/shell/conf_alerts.c \
    src/shell/conf_native.c src/shell/native_read.c src/shell/conf_file.c src/shell/native_name.c src/shell/tls_cert.c src/shell/tls_keys.c \
    src/http/*.c src/alert/book.c src/alert/message.c src/alert/signal.c src/shell/clock.c src/shell/cost.c src/shell/load.c \
    src/shell/log.c src/shell/phases.c src/shell/survey.c src/shell/watch.c tests/fuzz/*.c; do
    object=$out/objects/$(printf '%s' "${source%.c}" | tr / -).o
    if [ ! -f "$object" ] || [ -n "$(find "$source" -newer "$object")" ]; then
        stale="$stale $source $object"
    fi
    case $source in
    tests/fuzz/fuzz_* | tests/fuzz/main.c) ;;
    *) objects="$objects $object" ;;
    esac
done
# shellcheck disable=SC2016,SC2086 # it is sh that expands
printf '%s %s\n' $stale | CC=$CC FLAGS=$flags xargs -r -n 2 -P "$jobs" sh -c \
    '[ -z "$1" ] || $CC $FLAGS -c "$1" -o "$2"' sh || { printf 'FAIL: build\n'; exit 1; }
mv "$stamp.new" "$stamp"
# Each takes what it needs: what stands in for a room in one harness is in no other's way.
rm -f "$out/rooms.a"
# shellcheck disable=SC2086
ar rcs "$out/rooms.a" $objects || { printf 'FAIL: archive\n'; exit 1; }
for target in $all; do
    main=
    link=$sanitizers${FUZZER:+,$FUZZER}
    [ -n "$FUZZER" ] || main=$out/objects/tests-fuzz-main.o
    # shellcheck disable=SC2046,SC2086
    $CC -fsanitize="$link" "$out/objects/tests-fuzz-fuzz_$target.o" $main "$out/rooms.a" \
        $(pkg-config --libs libconfig openssl jansson) -lev -lm -o "$out/$target" || { printf 'FAIL: link %s\n' "$target"; exit 1; }
done
[ "$seconds" -gt 0 ] || exit 0

# statistic <target> <name>: what afl-fuzz has written down at the end.
statistic() { sed -n "s/^$2 *: *//p" "$out/found/$1/default/fuzzer_stats"; }

# One target by AFL++, which stops by itself. That it ran, found paths and no crash is looked at:
# its exit status tells only whether it could start.
fuzz_by_afl() {
    mkdir -p "$out/found"
    AFL_NO_UI=1 AFL_AUTORESUME=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
        afl-fuzz -V "$seconds" -t 10000+ -m none ${dictionary:+-x "$dictionary"} -i "tests/fuzz/corpus/$target" \
        -o "$out/found/$target" -- "$out/$target" >"$out/$target.log" 2>&1 || {
        tail -n 40 "$out/$target.log"
        return 1
    }
    printf '%-10s %9s runs in %s s, %s inputs kept, %s crashes, %s hangs\n' "$target" "$(statistic "$target" execs_done)" \
        "$seconds" "$(statistic "$target" corpus_count)" "$(statistic "$target" saved_crashes)" \
        "$(statistic "$target" saved_hangs)"
    [ "$(statistic "$target" saved_crashes)$(statistic "$target" saved_hangs)" = 00 ]
}

# One target: what it has to say goes to its log, of which a failure shows the end.
fuzz() {
    target=$1
    dictionary=tests/fuzz/$target.dict
    [ -f "$dictionary" ] || dictionary=
    if [ -z "$FUZZER" ]; then
        fuzz_by_afl
        return
    fi
    mkdir -p "$out/corpus/$target"
    if "$out/$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1500 \
        ${dictionary:+"-dict=$dictionary"} -artifact_prefix="$out/failed/$target-" -print_final_stats=1 \
        "$out/corpus/$target" "tests/fuzz/corpus/$target" >"$out/$target.log" 2>&1; then
        printf '%-10s %9s runs in %s s, %s inputs kept\n' "$target" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$target.log")" "$seconds" \
            "$(find "$out/corpus/$target" -type f | wc -l)"
    else
        tail -n 40 "$out/$target.log"
        return 1
    fi
}

# As many at a time as there are processors.
failed=
while [ $# -gt 0 ]; do
    running=
    n=0
    while [ $# -gt 0 ] && [ "$n" -lt "$jobs" ]; do
        fuzz "$1" &
        running="$running $!:$1"
        shift
        n=$((n + 1))
    done
    for job in $running; do
        wait "${job%%:*}" || failed="$failed ${job#*:}"
    done
done
[ -z "$failed" ] || {
    printf 'FAIL:%s (%s has the inputs)\n' "$failed" "${out#"$top"/}"
    exit 1
}
printf 'PASS: every harness\n'
