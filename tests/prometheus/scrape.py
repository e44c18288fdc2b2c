# SPDX-License-Identifier: BSD-3-Clause
"""Prints /metrics of a vedette whose group is complete and has been measured."""

import sys
import urllib.request

from harness import LOOPBACK, VEDETTE, Lab, make_house, wait_until


def main():
    lab = Lab()
    port = lab.free_port()
    make_house(lab, [VEDETTE], quorum=1, each=lambda _: (f"http-port {port}",))

    def scrape():
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=5) as reply:
            page = reply.read().decode()
        assert page.count("\nvedette_node_replication_lag_seconds{") == 2
        return page

    page = wait_until(scrape, 20, "metrics with lag")
    problems = lab.close()
    lab.remove()
    sys.stdout.write(page)
    if problems:
        sys.exit("\n".join(problems))


main()
