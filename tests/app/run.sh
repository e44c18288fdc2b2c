#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# packaging/app: compiled strictly, linted, and tested with real Redis servers, vedettes and PostgreSQL on
# loopback.  Works on a copy in build/app (npm packages as package-lock.json pins them), and leaves no
# process.
#
#   sh tests/app/run.sh [TEST...]      names of packaging/app/test without .test.ts; default: all
#
# VEDETTE is the program (default: that of build/test, else build/gcc).

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
top=$PWD
room=$top/build/app

die() {
    printf 'app: %s\n' "$*" >&2
    exit 1
}

if [ -z "${VEDETTE-}" ]; then
    for VEDETTE in "$top/build/test/vedette" "$top/build/gcc/vedette"; do
        [ ! -x "$VEDETTE" ] || break
    done
fi
[ -x "$VEDETTE" ] || die "no vedette to test: set VEDETTE to the path of the program"
export VEDETTE

command -v npm >/dev/null 2>&1 || die "no npm: sh packaging/install-deps.sh --app"
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
    die "node is $(node --version); 20 or newer is wanted"

mkdir -p "$room"
rm -rf "$room/src" "$room/test" "$room/readme" "$room/dist"
cp -R packaging/app/. "$room/"
if ! cmp -s packaging/app/package-lock.json "$room/installed"; then
    npm ci --prefix "$room" --ignore-scripts --no-audit --no-fund >"$room/npm.log" 2>&1 || {
        tail -n 20 "$room/npm.log" >&2
        die "npm ci failed"
    }
    cp "$room/package-lock.json" "$room/installed"
fi

cd "$room"
# The examples of README.md are compiled, and one of them is run.
mkdir readme
awk '/^```ts$/ { n++; file = "readme/example_" n ".ts"; next } /^```$/ { file = ""; next } file { print > file }' README.md
npm run --silent build
npm run --silent lint -- readme &
eslint=$!
if [ $# -eq 0 ]; then
    set -- dist/test/*.test.js
else
    names=$*
    set --
    for name in $names; do set -- "$@" "dist/test/$name.test.js"; done
fi
status=0
/usr/bin/python3 "$top/tests/reaper.py" 300 node --test --test-concurrency=2 --test-reporter=spec "$@" || status=1
wait "$eslint" || status=1
exit $status
