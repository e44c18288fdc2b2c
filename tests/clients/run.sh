#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Standard clients, unmodified, through the failovers of real servers under real vedettes; see
# README.md.  Sets up what is missing under build/clients (npm packages as package-lock.json pins
# them), prints a table, leaves no process.
#
#   sh tests/clients/run.sh                 those that CI runs
#   sh tests/clients/run.sh all             every client that is installed
#   sh tests/clients/run.sh NAME...         these
#
# VEDETTE is the program (default: that of build/test, else build/gcc).

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
top=$PWD
room=$top/build/clients

die() {
    printf 'clients: %s\n' "$*" >&2
    exit 1
}

if [ -z "${VEDETTE-}" ]; then
    for VEDETTE in "$top/build/test/vedette" "$top/build/gcc/vedette"; do
        [ ! -x "$VEDETTE" ] || break
    done
fi
export VEDETTE

mkdir -p "$room"
if ! cmp -s tests/clients/package-lock.json "$room/installed"; then
    command -v npm >/dev/null 2>&1 || die "no npm: sh packaging/install-deps.sh --clients"
    cp tests/clients/package.json tests/clients/package-lock.json "$room/"
    npm ci --prefix "$room" --ignore-scripts --no-audit --no-fund >"$room/npm.log" 2>&1 || {
        tail -n 20 "$room/npm.log" >&2
        die "npm ci failed"
    }
    cp "$room/package-lock.json" "$room/installed"
fi
NODE_PATH=$room/node_modules
HIREDIS=$(dirname "$VEDETTE")/tests/clients/programs/hiredis # of the same build
PYTHONDONTWRITEBYTECODE=1
export NODE_PATH HIREDIS PYTHONDONTWRITEBYTECODE
exec /usr/bin/python3 tests/reaper.py 900 /usr/bin/python3 tests/clients/clients.py "$@"
