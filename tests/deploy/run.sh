#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The six services of packaging/railway, without a container engine: each in namespaces of its own,
# on an IPv6-only network whose names come and go with the containers.
#
#   VEDETTE=build/gcc/vedette sh tests/deploy/run.sh [pytest's arguments]
#
# All of it happens in a network and a mount namespace that end with it: nothing is left on the
# machine, also not if it is killed.  It needs root, or a kernel that lets users make namespaces.

set -u
unset CDPATH
cd "$(dirname "$0")/../.." || exit 1
python=/usr/bin/python3

own=
[ "$(id -u)" -eq 0 ] || own='--user --map-root-user'
# shellcheck disable=SC2086 # a list of words
reason=$(unshare $own --net --mount sh -c 'ip link set lo up && mount -t tmpfs tmpfs /mnt' 2>&1) || {
    printf 'FAIL: no namespaces for the six services: %s\n' "$reason" >&2
    exit 1
}
export PYTHONDONTWRITEBYTECODE=1
# shellcheck disable=SC2086
exec "$python" tests/reaper.py 600 unshare $own --net --mount --propagation private -- \
    sh -c 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"' sh \
    "$python" -m pytest -q -p no:cacheprovider tests/deploy "$@"
