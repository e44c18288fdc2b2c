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

# Prints this machine's Debian archive as a source of another suite's source packages: the same
# place and keys, only type and suite changed.  Both apt formats, as deb822.
derive_source() {
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        # A blank line ends a stanza; the END of a file does as well.
        awk -v from="$1" -v to="$2" '
            function flush_stanza(    i, n, words, fits) {
                n = split(suites, words, /[ \t]+/)
                for (i = 1; i <= n; i++) if (words[i] == from) fits = 1
                if (fits && types ~ /(^|[ \t])deb([ \t]|$)/ && !disabled)
                    printf "Types: deb-src\nSuites: %s\nComponents: main\n%s\n", to, rest
                suites = types = rest = ""; disabled = 0; dropping = 0
            }
            /^#/ { next }
            /^[ \t]*$/ { flush_stanza(); next }
            /^[ \t]/ { if (!dropping) rest = rest $0 "\n"; next }
            {
                key = tolower($0); sub(/:.*/, "", key)
                value = $0; sub(/^[^:]*:[ \t]*/, "", value)
                dropping = 1
                if (key == "suites") suites = value
                else if (key == "types") types = value
                else if (key == "enabled") disabled = (tolower(value) ~ /^(no|false|0|off)/)
                else if (key == "uris" || key == "signed-by" || key == "trusted") {
                    rest = rest $0 "\n"; dropping = 0
                }
            }
            END { flush_stanza() }' "$file"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] || continue
        awk -v from="$1" -v to="$2" '
            $1 == "deb" {
                options = ""; line = $0
                if (match(line, /\[[^]]*\]/)) {
                    options = substr(line, RSTART + 1, RLENGTH - 2)
                    line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
                }
                split(line, part, /[ \t]+/)
                if (part[3] != from) next
                printf "Types: deb-src\nSuites: %s\nComponents: main\nURIs: %s\n", to, part[2]
                n = split(options, option, /[ \t]+/)
                for (i = 1; i <= n; i++) {
                    if (sub(/^signed-by=/, "", option[i])) printf "Signed-By: %s\n", option[i]
                    if (sub(/^trusted=/, "", option[i])) printf "Trusted: %s\n", option[i]
                }
                print ""
            }' "$file"
    done
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

codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/src" "$directory"
derive_source "$codename" "$suite" >"$tmp/suite.sources"
[ -s "$tmp/suite.sources" ] ||
    die "no apt source of $codename found in /etc/apt to derive that of $suite from"
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
