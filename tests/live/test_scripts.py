# SPDX-License-Identifier: BSD-3-Clause
"""notification-script and client-reconfig-script: arguments, descriptors, retries, limits."""

import json
import os
import stat

import pytest

import resp
from harness import make_house, wait_until

GROUP = "mymaster"

RECORDER = """#!{python}
import json, os, sys
# The listing itself holds one descriptor, which is gone when it is looked at again.
fds = sorted(int(n) for n in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + n))
with open({out!r}, "a") as out:
    out.write(json.dumps({{"argv": sys.argv[1:], "fds": fds, "cwd": os.getcwd(), "pid": os.getpid()}}) + "\\n")
{end}
"""


def make_script(lab, name, end="sys.exit(0)"):
    """A script that notes how it was called; returns its path and a reader of the notes."""
    path = os.path.join(lab.dir, name)
    out = path + ".out"
    with open(path, "w", encoding="utf-8") as script:
        script.write(RECORDER.format(python="/usr/bin/python3 -S", out=out, end=end))
    os.chmod(path, stat.S_IRWXU)

    def calls():
        try:
            with open(out, encoding="utf-8") as notes:
                return [json.loads(line) for line in notes if line.endswith("\n")]
        except FileNotFoundError:
            return []

    return path, calls


def make_house_with_scripts(lab, program, notify, reconfig):
    extra = [
        f"sentinel notification-script {GROUP} {notify}",
        f"sentinel client-reconfig-script {GROUP} {reconfig}",
    ]
    return make_house(lab, [program] * 3, extra=extra)


def test_scripts_of_a_failover(lab, program):
    notify, notified = make_script(lab, "notify")
    reconfig, reconfigured = make_script(lab, "reconfig")
    house = make_house_with_scripts(lab, program, notify, reconfig)
    watcher = house.sentinels[0].watch()
    old = house.primary
    old.kill()
    new = house.wait_switch(20)
    watcher.wait("+switch-master", 20)

    # One call at the leader, one at each of the others.
    wait_until(lambda: len(reconfigured()) >= 3, 20, "three calls of the reconfiguration script")
    addresses = [old.host, str(old.port), new.host, str(new.port)]
    assert sorted(call["argv"] for call in reconfigured()) == sorted(
        [GROUP, role, "start", *addresses] for role in ("leader", "observer", "observer")
    )

    def heard(event, payload=None):
        return [c for c in notified() if c["argv"][0] == event and payload in (None, c["argv"][1])]

    at = f"master {GROUP} {old.host} {old.port}"
    wait_until(lambda: len(heard("+sdown", at)) == 3, 20, "+sdown of the primary, three times")
    # Once; twice on a machine so busy that the others did not hear of the first in time.
    wait_until(lambda: heard("+elected-leader", at), 20, "+elected-leader")
    wait_until(
        lambda: len(heard("+switch-master", " ".join([GROUP, *addresses]))) == 3, 20, "+switch-master"
    )
    assert all(len(call["argv"]) == 2 for call in notified())
    # Events below warning level are not handed to scripts.
    assert not heard("+slave") and not heard("+sentinel") and not heard("+role-change")


def test_scripts_get_nothing_but_the_standard_descriptors(lab, program):
    notify, notified = make_script(lab, "notify")
    reconfig, _ = make_script(lab, "reconfig")
    house = make_house_with_scripts(lab, program, notify, reconfig)
    house.primary.pause()
    wait_until(lambda: notified(), 20, "a call")
    for call in notified():
        assert call["fds"] == [0, 1, 2], call
    house.primary.resume()


def test_a_script_that_fails_is_tried_again(lab, program):
    """Exit 1 is retried after script-retry-delay, twice as long each time; other exits are not."""
    again, called = make_script(lab, "again", end="sys.exit(1)")
    never, dropped = make_script(lab, "never", end="sys.exit(2)")
    house = make_house(lab, [program], replicas=0, quorum=1,
                       lines=["sentinel deny-scripts-reconfig no"])
    one = house.sentinels[0]
    watcher = one.watch()
    one.debug(script_retry_delay=400)
    one.sentinel("SET", GROUP, "notification-script", again)
    wait_until(lambda: len(called()) >= 1, 10, "the first run")
    first = called()[0]["argv"]
    assert first[0] == "+set"

    def pending():
        return [resp.pairs(job) for job in one.sentinel("PENDING-SCRIPTS")]

    job = wait_until(lambda: [j for j in pending() if j["flags"] == "scheduled"], 10, "a retry waits")[0]
    assert job["argv"] == [again, *first]
    assert int(job["retry-num"]) >= 1
    assert list(job) == ["argv", "flags", "pid", "run-delay", "retry-num"]
    wait_until(lambda: sum(c["argv"] == first for c in called()) >= 3, 20, "the third run")

    one.sentinel("SET", GROUP, "notification-script", never)
    watcher.wait("-script-error", 10, f"{never} 0 2")
    wait_until(lambda: dropped(), 5)
    assert not [j for j in pending() if j["argv"][0] == never]


def test_a_script_that_hangs_is_killed(lab, program):
    hang, called = make_script(lab, "hang", end="import time\nout.close()\ntime.sleep(600)")
    house = make_house(lab, [program], replicas=0, quorum=1,
                       lines=["sentinel deny-scripts-reconfig no"])
    one = house.sentinels[0]
    watcher = one.watch()
    one.debug(script_max_runtime=500)
    one.sentinel("SET", GROUP, "notification-script", hang)
    wait_until(lambda: called(), 10, "it runs")
    pid = called()[0]["pid"]
    watcher.wait("-script-timeout", 10, f"{hang} {pid}")
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 10, "it is gone and reaped")


def test_script_paths_are_looked_at(lab, program):
    house = make_house(lab, [program], replicas=0, quorum=1,
                       lines=["sentinel deny-scripts-reconfig no"])
    one = house.sentinels[0]
    for option, error in (
        ("notification-script", "ERR Notification script seems non existing or non executable"),
        ("client-reconfig-script",
         "ERR Client reconfiguration script seems non existing or non executable"),
    ):
        with pytest.raises(resp.ReplyError) as refused:
            one.sentinel("SET", GROUP, option, os.path.join(lab.dir, "not-there"))
        assert str(refused.value) == error


def test_scripts_cannot_be_changed_by_default(lab, program):
    house = make_house(lab, [program], replicas=0, quorum=1)
    script, _ = make_script(lab, "script")
    with pytest.raises(resp.ReplyError) as refused:
        house.sentinels[0].sentinel("SET", GROUP, "notification-script", script)
    assert str(refused.value).startswith("ERR Reconfiguration of scripts path is denied")


def test_at_most_sixteen_run_at_once(lab, program):
    gate = os.path.join(lab.dir, "gate")
    end = f"import time\nout.close()\nwhile not os.path.exists({gate!r}): time.sleep(0.01)"
    slow, called = make_script(lab, "slow", end=end)
    house = make_house(lab, [program], replicas=0, quorum=1,
                       lines=["sentinel deny-scripts-reconfig no"])
    one = house.sentinels[0]
    one.sentinel("SET", GROUP, "notification-script", slow)
    for quorum in range(2, 22):
        one.sentinel("SET", GROUP, "quorum", quorum)
    wait_until(lambda: len(called()) >= 16, 20, "sixteen run")
    jobs = [resp.pairs(job) for job in one.sentinel("PENDING-SCRIPTS")]
    assert [job["flags"] for job in jobs].count("running") == 16
    assert [job["flags"] for job in jobs].count("scheduled") == 5
    assert len(called()) == 16
    info = one.info("sentinel")
    assert (info["sentinel_running_scripts"], info["sentinel_scripts_queue_length"]) == ("16", "21")
    with open(gate, "w", encoding="utf-8"):
        pass
    # All run in the end.
    wait_until(lambda: len(called()) == 21, 20, "the rest runs")
    wait_until(lambda: one.sentinel("PENDING-SCRIPTS") == [], 20, "the queue is empty")
