# SPDX-License-Identifier: BSD-3-Clause
"""Real servers and sentinels on loopback, for the tests, the benches and the quick start.

A Lab owns a private directory and every process started in it. Closing it ends them all and tells
what went wrong on the way; should this program die first, the kernel ends them (PR_SET_PDEATHSIG).
"""

import atexit
import os
import shutil
import signal
import tempfile

# Its users have one door: what a Lab's processes and servers are made of is had here as well.
from processes import (  # noqa: F401
    FAULT,
    LOOPBACK,
    REDIS_SENTINEL,
    VALKEY_SENTINEL,
    VEDETTE,
    Process,
    StartError,
    find_program,
    free_port,
    has_ipv6,
    is_port_free,
    wait_until,
)
from servers import RedisServer, Sentinel


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

    def fail_over(self, seconds=20):
        """The primary is killed, another takes its place; then it comes back and is made a replica."""
        old = self.primary
        old.kill()
        new = self.wait_switch(seconds)
        self.wait_following()
        old.start()
        wait_until(lambda: old.follows(new), 60, "the old primary follows")


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
