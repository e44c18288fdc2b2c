#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The life of the package vedette in a container with systemd; started by live.sh, in namespaces.
# shellcheck disable=SC2016 # scripts are the container's to expand

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

name=vedette-live
inside() { podman exec "$name" "$@"; }
checks=0
pace=0.2 # seconds between two looks

fail() {
    printf 'FAIL: %s\n' "$*"
    inside journalctl --no-pager -u vedette | tail -n 30
    podman rm --force --time 0 "$name" >/dev/null 2>&1
    exit 1
}
# A command that is negated by ! ends no script.
prelude='not() { if "$@"; then return 1; fi; }
pid_of() { systemctl show -P MainPID vedette; }
'
# expect <what> <script>: it succeeds in the container.
expect() {
    inside sh -ec "$prelude$2" >"$tmp/said" 2>&1 || {
        cat "$tmp/said"
        fail "$1"
    }
    checks=$((checks + 1))
}
# within <seconds> <what> <script>: it succeeds in the container before that.
within() {
    end=$(($(date +%s) + $1))
    until inside sh -ec "$prelude$3" >"$tmp/said" 2>&1; do
        [ "$(date +%s)" -lt "$end" ] || {
            cat "$tmp/said"
            fail "not within $1 s: $2"
        }
        sleep "$pace"
    done
    checks=$((checks + 1))
}
first_pid() { inside systemctl show -P MainPID vedette; }

podman run --detach --name "$name" --network none --privileged --systemd=always localhost/vedette-live /sbin/init >/dev/null
within 60 "systemd runs" 'systemctl is-system-running | grep -Eq "running|degraded"'

expect "it installs" 'dpkg -i /srv/packages/vedette_*.deb'
expect "nobody's Redis is called as the example: it is not enabled, and was not started" \
    'not systemctl is-enabled -q vedette; not systemctl is-active -q vedette'
expect "secrets in the configuration are the user's" \
    '[ "$(stat -c "%a %U %G" /etc/vedette /etc/vedette/vedette.cfg | tr "\n" " ")" = "750 root vedette 640 root vedette " ]'
expect "the state is nobody else's" '[ "$(stat -c "%a %U %G" /var/lib/vedette)" = "750 vedette vedette" ]'

within 20 "there is a server to watch" 'redis-cli ping | grep -x PONG'
inside sh -ec 'printf "groups = ( { name = \"mymaster\"; primary = \"127.0.0.1:6379\"; quorum = 1; } );\n" >/etc/vedette/vedette.cfg'
expect "it starts, and says when it is ready" 'systemctl enable --now vedette; systemctl is-active vedette'
within 10 "it answers" 'redis-cli -p 26379 sentinel get-master-addr-by-name mymaster | grep -x 6379'
expect "it has no rights" 'pid=$(systemctl show -P MainPID vedette)
    grep -Eq "^CapEff:.0+$" /proc/$pid/status; grep -Eq "^NoNewPrivs:.1" /proc/$pid/status
    grep -Eq "^Seccomp:.2" /proc/$pid/status; [ "$(stat -c %U /proc/$pid)" = vedette ]'

before=$(first_pid)
expect "it reloads" 'cp /etc/vedette/vedette.cfg /srv/packages/good; sed -i "s/quorum = 1/quorum = 2/" /etc/vedette/vedette.cfg
    systemctl reload vedette'
within 10 "what was reloaded counts" 'redis-cli -p 26379 sentinel master mymaster | grep -A1 -x quorum | grep -x 2'
expect "a file with a mistake is not loaded, and that is said" 'echo nonsense >>/etc/vedette/vedette.cfg
    not systemctl reload vedette; journalctl -u vedette | grep -Eq "vedette.cfg:[0-9]+: syntax error"; systemctl is-active vedette
    cp /srv/packages/good /etc/vedette/vedette.cfg'
[ "$(first_pid)" = "$before" ] || fail "a reload is no restart"

inside sh -c "kill -STOP $before"
within 60 "a loop that stands still is noticed" \
    "now=\$(systemctl show -P MainPID vedette); [ \$now != $before ]; [ \$now != 0 ]; systemctl is-active vedette"
before=$(first_pid)
inside sh -c "kill -KILL $before"
within 20 "it is started again after a crash" \
    "now=\$(systemctl show -P MainPID vedette); [ \$now != $before ]; [ \$now != 0 ]; systemctl is-active vedette"

before=$(first_pid)
expect "an upgrade restarts it, and leaves its configuration" 'dpkg -i /srv/packages/vedette_*.deb; systemctl is-active vedette
    cmp /srv/packages/good /etc/vedette/vedette.cfg; [ "$(stat -c %a /etc/vedette/vedette.cfg)" = 640 ]'
[ "$(first_pid)" != "$before" ] || fail "an upgrade restarts it"
expect "removal ends it, and leaves configuration and state" 'dpkg -r vedette; not systemctl is-active -q vedette
    [ -e /etc/vedette/vedette.cfg ]; [ -e /var/lib/vedette/vedette.db ]'
expect "it comes back as it was" 'dpkg -i /srv/packages/vedette_*.deb; systemctl is-active vedette; cmp /srv/packages/good /etc/vedette/vedette.cfg'
expect "purge leaves nothing" 'dpkg --purge vedette; [ ! -e /etc/vedette ]; [ ! -e /var/lib/vedette ]
    [ ! -e /etc/systemd/system/multi-user.target.wants/vedette.service ]'

podman rm --force --time 0 "$name" >/dev/null
printf '%d passed, 0 failed\n' "$checks"
