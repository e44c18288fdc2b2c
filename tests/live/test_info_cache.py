# SPDX-License-Identifier: BSD-3-Clause
"""SENTINEL INFO-CACHE: what is kept of each server's INFO, as a difference, is the text as the server said it."""

import re

import pytest

from harness import VEDETTE, make_house, wait_until

pytestmark = pytest.mark.vedette


def shape(text):
    """All that does not change from one second to the next: lines, their order, keys, and plain words."""
    return re.sub(r"\d[\d.]*[KMG%]?", "0", text).splitlines()


def test_texts_come_back_whole(lab):
    house = make_house(lab, [VEDETTE] * 3)
    of_port = {str(server.port): server for server in house.servers}

    def cached():
        name, rows = house.sentinels[0].sentinel("INFO-CACHE", house.name)
        assert name == house.name and len(rows) == 3
        return [text for _, text in rows]

    def all_alike():
        for text in cached():
            server = of_port[re.search(r"^tcp_port:(\d+)", text, re.MULTILINE)[1]]
            said = server.ask("INFO")
            assert shape(text) == shape(said)
            for key in ("run_id", "executable", "config_file", "master_replid"):
                assert re.search(f"^{key}:.*$", text, re.MULTILINE)[0] in said
        return True

    # Until it has asked again since the last replica was in line, and the last client has gone.
    wait_until(all_alike, 30, "what is kept is what they say", every=0.5)
