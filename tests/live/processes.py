# SPDX-License-Identifier: BSD-3-Clause
"""Processes on loopback, and how one waits for what they do.

Nothing here waits by guess: wait_until looks at a condition until its deadline.
"""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
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
        self._spawn(self.lab.keep, stdin=subprocess.DEVNULL)

    def spawn_talking(self):
        """Start with its standard input and output as pipes: say() and line()."""
        self._spawn(False, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _spawn(self, outlives_us, **streams):
        argv = list(self.argv)
        if not outlives_us:
            argv = ["setpriv", "--pdeathsig", "KILL", *argv]
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                argv,
                **{"stdout": log, "stderr": log, **streams},
                cwd=self.lab.dir,
                env=self.lab.environment,
                start_new_session=True,
                preexec_fn=self.enter,
            )
        self.meant_to_end = False
        self.is_paused = False

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

    def wait_log(self, pattern, seconds=10):
        """What the pattern finds in its log."""
        return wait_until(
            lambda: re.search(pattern, self.log()), seconds, f"{self.name} logs /{pattern}/"
        ).group(0)

    def log_tail(self, lines):
        return "\n".join(self.log().splitlines()[-lines:])
