#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the Debian packages, has lintian look at them, unpacks them into a root of their own and looks
# whether what is in them works there; the same for the RPM packages, by Debian's rpmbuild (rpm.sh). Needs
# packaging/install-deps.sh --packaging. DEB_BUILD_OPTIONS=nocheck leaves the unit tests out.
#
#   sh tests/packages/run.sh [DIRECTORY]    # where the packages are put; default build/deb

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
out=${1:-build/deb}
version=$(sed -n 's/^AC_INIT(\[vedette\], \[\([^]]*\)\])$/\1/p' configure.ac)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM
checks=0

# expect <what> <command...>: it succeeds.
expect() {
    what=$1
    shift
    "$@" >"$root/said" 2>&1 || {
        cat "$root/said"
        printf 'FAIL: %s\n' "$what"
        exit 1
    }
    checks=$((checks + 1))
}

is_version() { [ "$("$root/usr/bin/vedette" --version)" = "vedette $version" ]; }
is_configuration_safe() {
    group=$(sed -n 's/^vedette:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group")
    [ "$(stat -c '%a %u %g' "$root/etc/vedette/vedette.cfg")" = "640 0 $group" ]
}
is_state_safe() { [ "$(stat -c %a "$root/var/lib/vedette")" = 750 ]; }
has_conffile() { dpkg-deb -I "$daemon" conffiles | grep -qx /etc/vedette/vedette.cfg; }
has_sound_scripts() {
    dpkg-deb -e "$daemon" "$root/control"
    for script in postinst prerm postrm; do
        sh -n "$root/control/$script" || return 1
    done
}
# Each library that install-deps.sh has for the build is one of the package's.
has_all_libraries() {
    libraries=$(sed -n "/^BUILD='/,/'$/p" packaging/install-deps.sh | grep -o '[a-z0-9-]*-dev')
    for library in $libraries libhiredis-dev; do
        [ "$library" = libc6-dev ] || grep -q "^ *$library\b" packaging/debian/control || {
            printf '%s is not in Build-Depends\n' "$library"
            return 1
        }
    done
}
is_spec_clean() {
    rpmlint -r packaging/rpm/vedette.rpmlintrc packaging/rpm/vedette.spec | tee "$root/rpmlint"
    grep -q ' 0 errors, 0 warnings' "$root/rpmlint"
}

expect "what the build needs is in Build-Depends" has_all_libraries
expect "the packages build, and lintian finds nothing" sh packaging/build-deb.sh "$out"
for package in vedette vedette-tools; do
    expect "$package unpacks" dpkg-deb -x "$out/${package}_$version"-*_*.deb "$root"
done
set -- "$out/vedette_$version"-*_*.deb
daemon=$1

expect "the daemon starts, and is of this version" is_version
expect "the configuration of the package has no mistake" \
    "$root/usr/bin/vedette" --check "$root/etc/vedette/vedette.cfg" --state-dir "$root/state"
expect "vedette-replay starts" "$root/usr/bin/vedette-replay" --version
expect "vedettectl starts" "$root/usr/bin/vedettectl" --version
expect "vedette-drill starts, with the modules of the package" env PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH="$root/usr/share/vedette/drill" /usr/bin/python3 "$root/usr/bin/vedette-drill" --help
for page in man1/vedette-drill.1 man1/vedette-replay.1 man1/vedettectl.1 man5/vedette.cfg.5 man8/vedette.8; do
    expect "there is a manual page $page" gzip -t "$root/usr/share/man/$page.gz"
done

# What the package's scripts do at its installation.
mkdir -p "$root/etc"
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
expect "sysusers knows how to make the user" systemd-sysusers --root="$root" vedette.conf
expect "there is a user vedette" grep -q '^vedette:.*:/var/lib/vedette:' "$root/etc/passwd"
if [ "$(id -u)" -eq 0 ]; then
    expect "tmpfiles makes the directories" systemd-tmpfiles --root="$root" --create vedette.conf
    expect "secrets in the configuration are the user's" is_configuration_safe
    expect "the state is nobody else's" is_state_safe
fi
expect "the conffile is one" has_conffile
expect "the scripts of the package are sound" has_sound_scripts

expect "the RPM spec parses" rpmspec -P packaging/rpm/vedette.spec
expect "the RPM spec is of this version" grep -qx "Version: *$version" packaging/rpm/vedette.spec
expect "rpmlint finds nothing in the RPM spec" is_spec_clean
expect "the RPM packages build, and bring what the Debian packages bring" sh tests/packages/rpm.sh "$out"

printf '%d passed, 0 failed\n' "$checks"
