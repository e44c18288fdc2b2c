#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What a container engine does last, inside the new namespaces: the image's files in their places,
# tmpfs where the service may write, the root read-only, all rights dropped, the entry point as the
# first process.  The environment is the service's already.
#
#   container.sh ROOT USER WRITABLE[,WRITABLE...] ENTRYPOINT...

set -eu

root=$1
user=$2
writable=$3
shift 3

mount --bind "$root/usr/local" /usr/local
[ ! -d "$root/etc/redis" ] || mount --bind "$root/etc/redis" /etc/redis
# Over what is the machine's: it lacks the directories that the image has.
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=0755 tmpfs /var/lib
for directory in $(printf '%s' "$writable" | tr ',' ' '); do
    mkdir -p "$directory"
    options=mode=0700,uid=$user,gid=$user
    [ "$directory" != /tmp ] || options=mode=1777
    mount -t tmpfs -o "$options" tmpfs "$directory"
done
for directory in /run /var/lib /usr/local /; do
    mount -o remount,bind,ro "$directory"
done

[ "$user" -ne 0 ] || exec "$@"
exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all "$@"
