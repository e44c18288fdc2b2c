# SPDX-License-Identifier: BSD-3-Clause
"""The set that is drilled: three Redis servers and their vedettes, running somewhere or thrown away after.

A running set is reached by its vedettes' addresses alone, and what is done to it is done by orders, as
nobody can send a signal over a network. A local one is started here, and gets signals.
"""

import os
import shutil
import sys
import time

import redis
import redis.sentinel

import harness

ORDER_TIMEOUT_S = 3

# Where a primary listens that is cut off by order: on its own machine; if we are there too, where nobody calls.
OWN_LOOPBACK = "127.0.0.1"
NOWHERE = "127.0.0.254"


class DrillError(Exception):
    """The drill cannot go on; the text says why, and what to do."""


class Access:
    """How the servers and the vedettes are spoken to: redis-py's keywords for each, and how long a vedette may take."""

    def __init__(self, data=None, sentinel=None, timeout=None):
        self.data = data or {}
        self.sentinel = sentinel or {}
        self.timeout = timeout or ORDER_TIMEOUT_S


def wait_until(condition, seconds, what):
    """The first true value; DrillError at the deadline. Who cannot be asked has not come yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            value = condition()
            if value:
                return value
        except (redis.RedisError, OSError):
            pass
        if time.monotonic() > end:
            raise DrillError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


class RunningSet:
    """By orders only. Each fault tells in a word how it is done: that is in the report."""

    def __init__(self, sentinels, group, access, restart_wait=60):
        self.addresses = list(sentinels)
        self.group = group
        self.access = access
        self.restart_wait = restart_wait
        self.cut = None  # the connection that holds a primary's way back, and its former bind

    # What is there --------------------------------------------------------------

    def discover(self):
        """Whoever is named knows the others: they are added, each once, whatever they are called by."""
        known = set()
        for address in self.addresses:
            try:
                known.add(self.watchman(address).execute_command("SENTINEL", "MYID"))
            except (redis.RedisError, OSError):
                raise DrillError(
                    f"the vedette {name_of(address)} does not answer; see --sentinel, --sentinel-password-env, --tls"
                ) from None
        for address in list(self.addresses):
            try:
                peers = self.watchman(address).execute_command("SENTINEL", "SENTINELS", self.group)
            except redis.ResponseError as error:
                raise DrillError(f"{name_of(address)}: {error}; see --group") from None
            for peer in map(pairs, peers):
                if peer["runid"] not in known:
                    known.add(peer["runid"])
                    self.addresses.append((peer["ip"], int(peer["port"])))

    def client(self, address, timeout=ORDER_TIMEOUT_S):
        return redis.Redis(
            *address, socket_timeout=timeout, socket_connect_timeout=timeout, decode_responses=True, **self.access.data
        )

    def watchman(self, address, timeout=None):
        return redis.Redis(
            *address,
            socket_timeout=timeout or self.access.timeout,
            socket_connect_timeout=timeout or self.access.timeout,
            decode_responses=True,
            **self.access.sentinel,
        )

    def sentinel_client(self, timeout):
        """What an application uses."""
        return redis.sentinel.Sentinel(
            self.addresses,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            sentinel_kwargs={"socket_timeout": timeout, "socket_connect_timeout": timeout, **self.access.sentinel},
            **self.access.data,
        )

    def primary(self):
        """As the first vedette says that answers."""
        for address in self.addresses:
            try:
                found = self.watchman(address).sentinel_get_master_addr_by_name(self.group)
            except redis.ResponseError as error:
                raise DrillError(f"{name_of(address)}: {error}") from None
            except (redis.RedisError, OSError):
                continue
            if found is None:
                raise DrillError(f"{name_of(address)} watches no group {self.group}; see --group")
            return (found[0], int(found[1]))
        raise DrillError(
            f"no vedette answers of {', '.join(map(name_of, self.addresses))}; see --sentinel, --sentinel-password-env"
        )

    def replicas(self):
        for address in self.addresses:
            try:
                found = self.watchman(address).execute_command("SENTINEL", "REPLICAS", self.group)
            except (redis.RedisError, OSError):
                continue
            return [(one["ip"], int(one["port"])) for one in map(pairs, found)]
        return []

    def is_whole(self, replicas, sentinels):
        """All vedettes agree and see each other; the primary is one, and so many replicas follow it."""
        primary = self.primary()
        for address in self.addresses:
            one = self.watchman(address)
            found = one.sentinel_get_master_addr_by_name(self.group)
            if (found[0], int(found[1])) != primary:
                return False
            master = pairs(one.execute_command("SENTINEL", "MASTER", self.group))
            if int(master["num-other-sentinels"]) != sentinels - 1 or master["flags"] != "master":
                return False
        role = self.client(primary).execute_command("ROLE")
        return role[0] == "master" and len(role[2]) >= replicas

    # What is done to it ---------------------------------------------------------

    def kill(self, address):
        self._shut_down(self.client(address))
        return "SHUTDOWN NOSAVE NOW FORCE; whoever supervises it may restart it"

    def _shut_down(self, client):
        try:
            client.execute_command("SHUTDOWN", "NOSAVE", "NOW", "FORCE")
        except redis.ResponseError as error:
            if "syntax" not in str(error).lower():
                raise DrillError(f"SHUTDOWN is refused: {error}; the user needs +shutdown") from None
            try:
                client.execute_command("SHUTDOWN", "NOSAVE")
            except (redis.ConnectionError, redis.TimeoutError):
                pass
        except (redis.ConnectionError, redis.TimeoutError):
            pass

    def revive(self, _address):
        """That is the supervisor's work."""

    def hang(self, address, seconds):
        client = self.client(address, timeout=0.5)
        try:
            client.execute_command("DEBUG", "SLEEP", seconds)
        except redis.TimeoutError:
            return f"DEBUG SLEEP {seconds:g}"
        except redis.ResponseError:
            self.client(address).execute_command("CLIENT", "PAUSE", int(seconds * 1000), "ALL")
            return f"CLIENT PAUSE {int(seconds * 1000)} ALL (DEBUG is not allowed): its clients and the vedettes wait"
        return f"DEBUG SLEEP {seconds:g}"

    def resume(self, _address):
        """Both end by themselves."""

    def isolate(self, address):
        """The way back is one connection that is kept: the primary listens nowhere else, and drops all others."""
        client = self.client(address, timeout=ORDER_TIMEOUT_S)
        connection = redis.Redis(
            *address, single_connection_client=True, socket_timeout=ORDER_TIMEOUT_S, decode_responses=True, **self.access.data
        )
        try:
            before = client.config_get("bind").get("bind", "")
            connection.ping()
            connection.config_set("bind", NOWHERE if is_loopback(address[0]) else OWN_LOOPBACK)
            self.cut = (connection, before)
            for kind in ("normal", "pubsub", "replica"):
                connection.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        except redis.ResponseError as error:
            raise DrillError(
                f"the primary cannot be cut off by order: {error}; it needs Redis 7 and +config, +client"
            ) from None
        return "CONFIG SET bind, CLIENT KILL: the primary lives, and nobody reaches it"

    def mend(self, _address):
        if self.cut is None:
            return
        connection, before = self.cut
        self.cut = None
        connection.config_set("bind", before)
        connection.close()

    def restart(self, address, is_sentinel=False, pause=0.0):
        """Whoever supervises the process starts it again: waited for until it answers as another one."""
        client = self.watchman(address) if is_sentinel else self.client(address)
        before = client.info("server")["process_id"], client.info("server")["run_id"]
        self._shut_down(client)
        wait_until(
            lambda: (client.info("server")["process_id"], client.info("server")["run_id"]) != before,
            self.restart_wait,
            f"{name_of(address)} is back; its supervisor must restart it (--restart-wait)",
        )
        return "SHUTDOWN NOSAVE; its supervisor restarts it"

    def switch_over(self):
        last = None
        for address in self.addresses:
            try:
                self.watchman(address, 15).execute_command("SENTINEL", "FAILOVER", self.group, "COORDINATED")
                return f"SENTINEL FAILOVER {self.group} COORDINATED at {name_of(address)}"
            except (redis.ConnectionError, redis.TimeoutError) as error:
                last = error
            except redis.ResponseError as error:
                raise DrillError(f"the switchover is refused: {error}") from None
        raise DrillError(f"no vedette takes the order: {last}")

    def close(self):
        return []


class LocalSet(RunningSet):
    """Three servers and three vedettes on loopback, gone at the end."""

    def __init__(self, group, down_after):
        find_vedette()
        self.lab = harness.Lab()
        try:
            self.house = harness.make_house(
                self.lab, [harness.VEDETTE] * 3, name=group, down_after=down_after, failover_timeout=60000
            )
        except (AssertionError, harness.StartError) as error:
            self.lab.close()
            raise DrillError(f"the local set does not start: {error}") from None
        super().__init__([one.address for one in self.house.sentinels], group, Access())

    def _process(self, address):
        return next(one for one in self.lab.processes if getattr(one, "address", None) == address)

    def kill(self, address):
        self._process(address).kill()
        return "SIGKILL"

    def revive(self, address):
        process = self._process(address)
        if not process.is_running():
            process.start()

    def hang(self, address, seconds):
        self._process(address).pause()
        return f"SIGSTOP for {seconds:g} s"

    def resume(self, address):
        self._process(address).resume()

    def restart(self, address, is_sentinel=False, pause=0.0):
        process = self._process(address)
        process.stop()
        time.sleep(pause)
        process.start()
        return "SIGTERM, and started again"

    def close(self):
        problems = self.lab.close()
        if not problems:
            self.lab.remove()
        return problems


def find_vedette():
    """harness looks into VEDETTE; without it the program beside this one, or on PATH, is meant."""
    if "VEDETTE" in os.environ:
        return
    beside = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "vedette")
    found = beside if os.access(beside, os.X_OK) else shutil.which("vedette")
    if found:
        os.environ["VEDETTE"] = found
        return
    try:
        harness.find_program(harness.VEDETTE)
    except FileNotFoundError:
        raise DrillError("no vedette to be found for a local set: install it, or set VEDETTE to its path") from None


def is_loopback(host):
    return host == "::1" or host == "localhost" or host.startswith("127.")


def name_of(address):
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def pairs(reply):
    """RESP2's flat list of names and values, or redis-py's dict, as a dict."""
    if isinstance(reply, dict):
        return reply
    return dict(zip(reply[::2], reply[1::2]))
