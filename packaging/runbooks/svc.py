# SPDX-License-Identifier: BSD-3-Clause
"""Starts and stops the services of a runbook on one machine, as systemctl does elsewhere: svc.py ACTION NAME.

Read try.sh, which sets what it needs. redis-N has $ETC/redis-N.conf, vedette-N $ETC/vedette-N.cfg, or
sentinel-N.conf where that is there: in the place of redis-sentinel. Process ids are kept in $DATA/NAME.pid,
what they print in $DATA/NAME.log.
"""

import os
import signal
import subprocess
import sys
import time

PATIENCE = 30
SIGNALS = {"freeze": signal.SIGSTOP, "thaw": signal.SIGCONT, "reload": signal.SIGHUP}
if len(sys.argv) != 3 or not {"ETC", "DATA", "VEDETTE"} <= set(os.environ):
    sys.exit("usage: svc.py start|stop|restart|kill|freeze|thaw|reload NAME, where packaging/runbooks/try.sh was read")
ETC, DATA = os.environ["ETC"], os.environ["DATA"]


def command(name):
    kind = name.partition("-")[0]
    if kind == "redis":
        return [os.environ.get("REDIS_SERVER", "redis-server"), f"{ETC}/{name}.conf"]
    if kind == "vedette":
        return [os.environ["VEDETTE"], f"{ETC}/{name}.cfg"]
    if kind == "sentinel":
        program = f"{DATA}/bin/redis-sentinel"
        return [program if os.path.exists(program) else "redis-sentinel", f"{ETC}/{name}.conf"]
    sys.exit(f"svc: no service {name}")


def state_of(pid):
    """A letter, as ps(1) has it; Z where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def pid_of(name):
    """The process that runs, None if there is none."""
    try:
        with open(f"{DATA}/{name}.pid", encoding="ascii") as file:
            pid = int(file.read())
    except (OSError, ValueError):
        return None
    return None if state_of(pid) == "Z" else pid


def listens(pid):
    """Does the process have a TCP socket that takes connections?"""
    listening = set()
    try:
        for table in ("tcp", "tcp6"):
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as lines:
                rows = [line.split() for line in lines][1:]
            listening |= {f"socket:[{row[9]}]" for row in rows if row[3] == "0A"}
        held = os.listdir(f"/proc/{pid}/fd")
        return any(os.readlink(f"/proc/{pid}/fd/{fd}") in listening for fd in held)
    except OSError:  # it ends, or closed one of them just now
        return False


def start(name):
    if pid_of(name):
        sys.exit(f"svc: {name} runs already")
    argv = command(name)
    with open(f"{DATA}/{name}.log", "ab") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 cwd=DATA, start_new_session=True)
    with open(f"{DATA}/{name}.pid", "w", encoding="ascii") as file:
        file.write(str(child.pid))
    deadline = time.monotonic() + PATIENCE
    while not listens(child.pid):
        if child.poll() is not None:
            with open(f"{DATA}/{name}.log", encoding="utf-8", errors="replace") as log:
                sys.exit(f"svc: {name} ended at once:\n{log.read()[-2000:]}")
        if time.monotonic() > deadline:
            sys.exit(f"svc: {name} does not listen")
        time.sleep(0.01)


def end(name, number):
    pid = pid_of(name)
    if pid is None:
        return
    frozen = state_of(pid) == "T"
    os.kill(pid, number)
    if frozen:  # else a SIGCONT could undo the SIGSTOP by which the leak checker holds who leaves, for ever
        os.kill(pid, signal.SIGCONT)
    deadline = time.monotonic() + PATIENCE
    while pid_of(name) is not None:
        if time.monotonic() > deadline:
            sys.exit(f"svc: {name} does not end")
        time.sleep(0.01)


def main():
    action, name = sys.argv[1:]
    if action in ("stop", "restart"):
        end(name, signal.SIGTERM)
    if action in ("start", "restart"):
        start(name)
    elif action == "kill":
        end(name, signal.SIGKILL)
    elif action in SIGNALS:
        pid = pid_of(name)
        if pid is None:
            sys.exit(f"svc: {name} does not run")
        os.kill(pid, SIGNALS[action])
    elif action not in ("stop", "start", "restart"):
        sys.exit(f"svc: unknown action {action}")


main()
