# SPDX-License-Identifier: BSD-3-Clause
"""What is written down for the platform agrees with itself: railway.toml, compose.yaml, Dockerfiles, README."""

import os
import re
import subprocess

import pytest

import image
from cluster import REDIS, SENTINELS

try:
    import tomllib
except ImportError:  # before Python 3.11
    tomllib = None

RAILWAY = os.path.join(image.TOP, "packaging", "railway")
SECRETS = {
    name: "x" * 16
    for name in ("REDIS_APP_PASSWORD", "REDIS_REPLICATION_PASSWORD", "REDIS_SENTINEL_PASSWORD", "SENTINEL_PASSWORD")
}
# Railway's configuration as code: what it knows, as far as it is used here.
KNOWN = {
    "build": {"builder", "dockerfilePath", "watchPatterns"},
    "deploy": {
        "healthcheckPath", "healthcheckTimeout", "restartPolicyType", "restartPolicyMaxRetries", "overlapSeconds",
        "drainingSeconds", "sleepApplication", "multiRegionConfig", "limitOverride",
    },
}


def read(path):
    with open(os.path.join(image.TOP, path), encoding="utf-8") as source:
        return source.read()


@pytest.mark.skipif(tomllib is None, reason="this Python reads no TOML")
@pytest.mark.parametrize("name", REDIS + SENTINELS)
def test_railway_toml(name):
    settings = tomllib.loads(read(f"packaging/railway/{name}/railway.toml"))
    assert set(settings) == set(KNOWN)
    for section, known in KNOWN.items():
        assert set(settings[section]) <= known
    build, deploy = settings["build"], settings["deploy"]
    assert build["builder"] == "DOCKERFILE"
    assert os.path.exists(os.path.join(image.TOP, build["dockerfilePath"]))
    for pattern in build["watchPatterns"]:
        assert os.path.exists(os.path.join(image.TOP, pattern.lstrip("/").removesuffix("**")))
    compose = image.compose(SECRETS)[name]
    assert compose["build"]["dockerfile"] == build["dockerfilePath"]
    limits = deploy["limitOverride"]["containers"]
    assert limits["cpu"] == compose["cpus"]
    assert f"{limits['memoryBytes'] // 1000000}m" == compose["mem_limit"]
    assert deploy["restartPolicyType"] == "ALWAYS" and compose["restart"] == "always"
    [region] = deploy["multiRegionConfig"].values()
    assert region == {"numReplicas": 1}
    # An entry point may wait for its replicas (shutdown-timeout) before it must end.
    timeout = int(re.search(r"^shutdown-timeout (\d+)", read("packaging/railway/redis/base.conf"), re.M)[1])
    assert name in SENTINELS or deploy["drainingSeconds"] > timeout


def test_compose():
    services = image.compose(SECRETS)
    assert list(services) == REDIS + SENTINELS
    for name, about in services.items():
        assert about["read_only"] and about["cap_drop"] == ["ALL"]
        assert about["security_opt"] == ["no-new-privileges:true"]
        own = about["environment"]["REDIS_NAME" if name in REDIS else "VEDETTE_NAME"]
        assert own == name
        assert about["environment"]["REDIS_NODES"].split() == REDIS
        if name in REDIS:
            assert about["environment"]["SENTINELS"].split() == SENTINELS
        kind = image.Image(about["build"]["dockerfile"])
        # A tmpfs elsewhere is of another mode and owner with each engine; a volume begins as what is in the image.
        tmpfs, volumes = image.writable(about)
        assert tmpfs == ["/tmp"] and volumes == list(kind.directories)
        assert all(rights == (0o700, kind.user, kind.user) for rights in kind.directories.values())
        assert kind.environment["REDIS_RUN_DIR" if name in REDIS else "VEDETTE_RUN_DIR"].startswith("/tmp/")


@pytest.mark.parametrize("kind", ["redis", "vedette"])
def test_dockerfile(kind):
    path = f"packaging/railway/{kind}/Dockerfile"
    stages = image.stages(path)
    assert len(stages) == 2 and stages[1][0] == "debian:trixie-slim"
    one = image.Image(path)
    assert one.user >= 10000 and one.entrypoint[0] == "/usr/bin/tini"
    assert one.entrypoint[-1] in [target for _, target, _ in one.files]
    for _, instructions in stages:
        for instruction, rest in instructions:
            if instruction == "COPY" and "--from" not in rest:
                for source in [word for word in rest.split() if not word.startswith("--")][:-1]:
                    assert os.path.exists(os.path.join(image.TOP, source)), source


def used_variables(name):
    """Variables of the environment that an entry point looks at: in ${NAME:-...}, need NAME and read_hosts NAME."""
    text = re.sub(r"^\s*#.*", "", read("packaging/" + name), flags=re.M)
    found = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", text)) | set(re.findall(r"(?:need|need_number|read_hosts) ([A-Z][A-Z_]+)", text))
    return found - {"GATEWAY_INTERFACE", "REDISCLI_AUTH"}


def test_every_variable_stands_in_the_table():
    table = set(re.findall(r"^\| `([A-Z_]+)`", read("packaging/railway/README.md"), re.M))
    used = used_variables("redis-boot") | used_variables("redis-health") | used_variables("vedette-boot")
    assert used == table


def test_rights_of_the_sentinel_user_are_what_vedette_sends():
    """Each command that src/proto/outgoing.c puts, and none that it does not."""
    user = re.search(r"^user sentinel .*", read("packaging/redis-boot"), re.M)[0]
    granted = {word[1:] for word in user.split() if word.startswith("+")}
    sent = set()
    for words in re.findall(r"PUT\(([^;]*?)\);", read("src/proto/outgoing.c"), re.S):
        sent |= {tuple(re.findall(r'"([A-Za-z]+)"', words)[:2])}
    sent = {words for words in sent if words and words[0] not in ("SENTINEL", "AUTH")}
    containers = {"client", "config", "script"}
    named = {"|".join(words[: 2 if words[0].lower() in containers else 1]).lower() for words in sent}
    # Written with a condition: PUT(says ? "REPLICAOF" : "SLAVEOF", promotes ? "NO" : ...)
    named |= {"slaveof"}
    assert granted == named


def run_entry(name, *arguments, **environment):
    return subprocess.run(
        ["sh", os.path.join(image.TOP, "packaging", name), *arguments], check=False, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], **environment}, timeout=30,
    )


REDIS_GOOD = {
    **SECRETS, "REDIS_NAME": "redis-master", "SENTINELS": "sentinel-1", "REDIS_NODES": "redis-master",
    "REDIS_BASE_CONFIG": os.path.join(RAILWAY, "redis", "base.conf"),
}
VEDETTE_GOOD = {**SECRETS, "VEDETTE_NAME": "sentinel-1", "PRIMARY": "redis-master", "REDIS_NODES": "redis-master"}


@pytest.mark.parametrize(
    "entry, variable, value, complaint",
    [
        ("redis-boot", "REDIS_APP_PASSWORD", "", "REDIS_APP_PASSWORD is not set"),
        ("redis-boot", "REDIS_APP_PASSWORD", "a b", "REDIS_APP_PASSWORD has a character"),
        ("redis-boot", "REDIS_SENTINEL_PASSWORD", "a\nrequirepass b", "REDIS_SENTINEL_PASSWORD has a character"),
        ("redis-boot", "SENTINELS", "", "SENTINELS is not set"),
        ("redis-boot", "REDIS_NODES", "", "REDIS_NODES is not set"),
        ("redis-boot", "REDIS_NODES", "[::1]:6379,[::1:6380", "REDIS_NODES: '[::1:6380' is no host"),
        ("redis-boot", "REDIS_NODES", " , ", "REDIS_NODES names nobody"),
        ("redis-boot", "SENTINELS", "sentinel-1:http", "SENTINELS: 'http' of 'sentinel-1:http' is no port"),
        ("redis-boot", "SENTINELS", "[::1]:123456", "is no port"),
        ("redis-boot", "REDIS_PORT", "6379x", "REDIS_PORT is no whole number"),
        ("redis-boot", "REDIS_MAXMEMORY", "1 gb", "REDIS_MAXMEMORY has a character"),
        ("redis-boot", "REDIS_APP_KEYS", "~a\nuser eve on nopass +@all", "REDIS_APP_KEYS has a line feed"),
        ("redis-boot", "REDIS_BASE_CONFIG", "/nosuch", "cannot read /nosuch"),
        ("redis-boot", "REDIS_RUN_DIR", "/proc/nosuch", "cannot write to /proc/nosuch"),
        ("vedette-boot", "PRIMARY", "", "PRIMARY is not set"),
        ("vedette-boot", "QUORUM", "two", "QUORUM is no whole number"),
        ("vedette-boot", "DOWN_AFTER", "3", "down-after must be a duration with its unit"),
        ("vedette-boot", "GROUP", 'm"; x = "', "GROUP has a character"),
        ("vedette-boot", "REDIS_NODES", "a b;c", "REDIS_NODES: 'b;c' is no host"),
        ("vedette-boot", "PRIMARY", 'a"; x = "', "PRIMARY: 'a\";' is no host"),
        ("vedette-boot", "PRIMARY", "redis-1 redis-2", "PRIMARY names more than one"),
        ("vedette-boot", "REDIS_SENTINEL_PASSWORD", "", "REDIS_SENTINEL_PASSWORD is not set"),
        ("vedette-boot", "VEDETTE_EXTRA", "nosuch = 1;", "nosuch"),
    ],
)
def test_what_is_wrong_with_the_environment_is_said(tmp_path, entry, variable, value, complaint):
    good = REDIS_GOOD if entry == "redis-boot" else VEDETTE_GOOD
    places = {"REDIS_RUN_DIR": str(tmp_path), "VEDETTE_RUN_DIR": str(tmp_path), "VEDETTE_STATE_DIR": str(tmp_path)}
    path = os.path.dirname(os.environ.get("VEDETTE", "")) + ":" + os.environ["PATH"]
    environment = {**good, **places, "PATH": path}
    done = run_entry(entry, "--config", **environment)
    assert done.returncode == 0, done.stderr
    done = run_entry(entry, "--config", **{**environment, variable: value})
    assert done.returncode == 1 and complaint in done.stderr, done.stderr


def read_hosts(text):
    script = f". {image.TOP}/packaging/boot.sh; read_hosts HOSTS \"$1\" 6379"
    return subprocess.run(["sh", "-c", script, "sh", text], check=True, capture_output=True, text=True).stdout.split()


def test_hosts_are_names_or_addresses(tmp_path, monkeypatch):
    assert read_hosts("Redis-1,redis-2:6380  10.0.0.1:6381\nfd00::1 [fd00::2] [FD00::3]:6382") == [
        "redis-1/6379", "redis-2/6380", "10.0.0.1/6381", "fd00::1/6379", "fd00::2/6379", "fd00::3/6382",
    ]
    # Brackets are no pattern for the names of files.
    (tmp_path / "1").touch()
    monkeypatch.chdir(tmp_path)
    assert read_hosts("[::1]") == ["::1/6379"]


def test_a_vedette_is_told_addresses_in_brackets(tmp_path):
    path = os.path.dirname(os.environ.get("VEDETTE", "")) + ":" + os.environ["PATH"]
    done = run_entry(
        "vedette-boot", "--config", **{**VEDETTE_GOOD, "PRIMARY": "fd00::1", "REDIS_NODES": "[fd00::1]:6380 redis-2"},
        VEDETTE_RUN_DIR=str(tmp_path), VEDETTE_STATE_DIR=str(tmp_path), PATH=path,
    )
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "vedette.cfg").read_text(encoding="utf-8")
    assert 'primary = "[fd00::1]:6379";' in written and 'replicas = ["[fd00::1]:6380", "redis-2:6379"];' in written


def test_collected_programs_need_nothing_else(tmp_path):
    """collect.sh takes a program with all of its libraries: below another root nothing else is found."""
    out = tmp_path / "out"
    subprocess.run(
        ["sh", os.path.join(RAILWAY, "collect.sh"), str(out), "/usr/bin/redis-server", "/usr/bin/tini"], check=True
    )
    assert not (out / "lib").exists()  # it would replace the image's link to usr/lib
    assert os.access(out / "usr/bin/redis-server", os.X_OK) and os.access(out / "usr/bin/tini", os.X_OK)
    needed = subprocess.run(["ldd", "/usr/bin/redis-server"], check=True, capture_output=True, text=True).stdout
    libraries = re.findall(r"=> (/\S+)", needed)
    assert libraries
    for one in libraries:
        assert (out / ("usr" + one if one.startswith("/lib") else one.lstrip("/"))).exists(), one
