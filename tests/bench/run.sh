#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# All benches, vedette and redis-sentinel in one run, and one table of what came of them.  It wants an idle
# machine of two cores; what else runs there is in the figures.
#
#   VEDETTE=path sh tests/bench/run.sh [--quick] [--plot] [directory]
#
# The directory (default: build/bench) gets a JSON file of each bench, table.md, and with --plot the
# pictures (python3-matplotlib).  --quick: minutes instead of an hour; the figures are coarse.

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
python=/usr/bin/python3
trials=20 long=200 seconds=30 groups='10 100 500 1000' rounds=5 quick='' plot='' out=build/bench

while [ $# -gt 0 ]; do
    case $1 in
    --quick) trials=3 long=0 seconds=5 groups='10 100' rounds=1 quick=--quick ;;
    --plot) plot=--plot ;;
    -*)
        printf 'run.sh: %s: no such option; see its head\n' "$1" >&2
        exit 2
        ;;
    *) out=$1 ;;
    esac
    shift
done
mkdir -p "$out"

# run <name of the result> <bench> [its options...]
run() {
    name=$1 program=$2
    shift 2
    printf '== %s\n' "$name"
    "$python" "tests/bench/$program.py" --json "$out/$name.json" "$@"
}

for way in kill hang order coordinated restart; do
    run "failover-$way" failover --way "$way" --trials "$trials"
done
for down_after in 200 3000; do
    run "failover-kill-$down_after" failover --way kill --trials "$trials" --down-after "$down_after"
done
[ "$long" -eq 0 ] || run failover-kill-long failover --way kill --trials "$long" --only vedette
run idle idle --seconds "$seconds"
[ "$long" -eq 0 ] || run memory memory --failovers "$long"
run queries queries --rounds "$rounds"
# shellcheck disable=SC2086 # a list
run scale scale --groups $groups --seconds "$seconds"
"$python" tests/bench/report.py $quick $plot "$out"
