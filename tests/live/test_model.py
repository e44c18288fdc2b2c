# SPDX-License-Identifier: BSD-3-Clause
"""The simulator's model of a Redis server against real ones: one script drives both.

Each script is a list of steps. A step's reply, and the state of all servers where a step asks for
it, must be the same in the model (tests/sim/model, which `make check` builds) and in real servers.
Ids and offsets are other numbers in each: what is compared is which of them are equal, and how they
are ordered.
"""

import bisect
import os
import subprocess
import threading

import pytest

import harness
import resp

pytestmark = pytest.mark.vedette  # the program under test is not asked at all

CODES = ("NOAUTH", "NOPERM", "LOADING", "BUSY", "READONLY", "NOREPLICAS")
HELD_SECONDS = 0.3
PROMOTE = ("REPLICAOF", "NO", "ONE")


def find_model():
    path = os.environ.get("SIM_MODEL")
    if path is None:
        build = os.path.dirname(harness.find_program(harness.VEDETTE))
        path = os.path.join(build, "tests", "sim", "model")
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is not built: make check builds it")
    return path


def info_of(text):
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


class Model:
    """The simulated servers, at their console."""

    def __init__(self, _lab):
        self.child = subprocess.Popen(
            [find_model()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        reply = self.child.stdout.readline().rstrip("\r\n")
        assert not reply.startswith("?"), f"{line}: {reply}"
        return reply

    def info(self, name):
        first = self.say(f"{name} info")
        if first.startswith("-"):
            return None
        lines = [first]
        while lines[-1] != ".":
            lines.append(self.child.stdout.readline().rstrip("\r\n"))
        return info_of("\n".join(lines))

    def role(self, name):
        words = self.say(f"{name} role").split()
        if not words[0].startswith("-"):
            assert self.child.stdout.readline() == ".\n"
        return words

    def name_of(self, host, _port):
        return "r" + host.rpartition(".")[2]

    def sleep(self, seconds):
        self.say(f"sleep {int(seconds * 1000)}")

    def close(self):
        self.child.stdin.close()
        assert self.child.wait(20) == 0


class Real:
    """Real servers, told the same in their own words."""

    def __init__(self, lab):
        self.lab = lab
        self.servers = {}
        self.held = {}
        self.lines = {}  # a connection to each server, for what comes without being held back
        self.count = 0
        self.script = None

    def say(self, line):
        words = line.split()
        if words[0] == "servers":
            return self.found(int(words[1]), int(words[2]) if len(words) > 2 else 0)
        if words[0] in self.servers:
            return self.command(self.servers[words[0]], words[1], words[2:])
        return self.life(words[0], self.servers[words[1]])

    def found(self, count, min_replicas):
        options = ["repl-ping-replica-period 3600", "busy-reply-threshold 50", "repl-backlog-size 1mb"]
        if min_replicas:
            options += [f"min-replicas-to-write {min_replicas}", "min-replicas-max-lag 10"]
        for n in range(1, count + 1):
            self.servers[f"r{n}"] = self.lab.redis(options=options)
        return "+OK"

    def life(self, verb, server):
        if verb == "kill":
            server.kill()
        elif verb == "stop":
            server.hang_up()
            server.meant_to_end = True
            try:
                with server.connect() as conn:
                    conn.ask("SHUTDOWN", "SAVE")
            except (resp.Closed, OSError):
                pass
            server.child.wait(10)
        elif verb == "pause":
            server.pause()
        elif verb == "resume":
            server.resume()
        else:
            if verb == "empty":
                server.clear_data()
            server.start()
        return "+OK"

    def address(self, name):
        return [str(word) for word in self.servers[name].address]

    def words_of(self, verb, more):
        if verb in ("replicaof", "replicate"):
            return ("REPLICAOF", *(("NO", "ONE") if more == ["no-one"] else self.address(more[0])))
        if verb == "failover":
            to = ["TO", *self.address(more[0])] if more[0] in self.servers else []
            return ("FAILOVER", *to, "TIMEOUT", more[-1])
        return {
            "ping": ("PING",),
            "write": ("INCR", "writes"),
            "publish": ("PUBLISH", "c", "x"),
            "promote": PROMOTE,
            "wait": ("WAIT", *more),
            "pause": ("CLIENT", "PAUSE", *more, "WRITE"),
            "unpause": ("CLIENT", "UNPAUSE"),
            "abort": ("FAILOVER", "ABORT"),
            "script-kill": ("SCRIPT", "KILL"),
        }[verb]

    def command(self, server, verb, more):
        if verb == "busy":
            return self.start_script(server)
        if verb == "collect":
            return self.collect(server)
        if verb == "write":  # a key of its own each, so that keys are writes
            self.count += 1
            words = ("SET", f"key{self.count}", "v")
        else:
            words = self.words_of(verb, more)
        if verb in ("promote", "replicate"):
            return self.transaction(server, words)
        reply = []
        asker = threading.Thread(target=lambda: reply.append(self.ask(server, words)), daemon=True)
        asker.start()
        asker.join(HELD_SECONDS if verb in ("write", "publish") else 12)
        if asker.is_alive():
            self.held[server] = (asker, reply)
            self.lines.pop(server, None)
            return "$held"
        return reply[0]

    def ask(self, server, words):
        """On the connection of before, since WAIT is about its own writes."""
        if server not in self.lines:
            self.lines[server] = server.connect(10)
        reply = self.ask_on(self.lines[server], words)
        if reply == "-CLOSED":
            self.lines[server] = server.connect(10)
            reply = self.ask_on(self.lines[server], words)
        return reply

    def collect(self, server):
        asker, reply = self.held[server]
        asker.join(HELD_SECONDS)
        return "$held" if asker.is_alive() else reply[0]

    @staticmethod
    def ask_on(conn, words):
        try:
            reply = conn.ask(*words)
        except resp.ReplyError as error:
            code = str(error).split()[0]
            return "-" + (code if code in CODES else "ERR")
        except (resp.Closed, OSError):
            return "-CLOSED"
        if isinstance(reply, int) and words[0] == "WAIT":
            return f":{reply}"
        return f"+{reply}" if reply == "PONG" else "+OK"

    def transaction(self, server, words):
        with server.connect() as conn:
            for one in (("MULTI",), words, ("CONFIG", "REWRITE"), ("CLIENT", "KILL", "TYPE", "normal"),
                        ("CLIENT", "KILL", "TYPE", "pubsub")):
                try:
                    conn.ask(*one)
                except resp.ReplyError as error:
                    code = str(error).split()[0]
                    return "-" + (code if code in CODES else "ERR")
            conn.ask("EXEC")
        server.hang_up()
        return "+OK"

    def start_script(self, server):
        conn = server.connect(60)
        self.script = threading.Thread(
            target=lambda: self.ask_on(conn, ("EVAL", "while true do end", "0")), daemon=True
        )
        self.script.start()
        harness.wait_until(lambda: self.say_ping(server) == "-BUSY", 10, "the script is slow")
        return "+OK"

    def say_ping(self, server):
        with server.connect() as conn:
            return self.ask_on(conn, ("PING",))

    def info(self, name):
        try:
            return self.servers[name].info()
        except resp.ReplyError:
            return None

    def role(self, name):
        try:
            words = self.servers[name].role()
        except resp.ReplyError as error:
            return ["-" + str(error).split()[0]]
        if words[0] == "master":
            return ["master", str(words[1])]
        return ["slave", self.name_of(words[1], words[2]), words[3], str(words[4])]

    def name_of(self, host, port):
        for name, server in self.servers.items():
            if server.port == int(port) and server.host == host:
                return name
        return f"{host}:{port}"

    def sleep(self, seconds):
        threading.Event().wait(seconds)

    def close(self):
        pass


class Watcher:
    """What of the servers is compared, in terms that both share."""

    def __init__(self, backend, names):
        self.backend = backend
        self.names = names
        self.ids = {}

    def symbol(self, text):
        if set(text) == {"0"}:
            return "none"
        return self.ids.setdefault(text, chr(ord("A") + len(self.ids)))

    def state(self, alive):
        infos = {name: self.backend.info(name) for name in alive}
        places = set()
        for info in infos.values():
            places.update(int(info[key]) for key in ("master_repl_offset", "slave_repl_offset") if key in info)
        order = [-1, 0] + sorted(place for place in places if place > 0)

        def place(text, less=0):
            number = int(text) - less
            return order.index(number) if number in order else bisect.bisect(order, number) - 0.5

        return {name: self.one(name, info, place) for name, info in infos.items()}

    def one(self, name, info, place):
        told = {
            "role": info["role"],
            "run": self.symbol(info["run_id"]),
            "replid": self.symbol(info["master_replid"]),
            "replid2": self.symbol(info["master_replid2"]),
            "offset": place(info["master_repl_offset"]),
            "second": place(info["second_repl_offset"], 0 if info["second_repl_offset"] == "-1" else 1),
            "backlog": info["repl_backlog_active"],
            "failover": info["master_failover_state"],
            "good": info.get("min_slaves_good_slaves"),
            "loading": info["loading"],
            "keys": info.get("db0", "keys=0").split(",")[0],
            "replicas": sorted(self.replica(info[f"slave{n}"], place) for n in range(int(info["connected_slaves"]))),
            "ROLE": self.role(name, place),
        }
        if info["role"] == "slave":
            up = info["master_link_status"]
            told.update(
                follows=self.backend.name_of(info["master_host"], info["master_port"]),
                link=up,
                syncing=info["master_sync_in_progress"],
                heard=info["master_last_io_seconds_ago"] == "-1",
                down_since="master_link_down_since_seconds" in info,
                # 1: it never was in step, and knows no place
                replica_offset=place(info["slave_repl_offset"]) if up == "up" else None,
                priority=info["slave_priority"],
                read_only=info["slave_read_only"],
                announced=info["replica_announced"],
            )
        return told

    def replica(self, line, place):
        fields = dict(field.split("=") for field in line.split(","))
        return (self.backend.name_of(fields["ip"], fields["port"]), fields["state"], place(fields["offset"]))

    def role(self, name, place):
        words = self.backend.role(name)
        if words[0] == "master":
            return [words[0], place(words[1])]
        if words[2] != "connected":
            return [*words[:2], "not connected"]
        return [*words[:3], place(words[3])]

    def follows(self, replica, primary):
        """In step, and the primary has heard so."""
        below, above = self.backend.info(replica), self.backend.info(primary)
        if not below or not above or below.get("master_link_status") != "up":
            return False
        if self.backend.name_of(below["master_host"], below["master_port"]) != primary:
            return False
        if below["slave_repl_offset"] != above["master_repl_offset"]:
            return False
        lines = [above[f"slave{n}"] for n in range(int(above["connected_slaves"]))]
        return any(
            f"state=online,offset={above['master_repl_offset']}," in line
            and self.replica(line, str)[0] == replica
            for line in lines
        )

    def holds(self, words):
        """until rN streams rM | failover STATE | replicas COUNT | link down"""
        if words[1] == "streams":
            return self.follows(words[0], words[2])
        info = self.backend.info(words[0])
        key = {"failover": "master_failover_state", "replicas": "connected_slaves", "link": "master_link_status"}
        return info is not None and info.get(key[words[1]]) == words[2]


def run(backend, script):
    """The transcript: what each step brought."""
    names = [f"r{n}" for n in range(1, int(script[0].split()[1]) + 1)]
    watcher = Watcher(backend, names)
    alive = list(names)
    transcript = []
    for step in script:
        words = step.split()
        brought = None
        if words[0] == "state":
            brought = watcher.state(alive)
        elif words[0] == "until":
            for _ in range(400):
                if watcher.holds(words[1:]):
                    break
                backend.sleep(0.05)
            brought = watcher.holds(words[1:])
            assert brought, f"{type(backend).__name__}: {step}: {watcher.state(alive)}"
        elif words[0] == "sleep":
            backend.sleep(int(words[1]) / 1000)
        else:
            brought = backend.say(step)
            if words[0] in ("kill", "stop", "pause"):
                alive.remove(words[1])
            if words[0] in ("start", "empty", "resume"):
                alive.append(words[1])
                alive.sort()
        transcript.append((step, brought))
    return transcript


HOUSE = [
    "servers 3",
    "r1 write",
    "r2 replicaof r1",
    "until r2 streams r1",
    "r3 replicaof r1",
    "until r3 streams r1",
]

SCRIPTS = {
    "strangers": ["servers 2", "state", "r1 write", "r1 ping", "state", "r1 wait 1 200"],
    "first sync": [*HOUSE, "state", "r1 write", "r1 write", "r1 wait 2 2000", "until r2 streams r1", "until r3 streams r1",
                   "state", "r2 write", "r2 wait 1 100"],
    "a sibling continues after a promotion": [
        *HOUSE, "r1 write", "until r2 streams r1", "until r3 streams r1", "r2 replicaof no-one",
        "r3 replicaof r2", "until r3 streams r2", "state", "r2 write", "until r3 streams r2", "state",
    ],
    "a former primary continues where nothing was written": [
        *HOUSE, "r1 write", "until r2 streams r1", "until r3 streams r1", "r2 replicaof no-one",
        "r1 replicaof r2", "until r1 streams r2", "until r3 streams r1", "state",
    ],
    "a former primary that went its own way loses that": [
        *HOUSE, "r1 write", "until r2 streams r1", "until r3 streams r1", "r2 replicaof no-one", "r1 write",
        "r1 write", "r2 write", "r1 replicaof r2", "until r1 streams r2",
        "until r3 streams r1", "state",
    ],
    "sentinels' transactions": [
        *HOUSE, "r2 promote", "r1 replicate r2", "r3 replicate r2", "until r1 streams r2", "until r3 streams r2", "state",
        "r2 promote", "r1 replicate r2", "state",
    ],
    "a replica stopped in order comes back where it stood": [
        *HOUSE, "r2 replicate r1", "r1 write", "until r2 streams r1", "stop r2", "r1 write", "start r2",
        "until r2 streams r1", "until r3 streams r1", "state",
    ],
    "a primary stopped in order comes back under a new id": [
        *HOUSE, "r1 write", "until r2 streams r1", "until r3 streams r1", "stop r1", "until r2 link down", "start r1",
        "until r2 streams r1", "until r3 streams r1", "state",
    ],
    "an empty primary empties its replicas": [
        *HOUSE, "r1 write", "until r2 streams r1", "until r3 streams r1", "kill r1", "until r2 link down", "until r3 link down",
        "state", "empty r1", "until r2 streams r1", "until r3 streams r1", "state",
    ],
    "a chain": [
        "servers 3", "r1 write", "r2 replicaof r1", "until r2 streams r1", "r3 replicaof r2", "until r3 streams r2",
        "r1 write", "until r2 streams r1", "until r3 streams r2", "state", "r2 replicaof no-one", "until r3 streams r2",
        "state",
    ],
    "too few replicas to write": [
        "servers 3 1", "state", "r1 write", "r2 replicaof r1", "until r2 streams r1", "r1 write", "until r2 streams r1", "state",
        "kill r2", "until r1 replicas 0", "r1 write", "state", "r3 replicaof r1", "until r3 streams r1", "r1 write",
    ],
    "wait with a replica that stands still": [*HOUSE, "pause r3", "r1 write", "r1 wait 2 2500", "r1 wait 1 500", "resume r3",
                                              # Real ones that have just come acknowledge once a second.
                                              "until r3 streams r1", "r1 wait 2 2500"],
    "writes held back": [
        *HOUSE, "r1 pause 30000", "r1 ping", "r1 write", "state", "r1 unpause", "r1 collect", "until r2 streams r1",
        "until r3 streams r1", "state",
    ],
    "writes held back until the time is over": [*HOUSE, "r1 pause 1500", "r1 write", "sleep 1600", "r1 collect"],
    "failover to a replica": [
        *HOUSE, "r2 failover r3 1000", "r1 write", "until r2 streams r1", "until r3 streams r1", "r1 failover r2 5000",
        "until r1 streams r2", "until r1 failover no-failover", "until r3 streams r1", "state", "r1 write", "r2 write", "r2 abort",
    ],
    "failover without a replica": ["servers 2", "r1 failover r2 1000", "r1 failover 1000", "r1 abort"],
    "failover that waits, and is given up": [
        *HOUSE, "pause r2", "r1 write", "r1 failover r2 1500", "until r1 failover waiting-for-sync", "r1 failover r3 1000",
        "r1 write", "r1 ping", "until r1 failover no-failover", "r1 collect", "resume r2", "until r2 streams r1",
        "until r3 streams r1", "state",
    ],
    "failover that waits, and is aborted": [
        *HOUSE, "pause r2", "r1 write", "r1 failover r2 60000", "r1 replicaof r3", "r1 abort", "r1 abort", "r1 write", "resume r2",
        "until r2 streams r1", "until r3 streams r1", "state",
    ],
    "a script that does not end": [
        *HOUSE, "r1 busy", "r1 ping", "r1 write", "r1 promote", "r1 publish", "r1 script-kill",
        "until r1 failover no-failover",  # INFO is answered again
        "r1 ping", "r1 write", "r1 script-kill",
    ],
    "a primary that is not there": [
        "servers 2", "r1 write", "kill r2", "r1 replicaof r2", "sleep 1500", "state", "r1 write", "r1 replicaof no-one", "r1 write",
        "state",
    ],
    "the same primary again": [*HOUSE, "r1 write", "until r2 streams r1", "until r3 streams r1", "r2 replicaof r1", "state"],
}


def differences(model, real):
    """The fields in which two states differ, or two replies."""
    if not isinstance(model, dict):
        return [] if model == real else [(model, real)]
    return [
        (name, field, model[name].get(field), real[name].get(field))
        for name in real
        for field in {**model[name], **real[name]}
        if model[name].get(field) != real[name].get(field)
    ]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_model_does_as_real_servers_do(lab, name):
    transcripts = []
    for kind in (Model, Real):
        backend = kind(lab)
        try:
            transcripts.append(run(backend, SCRIPTS[name]))
        finally:
            backend.close()
    for (step, model), (_, real) in zip(*transcripts):
        assert not differences(model, real), f"{step} (the model, then the real server)"
