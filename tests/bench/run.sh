#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# All benches, vedette and its peers in one run, and one report of what came of them.  It wants an idle
# machine of two cores, and 25 minutes; what else runs there is in the figures.  tests/bench/README.md says
# what is measured.
#
#   VEDETTE=path [VALKEY_SENTINEL=path] sh tests/bench/run.sh [--quick] [--plot] [--json] [--hour] [--results] [directory]
#
# The directory (default: build/bench) gets a JSON file of each bench, a log of each, RESULTS.md, results.json,
# and with --plot the pictures (packaging/install-deps.sh --bench).
#   --quick     three minutes; the figures are coarse
#   --json      print results.json, all in one, in the place of the tables
#   --hour      a tenth of a CPU for an hour, beside the rest (else three minutes of it)
#   --results   replace tests/bench/RESULTS.md and its pictures by this run's
# Exit status 1 when a bench failed: a process that ended, an election of vedette that nobody won, a false alarm.

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
python=/usr/bin/python3
trials=10 few=5 long=200 seconds=15 groups='10 100 500 1000' waits='200 3000' minutes=3 kills=5 growth=200
queries='--rounds 3 --seconds 0.3 --trials 3'
options='' quick='' plot='' json='' results='' out=build/bench

while [ $# -gt 0 ]; do
    case $1 in
    --quick)
        quick=--quick trials=1 few=1 long=5 seconds=3 groups=20 waits='' minutes=0.2 kills=1 growth=10
        queries='--rounds 1 --seconds 0.1 --idle-clients 1000 --subscribers 100 --trials 1'
        ;;
    --plot) plot=--plot ;;
    --json) json=yes ;;
    --hour) minutes=60 ;;
    --results) results=yes ;;
    -*)
        printf 'run.sh: %s: no such option; see its head\n' "$1" >&2
        exit 2
        ;;
    *) out=$1 ;;
    esac
    case $1 in -*) options="$options $1" ;; esac
    shift
done
rm -rf "$out/failed"
mkdir -p "$out/failed" "$out/pictures"

# run <name of the result> <bench> [its options...]
run() {
    name=$1 program=$2
    shift 2
    begun=$(date +%s)
    rm -f "$out/$name.json" # an earlier run's is none of this one
    # An interrupted run leaves nobody behind: a bench ends with its lane, and what it has started with it.
    setpriv --pdeathsig KILL "$python" "tests/bench/$program.py" --json "$out/$name.json" "$@" >"$out/$name.log" 2>&1 || {
        : >"$out/failed/$name"
        tail -n 20 "$out/$name.log" >&2
        printf 'FAIL: ' >&2
    }
    printf '%s: %s s (%s)\n' "$name" $(($(date +%s) - begun)) "$out/$name.log" >&2
}

# fault <way> <down-after> [options...]: under a name that says so.
fault() {
    way=$1 wait=$2
    shift 2
    run "failover-$way-$wait" failover --way "$way" --down-after "$wait" --trials "$trials" "$@"
}
# At the other waits the peer of peers does as redis-sentinel does.
faults() {
    fault "$1" 1000
    for wait in $waits; do fault "$1" "$wait" --programs vedette redis-sentinel; done
}

# Failovers wait nearly all of their time, so lanes of them run beside each other: each program of a lane has
# the same company.  All other benches use the processor, and run alone.
lane_long() {
    run failover-long failover --way kill --programs vedette --trials "$long"
}
lane_lowcpu() {
    run lowcpu lowcpu --minutes "$minutes" --kills "$kills"
    run memory memory --failovers "$growth"
}
lane_kill() {
    faults kill
    fault order 1000 --trials "$few"
    fault restart 1000
    fault coordinated 1000
}
lane_hang() {
    faults hang
    fault together 1000
    run failover-kill-1000-far failover --way kill --latency 50 --trials "$trials"
}
lane_cut() {
    faults cut
}

begin=$(date +%s)
run idle idle --seconds "$seconds"
# shellcheck disable=SC2086 # words
run queries queries $queries
# shellcheck disable=SC2086 # a list
run scale scale --groups $groups --seconds "$seconds"
lanes=''
for lane in long lowcpu kill hang cut; do
    "lane_$lane" &
    lanes="$lanes $!"
done
# shellcheck disable=SC2064,SC2086 # as they are now; a list
trap "kill $lanes; exit 1" INT TERM
# shellcheck disable=SC2086 # a list
wait $lanes

failed=$(ls "$out/failed")
# shellcheck disable=SC2086 # names
"$python" tests/bench/report.py $quick $plot --command "VEDETTE=path sh tests/bench/run.sh$options" \
    --failed $failed -- "$out" >"$out/report.log"
if [ -n "$json" ]; then cat "$out/results.json"; else cat "$out/report.log"; fi
if [ -n "$results" ]; then
    cp "$out/RESULTS.md" tests/bench/RESULTS.md
    rm -rf tests/bench/pictures
    [ -z "$plot" ] || cp -R "$out/pictures" tests/bench/pictures
fi
printf 'all of it: %s s\n' $(($(date +%s) - begin)) >&2
[ -z "$failed" ]
