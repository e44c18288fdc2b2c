# SPDX-License-Identifier: BSD-3-Clause
"""What can be done to a set, by name. Each scenario is a function of a Drill that does it, from the fault
to the moment when all is as it was, and notes each step; load goes on all the while.
"""

from sets import name_of


def kill(drill):
    """The primary dies; it comes back empty after some seconds."""
    primary = drill.primary
    drill.fault(f"the primary {name_of(primary)} is killed", lambda: drill.target.kill(primary))
    drill.wait_switch()
    drill.rest_until(drill.away)
    drill.step("the former primary comes back", lambda: drill.target.revive(primary))


def hang(drill):
    """The primary stands still, its port open, and goes on after some seconds."""
    primary = drill.primary
    drill.fault(f"the primary {name_of(primary)} stands still", lambda: drill.target.hang(primary, drill.away))
    drill.wait_switch()
    drill.rest_until(drill.away)
    drill.step("the former primary goes on", lambda: drill.target.resume(primary))


def partition(drill):
    """The primary lives, but nobody reaches it: neither vedettes, replicas nor clients."""
    primary = drill.primary
    drill.fault(f"the primary {name_of(primary)} is cut off", lambda: drill.target.isolate(primary))
    drill.wait_switch()
    drill.rest_until(drill.away)
    drill.step("the former primary is reachable again", lambda: drill.target.mend(primary))


def empty_restart(drill):
    """The primary is restarted, and comes up without its data before anybody has called it down."""
    primary = drill.primary
    drill.fault(f"the primary {name_of(primary)} is killed", lambda: drill.target.kill(primary))
    drill.rest_until(drill.restart_after)
    drill.step("it comes back, empty", lambda: drill.target.revive(primary))
    drill.wait_switch()


def rolling_restart(drill):
    """All are restarted, one after the other: replicas, vedettes, and the primary after a switchover."""
    primary = drill.primary
    first = True
    for address in drill.target.replicas():
        do = drill.fault if first else drill.step
        first = False
        do(f"the replica {name_of(address)} is restarted", lambda a=address: drill.restart(a))
        drill.wait_whole()
    for address in drill.target.addresses:
        drill.step(f"the vedette {name_of(address)} is restarted", lambda a=address: drill.restart(a, True))
        drill.wait_whole()
    drill.order("a switchover is ordered", drill.target.switch_over)
    drill.wait_switch()
    drill.wait_whole()
    drill.step(f"the former primary {name_of(primary)} is restarted", lambda: drill.restart(primary))


def coordinated(drill):
    """A switchover by order, to another primary."""
    drill.fault("a switchover is ordered", drill.target.switch_over)
    drill.wait_switch()


ALL = {
    "kill": kill,
    "hang": hang,
    "partition": partition,
    "empty-restart": empty_restart,
    "rolling-restart": rolling_restart,
    "coordinated": coordinated,
}
