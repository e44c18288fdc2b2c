# SPDX-License-Identifier: BSD-3-Clause
"""Runs a command and leaves nothing of it behind.

    reaper.py SECONDS COMMAND...

What the command starts, servers that made themselves daemons included, becomes a child of this
process when its own parent ends (Linux: child subreaper), so that every one is known for certain and
can be ended. The exit status is the command's; 1 if it left processes behind or took too long.
"""

import ctypes
import os
import signal
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36
GRACE = 20


def children():
    """(pid, command line) of every living child of this process."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                state, parent = stat.read().rpartition(")")[2].split()[:2]
            with open(f"/proc/{name}/cmdline", "rb") as line:
                command = line.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # it ended while we looked
        if int(parent) == os.getpid() and state != "Z":
            found.append((int(name), command))
    return found


def end_all():
    """Ends every descendant: when a child dies, its own children become ours. Returns them."""
    ended = []
    while True:
        found = children()
        if not found:
            return ended
        for pid, command in found:
            ended.append(f"{pid} ({command})")
            os.kill(pid, signal.SIGKILL)
        for pid, _ in found:
            os.waitpid(pid, 0)


def main():
    seconds, command = float(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit(f"reaper: prctl: {os.strerror(ctypes.get_errno())}")

    def interrupted(number, _frame):
        end_all()
        sys.exit(128 + number)

    for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
        signal.signal(number, interrupted)

    process = subprocess.Popen(command)
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"reaper: not done after {seconds:.0f} s: {command[0]}", file=sys.stderr)
        process.send_signal(signal.SIGINT)  # it may want to say what it knows so far
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            pass
        end_all()
        return 1
    left = end_all()
    for line in left:
        print(f"reaper: left behind and ended: {line}", file=sys.stderr)
    return 1 if left else status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
