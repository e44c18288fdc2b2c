# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2034 # what is set here is for env.sh and the runbooks' commands
#
# The runbooks' names for a set that is on this machine alone, on loopback and below a directory of its own:
# to try them.  Read it in the place of env.sh, at the top of the source tree, by sh or bash:
#
#   . packaging/runbooks/try.sh
#   try_end                       # ends all services of the set, and removes what they left

TRY=${TRY:-$(mktemp -d)}
ETC=$TRY/etc DATA=$TRY/data BIN=$TRY/data/bin
mkdir -p "$DATA"
REDIS_PASSWORD=${REDIS_PASSWORD:-servers-secret} SENTINEL_PASSWORD=${SENTINEL_PASSWORD:-vedettes-secret}
R1=${R1:-127.0.0.1:7001} R2=${R2:-127.0.0.1:7002} R3=${R3:-127.0.0.1:7003} R4=${R4:-127.0.0.1:7004}
S1=${S1:-127.0.0.1:27001} S2=${S2:-127.0.0.1:27002} S3=${S3:-127.0.0.1:27003} S4=${S4:-127.0.0.1:27004}
H1=${H1:-127.0.0.1:8001} H2=${H2:-127.0.0.1:8002} H3=${H3:-127.0.0.1:8003} H4=${H4:-127.0.0.1:8004}
BIND_REDIS=127.0.0.1 BIND_VEDETTE='"127.0.0.1"'
DOWN_AFTER=${DOWN_AFTER:-1s} ABSTAIN=${ABSTAIN:-1s}

# The programs: those that were built here, else those that are installed.
if [ -z "${VEDETTE-}" ]; then
    VEDETTE=vedette
    for build in build/quickstart build/gcc build/test .; do
        [ ! -x "$build/vedettectl" ] || VEDETTE=$PWD/$build/vedette
    done
fi
VEDETTECTL=${VEDETTE}ctl

# svc.py is told by the environment where everything is.
export ETC DATA VEDETTE
SVC="/usr/bin/python3 $PWD/packaging/runbooks/svc.py"

. packaging/runbooks/env.sh

try_end() {
    for try_file in "$DATA"/*.pid; do
        [ ! -e "$try_file" ] || svc kill "$(basename "$try_file" .pid)"
    done
    rm -rf "$ETC" "$DATA"
    rmdir "$TRY"
}
