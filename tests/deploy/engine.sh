# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# Read by scripts that need containers: engines with a store of their own, which goes at the end
# (VEDETTE_STORE=DIRECTORY is not deleted, and makes the next time quick). Sets tmp; has skip, say, quietly
# and make_base. Whoever reads it is at the top of the tree, under `set -eu`.

skip() {
    printf '%s: skipped: %s\n' "${0##*/}" "$*"
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
tmp=$(cd "$tmp" && pwd -P)
clean_up() {
    # Layers of containers and of builds that were killed are mounted still; the deepest goes first.
    podman umount --all >/dev/null 2>&1 || true
    awk -v top="$tmp/" 'index($2, top) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r place; do
        umount "$place" 2>/dev/null || umount --lazy "$place" || true
    done
    [ -n "${VEDETTE_STORE:-}" ] || rm -rf --one-file-system "$tmp"
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

# make_base <image> <suite> [<mmdebstrap's options>]: a minimal Debian from the archive that this machine uses.
make_base() {
    base_image=$1
    base_suite=$2
    shift 2
    podman image exists "$base_image" && return
    sh packaging/suite-source.sh deb "$base_suite" >"$tmp/base.sources"
    quietly "$base_image from Debian's packages" mmdebstrap --quiet --variant=minbase "$@" \
        "$base_suite" "$tmp/base.tar" "$tmp/base.sources"
    quietly "$base_image is imported" podman import "$tmp/base.tar" "$base_image"
    rm "$tmp/base.tar"
}
