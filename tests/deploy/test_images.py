# SPDX-License-Identifier: BSD-3-Clause
"""The images as they were built, and compose.yaml with them. Started by images.sh."""

import json
import os
import re
import shutil
import subprocess
import urllib.request

import pytest
import yaml

import cluster
import image
from engine import IMAGES, podman
from harness import wait_until

KINDS = ["redis", "vedette"]
# What is laid over the bare Debian may weigh so much, in MB.
HEAVIEST = {"redis": 25, "vedette": 35}
PROGRAMS = {
    "redis": ["redis-server --version", "redis-cli --version", "tini --version", "busybox true"],
    "vedette": ["vedette --version", "tini --version", "busybox true", "setpriv --version"],
}


def run_in(kind, script, *options):
    """Standard output of a shell script in a new container of the image, as its user, without a network."""
    words = ["run", "--rm", "--network", "none", "--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL"]
    return podman(*words, *options, "--entrypoint", "/bin/sh", IMAGES[kind], "-euc", script)


@pytest.mark.parametrize("kind", KINDS)
def test_image_is_what_its_dockerfile_says(kind):
    [about] = json.loads(podman("image", "inspect", IMAGES[kind]))
    said = image.Image(f"packaging/railway/{kind}/Dockerfile")
    config = about["Config"]
    assert config["User"] == f"{said.user}:{said.user}"
    assert config["Entrypoint"] == said.entrypoint
    assert not config.get("Cmd")
    assert sorted(config["ExposedPorts"]) == sorted(f"{port}/tcp" for port in said.ports)
    for name, value in said.environment.items():
        assert f"{name}={value}" in config["Env"]
    for path, _, mode in ((target, source, mode) for source, target, mode in said.files):
        assert run_in(kind, f"stat -c '%a %u' {path}").split() == [f"{mode:o}", "0"], path
    for path, (mode, owner, group) in said.directories.items():
        assert run_in(kind, f"stat -c '%a %u %g' {path}").split() == [f"{mode:o}", str(owner), str(group)]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_in_it_that_is_not_needed(kind):
    """Over the bare image: programs with their libraries, entry points; nothing of the build, nothing privileged."""
    base = image.stages(f"packaging/railway/{kind}/Dockerfile")[-1][0]
    trees = [podman("image", "mount", name).strip() for name in (f"docker.io/library/{base}", IMAGES[kind])]
    try:
        before, after = [
            {
                os.path.relpath(os.path.join(place, name), tree)
                for place, _, names in os.walk(tree)
                for name in names
            }
            for tree in trees
        ]
        added = after - before
        size = sum(os.lstat(os.path.join(trees[1], path)).st_size for path in added) / 1e6
        odd = [
            path for path in sorted(added)
            if not re.match(r"usr/bin/|usr/lib/\S+\.so[.\d]*$|usr/local/(bin|share/redis-health)/|etc/redis/base.conf$"
                            r"|etc/ssl/certs/ca-certificates.crt$|etc/hosts$|run/", path)  # hosts: of every build
        ]
        assert odd == []
        assert not [path for path in added if os.lstat(os.path.join(trees[1], path)).st_mode & 0o6000]
    finally:
        for name in (f"docker.io/library/{base}", IMAGES[kind]):
            podman("image", "unmount", name)
    total = int(podman("image", "inspect", "--format", "{{.Size}}", IMAGES[kind])) / 1e6
    print(f"{kind}: {total:.0f} MB, {size:.1f} MB of them over {base}: {len(added)} files")
    assert 1 < size < HEAVIEST[kind]
    for tool in "gcc", "cc", "make", "ld", "autoconf", "python3", "curl":
        assert run_in(kind, f"command -v {tool} || echo none").strip() == "none"


@pytest.mark.parametrize("kind", KINDS)
def test_programs_run(kind):
    for line in PROGRAMS[kind]:
        run_in(kind, line)
    missing = run_in(kind, "for one in /usr/bin/tini /usr/bin/busybox $(command -v redis-server vedette || true); do"
                           " ldd $one | grep 'not found' || true; done")
    assert missing == ""
    if kind == "vedette":
        with open(os.path.join(image.TOP, "configure.ac"), encoding="utf-8") as source:
            version = re.search(r"^AC_INIT\(\[vedette\], \[([^]]*)\]", source.read(), re.M)[1]
        assert run_in(kind, "vedette --version").strip() == f"vedette {version}"
        # Alerts by https have somebody to trust.
        assert int(run_in(kind, "grep -c BEGIN /etc/ssl/certs/ca-certificates.crt")) > 50


@pytest.mark.parametrize("kind", KINDS)
def test_who_cannot_write_says_so(kind):
    """A read-only root, first without a place to write to."""
    said = image.Image(f"packaging/railway/{kind}/Dockerfile")
    entry = said.entrypoint[-1]
    secrets = " ".join(f"{name}=x" for name in (
        "REDIS_APP_PASSWORD", "REDIS_REPLICATION_PASSWORD", "REDIS_SENTINEL_PASSWORD", "SENTINEL_PASSWORD"))
    more = "REDIS_NODES=a SENTINELS=b PRIMARY=a REDIS_NAME=a VEDETTE_NAME=b"
    answer = run_in(kind, f"{secrets} {more} {entry} --config 2>&1 && echo good || true")
    assert f"cannot write to /tmp/{kind}" in answer
    places = ["--tmpfs", "/tmp", *(word for path in said.directories for word in ("--volume", path))]
    answer = run_in(kind, f"{secrets} {more} {entry} --config 2>&1 && echo good || true", *places)
    assert answer.splitlines()[-1] == "good", answer


# compose.yaml ----------------------------------------------------------------------------------------


@pytest.fixture
def project(own_directory):
    """compose.yaml in a place of its own, with secrets as example.env has them, and nothing that runs after."""
    place = os.path.join(own_directory, "packaging")
    os.mkdir(place)
    shutil.copy(image.COMPOSE, place)
    with open(os.path.join(image.TOP, "packaging", "railway", "example.env"), encoding="utf-8") as source:
        names = re.findall(r"^([A-Z_]+)=$", source.read(), re.M)
    with open(os.path.join(place, ".env"), "w", encoding="ascii") as out:
        out.writelines(f"{name}={os.urandom(32).hex()}\n" for name in names)
    try:
        yield place
        compose(place, "down", "--volumes")
        assert podman("ps", "--all", "--quiet") == ""
    finally:
        podman("rm", "--force", "--all")
        podman("network", "prune", "--force")


def compose(place, *words, program="podman-compose"):
    done = subprocess.run(
        [program, *words], cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose")
def test_compose_file_is_valid(project):
    """By Docker's own reader. Version 1, which is in Debian 12, knows all of it but the project's name."""
    path = os.path.join(project, "compose.yaml")
    if re.search(r"version v?1\.", compose(project, "version", program="docker-compose")):
        with open(path, encoding="utf-8") as source:
            text = source.read()
        with open(path, "w", encoding="utf-8") as out:
            out.write(re.sub(r"^name: .*\n", "", text, flags=re.M))
    resolved = yaml.safe_load(compose(project, "-f", path, "config", program="docker-compose"))
    assert set(resolved["services"]) == set(cluster.REDIS + cluster.SENTINELS)
    passwords = []
    for name, about in resolved["services"].items():
        assert about["read_only"] and about["cap_drop"] == ["ALL"], name
        passwords += [value for key, value in about["environment"].items() if key.endswith("_PASSWORD")]
    assert passwords and all(len(value) == 64 for value in passwords)


def test_compose_runs_the_six(project):
    """Names by the engine's own name server, the health checks, the volumes, the port of the dashboard."""
    # The engine's name server asks nobody else: there is nobody in this network.
    subprocess.run(["mount", "--bind", "/dev/null", "/etc/resolv.conf"], check=True)
    try:
        compose(project, "up", "-d")
        lines = podman("ps", "--all", "--format", "{{.Names}}").split()
        names = {re.sub(r"^.*?_(.*)_1$", r"\1", line): line for line in lines}
        assert set(names) == set(cluster.REDIS + cluster.SENTINELS)

        def is_healthy(name):
            podman("healthcheck", "run", names[name])
            return True

        for name in names:
            wait_until(lambda name=name: is_healthy(name), 60, f"{name} is healthy", every=0.2)

        def is_ready():
            with urllib.request.urlopen("http://localhost:8081/readyz", timeout=5) as answer:
                return answer.status == 200

        wait_until(is_ready, 60, "sentinel-1 is ready, at the port that is published", every=0.2)

        def at(name, user, *words):
            variable = f"REDIS_{user.upper()}_PASSWORD"
            script = f'REDISCLI_AUTH=${variable} redis-cli --no-auth-warning --user {user} {" ".join(words)}'
            return podman("exec", names[name], "sh", "-c", script).strip()

        wait_until(lambda: at("redis-master", "app", "SET", "session:1", "1") == "OK", 30, "a replica counts")
        for name in cluster.REDIS[1:]:
            wait_until(lambda name=name: at(name, "app", "GET", "session:1") == "1", 30, f"{name} has it")
        # Their state lasts: in volumes, which their own user may write to.
        for name in cluster.SENTINELS:
            podman("restart", "--time", "5", names[name])
        wait_until(is_ready, 60, "sentinel-1 is ready again", every=0.2)

        def has_gone_on(name):
            log = subprocess.run(["podman", "logs", names[name]], check=True, capture_output=True, text=True)
            text = log.stdout + log.stderr
            assert len(re.findall(r"vedette \S+ starts", text)) == 2 and text.count("there was no saved state") == 1, text
            return len(re.findall(r"Sentinel ID is", text)) == 2  # told when the state was looked for

        for name in cluster.SENTINELS:
            wait_until(lambda name=name: has_gone_on(name), 30, f"{name} goes on with its state", every=0.2)
    finally:
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)
