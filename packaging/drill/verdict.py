# SPDX-License-Identifier: BSD-3-Clause
"""Figures from what was measured, and what is made of them. Times in ms, but for `at`: seconds after the fault."""

from load import ANSWERED, FAILED, READ, REFUSED, WRITE

OUTAGE_MS = 5000
HELD_SHARE = 0.99
HIT_SHARE = 0.85


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def latencies(requests):
    return [1000 * (one.done - one.due) for one in requests if one.outcome == ANSWERED]


def longest_gap_ms(times, begin, end):
    """The longest time without an answer between begin and end, which count as answers."""
    marks = [begin, *sorted(at for at in times if begin < at < end), end]
    return 1000 * max(later - sooner for sooner, later in zip(marks, marks[1:]))


def hit_rate(requests):
    reads = [one for one in requests if one.kind == READ and one.outcome == ANSWERED]
    return sum(one.hit for one in reads) / len(reads) if reads else None


def outage_ms(load, kind, fault_at):
    """Between the last answer before the fault and the end of the load."""
    times = [one.done for one in load.requests if one.kind == kind and one.outcome == ANSWERED]
    before = [at for at in times if at <= fault_at]
    return longest_gap_ms(times, max(before, default=fault_at), load.ended)


def count(requests, outcome):
    return sum(one.outcome == outcome for one in requests)


def worst_second(requests, begin, end):
    """The fewest answers in any whole second, of all that came."""
    buckets = [0] * max(1, int(end - begin))
    for one in requests:
        place = int(one.done - begin)
        if one.outcome == ANSWERED and 0 <= place < len(buckets) and one.done >= begin:
            buckets[place] += 1
    return min(buckets)


def summarise(load, fault_at):
    before = [one for one in load.requests if one.due < fault_at]
    after = [one for one in load.requests if one.due >= fault_at]
    figures = {
        "rate": load.rate,
        "offered": len(load.requests),
        "answered": count(load.requests, ANSWERED),
        "failed": count(load.requests, FAILED),
        "refused": count(load.requests, REFUSED),
        "tries_failed": len(load.troubles),
        "offered_after": len(after),
        "answered_after": count(after, ANSWERED),
        "worst_second": worst_second(load.requests, fault_at, load.ended),
        "longest_queue": max((depth for _, depth in load.depths), default=0),
        "queue_bound": load.bound,
        "write_outage_ms": outage_ms(load, WRITE, fault_at),
        "read_outage_ms": outage_ms(load, READ, fault_at),
        "sessions": len(load.sessions),
        "losses_known": load.looked,
        "sessions_confirmed_lost": sum(one.confirmed for one in load.losses),
        "sessions_unconfirmed_lost": sum(not one.confirmed for one in load.losses),
        "hit_rate_before": hit_rate(before),
        "hit_rate_after": hit_rate(after),
    }
    for when, some in (("before", before), ("after", after)):
        for kind in (READ, WRITE):
            values = latencies([one for one in some if one.kind == kind])
            for name, share in (("p50", 0.5), ("p99", 0.99)):
                figures[f"{kind}_{name}_{when}_ms"] = quantile(values, share)
    return figures


def judge(figures, is_whole):
    """[(target, wanted, found, met)]"""
    held = figures["answered_after"] / figures["offered_after"] if figures["offered_after"] else 0.0
    hits = figures["hit_rate_after"] or 0.0
    return [
        (
            "no longer without an acknowledged write",
            f"< {OUTAGE_MS} ms",
            f"{figures['write_outage_ms']:.0f} ms",
            figures["write_outage_ms"] < OUTAGE_MS,
        ),
        (
            "no session lost that a replica had acknowledged",
            "0",
            str(figures["sessions_confirmed_lost"]) if figures["losses_known"] else "not known",
            figures["losses_known"] and figures["sessions_confirmed_lost"] == 0,
        ),
        (
            f"{figures['rate']:g} requests a second held: answered, by replicas or after waiting, from the fault on",
            f">= {100 * HELD_SHARE:g} %",
            f"{100 * held:.2f} %",
            held >= HELD_SHARE,
        ),
        ("hit rate from the fault on", f"> {100 * HIT_SHARE:g} %", f"{100 * hits:.1f} %", hits > HIT_SHARE),
        (
            "at the end one primary, followed by all, and all vedettes agree",
            "yes",
            "yes" if is_whole else "no",
            is_whole,
        ),
    ]
