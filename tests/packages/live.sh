#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs the Debian packages in a container whose first process is systemd, and lives through what a
# package lives through: installation, the first start, reload, a loop that stands still, a crash,
# upgrade, removal, purge.
#
#   sh tests/packages/live.sh [DIRECTORY]    # where the packages are; default build/deb (build-deb.sh)
#
# The container's Debian is made of the packages of this machine's release. It needs root and what
# `packaging/install-deps.sh --images` installs, and ends with 77 (skipped) where it cannot work.

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
. tests/deploy/engine.sh

out=${1:-build/deb}
set -- "$out"/vedette_*.deb "$out"/vedette-tools_*.deb
for package in "$@"; do
    [ -f "$package" ] || skip "no packages in $out: sh packaging/build-deb.sh"
done
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
base=localhost/vedette-live-$codename
make_base "$base" "$codename" --include=systemd,systemd-sysv,dbus,redis-server,redis-tools
mkdir -p "$tmp/packages"
cp "$@" "$tmp/packages"
# The archive is asked for what the packages depend on; from then on there is no network.
cat >"$tmp/Containerfile" <<FILE
FROM $base
COPY *.deb /srv/packages/
RUN apt-get update && apt-get install -y --no-install-recommends /srv/packages/vedette_*.deb /srv/packages/vedette-tools_*.deb && dpkg --purge vedette
FILE
quietly "what the packages depend on" buildah build --layers --isolation chroot --network host --pull=never \
    -f "$tmp/Containerfile" -t vedette-live "$tmp/packages"
/usr/bin/python3 tests/reaper.py 300 unshare --net --mount --propagation private -- sh -c '
    mount -t tmpfs tmpfs /run && sh tests/packages/life.sh'
