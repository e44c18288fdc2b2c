# SPDX-License-Identifier: BSD-3-Clause
"""What the events of three sentinels say of a failover: how long each part took, and how elections went.

The same events of every program are read, by when they arrived at one client: what is compared is
measured by one clock and one ear.
"""

import re

# What ends each phase, and the event that tells; in their order. The last ends with the client's write.
STEPS = (
    ("detection", "+sdown"),
    ("agreement", "+odown"),
    ("candidacy", "+try-failover"),
    ("election", "+elected-leader"),
    ("selection", "+selected-slave"),
    ("promotion", "+promoted-slave"),
    ("announcement", "+switch-master"),
)
NAMES = (*(name for name, _ in STEPS), "client")
OWN = re.compile(r"failover (\S+) epoch (\d+): (.*?)(?:;|$)")


def events_since(watchers, instant):
    """All that the sentinels told since: (when, who, event, text), by time."""
    return sorted(
        (at, watcher.name, name, text) for watcher in watchers for at, name, text in watcher.all() if at >= instant
    )


def is_about_primary(name, text, group):
    return name != "+sdown" or text.startswith(f"master {group} ")


def of_events(events, group, struck, written):
    """Milliseconds of each phase between the strike and the first write; one that was not told is not there.

    Some of it may be told after the client has already written: that held up nobody, and is not there either.
    """
    leader = next((who for _, who, name, _ in events if name == "+elected-leader"), None)
    phases, last = {}, struck
    for phase, event in STEPS:
        told = [
            at for at, who, name, text in events
            if name == event and is_about_primary(name, text, group)
            and (event != "+try-failover" or who == leader)
        ]
        if not told or told[0] > written:
            continue
        phases[phase] = 1000 * max(0.0, told[0] - last)
        last = max(last, told[0])
    phases["client"] = 1000 * (written - last)
    return phases


def sdown_spread(events, group):
    """Milliseconds between the first and the last of the sentinels that took the primary for down; None: fewer than three."""
    first = {}
    for at, who, name, text in events:
        if name == "+sdown" and is_about_primary(name, text, group):
            first.setdefault(who, at)
    return 1000 * (max(first.values()) - min(first.values())) if len(first) == 3 else None


def elections(events):
    """(epochs in which somebody stood and nobody won, epochs in which two candidates got a vote, failovers begun)."""
    epoch_of, candidates = {}, {}  # a candidate's, by sentinel; who got votes, by epoch
    lost, won = set(), set()
    begun = 0
    standing = set()  # began, and has not yet voted for itself
    for _, who, name, text in events:
        if name == "+try-failover":
            begun += 1
            standing.add(who)
        elif name == "+vote-for-leader":
            candidate, epoch = text.split()[:2]
            candidates.setdefault(epoch, set()).add(candidate)
            if who in standing:
                standing.discard(who)
                epoch_of[who] = epoch
        elif name == "-failover-abort-not-elected":
            lost.add(epoch_of.get(who))
        elif name == "+elected-leader":
            won.add(epoch_of.get(who))
    return len(lost - won), sum(len(one) > 1 for one in candidates.values()), begun


def own(log, group):
    """The phases that vedette itself tells of its last failover in this log, in ms; {}: none."""
    found = [match for match in OWN.finditer(log) if match[1] == group]
    if not found:
        return {}
    return {name: int(ms) for name, ms in re.findall(r"(\w+) (\d+) ms", found[-1][3])}
