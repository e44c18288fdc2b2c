# SPDX-License-Identifier: BSD-3-Clause
"""What systemd is told, by one who listens in its place; and what it is told to run: the units.

systemd's side is a datagram socket, and the texts of sd_notify(3).
"""

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from harness import LOOPBACK, wait_until

pytestmark = pytest.mark.vedette

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = os.path.join(TOP, "packaging", "systemd")
WATCHDOG_S = 0.4
# What systemd-analyze security makes of the unit: 0 is a cage, 10 a service without any.
EXPOSURE_LIMIT = 2.0


class Listener:
    """systemd's end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.told = []

    def wait(self, text, seconds=20):
        """The first message from now on that has this line; those before are kept in told."""
        self.socket.settimeout(seconds)
        while True:
            message = self.socket.recv(4096).decode()
            self.told.append(message)
            if text in message.split("\n"):
                return message

    def close(self):
        self.socket.close()


@pytest.fixture(params=["path", "abstract"])
def listener(request, lab):
    path = os.path.join(lab.dir, "notify")
    name = path if request.param == "path" else "@" + path
    one = Listener(name.replace("@", "\0"))
    lab.environment["NOTIFY_SOCKET"] = name
    yield one
    one.close()


def start(lab, *options):
    return lab.sentinel("vedette", [], ["--supervised", "systemd", *options], start=False)


def test_ready_reload_stop(lab, listener):
    """READY when the ports are open; RELOADING and READY at SIGHUP; STOPPING before the end."""
    one = start(lab)
    one.spawn()
    listener.wait("READY=1")
    # Nobody needs to wait any more.
    socket.create_connection((LOOPBACK, one.port), 5).close()
    # Without a watchdog nothing is told about one.
    assert not [text for text in listener.told if "WATCHDOG" in text]
    one.signal(signal.SIGHUP)
    reloading = listener.wait("RELOADING=1")
    assert re.search(r"^MONOTONIC_USEC=\d+$", reloading, re.MULTILINE)
    listener.wait("READY=1")
    # A configuration with a fault is not read anew.
    with open(one.config, "a", encoding="utf-8") as conf:
        conf.write("sentinel nonsense\n")
    told = len(listener.told)
    one.signal(signal.SIGHUP)
    wait_until(lambda: "stays as it was" in one.log(), 10, "the fault is told")
    one.signal(signal.SIGTERM)
    listener.wait("STOPPING=1")
    assert listener.told[told:] == ["STOPPING=1"]
    assert one.wait_end(20) == 0


def test_watchdog(lab, listener):
    """The loop tells that it turns; when it does not, nobody does in its place."""
    lab.environment["WATCHDOG_USEC"] = str(int(WATCHDOG_S * 1000000))
    one = start(lab)
    one.spawn()
    for _ in range(5):
        listener.wait("WATCHDOG=1")
    one.pause()
    # What was sent before it stood still is taken first.
    with pytest.raises(socket.timeout):
        while True:
            listener.wait("WATCHDOG=1", 3 * WATCHDOG_S)
    one.resume()
    listener.wait("WATCHDOG=1")
    assert one.stop() == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("WATCHDOG_PID", "1"), ("WATCHDOG_PID", "x"), ("WATCHDOG_USEC", "0"), ("WATCHDOG_USEC", "-5"), ("WATCHDOG_USEC", "9x")],
)
def test_watchdog_of_others(lab, listener, name, value):
    """What is meant for another process, or is no number, is nothing to act on."""
    lab.environment["WATCHDOG_USEC"] = "1000"
    lab.environment[name] = value
    one = start(lab)
    one.start()
    listener.wait("READY=1")
    one.info()
    assert one.stop() == 0
    listener.wait("STOPPING=1")
    assert not [text for text in listener.told if "WATCHDOG" in text]


# Units -----------------------------------------------------------------------------------


def analyze(*arguments):
    done = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def units(lab, program):
    """The units with the program under test in the place of the installed one."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here (package systemd)")
    folder = os.path.join(lab.dir, "units")
    shutil.copytree(UNITS, folder)
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, encoding="utf-8") as unit:
                text = unit.read()
            with open(path, "w", encoding="utf-8") as unit:
                unit.write(text.replace("/usr/bin/vedette", os.environ["VEDETTE"]))
    return folder


@pytest.mark.parametrize("unit", ["vedette.service", "redis-sentinel.service"])
def test_units(units, unit):
    """No mistake in them, and little that a captured vedette could do."""
    if unit == "redis-sentinel.service":
        # What a distribution's unit is, under the drop-in.
        with open(os.path.join(units, unit), "w", encoding="utf-8") as original:
            original.write(
                "[Unit]\nDescription=s\n[Service]\nType=notify\n"
                "ExecStart=/bin/false /etc/redis/sentinel.conf --supervised systemd --daemonize no\n"
            )
    status, said = analyze("verify", "--man=no", os.path.join(units, unit))
    assert (status, said) == (0, ""), said
    if unit == "vedette.service":
        status, said = analyze(
            "security", "--offline=true", "--no-pager", f"--threshold={int(EXPOSURE_LIMIT * 10)}",
            os.path.join(units, unit),
        )
        assert status == 0, said
        score = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", said).group(1))
        assert score < EXPOSURE_LIMIT, said


def test_unit_starts(lab, listener, units):
    """The unit's own command line, with a file and a directory of ours, says that it is ready."""
    with open(os.path.join(units, "vedette.service"), encoding="utf-8") as unit:
        words = re.search(r"^ExecStart=(.*)$", unit.read(), re.MULTILINE).group(1).split()
    conf = os.path.join(lab.dir, "vedette.cfg")
    with open(conf, "w", encoding="utf-8") as out:
        out.write(f'port = {lab.free_port()};\nbind = ["{LOOPBACK}"];\nstate-dir = "{lab.dir}/state";\n')
    process = lab.process([conf if word == "/etc/vedette/vedette.cfg" else word for word in words], "unit")
    process.spawn()
    listener.wait("READY=1")
    assert process.stop() == 0
