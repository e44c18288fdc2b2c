#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Fetches and unpacks the source package of another Debian suite, from the archive that this machine
# already uses and by its keys: only type and suite of the apt source are changed. The machine's own
# apt sees nothing of it: other sources, lists and cache, gone at the end. Needs no root, but dpkg-dev,
# xz-utils and, of a suite newer than the machine, the newest debian-archive-keyring.
#
#   sh packaging/fetch-source.sh PACKAGE SUITE DIRECTORY    # prints where it was unpacked

set -eu

die() {
    printf 'fetch-source: %s\n' "$*" >&2
    exit 1
}

run_apt() {
    APT_CONFIG=$tmp/apt.conf DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$tmp/apt.log" 2>&1 || {
        tail -n 30 "$tmp/apt.log" >&2
        die "apt-get $1 failed for the suite $suite"
    }
}

[ $# -eq 3 ] || die "usage: fetch-source.sh PACKAGE SUITE DIRECTORY"
package=$1
suite=$2
directory=$3

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/src" "$directory"
sh "$(dirname "$0")/suite-source.sh" deb-src "$suite" >"$tmp/suite.sources"
[ -s "$tmp/suite.sources" ] ||
    die "no apt source of this machine's release found in /etc/apt to derive that of $suite from"
cat >"$tmp/apt.conf" <<CONF
Dir::Etc::SourceList "$tmp/suite.sources";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$tmp/lists";
Dir::Cache "$tmp/cache";
APT::Sandbox::User "$(id -un)";
CONF
run_apt update
(cd "$tmp/src" && run_apt source "$package")
set -- "$tmp/src/$package"-*/
[ -d "$1" ] || die "the source package of $package did not unpack"
name=$(basename "$1")
rm -rf "${directory:?}/$name"
mv "$1" "$directory/$name"
printf '%s\n' "$directory/$name"
