# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of tests/bench/RESULTS.md as SVG (python3-matplotlib)."""

import os
import sys

import phases
from houses import PROGRAMS
from tables import WORDS, beyond

COLOURS = dict(zip(PROGRAMS, ("#2a6f97", "#c1121f", "#e09f3e")))


def start():
    try:
        import matplotlib
    except ModuleNotFoundError:
        sys.exit("report.py: --plot needs python3-matplotlib (packaging/install-deps.sh --bench)")
    matplotlib.use("svg")
    # Text stays text, and the same figures make the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "vedette", "axes.spines.top": False,
                                "axes.spines.right": False, "font.size": 9})
    from matplotlib import pyplot

    return pyplot


def save(figure, directory, name):
    figure.tight_layout()
    figure.savefig(os.path.join(directory, name), metadata={"Date": None})


def draw_failover(pyplot, results, directory):
    """The share of trials that were over by then, a panel for each fault."""
    runs = [results[name] for name in ("failover-kill-1000", "failover-hang-1000", "failover-cut-1000") if name in results]
    if not runs:
        return None
    figure, panels = pyplot.subplots(1, len(runs), figsize=(3.2 * len(runs), 2.8), sharey=True, squeeze=False)
    for axes, run in zip(panels[0], runs):
        for program, trials in run["trials"].items():
            ordered = sorted(max(1.0, value) for value in beyond(run, trials))
            axes.step([ordered[0], *ordered], [100 * n / len(ordered) for n in range(len(ordered) + 1)], where="post",
                      label=program, color=COLOURS[program])
        axes.set(xscale="log", xlabel="ms beyond down-after", title=WORDS[run["way"]], xlim=(5, 5000))
        axes.set_xticks([10, 100, 1000], ["10", "100", "1000"])
    panels[0][0].set_ylabel("% of trials")
    panels[0][0].legend(frameon=False, loc="center left", fontsize=8)
    save(figure, directory, "failover.svg")
    return "failover.svg", "Until the next acknowledged write, beyond down-after 1000 ms"


def layers(run, program):
    """The median of each phase, beyond down-after; None: most trials were not told of it, and its time is in the next."""
    trials = [one["phases_ms"] for one in run["trials"][program]]
    medians = {}
    for name in phases.NAMES:
        told = sorted(one[name] - (run["beyond_ms"] if name == "detection" else 0) for one in trials if name in one)
        medians[name] = max(0.0, told[len(told) // 2]) if 2 * len(told) > len(trials) else None
    return medians


def draw_phases(pyplot, results, directory):
    """The medians of the phases on top of each other, without the wait of down-after; who was untold is a gap, and named."""
    bars = {f"{results[name]['way']}: {program}": layers(results[name], program)
            for name in ("failover-kill-1000", "failover-hang-1000", "failover-cut-1000") if name in results
            for program in PROGRAMS if program in results[name]["trials"]}
    if not bars:
        return None
    figure, axes = pyplot.subplots(figsize=(9, 0.35 * len(bars) + 1.2))
    palette = pyplot.get_cmap("tab10")
    left = dict.fromkeys(bars, 0.0)
    for place, name in enumerate(phases.NAMES):
        axes.barh(list(bars), [bar[name] or 0.0 for bar in bars.values()], left=list(left.values()), label=name,
                  color=palette(place), height=0.7)
        left = {label: left[label] + (bar[name] or 0.0) for label, bar in bars.items()}
    longest = max(left.values())
    for row, (label, bar) in enumerate(bars.items()):
        untold = [name for name, ms in bar.items() if ms is None]
        at = 0.0
        for ms in bar.values():
            if ms is None:
                axes.vlines(at, row - 0.36, row + 0.36, color="white", linewidth=3)
            at += ms or 0.0
        if untold:
            axes.text(left[label] + longest / 100, row, f"untold: {', '.join(untold)}", va="center", fontsize=7)
            axes.set_xlim(0, 1.3 * longest)
    axes.invert_yaxis()
    axes.set(xlabel="ms beyond down-after, medians")
    axes.legend(frameon=False, ncols=4, fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 1.0))
    save(figure, directory, "phases.svg")
    return "phases.svg", "Where that time goes (untold, or only after the client's write: its time is in the next one's)"


def draw_long(pyplot, results, directory):
    run = results.get("failover-long")
    if not run:
        return None
    figure, axes = pyplot.subplots(figsize=(9, 2.4))
    for program, trials in run["trials"].items():
        values = beyond(run, trials)
        axes.plot(range(1, len(values) + 1), values, ".", label=program, color=COLOURS[program])
    axes.set(xlabel="kill", ylabel="ms beyond down-after", ylim=(0, None))
    save(figure, directory, "tail.svg")
    return "tail.svg", f"{len(values)} kills in a row, down-after {run['down_after_ms']} ms (vedette)"


def draw_scale(pyplot, results, directory):
    rows = results.get("scale")
    if not rows:
        return None
    figure, panels = pyplot.subplots(1, 4, figsize=(12, 2.8))
    for program in PROGRAMS:
        mine = [one for one in rows if one["program"] == program and "silent_s" not in one]
        if not mine:
            continue
        counts = [one["groups"] for one in mine]
        series = (
            [one["cpu_ms_per_s"] for one in mine],
            [one["pss_kb"] / 1024 for one in mine],
            [one["discovered_s"] for one in mine],
            [(one.get("mass") or {}).get("last_s") for one in mine],
        )
        for axes, values in zip(panels, series):
            there = [(count, value) for count, value in zip(counts, values) if value is not None]
            axes.plot([count for count, _ in there], [value for _, value in there], "o-", label=program, color=COLOURS[program])
    for axes, text in zip(panels, ("CPU, ms/s", "memory (PSS), MiB", "all known after, s", "a fifth dies: all agree after, s")):
        axes.set(xlabel="groups", title=text)
        axes.set_xlim(left=0)
        axes.set_ylim(0, 1.05 * max([axes.dataLim.y1, 1e-9]))
    panels[0].legend(frameon=False)
    save(figure, directory, "scale.svg")
    return "scale.svg", "Many groups (no point: not within the time given)"


def draw_all(results, directory):
    """The (file, caption) of each that could be drawn."""
    pyplot = start()
    os.makedirs(directory, exist_ok=True)
    drawn = [draw(pyplot, results, directory) for draw in (draw_failover, draw_phases, draw_long, draw_scale)]
    return [one for one in drawn if one]
