#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs what a fresh Debian 12 or 13 or Ubuntu 24.04 lacks to build and test vedette.
# Does nothing, needs no root and asks no network when nothing is missing.  The machine's apt
# sources stay as they are, and no Redis service is started or enabled by it.
#
#   sh packaging/install-deps.sh            to build and test
#   sh packaging/install-deps.sh --checks   the static checks' tools as well
#
# hiredis older than 1.0 (Debian 12) is no use: there Debian 13's source package is fetched from the
# same archive and built into a prefix of its own, where configure looks for it.

set -eu

HIREDIS_PREFIX=/usr/local/lib/vedette-hiredis
HIREDIS_SUITE=trixie

BUILD='gcc libc6-dev make autoconf automake pkg-config libev-dev libconfig-dev libsqlite3-dev
    libc-ares-dev uthash-dev check'
TEST='redis-server redis-sentinel redis-tools python3 python3-pytest python3-redis'
CHECKS='clang clang-format clang-tidy cppcheck valgrind shellcheck mandoc'

say() { printf 'install-deps: %s\n' "$*"; }
die() {
    printf 'install-deps: %s\n' "$*" >&2
    exit 1
}

# Prints those of the named packages that are not installed.
list_missing() {
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null) || status=
        case $status in
        installed*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

has_hiredis() {
    PKG_CONFIG_PATH="$HIREDIS_PREFIX/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}" \
        pkg-config --exists 'hiredis >= 1.0' 2>/dev/null
}

# Does this machine's own archive have a hiredis that will do?
offers_hiredis() {
    version=$(apt-cache policy libhiredis-dev | sed -n 's/^ *Candidate: *//p')
    dpkg --compare-versions "${version:-0}" ge 1.0
}

run_apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >"$tmp/apt.log" 2>&1 ||
        {
            tail -n 30 "$tmp/apt.log" >&2
            die "apt-get $1 failed"
        }
}

install_packages() {
    say "installing: $*"
    [ -n "$updated" ] || run_apt update
    updated=yes
    run_apt install --no-install-recommends "$@"
}

# Package scripts ask policy-rc.d whether they may start a service.  An existing one is left to decide.
forbid_services() {
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        made_policy=yes
    fi
}

# A server installed here for its program only must not come up at the next boot either.
disable_new_services() {
    for service in redis-server redis-sentinel; do
        case " $missing " in
        *" $service "*)
            if command -v systemctl >/dev/null 2>&1; then
                systemctl disable "$service" >/dev/null 2>&1 || say "could not disable $service"
            else
                update-rc.d "$service" disable >/dev/null 2>&1 || say "could not disable $service"
            fi
            ;;
        esac
    done
}

clean_up() {
    [ -z "$made_policy" ] || rm -f /usr/sbin/policy-rc.d
    rm -rf "$tmp"
}

# Prints this machine's Debian archive as a source of another suite's source packages: the same
# place and keys, only type and suite changed.  Both apt formats, as deb822.
derive_source() {
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        # A blank line ends a stanza; the END of a file does as well.
        awk -v from="$1" -v to="$2" '
            function flush_stanza(    i, n, words, fits) {
                n = split(suites, words, /[ \t]+/)
                for (i = 1; i <= n; i++) if (words[i] == from) fits = 1
                if (fits && types ~ /(^|[ \t])deb([ \t]|$)/ && !disabled)
                    printf "Types: deb-src\nSuites: %s\nComponents: main\n%s\n", to, rest
                suites = types = rest = ""; disabled = 0; dropping = 0
            }
            /^#/ { next }
            /^[ \t]*$/ { flush_stanza(); next }
            /^[ \t]/ { if (!dropping) rest = rest $0 "\n"; next }
            {
                key = tolower($0); sub(/:.*/, "", key)
                value = $0; sub(/^[^:]*:[ \t]*/, "", value)
                dropping = 1
                if (key == "suites") suites = value
                else if (key == "types") types = value
                else if (key == "enabled") disabled = (tolower(value) ~ /^(no|false|0|off)/)
                else if (key == "uris" || key == "signed-by" || key == "trusted") {
                    rest = rest $0 "\n"; dropping = 0
                }
            }
            END { flush_stanza() }' "$file"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] || continue
        awk -v from="$1" -v to="$2" '
            $1 == "deb" {
                options = ""; line = $0
                if (match(line, /\[[^]]*\]/)) {
                    options = substr(line, RSTART + 1, RLENGTH - 2)
                    line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
                }
                split(line, part, /[ \t]+/)
                if (part[3] != from) next
                printf "Types: deb-src\nSuites: %s\nComponents: main\nURIs: %s\n", to, part[2]
                n = split(options, option, /[ \t]+/)
                for (i = 1; i <= n; i++) {
                    if (sub(/^signed-by=/, "", option[i])) printf "Signed-By: %s\n", option[i]
                    if (sub(/^trusted=/, "", option[i])) printf "Trusted: %s\n", option[i]
                }
                print ""
            }' "$file"
    done
}

build_hiredis() {
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    say "hiredis here is older than 1.0: building that of $HIREDIS_SUITE into $HIREDIS_PREFIX"

    # Nothing of this reaches the machine's own apt: other sources, lists, cache.
    mkdir -p "$tmp/apt/lists/partial" "$tmp/apt/cache/archives/partial" "$tmp/src"
    chmod 755 "$tmp"
    derive_source "$codename" "$HIREDIS_SUITE" >"$tmp/apt/hiredis.sources"
    [ -s "$tmp/apt/hiredis.sources" ] ||
        die "no apt source of $codename found in /etc/apt to derive that of $HIREDIS_SUITE from"
    cat >"$tmp/apt/apt.conf" <<CONF
Dir::Etc::SourceList "$tmp/apt/hiredis.sources";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$tmp/apt/lists";
Dir::Cache "$tmp/apt/cache";
APT::Sandbox::User "root";
CONF
    (
        APT_CONFIG=$tmp/apt/apt.conf
        export APT_CONFIG
        cd "$tmp/src"
        run_apt update
        run_apt source hiredis
    )
    set -- "$tmp"/src/hiredis-*/
    [ -f "$1/Makefile" ] || die "the source package of hiredis did not unpack"

    # A LIBRARY_PATH of other tools may lead the linker to libraries that are not the system's.
    (
        cd "$1"
        unset LIBRARY_PATH MAKEFLAGS MFLAGS
        make PREFIX="$HIREDIS_PREFIX" USE_SSL=1 &&
            make PREFIX="$HIREDIS_PREFIX" USE_SSL=1 install
    ) >"$tmp/hiredis.log" 2>&1 || {
        tail -n 30 "$tmp/hiredis.log" >&2
        die "hiredis did not build"
    }
    # Only the archives stay, so that what links it needs no run path.
    rm -f "$HIREDIS_PREFIX"/lib/lib*.so*
    has_hiredis || die "hiredis was built, but pkg-config does not find it in $HIREDIS_PREFIX"
}

packages="$BUILD $TEST"
case ${1-} in
'') ;;
--checks) packages="$packages $CHECKS" ;;
*) die "unknown option $1 (usage: install-deps.sh [--checks])" ;;
esac

command -v dpkg-query >/dev/null 2>&1 ||
    die "this system has no dpkg: install by hand what ./configure names"

# shellcheck disable=SC2086 # a list of words
missing=$(list_missing $packages)
if [ -z "$missing" ] && has_hiredis; then
    exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
        die "missing: ${missing:-hiredis 1.0 }- run this as root: sh $0 $*"
    say "missing: ${missing:-hiredis 1.0 }- asking sudo for root"
    exec sudo sh "$0" "$@"
fi

updated=
made_policy=
tmp=$(mktemp -d)
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

forbid_services
# shellcheck disable=SC2086
[ -z "$missing" ] || install_packages $missing
disable_new_services

if ! has_hiredis; then
    if [ -z "$updated" ]; then
        run_apt update
        updated=yes
    fi
    if offers_hiredis; then
        install_packages libhiredis-dev
    else
        # The archive's keyring must know the other suite's key: taken in its newest version.
        install_packages dpkg-dev xz-utils libssl-dev debian-archive-keyring
        build_hiredis
    fi
fi
say "done"
