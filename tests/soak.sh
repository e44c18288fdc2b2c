#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs the simulator for hours and keeps what failed. All is in DIRECTORY, and a later call goes on
# where the last one stopped:
#
#   ledger.tsv         a line per chunk: when, which build, mix, first seed, seeds, failed, virtual
#                      seconds, real seconds
#   failed.txt         the one command that repeats each failing seed, and what it violated
#   SEED.txt           its transcript; MIX-SEED.txt where a mix was asked for
#   SEED.vt            ... shrunk, as a scenario
#
#   tests/soak.sh [--sim PROGRAM] [--hours H] [--jobs N] [--chunk SEEDS] [--mix NAME|each] [--from SEED] DIRECTORY

set -u
sim=tests/sim/sim
hours=8
jobs=1
chunk=2000
mix=
from=
usage() {
    sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
while [ $# -gt 1 ]; do
    case $1 in
    --sim) sim=$2 ;;
    --hours) hours=$2 ;;
    --jobs) jobs=$2 ;;
    --chunk) chunk=$2 ;;
    --mix) mix=$2 ;;
    --from) from=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[ $# -eq 1 ] || usage
case $1 in -*) usage ;; esac
dir=$1
mkdir -p "$dir" || exit 1
[ -x "$sim" ] || {
    printf 'soak: %s is no program; build it (make check TESTS=) or name it by --sim\n' "$sim" >&2
    exit 2
}
ledger=$dir/ledger.tsv
build=$(cksum <"$sim" | cut -d' ' -f1)
if [ -z "$from" ]; then
    from=$(awk -F'\t' '$4 + $5 > next_ { next_ = $4 + $5 } END { print next_ + 0 ? next_ : 1 }' "$ledger" 2>/dev/null)
    from=${from:-1}
fi
end=$(($(date +%s) + $(printf '%s' "$hours" | awk '{ printf "%d", $1 * 3600 }')))

# keep <command that failed>: its transcript, and the same made small.
keep() {
    seed=$(printf '%s' "$1" | sed -n 's/.*--seed \([0-9]*\).*/\1/p')
    name=$dir/$(printf '%s' "$1" | sed -n 's/.*--mix \([a-z-]*\).*/\1-/p')$seed
    # shellcheck disable=SC2086 # the command is words of our own
    "$sim" ${1#sim } >"$name.txt" 2>&1
    # shellcheck disable=SC2086
    "$sim" ${1#sim } --shrink >"$name.vt" 2>"$name.shrink" && rm -f "$name.shrink"
}

while [ "$(date +%s)" -lt "$end" ]; do
    started=$(date +%s)
    log=$dir/chunk.log
    # shellcheck disable=SC2086 # one or two words
    "$sim" --seed "$from" --seeds "$chunk" --jobs "$jobs" --failures "$chunk" ${mix:+--mix $mix} >"$log" 2>&1
    ran=$(sed -n 's/^\([0-9]*\) seeds, .*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
    failed=$(grep -c '^FAILED ' "$log")
    virtual=$(sed -n 's/^[0-9]* seeds, .*; \([0-9.]*\) s, .* \([0-9]*\) virtual seconds per second.*/\1 \2/p' "$log" |
        awk '{ n += $1 * $2 } END { printf "%d", n }')
    [ "$ran" -gt 0 ] || {
        printf 'soak: %s ran no seed:\n' "$sim" >&2
        cat "$log" >&2
        exit 1
    }
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$build" "${mix:-by-seed}" "$from" "$ran" \
        "$failed" "$virtual" "$(($(date +%s) - started))" >>"$ledger"
    if [ "$failed" -gt 0 ]; then
        grep -A 1 '^FAILED ' "$log" | grep -v '^--$' >>"$dir/failed.txt"
        sed -n 's/^FAILED //p' "$log" | head -n 20 | while read -r command; do keep "$command"; done
    fi
    from=$((from + chunk))
done
awk -F'\t' '{ n += $5; f += $6; v += $7; r += $8 }
    END { printf "%d seeds, %d failed; %.1f days of virtual time in %.1f hours\n", n, f, v / 86400, r / 3600 }' "$ledger"
[ ! -s "$dir/failed.txt" ]
