#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the RPM packages of packaging/rpm/vedette.spec by Debian's rpmbuild, with the macros of
# fedora.macros and this machine's libraries, and looks at them: they bring the files of the Debian
# packages, for the same people; their scripts are sound, and their programs start. What it cannot show is
# that Fedora's libraries have the names that the spec says.
#
#   sh tests/packages/rpm.sh DIRECTORY    # where build-deb.sh has put the Debian packages and the source

set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
debs=${1:?where are the Debian packages? see the head of $0}
version=$(sed -n 's/^AC_INIT(\[vedette\], \[\([^]]*\)\])$/\1/p' configure.ac)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    printf 'FAIL: %s\n' "$*"
    exit 1
}

mkdir "$tmp/SOURCES"
cp "$debs/vedette_$version.orig.tar.gz" "$tmp/SOURCES/vedette-$version.tar.gz"
(
    # As in build-deb.sh; nobody looks for what was built without its names, nor measures how fast it is.
    unset LIBRARY_PATH MAKEFLAGS MFLAGS
    rpmbuild -bb --nodeps --without check --load tests/packages/fedora.macros --define "_topdir $tmp" \
        --define 'optflags -O0' --define 'debug_package %{nil}' --define '_build_id_links none' --define "_smp_mflags -j$(nproc)" \
        packaging/rpm/vedette.spec
) >"$tmp/log" 2>&1 || {
    tail -n 40 "$tmp/log"
    fail "rpmbuild"
}

# list_rpm <package>, list_deb <package>: rights and name of each file that is not just for reading. Debian
# compresses manual pages and has its units below /lib; the owners of its configuration and state come with
# tmpfiles, which run.sh looks at.
list_rpm() {
    rpm -qp --queryformat '[%{FILEMODES:perms} %{FILENAMES}\n]' "$tmp"/RPMS/*/"$1-$version"-*.rpm |
        grep -v '^d' | grep -Ev ' /usr/share/(doc|licenses)/' | sort
}
list_deb() {
    dpkg-deb --contents "$debs/$1_$version"-*_*.deb | awk '$1 !~ /^d/ { print $1, substr($6, 2) }' |
        sed -e 's, /lib/, /usr/lib/,' -e '/\/man\//s/\.gz$//' -e '/\/etc\//s/^-rw-r--r--/-rw-r-----/' |
        grep -v ' /usr/share/doc/' | sort
}
for package in vedette vedette-tools; do
    list_rpm $package >"$tmp/rpm"
    list_deb $package >"$tmp/deb"
    [ -s "$tmp/rpm" ] || fail "$package has no files"
    diff -u "$tmp/deb" "$tmp/rpm" || fail "the RPM of $package has other files than the Debian package (-)"
done

set -- "$tmp"/RPMS/*/"vedette-$version"-*.rpm
daemon=$1
owners=$(rpm -qp --queryformat '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]' "$daemon" |
    grep -E ' (/etc|/var)/')
[ "$owners" = "drwxr-x--- root vedette /etc/vedette
-rw-r----- root vedette /etc/vedette/vedette.cfg
drwxr-x--- vedette vedette /var/lib/vedette" ] || fail "secrets and state are not the user's: $owners"
[ "$(rpm -qp --configfiles "$daemon")" = /etc/vedette/vedette.cfg ] || fail "vedette.cfg is not kept at an upgrade"

for script in prein postin preun postun; do
    rpm -qp --queryformat "%{$script}" "$daemon" >"$tmp/$script"
    sh -n "$tmp/$script" || fail "$script is no shell script"
    ! grep -n '%' "$tmp/$script" || fail "a macro is left in $script"
done

# The user is there before the files that are its own, and is the one that sysusers would make.
for root in root sysusers; do
    mkdir -p "$tmp/$root/etc"
    printf 'root:x:0:0::/:/bin/sh\n' >"$tmp/$root/etc/passwd"
    printf 'root:x:0:\n' >"$tmp/$root/etc/group"
done
(
    # shellcheck disable=SC2317 # the script calls them
    getent() { return 2; }
    # shellcheck disable=SC2317
    groupadd() { command groupadd --prefix "$tmp/root" "$@"; }
    # shellcheck disable=SC2317
    useradd() { command useradd --prefix "$tmp/root" "$@"; }
    # shellcheck disable=SC1091 # made above
    . "$tmp/prein"
) || fail "the user cannot be made"
systemd-sysusers --root="$tmp/sysusers" "$PWD/packaging/systemd/vedette.sysusers" 2>"$tmp/log" || fail "$(cat "$tmp/log")"
of_vedette() { sed -n 's/^vedette:[^:]*:[0-9]*:[0-9]*:/vedette:/p' "$tmp/$1/etc/passwd"; }
[ -n "$(of_vedette root)" ] || fail "the scripts make no user"
[ "$(of_vedette root)" = "$(of_vedette sysusers)" ] ||
    fail "the scripts make '$(of_vedette root)', sysusers '$(of_vedette sysusers)'"

for package in "$tmp"/RPMS/*/*.rpm; do
    rpm2cpio "$package" | (cd "$tmp/root" && cpio --quiet --extract --make-directories)
done
[ "$("$tmp/root/usr/bin/vedette" --version)" = "vedette $version" ] || fail "the daemon does not start"
"$tmp/root/usr/bin/vedette" --check "$tmp/root/etc/vedette/vedette.cfg" --state-dir "$tmp/state" >"$tmp/log" 2>&1 ||
    fail "the configuration: $(cat "$tmp/log")"
for program in vedette-replay vedettectl; do
    "$tmp/root/usr/bin/$program" --version >/dev/null || fail "$program does not start"
done
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$tmp/root/usr/share/vedette/drill" \
    /usr/bin/python3 "$tmp/root/usr/bin/vedette-drill" --help >/dev/null || fail "vedette-drill does not start"
