# SPDX-License-Identifier: BSD-3-Clause
"""vedettectl, as the tests run it: beside the vedette under test, without a terminal or an environment of its own."""

import json
import os
import subprocess

import harness


def path():
    return os.path.join(os.path.dirname(harness.find_program(harness.VEDETTE)), "vedettectl")


def environment(**more):
    """No VEDETTE_ variable of whoever runs the tests."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}
    return {**own, "TZ": "UTC", **more}


def run(*words, timeout=60, **env):
    """The finished process; stdout and stderr as text."""
    return subprocess.run(
        [path(), *map(str, words)],
        env=environment(**env), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
    )


class Ctl:
    """vedettectl that asks one sentinel first."""

    def __init__(self, sentinel, *options):
        self.options = ("-s", f"{sentinel.host}:{sentinel.port}", *options)

    def text(self, *words, status=0, **env):
        done = run(*self.options, *words, **env)
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def json(self, *words, status=0, **env):
        done = run(*self.options, "--json", *words, **env)
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)
