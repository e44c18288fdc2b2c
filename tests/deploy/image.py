# SPDX-License-Identifier: BSD-3-Clause
"""What the Dockerfiles and compose.yaml say, for tests that run without a container engine.

Only what ours use is understood; anything else is an error, so that nobody tests less than is built.
"""

import json
import os
import re
import shlex
import shutil

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPOSE = os.path.join(TOP, "packaging", "compose.yaml")


def stages(dockerfile):
    """[(stage's name, [(instruction, text)])] in their order."""
    with open(os.path.join(TOP, dockerfile), encoding="utf-8") as source:
        text = re.sub(r"\\\n\s*", "", source.read())
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            found.append((rest.partition(" AS ")[2] or rest, []))
        else:
            found[-1][1].append((instruction, rest))
    return found


class Image:
    """The last stage of a Dockerfile: what it copies out of the tree, as whom and how it starts."""

    def __init__(self, dockerfile):
        self.files = []  # (path in the tree, path in the image, mode)
        self.environment = {}
        self.user = 0
        self.entrypoint = []
        self.directories = {}  # path: (mode, owner, group)
        for instruction, rest in stages(dockerfile)[-1][1]:
            getattr(self, "_" + instruction.lower())(rest)

    def _label(self, rest):
        """Words for people."""

    def _copy(self, rest):
        words = shlex.split(rest)
        options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
        if "from" not in options:
            source, target = [word for word in words if not word.startswith("--")]
            self.files.append((source, target, int(options["chmod"], 8)))

    def _run(self, rest):
        words = shlex.split(rest)
        assert words[:3] == ["install", "-d", "-m"] and words[4] == "-o" and words[6] == "-g", rest
        self.directories[words[8]] = (int(words[3], 8), int(words[5]), int(words[7]))

    def _env(self, rest):
        self.environment.update(word.split("=", 1) for word in shlex.split(rest))

    def _user(self, rest):
        self.user = int(rest.partition(":")[0])

    def _expose(self, rest):
        self.ports = [int(port) for port in rest.split()]

    def _entrypoint(self, rest):
        self.entrypoint = json.loads(rest)

    def lay_out(self, root):
        """The files from the tree, below root."""
        for source, target, mode in self.files:
            path = root + target
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            shutil.copyfile(os.path.join(TOP, source), path)
            os.chmod(path, mode)


def writable(about):
    """Where a service of compose.yaml may write: (what is in memory, what is on volumes)."""
    return about["tmpfs"], [one.split(":")[1] for one in about.get("volumes", [])]


def compose(secrets):
    """The services, variables filled in from secrets as `docker compose` does it."""

    def fill(value):
        if isinstance(value, dict):
            return {name: fill(one) for name, one in value.items()}
        if isinstance(value, list):
            return [fill(one) for one in value]
        if isinstance(value, str):
            return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: secrets[found[1]], value)
        return value

    with open(COMPOSE, encoding="utf-8") as source:
        return fill(yaml.safe_load(source))["services"]
