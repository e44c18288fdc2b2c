# SPDX-License-Identifier: BSD-3-Clause
"""What a test asks servers and sentinels, and what it hears of them."""

import os
import socket
import threading
import time

import resp
from processes import VEDETTE, Process, bind_line, find_program, wait_until


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
