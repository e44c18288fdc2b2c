# SPDX-License-Identifier: BSD-3-Clause
"""The six services as real containers: Podman runs the images that images.sh has built.

Networks and names are those of cluster.py; what compose.yaml wants of an engine (read-only root,
rights, limits, tmpfs) the engine does.
"""

import os
import subprocess

import harness

# images.sh says so: images are there, and CONTAINERS_CONF and CONTAINERS_STORAGE_CONF lead to them.
# Not by the first word alone: tests remove all containers that there are.
IS_THERE = bool(os.environ.get("VEDETTE_IMAGES") and os.environ.get("CONTAINERS_STORAGE_CONF"))
IMAGES = {"redis": "localhost/vedette-redis", "vedette": "localhost/vedette"}


class Refused(AssertionError):
    """What the engine did not do; who waits for it may ask again (harness.wait_until)."""


def podman(*words, check=True):
    done = subprocess.run(
        ["podman", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120
    )
    if check and done.returncode != 0:
        raise Refused(f"podman {' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def container(service):
    """The name of the container of this life."""
    return f"{service.name}.{service.life}"


def writable(service):
    """What is in memory, and volumes that end with their container."""
    tmpfs, volumes = service.writable
    return [word for path in tmpfs for word in ("--tmpfs", path)] + [
        word for path in volumes for word in ("--volume", path)]


def command(service, variables, name_server):
    """What starts a container in the service's network namespace, and ends with it."""
    words = ["podman", "run", "--rm", "--name", container(service), "--log-driver", "none", "--no-hosts"]
    words += ["--network", f"ns:/run/netns/{service.name}", "--dns", name_server]
    words += ["--dns-opt", "timeout:1", "--dns-opt", "attempts:2"]
    words += ["--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    words += ["--memory", str(service.memory), "--cpus", str(service.cpus)]
    words += writable(service)
    for name in variables:
        words += ["--env", name]
    return [*words, IMAGES[service.kind]]


def first_process(service):
    """The container's first process, as seen from outside."""

    def running():
        pid = int(podman("inspect", "--format", "{{.State.Pid}}", container(service)))
        assert pid > 0, "no process yet"
        return pid

    return harness.wait_until(running, 20, f"{container(service)} has a first process")


def memory(pid):
    """(limit, peak) in bytes of the control group of a process; None where it is not counted."""
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as source:
        groups = dict(line.rstrip("\n").split(":", 2)[1:] for line in source)
    if "memory" in groups:
        top, names = "/sys/fs/cgroup/memory" + groups["memory"], ("memory.limit_in_bytes", "memory.max_usage_in_bytes")
    else:
        top, names = "/sys/fs/cgroup" + groups[""], ("memory.max", "memory.peak")
    found = []
    for name in names:
        path = os.path.join(top, name)
        if os.path.exists(path):
            with open(path, encoding="ascii") as source:
                found.append(int(source.read()))
        else:
            found.append(None)
    return tuple(found)
