# SPDX-License-Identifier: BSD-3-Clause
"""A vedette in another's place: called redis-sentinel or valkey-sentinel, on the file of such a one."""

import os
import subprocess

import pytest

from harness import REDIS_SENTINEL, VEDETTE, find_program

GROUP = "mymaster"
ALICE = "a" * 40
BOB = "b" * 40


def link_to_vedette(lab, name):
    """vedette under another name."""
    folder = os.path.join(lab.dir, "bin")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    if not os.path.islink(path):
        os.symlink(find_program(VEDETTE), path)
    return path


def find_original(name):
    """The program of that name, or the test is skipped: only redis-sentinel is always there."""
    try:
        return find_program(name)
    except FileNotFoundError:
        if name == REDIS_SENTINEL:
            raise
        pytest.skip(f"{name} is not installed; VALKEY_SENTINEL names one that is elsewhere")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def become(one, program):
    """The same sentinel, on the same file, as another program."""
    if one.is_running():
        assert one.stop() == 0
    one.argv = [program, one.config]
    return one.start()


def in_place(lab, lines, options=(), name=REDIS_SENTINEL, head="# vedette: abstain 0", start=True):
    """A vedette called by the name, whose file Sentinel could read as well."""
    one = lab.sentinel(REDIS_SENTINEL, [head, *lines], options, start=False)
    one.argv[0] = link_to_vedette(lab, name)
    return one.start() if start else one


def remembered(one):
    """What must survive, as a client can see it."""
    master = one.master(GROUP)
    return {
        "id": one.id(),
        "primary": one.primary_of(GROUP),
        "replicas": sorted((r["ip"], r["port"]) for r in one.replicas(GROUP)),
        "peers": sorted((p["runid"], p["ip"], p["port"]) for p in one.peers(GROUP)),
        **{name: master[name] for name in ("config-epoch", "quorum", "parallel-syncs",
                                           "down-after-milliseconds", "failover-timeout")},
    }


def lines_of(one, *words):
    """Lines of its file that begin with these words."""
    begin = " ".join(words) + " "
    return sorted(line for line in read(one.config).splitlines() if line.startswith(begin))


def run(lab, name, *arguments, stdin=""):
    done = subprocess.run([link_to_vedette(lab, name), *arguments], cwd=lab.dir, input=stdin,
                          capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr
