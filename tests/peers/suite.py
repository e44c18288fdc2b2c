# SPDX-License-Identifier: BSD-3-Clause
"""Runs a tests/sentinel suite that run.sh laid out, and says per test and per file what came of it.

    suite.py WORK RELEASE [TEST...]

The suite runs in a network namespace of its own: loopback as everywhere, and a 10.0.0.1 that, as in
most networks, swallows what is sent to it. What it leaves behind is ended, and is a failure.
RELEASE is what the sentinels claim to be (empty: what they are).
"""

import os
import re
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 1800
NAMESPACE = 'ip link set lo up && ip route add 10.0.0.1/32 dev lo && exec "$@"'

# Lines that the suite writes into the configuration of all: for others than vedette they are remarks.
# COMMAND LIST is counted; and in a house that has just been built nobody has voted before.
SETTINGS = [("# vedette:", "redis-version {release}"), ("#", "vedette: abstain 0")]

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
UNIT = re.compile(r"Testing unit: (\S+)")
TEST = re.compile(r"\d\d:\d\d:\d\d> (.*)")


class Unit:
    """One file of tests."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = []
        self.began = self.ended = time.monotonic()


class Report:
    """Reads the suite's output line by line."""

    def __init__(self):
        self.units = []
        self.test = None  # begun, and not yet said to have passed or failed

    def settle(self, passed):
        if self.test is None:
            return
        unit = self.units[-1]
        if passed:
            unit.passed += 1
        else:
            unit.failed.append(self.test)
        self.test = None

    def read(self, line):
        print(line, flush=True)
        unit, test = UNIT.match(line), TEST.match(line)
        if unit:
            self.settle(False)
            self.units.append(Unit(unit[1]))
        if not self.units:
            return
        if test:
            self.settle(False)
            self.test = test[1].rpartition(": ")[0] if line.endswith("OK") else test[1]
        if self.test is not None and line.endswith("OK"):
            self.settle(True)
        elif line.startswith("FAILED: caught an error"):
            if self.test is None:
                self.test = "between two tests: " + line[len("FAILED: caught an error in the test "):]
            self.settle(False)
        self.units[-1].ended = time.monotonic()

    def summary(self):
        print(f"\n{'file':<36} {'passed':>6} {'failed':>6} {'seconds':>8}")
        for unit in self.units:
            print(f"{unit.name:<36} {unit.passed:>6} {len(unit.failed):>6} {unit.ended - unit.began:>8.1f}")
            for test in unit.failed:
                print(f"    failed: {test}")
        passed = sum(unit.passed for unit in self.units)
        failed = sum(len(unit.failed) for unit in self.units)
        print(f"{passed} passed, {failed} failed", flush=True)
        return passed > 0 and failed == 0


def main():
    work, release, patterns = sys.argv[1], sys.argv[2], sys.argv[3:]
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    command = [sys.executable, f"{TOP}/tests/reaper.py", str(LIMIT), *unshare, "sh", "-c", NAMESPACE, "sh"]
    command += ["tclsh", "tests/sentinel/run.tcl", "--dont-clean"]
    for name, value in SETTINGS if release else SETTINGS[1:]:
        command += ["--config", name, value.format(release=release)]
    for pattern in patterns:
        command += ["--single", pattern]

    report = Report()
    with subprocess.Popen(command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
            signal.signal(number, lambda number, _: process.send_signal(number))
        for line in process.stdout:
            report.read(COLOUR.sub("", line.decode(errors="replace")).rstrip())
    report.settle(False)
    good = report.summary()
    if process.returncode != 0:
        print(f"peers: the suite ended with status {process.returncode}")
    sys.exit(0 if good and process.returncode == 0 else 1)


if __name__ == "__main__":
    main()
