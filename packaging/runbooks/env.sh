# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2034 # what is set here is for the runbooks' commands
#
# The names by which the runbooks speak of your set.  Set what differs, and read it into your shell:
#
#   . packaging/runbooks/env.sh
#
# Passwords: REDIS_PASSWORD (and REDIS_USER) for the servers, SENTINEL_PASSWORD for the vedettes.

GROUP=${GROUP:-mymaster}
# host:port of the servers, of the vedettes, and of the vedettes' HTTP.
R1=${R1:-redis-1:6379} R2=${R2:-redis-2:6379} R3=${R3:-redis-3:6379} R4=${R4:-redis-4:6379}
S1=${S1:-vedette-1:26379} S2=${S2:-vedette-2:26379} S3=${S3:-vedette-3:26379} S4=${S4:-vedette-4:26379}
H1=${H1:-vedette-1:8080} H2=${H2:-vedette-2:8080} H3=${H3:-vedette-3:8080} H4=${H4:-vedette-4:8080}
REDIS_USER=${REDIS_USER:-default}
# Files of configuration, NAME.conf and NAME.cfg, and the directories for data, one for each NAME.
ETC=${ETC:-/etc/vedette}
DATA=${DATA:-/var/lib/vedette}
# Where servers and vedettes listen.
BIND_REDIS=${BIND_REDIS:-'* -::*'}
BIND_VEDETTE=${BIND_VEDETTE:-'"*", "-::*"'}
# Where programs are installed by hand.
BIN=${BIN:-/usr/local/bin}
DOWN_AFTER=${DOWN_AFTER:-3s}
ABSTAIN=${ABSTAIN:-10s}
VEDETTE=${VEDETTE:-vedette}
VEDETTECTL=${VEDETTECTL:-vedettectl}

# For vedettectl: whom to ask, and the passwords.
VEDETTE_SENTINELS=$S1,$S2,$S3 VEDETTE_PASSWORD=${SENTINEL_PASSWORD-}
VEDETTE_NODE_USER=$REDIS_USER VEDETTE_NODE_PASSWORD=${REDIS_PASSWORD-}
export VEDETTE_SENTINELS VEDETTE_PASSWORD VEDETTE_NODE_USER VEDETTE_NODE_PASSWORD

# ctl COMMAND...: vedettectl, of our group.
ctl() { "$VEDETTECTL" -g "$GROUP" "$@"; }

# svc start|stop|restart|kill NAME: how a service is controlled, redis-1 or vedette-1.  SVC names a program, or a
# function of this shell, that does it in systemctl's place; README.md has the names in compose.yaml.
svc() { ${SVC:-systemctl} "$@"; }

# over_ssh ACTION NAME: for SVC, where each service has a machine of its own of that name, and the unit is the
# package's.
over_ssh() {
    case $2 in
    redis-*) unit=redis-server ;;
    sentinel-*) unit=redis-sentinel ;;
    *) unit=${2%-*} ;;
    esac
    # shellcheck disable=SC2029 # it is known here
    ssh "$2" "systemctl $1 $unit"
}

# rd ADDRESS COMMAND...: asks a server.
rd() {
    at=$1
    shift
    REDISCLI_AUTH=${REDIS_PASSWORD-} redis-cli ${REDIS_PASSWORD:+--user "$REDIS_USER"} \
        -h "${at%:*}" -p "${at##*:}" "$@"
}

# vd ADDRESS COMMAND...: asks a vedette.
vd() {
    at=$1
    shift
    REDISCLI_AUTH=${SENTINEL_PASSWORD-} redis-cli -h "${at%:*}" -p "${at##*:}" "$@"
}

# primary: host:port of the primary, from the first vedette that answers.
primary() {
    for at in "$S1" "$S2" "$S3"; do
        found=$(vd "$at" SENTINEL GET-MASTER-ADDR-BY-NAME "$GROUP" 2>/dev/null | paste -sd: -)
        case $found in ?*:*[0-9])
            printf '%s\n' "$found"
            return 0
            ;;
        esac
    done
    printf 'no vedette knows the primary of %s\n' "$GROUP" >&2
    return 1
}

# replica: host:port of one of R1 to R3 that is not the primary.
replica() {
    now=$(primary) || return 1
    for at in "$R1" "$R2" "$R3"; do
        [ "$at" = "$now" ] || {
            printf '%s\n' "$at"
            return 0
        }
    done
}

# service ADDRESS: the name of the service at one of R1 to R4.
service() {
    case $1 in
    "$R1") printf 'redis-1\n' ;;
    "$R2") printf 'redis-2\n' ;;
    "$R3") printf 'redis-3\n' ;;
    "$R4") printf 'redis-4\n' ;;
    *) return 1 ;;
    esac
}

# field NAME: of what `SENTINEL MASTER` and the like print.
field() { awk -v name="$1" 'found { print; exit } $0 == name { found = 1 }'; }

# candidates ADDRESS: whom that vedette would promote, and why not the others.
candidates() {
    vd "$1" SENTINEL CANDIDATES "$GROUP" | awk '
        NR % 2 { name = $0; next }
        { value[name] = $0 }
        name == "verdict" { print value["ip"] ":" value["port"], (value["chosen"] == "yes" ? "chosen," : "not chosen,"), $0 }'
}

# wait_for SECONDS COMMAND...: until the command succeeds, without its output; fails if it does not.
wait_for() {
    end=$(($(date +%s) + $1))
    what=$*
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -le "$end" ] || {
            printf 'not in time: %s\n' "$what" >&2
            return 1
        }
        sleep 0.1
    done
}

# hears ADDRESS COUNT: so many replicas have told that server of late how far they are.
hears() { rd "$1" INFO replication | tr -d '\r' | grep -qx "min_slaves_good_slaves:$2"; }

# replicates ADDRESS PRIMARY: is it a replica of that one, and in step?
replicates() {
    rd "$1" ROLE | paste -sd' ' - | grep -q "^slave ${2%:*} ${2##*:} connected "
}

# whole: does every vedette see the quorum, the primary and two good replicas, and does it vote?
whole() {
    for at in "$S1" "$S2" "$S3"; do
        vd "$at" SENTINEL CKQUORUM "$GROUP" | grep -q '^OK 3 usable' || return 1
        ! vd "$at" INFO Vedette | tr -d '\r' | grep -qx 'votes:abstains' || return 1
        [ "$(vd "$at" SENTINEL MASTER "$GROUP" | field flags)" = master ] || return 1
        [ "$(vd "$at" SENTINEL REPLICAS "$GROUP" | grep -c '^ok$')" -ge 2 ] || return 1
        [ "$(vd "$at" SENTINEL GET-MASTER-ADDR-BY-NAME "$GROUP" | paste -sd: -)" = "$(primary)" ] || return 1
    done
}
