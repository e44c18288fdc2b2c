# SPDX-License-Identifier: BSD-3-Clause
"""The tables of tests/bench/RESULTS.md, from what the benches wrote: sections of markdown, each a list of lines."""

import phases
from houses import PROGRAMS
from marathon import percentile

OURS = PROGRAMS[0]
PEERS = PROGRAMS[1:]
WAYS = ("kill", "hang", "cut", "together", "order", "coordinated", "restart")
WORDS = {
    "kill": "primary killed",
    "hang": "primary hung (SIGSTOP)",
    "cut": "network of its host cut",
    "together": "killed, all see it in the same ms",
    "order": "SENTINEL FAILOVER",
    "coordinated": "... COORDINATED",
    "restart": "restarted empty",
}


def number(value):
    """Three figures are enough."""
    if value is None:
        return "-"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio(ours, theirs):
    return f"{theirs / ours:.1f}" if ours and theirs and ours > 0 else ""


def grid(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]


class Columns:
    """vedette, then each peer that took part with its ratio."""

    def __init__(self, programs):
        self.peers = [name for name in PEERS if name in programs]

    def head(self, *first):
        return [*first, OURS, *(text for name in self.peers for text in (name, "ratio"))]

    def row(self, first, cell, value, of):
        """`of` maps program to what cell() and value() make text and a number of; both take None for absent."""
        texts = [*first, cell(of[OURS]) if OURS in of else "-"]
        for name in self.peers:
            there = name in of
            texts += [cell(of[name]), ratio(value(of[OURS]), value(of[name]))] if there and OURS in of else ["-", ""]
        return texts

    def plain(self, what, unit, of):
        return self.row([what], lambda one: "not in time" if one is None else f"{number(one)} {unit}".strip(), lambda one: one, of)


def runs_of(results):
    """The results of failover.py, by way, down-after and latency."""
    runs = [(name, one) for name, one in results.items() if name.startswith("failover-")]
    return sorted(runs, key=lambda run: (WAYS.index(run[1]["way"]), run[1]["latency_ms"], run[1]["down_after_ms"], run[0]))


def title(name, run):
    words = WORDS[run["way"]] + (", in a row" if name == "failover-long" else "")
    return words + (f", {run['latency_ms']} ms each way between sentinels" if run["latency_ms"] else "")


def beyond(run, trials):
    return [one["outage_ms"] - run["beyond_ms"] for one in trials]


def failover(results):
    runs = runs_of(results)
    if not runs:
        return []
    columns = Columns({program for _, run in runs for program in run["trials"]})
    rows = []
    for name, run in runs:
        def cell(trials, run=run):
            values = beyond(run, trials)
            return (f"{percentile(values, 50):.0f} / {percentile(values, 99):.0f} / {max(values):.0f}; "
                    f"{sum(one['lost'] for one in trials)} lost")

        def value(trials, run=run):
            return percentile(beyond(run, trials), 50)

        first = [title(name, run), str(run["down_after_ms"]) if run["beyond_ms"] else "-", str(len(run["trials"][OURS]))]
        rows.append(columns.row(first, cell, value, run["trials"]))
    return [
        "## Failover: how long a client cannot write", "",
        "Milliseconds from the fault until the next acknowledged write, beyond down-after where that has to pass:",
        "median / p99 / maximum; acknowledged writes that the new primary does not have. The ratio is of medians.",
        "(After an order it is the first write at the new primary that counts. The originals leave the old one a primary for",
        "some 10 s: clients are not without one, but go on writing there, and all of that is lost.)", "",
        *grid(columns.head("fault", "down-after, ms", "trials"), rows), "",
    ]


def parts(results):
    rows, own_rows = [], []
    own_names = ("silence", "agreement", "election", "selection", "promotion", "total", "replicas")

    def medians(names, dicts):
        return [number(percentile([one[name] for one in dicts if name in one], 50))
                if any(name in one for one in dicts) else "" for name in names]

    for name, run in runs_of(results):
        for program in (one for one in PROGRAMS if one in run["trials"]):
            told = [dict(one["phases_ms"]) for one in run["trials"][program]]
            for one in told:
                if "detection" in one:
                    one["detection"] -= run["beyond_ms"]
            first = [title(name, run), str(run["down_after_ms"]), program]
            rows.append([*first, *medians(phases.NAMES, told)])
            own = [one["own_ms"] for one in run["trials"][program] if one["own_ms"]]
            if own:
                own_rows.append([*first[:2], *medians(own_names, own)])
    if not rows:
        return []
    return [
        "## Where the time of a failover goes", "",
        "Medians in milliseconds, by when one client heard the events of the three: from the fault to the first +sdown",
        "(beyond down-after), +odown, the leader's +try-failover, +elected-leader, +selected-slave, +promoted-slave,",
        "+switch-master, and the write. Empty: not told, or only after the client had already written.", "",
        *grid(["fault", "down-after", "program", *phases.NAMES], rows), "",
        "And by vedette's own account (its history; silence begins with the first unanswered PING or the loss of the link):", "",
        *grid(["fault", "down-after", *own_names], own_rows), "",
    ]


def tails(results):
    rows = []
    for name, run in runs_of(results):
        for program in (one for one in PROGRAMS if one in run["trials"]):
            trials = run["trials"][program]
            spreads = [one["sdown_spread_ms"] for one in trials if one["sdown_spread_ms"] is not None]
            values = beyond(run, trials)
            rows.append([
                title(name, run), str(run["down_after_ms"]), program, str(len(trials)),
                f"{percentile(values, 99):.0f}", f"{max(values):.0f}",
                *(str(sum(one[key] for one in trials)) for key in ("failed_elections", "split_votes")),
                str(sum(one["failovers"] > 1 for one in trials)),
                str(sum(one["false_alarms"] for one in trials)),
                f"{sum(one < 1 for one in spreads)} of {len(spreads)}" if spreads else "",
            ])
    if not rows:
        return []
    return [
        "## Tails and elections", "",
        "An election failed when somebody stood in an epoch and nobody won it; a vote is split when two had one of an epoch.", "",
        *grid(["fault", "down-after", "program", "trials", "p99, ms", "max, ms", "elections failed", "votes split",
               "trials with a second failover", "failovers without a fault", "S_DOWN at all three within 1 ms"], rows), "",
    ]


def lowcpu(results):
    rows = []
    for name, result in results.items():
        if not name.startswith("lowcpu"):
            continue
        for program in (one for one in PROGRAMS if one in result):
            one = result[program]
            rows.append([
                program, number(one["minutes"]), str(one["requests_per_s"]), str(one["false_sdown"]), number(one["cpu_ms_per_s"]),
                f"{one['throttled_times']} times, {one['throttled_s']} s", str(one["peak_kb"]),
                " ".join(str(ms) for ms in one["failover_ms"]), str(one["lost"]),
            ])
    if not rows:
        return []
    return [
        "## A tenth of a CPU and 128 MB", "",
        "Each sentinel in a control group of its own; down-after 3000 ms. The failovers are from the kill, down-after included;",
        "kills are failover-timeout apart.", "",
        *grid(["program", "minutes", "writes/s", "false S_DOWN", "CPU, ms/s", "throttled", "memory peak, kB",
               "kill to write, ms", "writes lost"], rows), "",
    ]


def footprint(results):
    result = results.get("idle")
    if not result:
        return []
    columns = Columns(result)
    names = (("rss_kb", "resident memory (RSS)", "kB"), ("pss_kb", "its share (PSS)", "kB"), ("cpu_ms_per_s", "CPU", "ms/s"))
    rows = [columns.plain(text, unit, {name: one[key] for name, one in result.items()}) for key, text, unit in names]
    return ["## Footprint: one group, nothing happens", "", *grid(columns.head(""), rows), ""]


def queries(results):
    result = results.get("queries")
    if not result:
        return []
    programs = [name for name in PROGRAMS if name in result["subscribers"]]
    columns = Columns(programs)
    rows = []
    for one in result["questions"]:
        first = [one["question"], str(one["clients"]), str(one["pipelined"])]
        rows.append(columns.row(
            first, lambda cost: f"{1e6 / cost['cpu_us']:,.0f}" if cost["cpu_us"] else "-",
            lambda cost: cost["cpu_us"], {name: one[name] for name in programs},
        ))
    others = []
    count = result["subscribers"][OURS]["subscribers"]
    for key, text in (("first_ms", "first"), ("last_ms", "last"), ("spread_ms", "from the first to the last")):
        others.append(columns.plain(f"+switch-master to {count} subscribers after an order: {text}", "ms",
                                    {name: result["subscribers"][name][key] for name in programs}))
    count = result["idle clients"][OURS]["clients"]
    for key, text, unit in (("kb_each", "memory each", "kB"), ("cpu_ms_per_s", "CPU for all", "ms/s")):
        others.append(columns.plain(f"{count} idle clients: {text}", unit, {name: result["idle clients"][name][key] for name in programs}))
    return [
        "## Queries: answers for each second of the sentinel's CPU", "",
        "100 groups; the ratio says how many times as many vedette answers for the same CPU.", "",
        *grid(columns.head("question", "clients", "pipelined"), rows), "", *grid(columns.head(""), others), "",
    ]


def scale(results):
    result = results.get("scale")
    if not result:
        return []
    columns = Columns({one["program"] for one in result})
    rows = []
    for count in sorted({one["groups"] for one in result}):
        of = {one["program"]: one for one in result if one["groups"] == count and "silent_s" not in one}
        for key, text, unit in (
            ("discovered_s", "all known after", "s"),
            ("cpu_us_per_s_and_group", "CPU for each group", "us/s"),
            ("pss_kb", "memory (PSS)", "kB"),
            ("descriptors", "descriptors", ""),
            ("messages_per_s_and_group", "messages a second for each", ""),
            ("ping_late_p99_ms", "PING late, p99", "ms"),
            ("hello_late_p99_ms", "hello late, p99", "ms"),
        ):
            rows.append([str(count), *columns.plain(text, unit, {name: one[key] for name, one in of.items()})])
        waits = {name: one["query_while_discovering_ms"]["max"] for name, one in of.items()}
        rows.append([str(count), *columns.plain("longest wait for an answer while discovering", "ms", waits)])
        mass = {name: one["mass"] for name, one in of.items() if "mass" in one}
        if OURS not in mass:
            continue
        rows.append([str(count), *columns.row(
            [f"{mass[OURS]['killed']} primaries die at once: all three agree on a successor"],
            lambda one: f"{one['agreed']}, last after {one['last_s']} s" if one["last_s"]
            else f"{one['agreed']} within {one['waited_s']:.0f} s",
            lambda one: one["last_s"], mass,
        )])
        rows.append([str(count), *columns.plain("a question meanwhile, p99", "ms", {name: one["query_ms"]["p99"] for name, one in mass.items()})])
    silent = [f"{one['program']} with {one['groups']} groups: no answer to PING in the first {one['silent_s']} s, and not measured further."
              for one in result if "silent_s" in one]
    return ["## Scale: many groups of three servers, three sentinels", "", *grid(columns.head("groups", ""), rows), "", *silent, ""]


def memory(results):
    result = results.get("memory")
    if not result:
        return []
    samples = result["private_kb"]
    return [
        "## Does it grow", "",
        f"{len(samples)} failovers, clients that come and go: unshared memory {samples[0]} kB after the first, {samples[-1]} kB after "
        f"the last; median of the last quarter less that of the first {result['growth_kb']:+} kB.", "",
    ]


SECTIONS = (failover, parts, tails, lowcpu, footprint, queries, scale, memory)
