# SPDX-License-Identifier: BSD-3-Clause
"""One table of what the benches of tests/bench/run.sh wrote, and pictures of it.

    /usr/bin/python3 tests/bench/report.py [--plot] directory
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

from marathon import percentile  # noqa: E402

OURS, THEIRS = "vedette", "redis-sentinel"


def load(directory):
    results = {}
    for name in sorted(os.listdir(directory)):
        if name.endswith(".json"):
            with open(os.path.join(directory, name), encoding="utf-8") as source:
                results[name[:-5]] = json.load(source)
    return results


def ratio(ours, theirs):
    if ours in (None, 0) or theirs in (None, 0):
        return ""
    return f"{theirs / ours:.1f}"


def row(what, ours, theirs, unit, rate):
    def shown(value):
        return "never" if value is None else f"{value} {unit}".strip()

    return f"| {what} | {shown(ours)} | {shown(theirs)} | {rate} |"


def failover_rows(name, result):
    outage, wait = result["outage_ms"], result["beyond_ms"]
    title = f"{name.removeprefix('failover-')}, down-after {result['down_after_ms']} ms"
    beyond = " beyond it" if wait else ""

    def cell(program):
        values = outage.get(program)
        if not values:
            return "-"
        return (
            f"{percentile(values, 50):.0f} / {percentile(values, 99):.0f} / {max(values):.0f} ms, "
            f"{sum(result['lost'][program])} lost in {len(values)}"
        )

    both = all(outage.get(program) for program in (OURS, THEIRS))
    rate = ratio(*(percentile(outage[p], 50) for p in (OURS, THEIRS))) if both else ""
    return [f"| {title}: until a write succeeds{beyond}, median / p99 / max | {cell(OURS)} | {cell(THEIRS)} | {rate} |"]


def idle_rows(result):
    names = {"rss_kb": "resident memory", "pss_kb": "its share (PSS)"}
    lines = [
        row(f"idle, one group: {text}", result[OURS][key], result[THEIRS][key], "kB",
            ratio(result[OURS][key], result[THEIRS][key]))
        for key, text in names.items()
    ]
    ours, theirs = (result[name]["cpu_ms_per_s"] for name in (OURS, THEIRS))
    return [*lines, row("idle, one group: CPU", ours, theirs, "ms/s", ratio(ours, theirs))]


def query_rows(result):
    lines = []
    for one in result["questions"]:
        ours, theirs = (one[name]["cpu_us"] for name in (OURS, THEIRS))
        title = f"{one['question']}, {one['clients']} clients, {one['pipelined']} pipelined: CPU for each"
        lines.append(row(title, ours, theirs, "us", ratio(ours, theirs)))
    ours, theirs = (result["subscribers"][name]["spread_ms"] for name in (OURS, THEIRS))
    count = result["subscribers"][OURS]["subscribers"]
    lines.append(row(f"+switch-master to {count}: first to last", ours, theirs, "ms", ratio(ours, theirs)))
    ours, theirs = (result["idle clients"][name] for name in (OURS, THEIRS))
    lines.append(row(f"{ours['clients']} idle clients: memory each", ours["kb_each"], theirs["kb_each"], "kB",
                     ratio(ours["kb_each"], theirs["kb_each"])))
    return lines


def scale_rows(result):
    lines = []
    counts = sorted({one["groups"] for one in result})
    for count in counts:
        ours, theirs = (
            next(one for one in result if one["program"] == name and one["groups"] == count)
            for name in (OURS, THEIRS)
        )
        for key, text, unit in (
            ("discovered_s", "all known after", "s"),
            ("cpu_us_per_s_and_group", "CPU for each", "us/s"),
            ("pss_kb", "memory (PSS)", "kB"),
            ("messages_per_s_and_group", "messages a second for each", ""),
            ("ping_late_p99_ms", "PING late, p99", "ms"),
        ):
            lines.append(row(f"{count} groups: {text}", ours[key], theirs[key], unit, ratio(ours[key], theirs[key])))
        if "mass" in ours:
            cells = [
                f"{one['mass']['agreed']} of {one['mass']['killed']}, last after {one['mass']['last_s']} s"
                if one["mass"]["last_s"]
                else f"{one['mass']['agreed']} of {one['mass']['killed']} within {one['mass']['waited_s']:.0f} s"
                for one in (ours, theirs)
            ]
            lines.append(f"| {count} groups, {ours['mass']['killed']} primaries die: all three agree | {cells[0]} | {cells[1]} | |")
            waits = [one["mass"]["query_ms"] for one in (ours, theirs)]
            lines.append(row(f"{count} groups: a question meanwhile, p99", waits[0]["p99"], waits[1]["p99"], "ms",
                             ratio(waits[0]["p99"], waits[1]["p99"])))
    return lines


def table(results):
    lines = ["| | vedette | redis-sentinel | ratio |", "|---|---|---|---|"]
    for name, result in results.items():
        if name.startswith("failover-"):
            lines += failover_rows(name, result)
    if "idle" in results:
        lines += idle_rows(results["idle"])
    if "queries" in results:
        lines += query_rows(results["queries"])
    if "scale" in results:
        lines += scale_rows(results["scale"])
    return "\n".join(lines) + "\n"


def plot(results, directory):
    try:
        import matplotlib
    except ModuleNotFoundError:
        sys.exit("report.py: --plot needs python3-matplotlib")
    matplotlib.use("svg")
    from matplotlib import pyplot

    colours = {OURS: "#2a6f97", THEIRS: "#c1121f"}
    kills = results.get("failover-kill")
    if kills:
        figure, axes = pyplot.subplots(figsize=(7, 3))
        for program, values in kills["outage_ms"].items():
            ordered = sorted(values)
            axes.step(ordered, [(i + 1) / len(ordered) for i in range(len(ordered))], where="post",
                      label=program, color=colours[program])
        axes.set(xscale="symlog", xlabel="write outage beyond down-after, ms", ylabel="share of kills")
        axes.legend()
        figure.tight_layout()
        figure.savefig(os.path.join(directory, "failover.svg"))
    if results.get("scale"):
        figure, axes = pyplot.subplots(1, 2, figsize=(9, 3))
        for program in (OURS, THEIRS):
            rows = [one for one in results["scale"] if one["program"] == program]
            counts = [one["groups"] for one in rows]
            axes[0].plot(counts, [one["cpu_ms_per_s"] for one in rows], "o-", label=program, color=colours[program])
            axes[1].plot(counts, [one["pss_kb"] / 1024 for one in rows], "o-", label=program, color=colours[program])
        axes[0].set(xlabel="groups", ylabel="CPU, ms/s")
        axes[1].set(xlabel="groups", ylabel="memory (PSS), MiB")
        axes[0].legend()
        figure.tight_layout()
        figure.savefig(os.path.join(directory, "scale.svg"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", action="store_true", help="pictures too (python3-matplotlib)")
    parser.add_argument("--quick", action="store_true", help="say that the figures are coarse")
    parser.add_argument("directory")
    args = parser.parse_args()
    results = load(args.directory)
    text = table(results)
    if args.quick:
        text += "\nA quick run: few trials, coarse figures.\n"
    print(text, end="")
    with open(os.path.join(args.directory, "table.md"), "w", encoding="utf-8") as out:
        out.write(text)
    if args.plot:
        plot(results, args.directory)


if __name__ == "__main__":
    main()
