#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs every command of packaging/runbooks against real servers on loopback; see test_runbooks.py.
# Leaves no process.
#
#   sh tests/runbooks/run.sh [pytest's arguments]      -k upgrade: that one alone
#
# VEDETTE is the program (default: that of build/test, else build/gcc).

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
top=$PWD

if [ -z "${VEDETTE-}" ]; then
    for VEDETTE in "$top/build/test/vedette" "$top/build/gcc/vedette"; do
        [ ! -x "$VEDETTE" ] || break
    done
fi
[ -x "$VEDETTE" ] || {
    printf 'runbooks: no vedette to test: set VEDETTE to the path of the program\n' >&2
    exit 1
}
export VEDETTE
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 tests/reaper.py 400 \
    /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/runbooks "$@"
