#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Prints this machine's Debian archive as an apt source (deb822) of another suite: the same place and
# keys, only type and suite changed. Reads both of apt's formats.
#
#   sh packaging/suite-source.sh deb|deb-src SUITE

set -eu

[ $# -eq 2 ] || {
    printf 'usage: suite-source.sh deb|deb-src SUITE\n' >&2
    exit 1
}
type=$1
suite=$2
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    # A blank line ends a stanza; the END of a file does as well.
    awk -v from="$codename" -v to="$suite" -v type="$type" '
        function flush_stanza(    i, n, words, fits) {
            n = split(suites, words, /[ \t]+/)
            for (i = 1; i <= n; i++) if (words[i] == from) fits = 1
            if (fits && types ~ /(^|[ \t])deb([ \t]|$)/ && !disabled)
                printf "Types: %s\nSuites: %s\nComponents: main\n%s\n", type, to, rest
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
    awk -v from="$codename" -v to="$suite" -v type="$type" '
        $1 == "deb" {
            options = ""; line = $0
            if (match(line, /\[[^]]*\]/)) {
                options = substr(line, RSTART + 1, RLENGTH - 2)
                line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
            }
            split(line, part, /[ \t]+/)
            if (part[3] != from) next
            printf "Types: %s\nSuites: %s\nComponents: main\nURIs: %s\n", type, to, part[2]
            n = split(options, option, /[ \t]+/)
            for (i = 1; i <= n; i++) {
                if (sub(/^signed-by=/, "", option[i])) printf "Signed-By: %s\n", option[i]
                if (sub(/^trusted=/, "", option[i])) printf "Trusted: %s\n", option[i]
            }
            print ""
        }' "$file"
done
