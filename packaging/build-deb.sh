#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the Debian packages (source and binary) of this tree and looks at them with lintian. Works on a
# copy: the tree stays as it is, and needs no debian/ at its top.
#
#   sh packaging/build-deb.sh [DIRECTORY]    # they are put there; default build/deb
#
# Needs what packaging/install-deps.sh --packaging installs. Where the archive's hiredis is older than 1.0
# (Debian 12) the static one of install-deps.sh is built in, so that the packages need no backport.
# DEB_BUILD_OPTIONS is heeded: nocheck leaves the unit tests out. Who publishes the packages gives the name
# and the address that they bear in DEBFULLNAME and DEBEMAIL.

set -eu
unset CDPATH
cd "$(dirname "$0")/.."

die() {
    printf 'build-deb: %s\n' "$*" >&2
    exit 1
}

out=${1:-build/deb}
version=$(sed -n 's/^AC_INIT(\[vedette\], \[\([^]]*\)\])$/\1/p' configure.ac)
packaged=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
[ "${packaged%-*}" = "$version" ] ||
    die "configure.ac says $version, packaging/debian/changelog $packaged: write an entry there"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# The files that git keeps, or those of an unpacked tarball.
source=$tmp/vedette-$version
mkdir "$source"
if [ -e .git ]; then
    git ls-files -z | grep -zv '^\.' | xargs -0 cp --parents -t "$source"
else
    tar -c --exclude ./build . | tar -x -C "$source"
fi
tar -C "$tmp" --sort=name --owner=0 --group=0 --numeric-owner -czf "$tmp/vedette_$version.orig.tar.gz" "vedette-$version"
cp -r packaging/debian "$source/debian"
# Nobody's address, and no bug of Debian's to be closed: these packages are not uploaded there.
suppressed=initial-upload-closes-no-bugs
if [ -n "${DEBEMAIL:-}" ]; then
    sed -i "s/The vedette maintainers <[^>]*>/${DEBFULLNAME:-The vedette maintainers} <$DEBEMAIL>/" \
        "$source/debian/control" "$source/debian/changelog"
else
    suppressed=$suppressed,bogus-mail-host,bogus-mail-host-in-debian-changelog
fi

profiles=
offered=$(apt-cache policy libhiredis-dev | sed -n 's/^ *Candidate: *//p')
dpkg --compare-versions "${offered:-0}" ge 1.0 || profiles=--build-profiles=pkg.vedette.hiredis

# A LIBRARY_PATH of other tools may lead the linker to libraries that are not the system's.
(
    unset LIBRARY_PATH MAKEFLAGS MFLAGS
    cd "$source" && dpkg-buildpackage -us -uc ${profiles:+"$profiles"} -j"$(nproc)"
) >"$tmp/build.log" 2>&1 || {
    tail -n 60 "$tmp/build.log" >&2
    die "dpkg-buildpackage failed"
}
set -- "$tmp"/*.changes
[ -f "$1" ] || die "dpkg-buildpackage made no .changes"
lintian --allow-root --fail-on error,warning --suppress-tags "$suppressed" "$1" ||
    die "lintian has found something"
mkdir -p "$out"
rm -f "$out"/vedette*
mv "$tmp"/vedette*_* "$tmp/build.log" "$out"
printf 'build-deb: in %s:\n' "$out"
ls "$out"
