#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the images of packaging/railway for real, looks at them, and runs the six services from them:
# the stories of test_namespaces.py by Podman, and packaging/compose.yaml by podman-compose.
#
#   sh tests/deploy/images.sh [pytest's arguments]
#
# No image registry is asked: what the Dockerfiles begin with is made of Debian's packages, from the
# archive that this machine uses. All that engines keep stays in a directory that goes at the end; what
# runs, runs in a network of its own. VEDETTE_STORE=DIRECTORY is not deleted, and makes the next time quick.
#
# It needs root and what `packaging/install-deps.sh --images` installs, takes some minutes, and ends with
# 77 (skipped) where it cannot work.

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."

skip() {
    printf 'images: skipped: %s\n' "$*"
    exit 77
}
say() { printf '== %s\n' "$*"; }

[ "$(id -u)" -eq 0 ] || skip "it needs root"
for tool in buildah podman podman-compose runc mmdebstrap dnsmasq; do
    command -v $tool >/dev/null 2>&1 || skip "no $tool: sh packaging/install-deps.sh --images"
done
unshare --net --mount true 2>/dev/null || skip "this kernel lets us make no namespaces"

tmp=${VEDETTE_STORE:-$(mktemp -d /var/tmp/vd-images.XXXXXX)}
mkdir -p "$tmp"
clean_up() {
    # Layers of containers that were killed are mounted still.
    podman umount --all >/dev/null 2>&1 || true
    umount "$tmp/graph/overlay" 2>/dev/null || true
    [ -n "${VEDETTE_STORE:-}" ] || rm -rf "$tmp"
    # What Podman leaves of control groups, where nobody else's containers are in it.
    for group in /sys/fs/cgroup/*/libpod_parent /sys/fs/cgroup/libpod_parent; do
        [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# Engines raise limits of their own accord, which a sandbox may forbid: those that we have will do.
files=$(prlimit --nofile --noheadings --raw --output HARD)
processes=$(cat /proc/sys/kernel/pid_max)
cat >"$tmp/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "$tmp/libpod"
[network]
network_backend = "netavark"
network_config_dir = "$tmp/networks"
CONF
cat >"$tmp/storage.conf" <<CONF
[storage]
driver = "${VEDETTE_STORAGE:-overlay}"
graphroot = "$tmp/graph"
runroot = "$tmp/run"
CONF
export CONTAINERS_CONF="$tmp/containers.conf" CONTAINERS_STORAGE_CONF="$tmp/storage.conf"
export VEDETTE_IMAGES="$tmp"

# quietly <what> <command...>: its output is shown if it fails.
quietly() {
    say "$1"
    shift
    "$@" >"$tmp/log" 2>&1 || {
        tail -n 60 "$tmp/log"
        printf 'FAIL: %s\n' "$*"
        exit 1
    }
}

# The image that the Dockerfiles name, as it is published: a minimal Debian without documents.
base=$(sed -n 's/^FROM \([^ ]*\)$/\1/p' packaging/railway/vedette/Dockerfile)
suite=${base#debian:}
if ! podman image exists "docker.io/library/$base"; then
    sh packaging/suite-source.sh deb "${suite%-slim}" >"$tmp/base.sources"
    quietly "$base from Debian's packages" mmdebstrap --quiet --variant=minbase \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' "${suite%-slim}" "$tmp/base.tar" "$tmp/base.sources"
    quietly "$base is imported" podman import "$tmp/base.tar" "docker.io/library/$base"
    rm "$tmp/base.tar"
fi
for kind in vedette redis; do
    name=vedette
    [ $kind = vedette ] || name=vedette-$kind
    quietly "packaging/railway/$kind/Dockerfile is built" buildah build --layers --isolation chroot --network host --pull=never \
        -f packaging/railway/$kind/Dockerfile -t "$name" .
done

say "images are looked at, and run"
sh tests/deploy/run.sh --ignore tests/deploy/test_files.py --ignore tests/deploy/test_loopback.py "$@"
