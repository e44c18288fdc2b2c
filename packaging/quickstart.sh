#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# See vedette at work: sets up, builds, starts one Redis primary, two replicas and three vedettes on
# free ports of this machine's loopback, kills the primary under load and reports the failover.
# Leaves nothing running but its build under build/quickstart.
#
#   sh packaging/quickstart.sh          the whole story, about a minute
#   sh packaging/quickstart.sh --keep   leave the servers running, to look around

set -eu

for argument in "$@"; do
    case $argument in
    --keep) ;;
    -h | --help)
        sed -n '4,10s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        printf 'quickstart: unknown option %s; there is only --keep\n' "$argument" >&2
        exit 1
        ;;
    esac
done

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$top/build/quickstart
log=$build/build.log

step() { printf 'quickstart: %s\n' "$*"; }

# Runs a command with its output in the log; shows the end of that when it fails.
quietly() {
    "$@" >>"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        printf 'quickstart: failed: %s (all of it in %s)\n' "$*" "$log" >&2
        exit 1
    }
}

mkdir -p "$build"
: >"$log"

step "what it needs (packaging/install-deps.sh)"
sh "$top/packaging/install-deps.sh"

step "building in build/quickstart"
cd "$top"
# Once there, make itself sees to it that they are up to date.
[ -x configure ] || quietly autoreconf -fi
cd "$build"
[ -f Makefile ] || quietly "$top/configure"
quietly make -j2 vedette vedettectl

cd "$top"
VEDETTE=$build/vedette
export VEDETTE
# The distribution's python3 has redis-py; another one on PATH may not.
exec /usr/bin/python3 "$top/packaging/quickstart.py" "$@"
