#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What Prometheus says of our alerts and of the metrics of a running vedette with its group.  Needs
# promtool (Debian: prometheus).
#
#   tests/prometheus/run.sh PATH_OF_VEDETTE

set -eu
unset CDPATH
vedette=$(realpath "${1:?usage: run.sh PATH_OF_VEDETTE}")
cd "$(dirname "$0")"
page=$(mktemp)
trap 'rm -f "$page"' EXIT

promtool check rules ../../conf/prometheus/alerts.yml
promtool test rules alerts_test.yml
VEDETTE=$vedette PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=../live /usr/bin/python3 scrape.py >"$page"
promtool check metrics --extended <"$page"
/usr/bin/python3 -m json.tool ../../conf/grafana/vedette.json >/dev/null
# Every metric that an alert or a panel looks at is there; a peer is not.
grep -ohE '(vedette|process)_[a-z_]+' ../../conf/prometheus/alerts.yml ../../conf/grafana/vedette.json |
    grep -v '^vedette_peer_' | sort -u |
    while read -r name; do
        grep -q "^${name}[{ ]" "$page" || { printf 'no metric %s\n' "$name"; exit 1; }
    done
printf 'prometheus: rules, their tests and the metrics are sound\n'
