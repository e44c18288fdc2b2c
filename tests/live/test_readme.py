# SPDX-License-Identifier: BSD-3-Clause
"""What the README says that can be held against the tree.

Its picture of a failover's states is printed from the table that rules them:
`/usr/bin/python3 tests/live/test_readme.py` writes it anew.
"""

import glob
import os
import re

import test_protocol

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
README = os.path.join(TOP, "README.md")
TESTS = os.path.join(TOP, "tests", "README.md")
BLOCK = re.compile(r"(<!-- states -->\n).*?(<!-- /states -->)", re.DOTALL)


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def table():
    """(name, names that may follow) of every state, in order."""
    source = read(os.path.join(TOP, "src", "core", "failover_state.c"))
    body = re.search(r"states\[VD_FO_COUNT\] = \{(.*?)\n\};", source, re.DOTALL).group(1)
    rows = re.findall(r"\[VD_FO_(\w+)\] = \{\"(\w+)\",\s*(.*?)\}", body, re.DOTALL)
    names = {constant: name for constant, name, _ in rows}
    return [(name, [names[to] for to in re.findall(r"TO\((\w+)\)", nexts)]) for _, name, nexts in rows]


def picture():
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> none"]
    for name, nexts in table():
        lines += [f"    {name} --> {to}" for to in nexts]
    return "\n".join([*lines, "```", ""])


def test_the_picture_of_states_is_the_tables():
    found = BLOCK.search(read(README)).group(0)
    assert found == f"<!-- states -->\n{picture()}<!-- /states -->"
    assert picture().count("-->") >= 10


def test_paths_are_those_of_any_machine():
    """An absolute path is a page's, or below a directory that every system has; none leads out of the tree."""
    pages = set()
    for source in glob.glob(os.path.join(TOP, "src", "http", "*.c")):
        pages |= set(re.findall(r'"/(\w+)', read(source)))
    for text in (read(README), read(TESTS)):
        text = BLOCK.sub("", text)
        firsts = set(re.findall(r"(?<![\w.:/})>\]~$*-])/(\w+)", text))
        assert firsts <= pages | {"etc", "run", "tmp", "usr", "var"}
        assert "../" not in text
    assert "metrics" in pages


def test_options_of_the_readme_exist():
    """Every option in the overview is a row of an option table."""
    tables = read(os.path.join(TOP, "src", "proto", "option_table.c"))
    tables += read(os.path.join(TOP, "src", "proto", "server_option.c"))
    overview = read(README).split("## Options")[1].split("## Promises")[0]
    names = [n for row in re.findall(r"^\| (`.*?) \|", overview, re.MULTILINE)
             for n in re.findall(r"`([a-z-]+)`", row)]
    assert len(names) >= 10
    for name in names:
        assert f'"{name}"' in tables or name == "-time", name


def test_what_can_be_counted_is_as_many():
    text = re.sub(r"\s+", " ", read(TESTS))
    mutants = glob.glob(os.path.join(TOP, "tests", "mutants", "*.patch"))
    assert f"the same {len(test_protocol.cases())} requests" in text
    assert f"sends both {len(test_protocol.BYTES)} pieces of bad input" in text
    names = [os.path.basename(one)[: -len(".patch")] for one in mutants]
    told = read(os.path.join(TOP, "tests", "sim", "README.md"))
    assert [name for name in names if name not in told] == []


def test_sums_of_the_suites():
    """What the README sums up is what the table has, which tests/peers counts."""
    passed = [int(one) for one in re.findall(r"\| (\d+) of \1 \|", read(TESTS))]
    assert len(passed) == 4 and f"{sum(passed)} of {sum(passed)}" in re.sub(r"\s+", " ", read(README))


def test_every_line_of_a_scenario_is_told():
    fields = re.findall(r'FIELD\("([a-z-]+)"', read(os.path.join(TOP, "tests", "sim", "scenario.c")))
    told = read(os.path.join(TOP, "tests", "scenario", "README.md"))
    assert len(fields) > 30
    assert [name for name in fields if not re.search(rf"`{name} \w+`", told)] == []


def test_what_stands_where_is_there():
    """Every path in these chapters exists, and no directory of tests is left out."""
    chapter = read(README).split("## Where things are")[1] + read(TESTS).split("## Where what is")[1].split("\n## ")[0]
    named = re.findall(r"`([a-z./]+)`", chapter)
    assert len(named) >= 10
    for name in named:
        assert os.path.exists(os.path.join(TOP, name)), name
    for path in glob.glob(os.path.join(TOP, "tests", "*", "")):
        name = os.path.basename(os.path.dirname(path))
        assert name.startswith("__") or f"tests/{name}" in named, name


if __name__ == "__main__":
    text = BLOCK.sub(lambda m: m.group(1) + picture() + m.group(2), read(README))
    with open(README, "w", encoding="utf-8") as out:
        out.write(text)
