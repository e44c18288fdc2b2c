# SPDX-License-Identifier: BSD-3-Clause
"""Real servers and sentinels on loopback, for the tests, the benches and the quick start.

A Lab owns a private directory and every process started in it. Closing it ends them all and tells
what went wrong on the way; should this program die first, the kernel ends them (PR_SET_PDEATHSIG).
Nothing here waits by guess: wait_until looks at a condition until its deadline.
"""

import atexit
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import resp

LOOPBACK = "127.0.0.1"
VEDETTE = "vedette"
REDIS_SENTINEL = "redis-sentinel"
VALKEY_SENTINEL = "valkey-sentinel"
# What a sentinel or its sanitizers print when the program itself is at fault.
FAULT = re.compile(r"Sanitizer|runtime error:|BUG REPORT START|assertion|ASSERT", re.IGNORECASE)
NOT_YET = (AssertionError, OSError, resp.Closed, resp.ReplyError, KeyError, IndexError)


class StartError(Exception):
    """A process ended before it answered."""


def wait_until(condition, seconds, what="", every=0.004):
    """The first true value of condition(); AssertionError at the deadline.

    A condition that raises AssertionError, or fails to reach its process, is not fulfilled yet.
    """
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = repr(value)
        except NOT_YET as error:
            last = f"{type(error).__name__}: {error}"
        if time.monotonic() >= end:
            raise AssertionError(f"not within {seconds} s: {what or 'condition'}; last: {last}")
        time.sleep(every)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def is_port_free(port):
    for family, host in ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            if family == socket.AF_INET or error.errno == 98:  # EADDRINUSE
                return False
    return True


def free_port(taken):
    """A port nobody listens on, below those the kernel gives to outgoing connections. It is taken then."""
    luck = random.SystemRandom()
    for _ in range(1000):
        port = luck.randrange(15000, 32000)
        if port not in taken and is_port_free(port):
            taken.add(port)
            return port
    raise OSError("no free port on loopback between 15000 and 32000")


def find_program(name):
    """The path of a program to test: $VEDETTE, or a build in the tree, for vedette; $VALKEY_SENTINEL for that."""
    if name != VEDETTE:
        path = os.environ.get("VALKEY_SENTINEL") if name == VALKEY_SENTINEL else None
        path = shutil.which(path or name)
        if path is None:
            raise FileNotFoundError(f"{name} is not installed (packaging/install-deps.sh)")
        return path
    path = os.environ.get("VEDETTE")
    if path is None:
        top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        built = [
            os.path.join(folder, VEDETTE)
            for folder in (os.path.join(top, "build"), os.path.join(top, "build", "quickstart"), top)
        ]
        path = next((one for one in built if os.access(one, os.X_OK)), None)
    if path is None or not os.access(path, os.X_OK):
        raise FileNotFoundError("no vedette to test: set VEDETTE to the path of the program")
    return os.path.abspath(path)


def bind_line(host):
    """What a server that is called by this host listens on."""
    return "127.0.0.1 -::1" if host == "localhost" else host


class Process:
    """One child: its command line, log file and life. Restarted under the same name and log."""

    def __init__(self, lab, name, argv):
        self.lab = lab
        self.name = name
        self.argv = argv
        self.log_path = os.path.join(lab.dir, name + ".log")
        self.child = None
        self.meant_to_end = False
        self.is_paused = False
        self.enter = None  # called in the child before it becomes the program

    @property
    def pid(self):
        return self.child.pid

    def spawn(self):
        """Start without waiting for anything."""
        argv = list(self.argv)
        if not self.lab.keep:
            argv = ["setpriv", "--pdeathsig", "KILL", *argv]
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.lab.dir,
                env=self.lab.environment,
                start_new_session=True,
                preexec_fn=self.enter,
            )
        self.meant_to_end = False
        self.is_paused = False

    def spawn_talking(self):
        """Start with its standard input and output as pipes: say() and line()."""
        argv = ["setpriv", "--pdeathsig", "KILL", *self.argv]
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.lab.dir,
                env=self.lab.environment,
                start_new_session=True,
            )
        self.meant_to_end = False

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def line(self):
        """The next line that it prints; StartError if it has ended."""
        text = self.child.stdout.readline()
        if not text:
            raise StartError(f"{self.name} ended:\n{self.log_tail(20)}")
        return text.rstrip("\n")

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def expect_running(self):
        if not self.is_running():
            code = self.child.returncode if self.child else "never started"
            raise StartError(f"{self.name} ended ({code}):\n{self.log_tail(20)}")

    def signal(self, number):
        if self.is_running():
            self.child.send_signal(number)

    def kill(self):
        """kill -9; returns when the process is gone."""
        self.meant_to_end = True
        self.signal(signal.SIGKILL)
        if self.child:
            self.child.wait()

    def pause(self):
        self.is_paused = True
        self.signal(signal.SIGSTOP)

    def resume(self):
        """Only who was paused: a SIGCONT undoes the SIGSTOP by which the leak checker, at the end of a
        process, stops its threads, and then it waits for ever."""
        if self.is_paused:
            self.is_paused = False
            self.signal(signal.SIGCONT)

    def stop(self, seconds=10):
        """SIGTERM; returns the exit status. A process that does not go is killed and blamed."""
        self.meant_to_end = True
        if not self.child:
            return 0
        self.signal(signal.SIGTERM)
        self.resume()
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.note_stack()
            self.kill()
            raise AssertionError(f"{self.name} did not end within {seconds} s of SIGTERM") from None

    def note_stack(self):
        """What a process that hangs is doing, into its log."""
        if shutil.which("gdb"):
            with open(self.log_path, "ab") as log:
                subprocess.run(
                    ["gdb", "-p", str(self.pid), "-batch", "-ex", "thread apply all bt"],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=60, check=False,
                )

    def wait_end(self, seconds):
        """The exit status of a process that ends by itself."""
        self.meant_to_end = True
        return self.child.wait(seconds)

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def log_tail(self, lines):
        return "\n".join(self.log().splitlines()[-lines:])


class Server(Process):
    """Anything that speaks RESP on a port."""

    def __init__(self, lab, name, host, port):
        super().__init__(lab, name, [])
        self.host = host
        self.port = port
        self.password = None
        self.tls = None  # a certs.Certificate: how it is spoken to
        self.connection = None
        self.lock = threading.RLock()

    @property
    def address(self):
        return (self.host, self.port)

    def start(self, seconds=10):
        self.spawn()
        self.wait_answer(seconds)
        return self

    def wait_answer(self, seconds=10):
        """Until it answers, and it is really this process that does."""

        def answers():
            self.expect_running()
            return self.is_mine()

        wait_until(answers, seconds, f"{self.name} answers on port {self.port}")

    def is_mine(self):
        return int(self.info("server")["process_id"]) == self.pid

    def connect(self, timeout=5.0):
        context = None if self.tls is None else self.tls.context()
        return resp.Connection(self.address, timeout, self.password, tls=context)

    def ask(self, *words):
        """One question on a connection kept for that; error replies are raised."""
        with self.lock:
            for fresh in (False, True):
                if self.connection is None:
                    self.connection = self.connect()
                    fresh = True
                try:
                    return self.connection.ask(*words)
                except resp.ReplyError:
                    raise
                except (OSError, resp.Closed, AssertionError):
                    self.hang_up()
                    if fresh:
                        raise
            raise AssertionError("unreachable")

    def hang_up(self):
        with self.lock:
            if self.connection:
                self.connection.close()
            self.connection = None

    def info(self, section=None):
        text = self.ask("INFO", section) if section else self.ask("INFO")
        lines = (line.partition(":") for line in text.splitlines() if ":" in line)
        return {name: value for name, _, value in lines}

    def kill(self):
        super().kill()
        self.hang_up()

    def stop(self, seconds=10):
        self.hang_up()
        return super().stop(seconds)


class RedisServer(Server):
    """A data server. It has a configuration file of its own, as CONFIG REWRITE wants."""

    def __init__(self, lab, name, host, port, follow=None, options=()):
        super().__init__(lab, name, host, port)
        self.data_dir = os.path.join(lab.dir, name)
        os.makedirs(self.data_dir, exist_ok=True)
        self.config = os.path.join(self.data_dir, "redis.conf")
        lines = [
            f"port {port}",
            f"bind {bind_line(host)}",
            f"dir {self.data_dir}",
            'save ""',
            "appendonly no",
            "repl-diskless-sync-delay 0",
            "shutdown-timeout 0",
            "protected-mode no",
            "enable-debug-command yes",
            *options,
        ]
        if follow:
            lines.append(f"replicaof {follow.host} {follow.port}")
        self.write_config(lines)
        self.first_lines = lines
        self.argv = [find_program("redis-server"), self.config]

    def write_config(self, lines):
        with open(self.config, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")

    def clear_data(self):
        """Forget the copies that replication leaves on disk."""
        for name in os.listdir(self.data_dir):
            if name.endswith(".rdb"):
                os.unlink(os.path.join(self.data_dir, name))

    def role(self):
        return self.ask("ROLE")

    def is_primary(self):
        return self.role()[0] == "master"

    def follows(self, other):
        """Is it a replica of other, in sync and streaming?"""
        role = self.role()
        return role[0] == "slave" and (role[1], role[2]) == other.address and role[3] == "connected"

    def run_id(self):
        return self.info("server")["run_id"]

    def offset(self):
        return int(self.info("replication")["master_repl_offset"])


class Sentinel(Server):
    """A vedette or a redis-sentinel, configured by a classic sentinel.conf."""

    def __init__(self, lab, name, program, host, port, lines, options=()):
        super().__init__(lab, name, host, port)
        self.program = program
        self.home = os.path.join(lab.dir, name)
        self.state_dir = os.path.join(self.home, "state")
        os.makedirs(self.home, exist_ok=True)
        self.config = os.path.join(self.home, "sentinel.conf")
        head = [f"port {port}", f"bind {bind_line(host)}", f"dir {self.home}"]
        if program == VEDETTE:
            # A house that has just been built has no former votes to be careful about.
            head.append("sentinel abstain 0")
        with open(self.config, "w", encoding="utf-8") as out:
            out.write("\n".join([*head, *lines]) + "\n")
        self.argv = [find_program(program), self.config]
        if program == VEDETTE:
            self.argv += ["--state-dir", self.state_dir]
        self.argv += options

    def sentinel(self, *words):
        return self.ask("SENTINEL", *words)

    def id(self):
        return self.sentinel("MYID")

    def primary_of(self, group):
        """(host, port) as clients are told, None when the group is unknown."""
        reply = self.sentinel("GET-MASTER-ADDR-BY-NAME", group)
        return None if reply is None else (reply[0], int(reply[1]))

    def master(self, group):
        return resp.pairs(self.sentinel("MASTER", group))

    def replicas(self, group):
        return [resp.pairs(one) for one in self.sentinel("REPLICAS", group)]

    def peers(self, group):
        return [resp.pairs(one) for one in self.sentinel("SENTINELS", group)]

    def debug(self, **periods):
        for name, value in periods.items():
            self.sentinel("DEBUG", name.replace("_", "-"), value)

    def watch(self, *patterns):
        return Watcher(self, patterns or ("*",))


class Watcher:
    """Collects what a sentinel publishes, with the time of arrival."""

    def __init__(self, sentinel, patterns):
        self.name = sentinel.name
        self.events = []
        self.news = threading.Condition()
        self.connection = sentinel.connect()
        for pattern in patterns:
            self.connection.ask("PSUBSCRIBE", pattern)
        self.connection.sock.settimeout(None)
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()
        sentinel.lab.watchers.append(self)

    def _collect(self):
        while True:
            try:
                message = self.connection.read()
            except (OSError, resp.Closed, ValueError):
                return
            with self.news:
                self.events.append((time.monotonic(), message[2], message[3]))
                self.news.notify_all()

    def close(self):
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(5)
        self.connection.close()

    def all(self, channel=None):
        with self.news:
            return [one for one in self.events if channel in (None, one[1])]

    def names(self):
        return [channel for _, channel, _ in self.all()]

    def find(self, channel, holds=""):
        return [one for one in self.all(channel) if holds in one[2]]

    def wait(self, channel, seconds, holds=""):
        """The first event of that name whose payload contains the text."""
        end = time.monotonic() + seconds
        with self.news:
            while True:
                found = [e for e in self.events if e[1] == channel and holds in e[2]]
                if found:
                    return found[0]
                left = end - time.monotonic()
                if left <= 0:
                    heard = "\n".join(f"  {name} {text}" for _, name, text in self.events)
                    raise AssertionError(
                        f"{self.name}: no {channel} {holds} within {seconds} s; heard:\n{heard}"
                    )
                self.news.wait(left)


def find_password(lines):
    """The requirepass among configuration lines."""
    return next((line.split()[1] for line in lines if line.startswith("requirepass ")), None)


class Lab:
    """A private directory and the processes in it."""

    def __init__(self, keep=False):
        self.keep = keep
        self.dir = tempfile.mkdtemp(prefix="vedette-lab-")
        self.processes = []
        self.watchers = []
        self.environment = dict(os.environ)
        self.ports = set()
        self.closed = False
        atexit.register(self._last_resort)

    def free_port(self):
        return free_port(self.ports)

    def _name(self, stem):
        taken = {process.name for process in self.processes}
        return next(f"{stem}-{n}" for n in range(1, 1000) if f"{stem}-{n}" not in taken)

    def add(self, process):
        self.processes.append(process)
        return process

    def redis(
        self, follow=None, options=(), host=LOOPBACK, port=None, name=None, start=True, tls=None
    ):
        """With a certs.Certificate it speaks TLS only, and shows that one."""
        port = port or self.free_port()
        options = [*options, *(tls.lines(port) if tls else ())]
        server = RedisServer(self, name or self._name("redis"), host, port, follow, options)
        server.password = find_password(options)
        server.tls = tls
        self.add(server)
        return server.start() if start else server

    def sentinel(
        self, program, lines, options=(), host=LOOPBACK, port=None, name=None, start=True, tls=None
    ):
        """A sentinel whose sentinel.conf holds these lines besides port, bind and dir; TLS as above."""
        port = port or self.free_port()
        lines = [*(tls.lines(port) if tls else ()), *lines]
        one = Sentinel(self, name or self._name(program), program, host, port, lines, options)
        one.password = find_password(lines)
        one.tls = tls
        self.add(one)
        return one.start() if start else one

    def process(self, argv, name):
        return self.add(Process(self, name, argv))

    def report(self, lines=60):
        """The end of every log, for a failed test."""
        return "\n".join(
            f"----- {p.name} (last {lines} lines)\n{p.log_tail(lines)}" for p in self.processes
        )

    def close(self):
        """End everything. Returns what was wrong with the processes as a list of sentences."""
        if self.closed:
            return []
        self.closed = True
        problems = []
        for watcher in self.watchers:
            watcher.close()
        for process in self.processes:
            if process.child and not process.is_running() and not process.meant_to_end:
                problems.append(
                    f"{process.name} ended by itself: status {process.child.returncode}"
                )
        # Sentinels first, so that none of them sees the servers go.
        sentinels = [p for p in self.processes if isinstance(p, Sentinel) and p.is_running()]
        for one in sentinels:
            one.meant_to_end = True
            one.signal(signal.SIGTERM)
            one.resume()
        for one in sentinels:
            try:
                status = one.stop()
                if status != 0:
                    problems.append(f"{one.name}: exit status {status} after SIGTERM")
            except AssertionError as error:
                problems.append(str(error))
        for process in self.processes:
            process.kill()
            if isinstance(process, Sentinel) and FAULT.search(process.log()):
                problems.append(f"{process.name}: a fault of the program in its log")
        atexit.unregister(self._last_resort)
        return problems

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def _last_resort(self):
        if not self.keep:
            self.close()
            self.remove()


class House:
    """One monitored group: a primary, its replicas, and the sentinels that watch it."""

    def __init__(self, lab, name, servers, sentinels):
        self.lab = lab
        self.name = name
        self.primary = servers[0]
        self.servers = list(servers)
        self.sentinels = list(sentinels)

    @property
    def replicas(self):
        return [server for server in self.servers if server is not self.primary]

    def live_sentinels(self):
        return [one for one in self.sentinels if one.is_running()]

    def server_at(self, address):
        return next(server for server in self.servers if server.address == address)

    def views(self):
        """What clients are told, by every running sentinel."""
        return {one.name: one.primary_of(self.name) for one in self.live_sentinels()}

    def agree_on(self, server):
        views = self.views()
        assert set(views.values()) == {server.address}, f"views differ: {views}"
        return True

    def sees_all(self, sentinel, server=None, peers=None):
        """Does this sentinel know the whole group and find nothing wrong with it?"""
        sentinel.expect_running()
        server = server or self.primary
        assert sentinel.primary_of(self.name) == server.address
        master = sentinel.master(self.name)
        assert master["flags"] == "master", f"{sentinel.name}: flags {master['flags']}"
        others = len(self.live_sentinels()) - 1 if peers is None else peers
        assert int(master["num-other-sentinels"]) == others, master["num-other-sentinels"]
        following = {
            s.address for s in self.servers if s is not server and s.is_running()
        }
        seen = {
            (one["ip"], int(one["port"])): one
            for one in sentinel.replicas(self.name)
        }
        for address in following:
            assert address in seen, f"{sentinel.name} does not know replica {address}"
            one = seen[address]
            assert one["flags"] == "slave", f"{sentinel.name}: {address} is {one['flags']}"
            assert one["master-link-status"] == "ok", f"{sentinel.name}: {address} has no link"
            assert (one["master-host"], int(one["master-port"])) == server.address
        for peer in sentinel.peers(self.name):
            flags = peer["flags"]
            if sentinel.program == VALKEY_SENTINEL:  # it keeps what a peer said when it was last asked
                flags = flags.replace(",master_down", "")
            assert flags == "sentinel", f"{sentinel.name}: peer is {flags}"
        return True

    def wait_ready(self, seconds=30):
        """Until every sentinel knows everybody and all is well."""
        for one in self.live_sentinels():
            wait_until(lambda one=one: self.sees_all(one), seconds, f"{one.name} sees the whole group")
        return self

    def wait_following(self, seconds=30):
        """Until every other running server follows the primary."""

        def follow():
            assert self.primary.is_primary(), f"{self.primary.name} is no primary"
            for server in self.replicas:
                if server.is_running():
                    assert server.follows(self.primary), f"{server.name}: {server.role()}"
            return True

        wait_until(follow, seconds, f"all follow {self.primary.name}")

    def wait_switch(self, seconds=30):
        """Until all sentinels name one other server that is a primary; it is the primary then."""
        old = self.primary.address

        def switched():
            views = set(self.views().values())
            assert len(views) == 1, f"views differ: {self.views()}"
            address = views.pop()
            assert address is not None and address != old, f"still {address}"
            server = self.server_at(address)
            assert server.is_primary(), f"{server.name} is no primary yet"
            return server

        self.primary = wait_until(switched, seconds, f"failover of {self.name}")
        return self.primary


# Fast settings: what the tests watch takes seconds in Sentinel's defaults.
def group_lines(name, primary, quorum=2, down_after=600, failover_timeout=10000, extra=()):
    return [
        f"sentinel monitor {name} {primary.host} {primary.port} {quorum}",
        f"sentinel down-after-milliseconds {name} {down_after}",
        f"sentinel failover-timeout {name} {failover_timeout}",
        *extra,
    ]


def quicken(sentinel):
    """A redis-sentinel looks at INFO every 10 s; a test need not wait for that. Vedette does without."""
    if sentinel.program != VEDETTE:
        sentinel.debug(info_period=500, publish_period=200)


def usual_down_after(programs):
    """The original fails a healthy new primary over again when this is below its ping period."""
    return 600 if set(programs) == {VEDETTE} else 2000


def make_house(
    lab,
    programs,
    replicas=2,
    name="mymaster",
    quorum=2,
    down_after=None,
    failover_timeout=10000,
    extra=(),
    lines=(),
    options=(),
    server_options=(),
    host=LOOPBACK,
    ready=True,
    each=lambda place: (),
    tls=None,
):
    """A primary, its replicas in sync, and one sentinel per program named, with each(place)'s lines too.

    TLS as in Lab.redis.
    """
    down_after = down_after or usual_down_after(programs)
    primary = lab.redis(options=server_options, host=host, tls=tls)
    servers = [primary]
    for _ in range(replicas):
        servers.append(lab.redis(primary, server_options, host, tls=tls))
    for server in servers[1:]:
        wait_until(lambda s=server: s.follows(primary), 20, f"{server.name} follows")
    conf = [*lines, *group_lines(name, primary, quorum, down_after, failover_timeout, extra)]
    sentinels = [
        lab.sentinel(program, [*conf, *each(place)], options, host, tls=tls)
        for place, program in enumerate(programs)
    ]
    for one in sentinels:
        quicken(one)
    house = House(lab, name, servers, sentinels)
    return house.wait_ready() if ready else house
