# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# Read by redis-boot and vedette-boot, which stand beside it: how both take their settings from the
# environment, and complain.  It knows nothing of what they start.

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# need <variable> <value>: set, and of characters that mean nothing to any of the files they go to.
need() {
    [ -n "$2" ] || die "$1 is not set; packaging/railway/README.md tells what it is"
    case $2 in
    *[!A-Za-z0-9._~+/=:@%^,-]*)
        die "$1 has a character other than letters, digits and ._~+/=:@%^,- (openssl rand -hex 32 makes a good secret)"
        ;;
    esac
}
need_number() {
    case $2 in
    '' | *[!0-9]*) die "$1 is no whole number: '$2'" ;;
    esac
}

# read_hosts <variable> <value> <default port>: prints a line "host/port" for each of the list, which is
# separated by blanks or commas; an IPv6 address stands in brackets where its port is named.  A subshell,
# as variables and set -f are for it alone.
read_hosts() (
    [ -n "$2" ] || die "$1 is not set; packaging/railway/README.md tells what it is"
    set -f
    # shellcheck disable=SC2046 # a list of words
    set -- "$1" "$3" $(printf '%s' "$2" | tr ',[:upper:]' ' [:lower:]')
    variable=$1 default=$2
    shift 2
    [ $# -gt 0 ] || die "$variable names nobody"
    for one; do
        at=$default
        case $one in
        \[*\]:*) host=${one#\[} host=${host%\]:*} at=${one##*:} ;;
        \[*\]) host=${one#\[} host=${host%\]} ;;
        *:*:*) host=$one ;;
        *:*) host=${one%:*} at=${one##*:} ;;
        *) host=$one ;;
        esac
        case $host in
        '' | *[!a-z0-9._:%-]*) die "$variable: '$one' is no host, host:port, address or [address]:port" ;;
        esac
        case $at in
        '' | *[!0-9]* | ??????*) die "$variable: '$at' of '$one' is no port" ;;
        esac
        printf '%s/%s\n' "$host" "$at"
    done
)
