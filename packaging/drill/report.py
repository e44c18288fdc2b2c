# SPDX-License-Identifier: BSD-3-Clause
"""The report: one HTML file that needs nothing else, its plots SVG."""

import math
from html import escape

from load import ANSWERED, FAILED, READ, REFUSED, WRITE
from verdict import quantile

BUCKET_S = 0.25
WIDTH, HEIGHT = 960, 170
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 22

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1c2530; margin: 2em auto; max-width: 62em; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0; } h2 { font-size: 1.1em; margin: 1.8em 0 .4em; }
.verdict { display: inline-block; padding: .15em .7em; border-radius: .3em; color: #fff; font-weight: 600; }
.met { background: #1b7f4d; } .missed { background: #b3261e; }
table { border-collapse: collapse; } td, th { padding: .2em .9em .2em 0; text-align: left; vertical-align: top; }
th { font-weight: 600; border-bottom: 1px solid #cfd6dd; } td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.bad { color: #b3261e; font-weight: 600; } .note { color: #5a6672; }
svg { display: block; width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: #5a6672; }
.grid { stroke: #e3e8ed; } .axis { stroke: #9aa5b1; } .mark { stroke: #b3261e; stroke-dasharray: 3 3; }
.line { fill: none; stroke-width: 1.6; }
.key span { margin-right: 1.4em; } .key i { display: inline-block; width: 1.4em; height: .2em; vertical-align: middle; margin-right: .4em; }
"""


class Series:
    """What is plotted: for each quarter of a second, since the fault."""

    def __init__(self, load, fault_at):
        self.begin = load.began - fault_at
        self.end = load.ended - fault_at
        count = max(1, math.ceil((self.end - self.begin) / BUCKET_S))
        self.times = [self.begin + (n + 0.5) * BUCKET_S for n in range(count)]
        self.fault_at = fault_at
        self.count = count
        self.offered = self._rates(load.requests, lambda one: one.due, lambda one: True)
        self.reads = self._rates(load.requests, lambda one: one.done, is_answered(READ))
        self.writes = self._rates(load.requests, lambda one: one.done, is_answered(WRITE))
        self.lost = self._rates(load.requests, lambda one: one.done, lambda one: one.outcome in (FAILED, REFUSED))
        self.tries = {
            kind: self._rates([one for one in load.troubles if one[1] == kind], lambda one: one[0], lambda one: True)
            for kind in (READ, WRITE)
        }
        self.latency = {}
        for kind in (READ, WRITE):
            buckets = self._buckets(load.requests, lambda one: one.due, is_answered(kind))
            for share in (0.5, 0.99):
                self.latency[kind, share] = [
                    quantile([1000 * (one.done - one.due) for one in some], share) for some in buckets
                ]
        self.hits = [
            100 * sum(one.hit for one in some) / len(some) if some else None
            for some in self._buckets(load.requests, lambda one: one.due, is_answered(READ))
        ]
        self.depths = [
            max((depth for _, depth in some), default=None)
            for some in self._buckets(load.depths, lambda one: one[0], lambda one: True)
        ]

    def _buckets(self, things, when, fits):
        buckets = [[] for _ in range(self.count)]
        for one in things:
            place = int((when(one) - self.fault_at - self.begin) / BUCKET_S)
            if 0 <= place < self.count and fits(one):
                buckets[place].append(one)
        return buckets

    def _rates(self, things, when, fits):
        rates = [len(some) / BUCKET_S for some in self._buckets(things, when, fits)]
        # The last bucket is not a whole one.
        return rates[:-1] + [None]


def is_answered(kind):
    return lambda one: one.kind == kind and one.outcome == ANSWERED


# Plots ---------------------------------------------------------------------------


def nice_step(span, wanted=4):
    raw = span / wanted
    power = 10 ** math.floor(math.log10(raw))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= raw)


class Plot:
    """Lines over time. `log`: decades from 0.1 on, for what spans from a millisecond to seconds."""

    def __init__(self, series, marks, log=False, top=None):
        self.series, self.marks, self.log, self.top = series, marks, log, top
        self.lines = []

    def line(self, name, colour, values):
        self.lines.append((name, colour, values))
        return self

    def _scale(self):
        top = self.top or max((v for _, _, values in self.lines for v in values if v is not None), default=1) or 1
        if self.log:
            low, high = -1, max(1, math.ceil(math.log10(max(top, 0.1))))
            ticks = [(10.0**power, power) for power in range(low, high + 1)]
            return ticks, lambda v: (math.log10(max(v, 0.1)) - low) / (high - low)
        step = nice_step(top)
        last = math.ceil(top / step - 1e-9) * step
        return [(n * step, None) for n in range(round(last / step) + 1)], lambda v: v / last

    def svg(self):
        ticks, height_of = self._scale()
        inner_w, inner_h = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        begin, end = self.series.begin, self.series.end

        def x(at):
            return LEFT + inner_w * (at - begin) / (end - begin)

        def y(value):
            return TOP + inner_h * (1 - height_of(value))

        out = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
        for value, _ in ticks:
            out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
            out.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
        step = nice_step(end - begin, 10)
        at = math.ceil(begin / step) * step
        while at <= end:
            out.append(f'<text x="{x(at):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{at:g} s</text>')
            at += step
        for at, name in self.marks:
            if begin <= at <= end:
                out.append(
                    f'<line class="mark" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{TOP}" y2="{TOP + inner_h}">'
                    f"<title>{escape(name)}</title></line>"
                )
        out.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{TOP + inner_h}" y2="{TOP + inner_h}"/>')
        for _, colour, values in self.lines:
            out.extend(self._paths(colour, values, x, y))
        out.append("</svg>")
        return "".join(out)

    def _paths(self, colour, values, x, y):
        """A value that is not there breaks the line; one alone is a dot."""
        run = []
        for at, value in [*zip(self.series.times, values), (None, None)]:
            if value is not None:
                run.append(f"{x(min(at, self.series.end)):.1f},{y(value):.1f}")
                continue
            if len(run) == 1:
                px, py = run[0].split(",")
                yield f'<circle cx="{px}" cy="{py}" r="1.6" fill="{colour}"/>'
            elif run:
                yield f'<polyline class="line" stroke="{colour}" points="{" ".join(run)}"/>'
            run = []

    def html(self, title):
        key = "".join(f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour, _ in self.lines)
        return f'<h2>{escape(title)}</h2><div class="key note">{key}</div>{self.svg()}'


# The page -------------------------------------------------------------------------


def cell(value, unit="", digits=1):
    if value is None:
        return "&ndash;"
    text = f"{value:,.{digits}f}" if isinstance(value, float) else f"{value:,}"
    return f"{text}{unit}"


def rows(head, lines, numeric=()):
    marked = [' class="n"' if n in numeric else "" for n in range(len(head))]
    out = ["<table><tr>", *(f"<th{mark}>{name}</th>" for mark, name in zip(marked, head)), "</tr>"]
    for line in lines:
        out += ["<tr>", *(f"<td{mark}>{one}</td>" for mark, one in zip(marked, line)), "</tr>"]
    return "".join([*out, "</table>"])


def targets_of(result):
    return rows(
        ["", "target", "wanted", "found"],
        [
            (
                "met" if one["met"] else '<span class="bad">missed</span>',
                escape(one["target"]),
                escape(one["wanted"]),
                escape(one["found"]),
            )
            for one in result["targets"]
        ],
    )


def figures_of(figures):
    share = [100 * v if v is not None else None for v in (figures["hit_rate_before"], figures["hit_rate_after"])]
    both = [
        ("read, p50 / p99", *(f"{cell(figures[f'read_p50_{w}_ms'])} / {cell(figures[f'read_p99_{w}_ms'])} ms" for w in ("before", "after"))),
        ("write, p50 / p99", *(f"{cell(figures[f'write_p50_{w}_ms'])} / {cell(figures[f'write_p99_{w}_ms'])} ms" for w in ("before", "after"))),
        ("hit rate", cell(share[0], " %"), cell(share[1], " %")),
    ]
    whole = [
        ("longest time without an acknowledged write", cell(figures["write_outage_ms"], " ms", 0)),
        ("longest time without an answered read", cell(figures["read_outage_ms"], " ms", 0)),
        ("another primary is named after", cell(figures["switched_ms"], " ms", 0)),
        ("all is whole again after", cell(figures["whole_ms"], " ms", 0)),
        ("requests offered / answered", f"{cell(figures['offered'])} / {cell(figures['answered'])}"),
        ("failed / refused, as the queue was full", f"{cell(figures['failed'])} / {cell(figures['refused'])}"),
        ("tries that failed, and were made again", cell(figures["tries_failed"])),
        ("answers in the worst second", cell(figures["worst_second"])),
        ("longest queue, of at most", f"{cell(figures['longest_queue'])} of 2 x {cell(figures['queue_bound'])}"),
        ("sessions lost that a replica had acknowledged", cell(figures["sessions_confirmed_lost"])),
        ("sessions lost that only the dead primary had", cell(figures["sessions_unconfirmed_lost"])),
    ]
    return rows(["", "before the fault", "from the fault on"], both, (1, 2)) + "<br>" + rows(["in all", ""], whole, (1,))


def plots_of(result, series):
    marks = [(one["at_ms"] / 1000, one["what"]) for one in result["steps"]]
    blue, green, red, grey, amber = "#2563eb", "#1b7f4d", "#b3261e", "#9aa5b1", "#b7791f"
    latency = Plot(series, marks, log=True)
    for kind, colours in ((READ, (green, "#86c5a4")), (WRITE, (blue, "#93b4f5"))):
        for share, colour in zip((0.99, 0.5), colours):
            latency.line(f"{kind} p{share * 100:g}", colour, series.latency[kind, share])
    return [
        Plot(series, marks)
        .line("offered", grey, series.offered)
        .line("reads answered", green, series.reads)
        .line("writes answered", blue, series.writes)
        .line("failed or refused", red, series.lost)
        .html("Requests a second"),
        latency.html("Latency, from the moment a request was due (ms)"),
        Plot(series, marks, top=100).line("found in Redis", green, series.hits).html("Hit rate (%)"),
        Plot(series, marks)
        .line("reads", amber, series.tries[READ])
        .line("writes", red, series.tries[WRITE])
        .html("Tries that failed, a second"),
        Plot(series, marks).line("waiting", blue, series.depths).html("Requests that wait"),
    ]


def render(result, series):
    verdict = "met" if result["met"] else "missed"
    figures = result["figures"]
    parts = [
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>drill: {escape(result['scenario'])}</title><style>{STYLE}</style></head><body>",
        f"<h1>Drill: {escape(result['scenario'])} <span class='verdict {verdict}'>targets {verdict}</span></h1>",
        f"<p>{escape(result['what'])}<br><span class='note'>{escape(result['began'])}; {escape(result['set'])}; "
        f"{figures['rate']:g} requests a second, {figures['sessions']:,} sessions</span></p>",
    ]
    if result["trouble"]:
        parts.append(f"<p class='bad'>Not as it should be: {escape(result['trouble'])}</p>")
    parts.append(targets_of(result))
    parts += plots_of(result, series)
    parts.append("<p class='note'>Dashed: what was done, as in the list below. Time 0 is the fault.</p>")
    parts.append("<h2>What was done</h2>")
    parts.append(
        rows(
            ["after", "what", "how"],
            [(f"{one['at_ms']:,.0f} ms", escape(one["what"]), escape(one["how"])) for one in result["steps"]],
            (0,),
        )
    )
    parts.append("<h2>The failover, as the vedettes told it, from the fault or the order on</h2>")
    parts.append(failover_of(result["phases"]))
    parts.append("<h2>Figures</h2>")
    parts.append(figures_of(figures))
    parts.append("</body></html>\n")
    return "\n".join(parts)


def failover_of(phases):
    if not phases:
        return "<p class='note'>None of its events was heard.</p>"
    lines, before = [], 0.0
    for one in phases:
        # Events of one moment come in any order, through different vedettes.
        took = max(0.0, one["at_ms"] - before)
        lines.append((f"{one['at_ms']:,.0f} ms", f"{took:,.0f} ms", escape(one["event"]), escape(one["meaning"])))
        before = max(before, one["at_ms"])
    return rows(["after", "took", "event", ""], lines, (0, 1))
