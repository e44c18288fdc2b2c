#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Writes by redis-cli, as a script does: asks for the address, writes there until that fails.

# cli <secret> <arguments...>
cli() {
    secret=$1
    shift
    if [ -n "$secret" ]; then
        REDISCLI_AUTH=$secret timeout 1 redis-cli "$@" 2>&1
    else
        timeout 1 redis-cli "$@" 2>&1
    fi
}

ask_address() {
    for one in $(echo "$SENTINELS" | tr , ' '); do
        # shellcheck disable=SC2046 # host and port
        set -- $(cli "$SENTINEL_PASSWORD" -h "${one%:*}" -p "${one#*:}" SENTINEL get-master-addr-by-name "$GROUP")
        if [ $# -eq 2 ]; then
            host=$1 port=$2
            return
        fi
    done
}

echo "version $(redis-cli --version | cut -d' ' -f2)"
n=0
host=
while :; do
    [ -n "$host" ] || ask_address
    reply=$(cli "$PASSWORD" -h "${host:-none}" -p "${port:-0}" SET "client:$n" "$n")
    if [ "$reply" = OK ]; then
        echo "ok $n"
    else
        echo "err $reply"
        host=
    fi
    n=$((n + 1))
done
