# SPDX-License-Identifier: BSD-3-Clause
"""RESULTS.md of what the benches of tests/bench/run.sh wrote: the machine, the tables, the pictures, the notes.

    /usr/bin/python3 tests/bench/report.py [--plot] [--command TEXT] directory

Every NAME.json in the directory is a result. The notes are tests/bench/notes/*.md, written by people. Written are
RESULTS.md, results.json (all in one) and with --plot pictures/*.svg, in the same directory.
"""

import argparse
import datetime
import json
import os
import platform
import re

import houses
import pictures
import tables

NOTES = os.path.join(houses.HERE, "notes")
ALL = "results.json"
PICTURES = "pictures"


def load(directory):
    results = {}
    for name in sorted(os.listdir(directory)):
        if name.endswith(".json") and name != ALL:
            with open(os.path.join(directory, name), encoding="utf-8") as source:
                results[name[:-5]] = json.load(source)
    return results


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as source:
        found = re.search(r"model name\s*: (.*)", source.read())
    return found[1] if found else platform.machine()


def machine(command):
    programs = [houses.version(name) for name in (*houses.installed(), "redis-server")]
    kernel = re.match(r"[\d.]*\d", platform.release())[0]
    with open("/proc/meminfo", encoding="ascii") as source:
        memory = int(source.readline().split()[1]) >> 20
    return [
        f"{datetime.date.today()}; {os.cpu_count()} cores ({processor()}), {memory} GiB, Linux {kernel}; {', '.join(programs)}.",
        "All processes of a bench, the client's too, share these cores. Repeat it:", "",
        f"    {command}", "",
    ]


def notes():
    lines = []
    if os.path.isdir(NOTES):
        for name in sorted(os.listdir(NOTES)):
            if name.endswith(".md"):
                with open(os.path.join(NOTES, name), encoding="utf-8") as source:
                    lines += [source.read().rstrip(), ""]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", action="store_true", help="pictures too (python3-matplotlib)")
    parser.add_argument("--quick", action="store_true", help="say that the figures are coarse")
    parser.add_argument("--command", default="VEDETTE=path sh tests/bench/run.sh --plot", help="what made these results")
    parser.add_argument("--failed", nargs="*", default=[], help="the benches that did not pass")
    parser.add_argument("directory")
    args = parser.parse_args()
    results = load(args.directory)
    lines = ["# What tests/bench measured", "", *machine(args.command)]
    if args.quick:
        lines += ["A quick run: few trials, coarse figures.", ""]
    if args.failed:
        lines += [f"Not passed: {', '.join(args.failed)}.", ""]
    drawn = pictures.draw_all(results, os.path.join(args.directory, PICTURES)) if args.plot else []
    for name, caption in drawn:
        lines += [f"![{caption}]({PICTURES}/{name})", "", f"*{caption}*", ""]
    for section in tables.SECTIONS:
        lines += section(results)
    lines += notes()
    text = "\n".join(lines).rstrip() + "\n"
    print(text, end="")
    with open(os.path.join(args.directory, "RESULTS.md"), "w", encoding="utf-8") as out:
        out.write(text)
    with open(os.path.join(args.directory, ALL), "w", encoding="utf-8") as out:
        json.dump(results, out, indent=1)


if __name__ == "__main__":
    main()
