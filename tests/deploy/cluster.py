# SPDX-License-Identifier: BSD-3-Clause
"""The six services of packaging/railway as processes, started by their own entry points.

    with Cluster(directory) as set:            # each in namespaces; needs run.sh around it
    with Cluster(directory, "loopback") as set:    # plain processes on free ports of 127.0.0.1

In namespaces they are containers of the real images where images.sh has built them (engine.py), and
elsewhere processes that are put up as an engine would do it (container.sh).

Files, user and entry point are the Dockerfiles', variables and limits compose.yaml's.

Namespaces: a service has its own network (one IPv6 address, on a bridge), mounts (read-only root)
and processes (the entry point is the first). Names are `<service>.railway.internal`, answered by
dnsmasq as long as the service runs. On loopback all names are "localhost"; what differs is the port.
"""

import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

import yaml  # noqa: F401  (says early that it is missing)

import image

sys.path.insert(0, os.path.join(image.TOP, "tests", "live"))
import engine  # noqa: E402
import harness  # noqa: E402
import netns  # noqa: E402
import resp  # noqa: E402
from limits import Limits  # noqa: E402
from netns import run  # noqa: E402

GROUP = "mymaster"
REDIS = ["redis-master", "redis-replica-1", "redis-replica-2"]
SENTINELS = ["sentinel-1", "sentinel-2", "sentinel-3"]
DOMAIN = ".railway.internal"
PREFIX = "fd12:7261:696c::"
NAME_SERVER = PREFIX + "53"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HERE = os.path.dirname(os.path.abspath(__file__))


def descendants(pid):
    """All processes that have come from this one, those without a living parent in between excepted."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as source:
            children = [int(word) for word in source.read().split()]
    except OSError:
        return found
    for child in children:
        found += [child, *descendants(child)]
    return found


def end(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def end_family(pid):
    """SIGKILL to a process and its descendants, none of which may go on forking meanwhile."""
    while family := descendants(pid):
        end(family)
    end([pid])


class Service:
    """One of the six."""

    def __init__(self, cluster, name, about, index):
        self.cluster = cluster
        self.name = name
        self.kind = "redis" if name in REDIS else "vedette"
        self.index = index
        self.image = cluster.images[self.kind]
        self.log_path = os.path.join(cluster.dir, name + ".log")
        self.environment = dict(about["environment"])
        self.writable = image.writable(about)
        self.memory = int(about["mem_limit"].rstrip("m")) << 20
        self.cpus = float(about["cpus"])
        self.port = 6379 if self.kind == "redis" else 26379
        self.health_port = 8080
        self.host = name + DOMAIN
        self.address = None
        self.child = None
        self.limits = None
        self.link = None
        self.life = 0

    # Asking -------------------------------------------------------------------------------------

    def connect(self, user=None, timeout=2.0):
        """A connection as the operator: the vedettes' password, or the sentinel user's."""
        host = self.address or "127.0.0.1"
        connection = resp.Connection((host, self.port), timeout)
        if self.kind == "vedette":
            connection.ask("AUTH", self.cluster.secrets["SENTINEL_PASSWORD"])
        else:
            user = user or "sentinel"
            connection.ask("AUTH", user, self.cluster.secrets[f"REDIS_{user.upper()}_PASSWORD"])
        return connection

    def ask(self, *words, user=None):
        with self.connect(user) as connection:
            return connection.ask(*words)

    def info(self, section="replication"):
        lines = (line.partition(":") for line in self.ask("INFO", section).splitlines())
        return {name: value for name, _, value in lines}

    def keys(self):
        found = re.search(r"keys=(\d+)", self.info("keyspace").get("db0", ""))
        return int(found[1]) if found else 0

    def follows(self, other):
        info = self.info()
        return (info["role"], info.get("master_host"), info.get("master_link_status")) == (
            "slave", other.host, "up") and int(info["master_port"]) == other.port

    def primary(self):
        """The service that this vedette takes for the primary; None: unknown."""
        reply = self.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", GROUP)
        return None if reply is None else self.cluster.by_address(reply[0], int(reply[1]))

    def health(self, path=None):
        """(status, text) of its health check."""
        path = path or ("/cgi-bin/healthz" if self.kind == "redis" else "/healthz")
        with socket.create_connection((self.address or "127.0.0.1", self.health_port), 5) as sock:
            sock.sendall(f"GET {path} HTTP/1.0\r\nHost: platform\r\n\r\n".encode())
            answer = b"".join(iter(lambda: sock.recv(4096), b"")).decode()
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body.strip()

    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as source:
            return source.read()

    def said_since(self, life, text):
        """Has this life of it, counted from 1, said so?"""
        return text in self.log().split(f"---- life {life}\n", 1)[-1].split("---- life", 1)[0]

    # Life ---------------------------------------------------------------------------------------

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def start(self, **extra):
        """Without waiting for anything. A new life in namespaces has a new address if it is asked for."""
        assert not self.is_running(), self.name
        self.life += 1
        variables = {**self.environment, **extra}
        argv = self.cluster.prepare(self, variables)
        if self.cluster.has_engine:
            environment = {**os.environ, **variables}  # the engine hands on those that its command names
        else:
            environment = {"PATH": PATH, **self.image.environment, **variables}
        with open(self.log_path, "ab") as log:
            log.write(f"---- life {self.life}\n".encode())
            log.flush()
            self.child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd="/",
                start_new_session=True, preexec_fn=self.limits.join if self.limits else None,
            )

    def first(self):
        """The entry point's process id as seen from here."""
        pid = self.child.pid
        if self.cluster.network == "loopback":
            return pid
        if self.cluster.has_engine:
            return engine.first_process(self)

        def child():
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as source:
                return int(source.read().split()[0])

        return harness.wait_until(child, 5, f"{self.name} has a first process")

    def _gone(self):
        self.child.wait(20)
        self.child = None
        self.cluster.forget(self)
        if self.limits:
            self.limits.close()
            self.limits = None

    def kill(self):
        """SIGKILL to all of it; the address goes, too."""
        if self.child is not None:
            if self.cluster.network == "loopback":
                end_family(self.child.pid)
            elif self.is_running():
                os.kill(self.first(), signal.SIGKILL)  # the kernel ends the others with it
            self._gone()

    def stop(self):
        """SIGTERM to the first process, as a platform does it; its exit status."""
        family = descendants(self.child.pid)
        os.kill(self.first(), signal.SIGTERM)
        status = self.child.wait(20)
        if self.cluster.network == "loopback":
            end(family)
        self._gone()
        return status

    def restart(self, after=0.0, new_address=False, **extra):
        """Killed, and started again so many seconds later."""
        began = time.monotonic()
        self.kill()
        if new_address:
            self.index += 16
        time.sleep(max(0.0, began + after - time.monotonic()))
        self.start(**extra)


class Cluster:
    def __init__(self, directory, network="namespaces", **variables):
        """`variables` are added to the environment of every service."""
        self.dir = directory
        self.network = network
        self.has_engine = network == "namespaces" and engine.IS_THERE
        self.label = os.path.basename(directory)
        self.secrets = {
            name: secrets.token_hex(16)
            for name in ("REDIS_APP_PASSWORD", "REDIS_REPLICATION_PASSWORD",
                         "REDIS_SENTINEL_PASSWORD", "SENTINEL_PASSWORD")
        }
        self.images = {}
        for kind in "redis", "vedette":
            self.images[kind] = image.Image(f"packaging/railway/{kind}/Dockerfile")
            self.images[kind].lay_out(os.path.join(directory, kind))
        if not self.has_engine:
            shutil.copy(harness.find_program("vedette"), os.path.join(directory, "vedette/usr/local/bin"))
        os.chmod(directory, 0o755)
        about = image.compose(self.secrets)
        self.services = {
            name: Service(self, name, about[name], index + 1) for index, name in enumerate(about)
        }
        self.redis = [self.services[name] for name in REDIS]
        self.sentinels = [self.services[name] for name in SENTINELS]
        self.names = {}
        self.ports = set()
        self.dns = None
        if network == "namespaces":
            self._rename()
            self._make_network()
        else:
            self._take_ports()
        for service in self.services.values():
            service.environment.update(variables)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getitem__(self, name):
        return self.services[name]

    def close(self):
        for service in list(self.services.values()):
            service.kill()
        if self.dns:
            self.dns.kill()
            self.dns.wait()
            run("ip", "link", "del", "platform")

    def report(self):
        return "\n".join(f"==== {one.name}\n{one.log()[-6000:]}" for one in self.services.values())

    def by_address(self, host, port):
        return next((one for one in self.services.values() if (one.host, one.port) == (host, port)
                     or (one.address, one.port) == (host, port)), None)

    # Loopback -----------------------------------------------------------------------------------

    def _take_ports(self):
        for service in self.services.values():
            service.port, service.health_port = self.free_port(), self.free_port()
        self.go_by("localhost")

    def go_by(self, host):
        """All are known by this name or address, to each other too; before the first is started."""
        shown = f"[{host}]" if ":" in host else host
        nodes = " ".join(f"{shown}:{one.port}" for one in self.redis)
        sentinels = " ".join(f"{shown}:{one.port}" for one in self.sentinels)
        for service in self.services.values():
            service.host = host
            root = os.path.join(self.dir, service.kind)
            home = os.path.join(self.dir, service.name)
            service.environment.update({
                "REDIS_NODES": nodes, "SENTINELS": sentinels, "PORT": str(service.health_port),
                "REDIS_NAME": host, "REDIS_PORT": str(service.port),
                "REDIS_RUN_DIR": home, "REDIS_BASE_CONFIG": root + "/etc/redis/base.conf",
                "REDIS_HEALTH_ROOT": root + "/usr/local/share/redis-health",
                "VEDETTE_NAME": host, "SENTINEL_PORT": str(service.port),
                "VEDETTE_RUN_DIR": home, "VEDETTE_STATE_DIR": home + "/state",
                "PRIMARY": f"{shown}:{self.redis[0].port}",
                "TINI_SUBREAPER": "1", "PATH": root + "/usr/local/bin:" + PATH,
            })

    def free_port(self):
        """One that nobody has and that this set has not given away."""
        while True:
            port = random.randrange(20000, 32000)
            if port not in self.ports and harness.is_port_free(port):
                self.ports.add(port)
                return port

    # Namespaces ---------------------------------------------------------------------------------

    def _rename(self):
        """The names of the platform in the place of compose's."""
        for service in self.services.values():
            for name, value in service.environment.items():
                for other in self.services:
                    value = re.sub(rf"(?<![\w.-]){other}(?![\w.-])", other + DOMAIN, value)
                service.environment[name] = value

    def _make_network(self):
        """The bridge, which is the platform's network, and its name server. All of this namespace is ours."""
        run("ip", "link", "set", "lo", "up")
        netns.make_bridge("platform", PREFIX + "1/64", NAME_SERVER + "/64")
        self._bind("resolv.conf", f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:2\n", "/etc/resolv.conf")
        self._bind("own-hosts", "127.0.0.1 localhost\n::1 localhost\n", "/etc/hosts")
        self._write_names()
        with open(os.path.join(self.dir, "dnsmasq.log"), "wb") as log:
            # In debugging mode it stays who it is: a user namespace has nobody else.
            self.dns = subprocess.Popen(
                ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                 "--cache-size=0", "--bind-interfaces", f"--listen-address={NAME_SERVER}",
                 f"--addn-hosts={self.dir}/names", f"--local=/{DOMAIN[1:]}/", "--local-ttl=0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        harness.wait_until(self._answers, 10, "the name server answers")

    def _answers(self):
        if self.dns.poll() is not None:
            raise RuntimeError("dnsmasq ended; see " + self.dir)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            probe.connect((NAME_SERVER, 53))
            probe.send(b"\0\1\1\0\0\1\0\0\0\0\0\0\1x\0\0\x1c\0\1")
            return probe.recv(512)

    def _bind(self, name, text, over):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        run("mount", "--bind", path, over)

    def _write_names(self):
        """Who runs has a name; the others are NXDOMAIN."""
        path = os.path.join(self.dir, "names")
        with open(path + ".new", "w", encoding="ascii") as out:
            out.writelines(f"{address} {host}\n" for host, address in self.names.items())
        os.rename(path + ".new", path)
        if self.dns:
            self.dns.send_signal(signal.SIGHUP)

    def prepare(self, service, variables):
        """Network, name, limits of a new life; the command line that starts it."""
        if self.network == "loopback":
            return [os.path.join(self.dir, service.kind, path.lstrip("/")) if "/local/" in path else path
                    for path in service.image.entrypoint]
        name = service.name
        service.address = f"{PREFIX}{service.index + 0x100:x}"
        service.link = f"veth{service.index}.{service.life}"
        netns.add_host(name, service.address + "/64", "platform", service.link, service.index)
        self.names[service.host] = service.address
        self._write_names()
        if self.has_engine:
            return engine.command(service, variables, NAME_SERVER)
        service.limits = Limits(f"{self.label}-{name}", service.memory, service.cpus)
        user = service.image.user if os.geteuid() == 0 and is_root_outside() else 0
        return [*netns.within(name), "unshare", "--mount", "--pid", "--fork",
                "--kill-child=KILL", "--mount-proc", "--propagation", "private", "--",
                "sh", os.path.join(HERE, "container.sh"), os.path.join(self.dir, service.kind), str(user),
                ",".join(sum(service.writable, [])), *service.image.entrypoint]

    def forget(self, service):
        if self.network == "namespaces":
            self.names.pop(service.host, None)
            self._write_names()
            netns.remove_host(service.name, service.link)

    # Waiting ------------------------------------------------------------------------------------

    def agreed(self):
        """The primary that all three vedettes name and that says so itself; AssertionError: none."""
        named = {one.primary() for one in self.sentinels}
        assert len(named) == 1 and None not in named, f"vedettes name {[one and one.name for one in named]}"
        primary = named.pop()
        assert primary.info()["role"] == "master", primary.name
        return primary

    def whole(self):
        """The primary, once all six work together: replicas in sync, vedettes that know all and each other."""
        primary = self.agreed()
        for one in self.redis:
            assert one is primary or one.follows(primary), f"{one.name} does not follow {primary.name}"
        for one in self.sentinels:
            about = resp.pairs(one.ask("SENTINEL", "MASTER", GROUP))
            assert about["flags"] == "master", (one.name, about["flags"])
            assert about["num-other-sentinels"] == "2", (one.name, about["num-other-sentinels"])
            others = [resp.pairs(row) for row in one.ask("SENTINEL", "REPLICAS", GROUP)]
            others = {(row["ip"], int(row["port"])): row["flags"] for row in others}
            want = {(node.host, node.port): "slave" for node in self.redis if node is not primary}
            assert others == want, (one.name, others)
            assert one.health("/readyz")[0] == 200, (one.name, one.health("/readyz"))
        return primary

    def wait_whole(self, seconds=40):
        return harness.wait_until(self.whole, seconds, "the six work together", every=0.1)


def is_root_outside():
    """Are other users' ids to be had, or is root just a name in a user namespace?"""
    with open("/proc/self/uid_map", encoding="ascii") as source:
        return int(source.read().split()[2]) > 10001
