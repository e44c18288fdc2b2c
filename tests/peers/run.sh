#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs the sentinel tests of Redis or Valkey, as their authors wrote them, with vedette in the place
# of the sentinel.  Their source package is fetched through apt into build/peers; nothing of it is
# kept in this tree, and nothing of it is changed.
#
#   sh tests/peers/run.sh redis|valkey [--suite SUITE] [--own] [TEST...]
#
#   --suite   the Debian suite whose package it is: bookworm (redis 7.0, the default), trixie
#             (redis 8, valkey 8; the default of valkey), sid ...
#   --own     with the peer's own sentinel: what the suite says on this machine without us
#   TEST      only files whose names contain this: 00-base, 05 ...
#
# VEDETTE is the program (default: that of build/test, else build/gcc); PEERS_DIR holds the sources
# (default build/peers).  The tests run in a network namespace of their own, for the suite's
# configuration names an address (10.0.0.1) that must not be asked for in earnest.

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
top=$PWD
sources=${PEERS_DIR:-$top/build/peers}

die() {
    printf 'peers: %s\n' "$*" >&2
    exit 1
}

[ $# -ge 1 ] || die "usage: run.sh redis|valkey [--suite SUITE] [--own] [TEST...]"
peer=$1
shift
case $peer in
redis) suite=bookworm ;;
valkey) suite=trixie ;;
*) die "unknown peer $peer: redis or valkey" ;;
esac
own=
while [ $# -gt 0 ]; do
    case $1 in
    --suite)
        [ $# -ge 2 ] || die "--suite wants a name"
        suite=$2
        shift
        ;;
    --own) own=yes ;;
    -*) die "unknown option $1" ;;
    *) break ;;
    esac
    shift
done

for tool in tclsh ip ps unshare; do
    command -v $tool >/dev/null 2>&1 || die "no $tool: sh packaging/install-deps.sh --peers"
done
program=${VEDETTE-}
if [ -z "$own$program" ]; then
    for program in "$top/build/test/vedette" "$top/build/gcc/vedette" ''; do
        [ ! -x "$program" ] || break
    done
    [ -n "$program" ] || die "nothing to test: build it (sh tests/run.sh) or name it in VEDETTE"
fi
[ -n "$own" ] || [ -x "$program" ] || die "VEDETTE=$program is no program"

# Fetched once a suite: the mark is written when it is complete.
mark=$sources/$peer-$suite
if ! [ -f "$mark" ] || ! [ -d "$(cat "$mark")/tests/sentinel" ]; then
    mkdir -p "$sources"
    fetched=$(sh packaging/fetch-source.sh "$peer" "$suite" "$sources")
    printf '%s\n' "$fetched" >"$mark"
fi
source=$(cat "$mark")
[ -f "$source/tests/sentinel/run.tcl" ] || die "no tests/sentinel in $source"

# The machine's own server will do when it is of the suite's release: 7.0 is 7.0.
release=$(basename "$source" | sed 's/^[a-z]*-\([0-9]*\.[0-9]*\).*/\1/')
bin=$source/src
case $("$peer-server" --version 2>/dev/null) in
*"v=$release."*) bin=$(dirname "$(command -v "$peer-server")") ;;
esac
if ! [ -x "$bin/$peer-server" ]; then
    printf 'peers: building %s\n' "$(basename "$source")"
    # A LIBRARY_PATH of other tools may lead the linker to libraries that are not the system's.
    (
        unset LIBRARY_PATH MAKEFLAGS MFLAGS
        make -C "$source" -j"$(nproc)" MALLOC=libc OPTIMIZATION=-O1
    ) >"$sources/$peer-$suite.log" 2>&1 || {
        tail -n 30 "$sources/$peer-$suite.log" >&2
        die "$(basename "$source") did not build"
    }
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/vd-peers.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp -R "$source/tests" "$work/tests"
mkdir "$work/src"
for name in server cli benchmark check-rdb check-aof; do
    [ ! -x "$bin/$peer-$name" ] || ln -s "$bin/$peer-$name" "$work/src/$peer-$name"
done
if [ -n "$own" ]; then
    program=$bin/$peer-sentinel
    [ -x "$program" ] || program=$bin/$peer-server
fi
ln -s "$program" "$work/src/$peer-sentinel"

# Redis 7.0's suite counts the commands, and knows none that came after it.
claim=
[ "$peer $release" != "redis 7.0" ] || claim=$(basename "$source" | sed 's/^redis-//')

printf 'peers: %s on %s\n' "$(basename "$source")" "$program"
# The suite sends SIGCONT to all that it stops, and that makes the leak checker wait for ever.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
export ASAN_OPTIONS

status=0
# In the background, for a shell hears no signal while it waits for a command.
python3 "$top/tests/peers/suite.py" "$work" "$claim" "$@" &
suite_pid=$!
trap 'kill "$suite_pid"; wait "$suite_pid"; exit 1' HUP INT TERM
wait "$suite_pid" || status=$?
if [ $status -ne 0 ]; then
    rm -rf "$sources/$peer-$suite.failed"
    cp -R "$work/tests/sentinel/tmp" "$sources/$peer-$suite.failed"
    printf 'peers: logs of the instances: %s\n' "$sources/$peer-$suite.failed"
fi
exit $status
