# SPDX-License-Identifier: BSD-3-Clause
"""Tidy: the rules of the house that a compiler does not know.

  purity    what the core and proto call of the outside world is on a list, by their objects' symbols
  layers    a room includes only what stands below it, without circles
  sizes     a file or function that has grown too long has two reasons to change
  heads     every source says under which licence and what it is for
  receipts  only stores make the proof that a promise may leave
  listed    every source is in Makefile.am, so that none is forgotten or left out of the tarball

Run by make check in the build directory; `srcdir` and `NM` come from the environment.
tidy_selftest.py shows that every rule can fail.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

FILE_LINES = 520
FUNCTION_LINES = 65
# Tests are lists, which are long before they have a second reason to change.
TEST_FILE_LINES = 850
TEST_FUNCTION_LINES = 70

# Rooms from the ground up: what else a room's files may include. `None`: any system header.
ISO_HEADERS = set(
    """assert.h ctype.h errno.h inttypes.h limits.h stdalign.h stdarg.h stdbool.h stddef.h stdint.h
    stdio.h stdlib.h stdnoreturn.h string.h strings.h""".split()
)
ROOMS = {
    "base": (["base"], ISO_HEADERS),
    "core": (["core", "base"], ISO_HEADERS | {"uthash.h", "utlist.h"}),
    "proto": (["proto", "core", "base"], ISO_HEADERS | {"uthash.h", "utlist.h", "arpa/inet.h", "netinet/in.h"}),
    "draw": (["draw", "base"], ISO_HEADERS),
    "replay": (["replay", "draw", "proto", "core", "base"], ISO_HEADERS),
    "shell": (["shell", "proto", "core", "base"], None),
    "alert": (["alert", "shell", "proto", "core", "base"], None),
    "http": (["http", "alert", "shell", "proto", "core", "base"], None),
    # Files that configure a daemon are read by one reader, for both.
    "ctl": (["ctl", "proto", "base", "shell/config_load.h", "shell/tls_keys.h"], None),
}

# What a pure room may call. No clock, luck, file, socket, environment, or heap but through base.
PURE_SYMBOLS = set(
    """memchr memcmp bcmp memcpy memmove memrchr memset rawmemchr
    strcasecmp strchr strchrnul strcmp strcpy strcspn strlen strncasecmp strncmp strncpy strnlen
    strpbrk strrchr strspn strstr stpcpy
    strtol strtoll strtoul strtoull __errno_location __ctype_b_loc __ctype_tolower_loc
    __ctype_toupper_loc tolower toupper
    snprintf vsnprintf abort qsort bsearch
    __stack_chk_fail __assert_fail _GLOBAL_OFFSET_TABLE_""".split()
)
BASE_SYMBOLS = PURE_SYMBOLS | {"malloc", "calloc", "realloc", "free"}
PROTO_SYMBOLS = PURE_SYMBOLS | {"inet_pton", "inet_ntop"}
# library: (what it may call outside, the libraries whose symbols it may use)
PURE_LIBRARIES = {
    "libbase.a": (BASE_SYMBOLS, ["libbase.a"]),
    "libcore.a": (PURE_SYMBOLS, ["libcore.a", "libbase.a"]),
    "libproto.a": (PROTO_SYMBOLS, ["libproto.a", "libcore.a", "libbase.a"]),
}
INSTRUMENTED = re.compile(r"__(asan|ubsan|lsan|msan|tsan|sanitizer|gcov|llvm)_")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def sources(top, *folders):
    """The C files below the folders, relative to top."""
    found = []
    for folder in folders:
        found += [p.relative_to(top) for p in (top / folder).rglob("*.[ch]")]
    return sorted(found)


def symbols(nm, library):
    """(defined, undefined as {symbol: object}) of an archive."""
    out = subprocess.run(
        [nm, "-A", "-g", str(library)], check=True, capture_output=True, text=True
    ).stdout
    defined, undefined = set(), {}
    for line in out.splitlines():
        where, _, rest = line.rpartition(":")
        fields = rest.split()
        if len(fields) < 2:
            continue
        if fields[-2] in "Uwv":
            undefined.setdefault(fields[-1], where.rpartition(":")[2])
        else:
            defined.add(fields[-1])
    return defined, undefined


def check_purity(build, nm):
    for name, (allowed, below) in PURE_LIBRARIES.items():
        if not (build / name).exists():
            continue
        own = set()
        for library in below:
            if (build / library).exists():
                own |= symbols(nm, build / library)[0]
        for symbol, where in sorted(symbols(nm, build / name)[1].items()):
            plain = re.sub(r"^__(\w+)_chk$", r"\1", symbol)
            plain = re.sub(r"^__isoc\d+_", "", plain)
            if symbol in own or plain in allowed or INSTRUMENTED.match(symbol):
                continue
            yield f"{name}: {where} calls {symbol}, which {name} may not"


def check_layers(top):
    graph = {}
    for path in sources(top, "src"):
        room = path.parts[1] if len(path.parts) > 2 else None
        if room is not None and room not in ROOMS:
            yield f"{path}: unknown room {room}"
            continue
        below, system = ROOMS[room] if room else (list(ROOMS), None)
        edges = graph.setdefault(str(path.relative_to("src")), [])
        for kind, header in INCLUDE.findall((top / path).read_text()):
            if kind == "<":
                if system is not None and header not in system:
                    yield f"{path}: includes <{header}>, which {room} may not"
                continue
            edges.append(header)
            if "/" not in header or (header.split("/")[0] not in below and header not in below):
                yield f'{path}: includes "{header}", which does not stand below {room}'
            elif not (top / "src" / header).exists():
                yield f'{path}: includes "{header}", which is not there'
    yield from check_circles(graph)


def check_circles(graph):
    done = set()

    def walk(name, trail):
        if name in trail:
            yield "circle of includes: " + " -> ".join(trail[trail.index(name):] + [name])
            return
        if name in done:
            return
        for header in graph.get(name, []):
            yield from walk(header, trail + [name])
        done.add(name)

    for name in sorted(graph):
        yield from walk(name, [])


def check_sizes(top):
    for path in sources(top, "src", "tests"):
        is_test = path.parts[0] == "tests"
        most = TEST_FILE_LINES if is_test else FILE_LINES
        most_of_function = TEST_FUNCTION_LINES if is_test else FUNCTION_LINES
        lines = (top / path).read_text().splitlines()
        if len(lines) > most:
            yield f"{path}: {len(lines)} lines, more than {most}"
        start = 0
        for number, line in enumerate(lines, 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start:
                if number - start > most_of_function:
                    yield f"{path}:{start}: a function of {number - start} lines, more than {most_of_function}"
                start = 0


def check_heads(top):
    for path in sources(top, "src", "tests"):
        text = (top / path).read_text()
        if not text.startswith("/* SPDX-License-Identifier: BSD-3-Clause */\n"):
            yield f"{path}:1: no SPDX line"
            continue
        head = re.match(r"[^\n]*\n\s*/\*(.*?)\*/", text, re.DOTALL)
        told = head.group(1) if head else ""
        deferred = re.search(r"see (\w+\.h)", told)
        if deferred and (top / path).with_name(deferred.group(1)).exists():
            continue  # the contract stands in the header
        if len(re.findall(r"\w+", told)) < 5:
            yield f"{path}:2: no head comment that says what this is for"
    for folder in "tests", "packaging":
        for path in sorted((top / folder).rglob("*")):
            if path.suffix in (".sh", ".py") and path.is_file():
                if "SPDX-License-Identifier: BSD-3-Clause" not in path.read_text()[:200]:
                    yield f"{path.relative_to(top)}:1: no SPDX line"


def check_receipts(top):
    for path in sources(top, "src"):
        if re.match(r"src/(shell|replay)/store(_\w+)?\.c$", path.as_posix()):
            continue
        for number, line in enumerate((top / path).read_text().splitlines(), 1):
            if re.search(r"\bdurable\s*=\s*[^=\s]", line):
                yield f"{path}:{number}: makes a receipt; only stores may"


def check_listed(top):
    makefile = (top / "Makefile.am").read_text()
    listed = {w.rstrip(":") for w in re.split(r"[\s\\=]+", makefile) if "/" in w}
    made = re.search(r"^CLEANFILES = (.*)$", makefile, re.MULTILINE)
    listed -= set(made.group(1).split()) if made else set()
    there = {p.as_posix() for p in sources(top, "src", "tests")}
    for path in sorted(there - listed):
        if path.endswith(".c") and path[:-2] in listed:
            continue  # a program of one source goes by its name
        yield f"Makefile.am: {path} is not listed"
    for path in sorted(listed):
        if not re.match(r"(src|tests|man|conf|packaging)/", path):
            continue
        if f"{path.replace('/', '_')}_SOURCES" in makefile:
            continue  # a program of several
        if not (top / path).exists() and not (top / f"{path}.c").exists():
            yield f"Makefile.am: {path} is listed but not there"


def check_all(top, build, nm):
    yield from check_purity(build, nm)
    yield from check_layers(top)
    yield from check_sizes(top)
    yield from check_heads(top)
    yield from check_receipts(top)
    yield from check_listed(top)


def main():
    top = Path(os.environ.get("srcdir", "."))
    complaints = list(check_all(top, Path("."), os.environ.get("NM", "nm")))
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
