#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs what a fresh Debian 12 or 13 or Ubuntu 24.04 lacks to build and test vedette.
# Does nothing, needs no root and asks no network when nothing is missing.  The machine's apt
# sources stay as they are, and no Redis service is started or enabled by it.
#
#   sh packaging/install-deps.sh            to build and test
#   sh packaging/install-deps.sh --build-only    to build, and no more
#   sh packaging/install-deps.sh --checks   the static checks' tools as well
#   sh packaging/install-deps.sh --peers    what tests/peers needs as well
#   sh packaging/install-deps.sh --clients  what tests/clients needs for those clients that CI runs
#   sh packaging/install-deps.sh --all-clients   ... and for all of them
#   sh packaging/install-deps.sh --app           what tests/app needs: Node.js and PostgreSQL
#   sh packaging/install-deps.sh --runbooks      what the commands of packaging/runbooks need besides
#   sh packaging/install-deps.sh --neighbours    the exporter and the balancer that tests/live tries
#   sh packaging/install-deps.sh --browser       the browser in which tests/browser looks at pages
#   sh packaging/install-deps.sh --packaging     what packaging/build-deb.sh and tests/packages need
#   sh packaging/install-deps.sh --deploy        what tests/deploy runs the six services with
#   sh packaging/install-deps.sh --bench         what tests/bench cuts networks and draws with
#   sh packaging/install-deps.sh --images        what tests/deploy/images.sh builds and runs images with
#   sh packaging/install-deps.sh --coverage      what tests/coverage.sh counts with
#
# hiredis older than 1.0 (Debian 12) is no use: there Debian 13's source package is fetched from the
# same archive and built into a prefix of its own, where configure looks for it.

set -eu
unset CDPATH
here=$(dirname "$0")

HIREDIS_PREFIX=/usr/local/lib/vedette-hiredis
HIREDIS_SUITE=trixie

BUILD='gcc libc6-dev make autoconf automake pkg-config libev-dev libconfig-dev libsqlite3-dev
    libc-ares-dev libssl-dev libmicrohttpd-dev libjansson-dev libcurl4-openssl-dev uthash-dev
    check python3'
TEST='redis-server redis-sentinel redis-tools python3-pytest python3-redis openssl'
PEERS='dpkg-dev xz-utils debian-archive-keyring tcl procps iproute2'
NODE='nodejs npm'
CLIENTS='php-cli php-redis php-predis ruby-redis libredis-perl'
APP='postgresql'
RUNBOOKS='curl'
BROWSER='chromium chromium-driver python3-selenium'
DEPLOY='tini busybox dnsmasq-base iproute2 python3-yaml'
BENCH='iproute2 python3-matplotlib'
IMAGES='buildah podman podman-compose runc netavark aardvark-dns iptables mmdebstrap docker-compose'
COVERAGE='lcov'
PACKAGING='build-essential debhelper cpio fakeroot lintian rpm rpmlint systemd'
NEIGHBOURS='haproxy prometheus-redis-exporter'
CHECKS='clang clang-format clang-tidy cppcheck valgrind shellcheck mandoc patch
    prometheus'

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
    for service in redis-server redis-sentinel prometheus $APP $NEIGHBOURS; do
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

build_hiredis() {
    say "hiredis here is older than 1.0: building that of $HIREDIS_SUITE into $HIREDIS_PREFIX"
    source=$(sh "$here/fetch-source.sh" hiredis "$HIREDIS_SUITE" "$tmp/src") || die "no source of hiredis"

    # A LIBRARY_PATH of other tools may lead the linker to libraries that are not the system's.
    (
        cd "$source"
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

# A Node.js that is no Debian package will do.
add_node() {
    command -v npm >/dev/null 2>&1 || packages="$packages $NODE"
}

packages=$BUILD
tests=$TEST
for option in "$@"; do
    case $option in
    --build-only) tests='' ;;
    --checks) packages="$packages $CHECKS" ;;
    --peers) packages="$packages $PEERS" ;;
    --clients) add_node ;;
    --all-clients)
        add_node
        packages="$packages $CLIENTS"
        ;;
    --app)
        add_node
        packages="$packages $APP"
        ;;
    --runbooks) packages="$packages $RUNBOOKS" ;;
    --neighbours) packages="$packages $NEIGHBOURS" ;;
    --browser) packages="$packages $BROWSER" ;;
    --packaging) packages="$packages $PACKAGING" ;;
    --deploy) packages="$packages $DEPLOY" ;;
    --bench) packages="$packages $BENCH" ;;
    --images) packages="$packages $DEPLOY $IMAGES" ;;
    --coverage) packages="$packages $COVERAGE" ;;
    *) die "unknown option $option; those that there are stand in the head of this file" ;;
    esac
done
packages="$packages $tests"

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
        install_packages dpkg-dev xz-utils debian-archive-keyring
        build_hiredis
    fi
fi
say "done"
