# SPDX-License-Identifier: BSD-3-Clause
"""Shows that tidy can fail: a clean sample house passes, and each broken rule is named.

The samples are made in a temporary directory and compiled with the compiler of the build.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import tidy  # noqa: E402

CC = shlex.split(os.environ.get("CC", "cc"))
AR = os.environ.get("AR", "ar")
NM = os.environ.get("NM", "nm")

HEAD = "/* SPDX-License-Identifier: BSD-3-Clause */\n/* A sample: it has a purpose and says so. */\n"
CLEAN = {
    "src/base/low.h": HEAD + "void *vd_low(int size);\n",
    "src/base/low.c": HEAD
    + '#include "base/low.h"\n#include <stdlib.h>\n'
    + "void *vd_low(int size)\n{\n    return malloc((size_t)size);\n}\n",
    "src/core/mid.h": HEAD + '#include "base/low.h"\nint vd_mid(const char *text);\n',
    "src/core/mid.c": HEAD.splitlines()[0]
    + "\n/* Mid: see mid.h. */\n"
    + '#include "core/mid.h"\n#include <string.h>\n'
    + "int vd_mid(const char *text)\n{\n    return vd_low((int)strlen(text)) != 0;\n}\n",
    "src/shell/store_x.c": HEAD
    + "struct r {\n    int durable;\n};\nvoid vd_save(struct r *r);\n"
    + "void vd_save(struct r *r)\n{\n    r->durable = 1;\n}\n",
    "tests/unit/check_mid.c": HEAD + "int main(void)\n{\n    return 0;\n}\n",
    "Makefile.am": "P = tests/unit/check_mid\nS = src/base/low.h src/base/low.c src/core/mid.h src/core/mid.c \\\n"
    "\tsrc/shell/store_x.c\n",
}

BODY = "int vd_x(void);\nint vd_x(void)\n{\n%s    return 0;\n}\n"
EXTRA = "src/core/bad.c"
# (files added or changed, what must be said; "" listing: added to Makefile.am)
BROKEN = [
    ({EXTRA: HEAD + "long time(long *);\n" + BODY % "    time(0);\n"}, "bad.o calls time"),
    ({EXTRA: HEAD + "void *malloc(unsigned long);\nvoid *vd_x(void);\n"
             "void *vd_x(void)\n{\n    return malloc(8);\n}\n"}, "bad.o calls malloc"),
    ({EXTRA: HEAD + "int vd_up(void);\n" + BODY % "    vd_up();\n"}, "bad.o calls vd_up"),
    ({EXTRA: HEAD + "#include <unistd.h>\n"}, "includes <unistd.h>"),
    ({"src/base/low.h": HEAD + '#include "core/mid.h"\nvoid *vd_low(int size);\n'},
     'src/base/low.h: includes "core/mid.h"'),
    ({EXTRA: HEAD + '#include "shell/any.h"\n'}, 'includes "shell/any.h"'),
    ({EXTRA: HEAD + '#include "mid.h"\n'}, 'includes "mid.h"'),
    ({"src/core/mid.h": HEAD + '#include "core/two.h"\n#include "base/low.h"\n'
      "int vd_mid(const char *text);\n",
      "src/core/two.h": HEAD + '#include "core/mid.h"\n'}, "circle of includes"),
    ({EXTRA: HEAD + "\n" * 520}, "lines, more than 520"),
    ({EXTRA: HEAD + BODY % ("    ;\n" * 65)}, "a function of 67 lines"),
    ({"tests/x.c": HEAD + BODY % ("    ;\n" * 70)}, "tests/x.c:5: a function of 72 lines"),
    ({"tests/x.c": HEAD + "\n" * 850}, "lines, more than 850"),
    ({EXTRA: "int vd_x;\n"}, "no SPDX line"),
    ({EXTRA: HEAD.splitlines()[0] + "\nint vd_x;\n"}, "no head comment"),
    ({EXTRA: HEAD.splitlines()[0] + "\n/* See: see gone.h. */\n"}, "no head comment"),
    ({"tests/x.sh": "#!/bin/sh\ntrue\n"}, "tests/x.sh:1: no SPDX line"),
    ({EXTRA: HEAD + "struct r {\n    int durable;\n};\nvoid vd_x(struct r *r);\n"
             "void vd_x(struct r *r)\n{\n    r->durable = 1;\n}\n"}, "makes a receipt"),
    ({"src/attic/x.c": HEAD}, "unknown room attic"),
    ({"Makefile.am": CLEAN["Makefile.am"].replace("src/core/mid.c", "")},
     "src/core/mid.c is not listed"),
    ({"Makefile.am": CLEAN["Makefile.am"] + "S += src/core/gone.c\n"},
     "src/core/gone.c is listed but not there"),
    ({"Makefile.am": CLEAN["Makefile.am"] + "S += tests/unit/check_gone\n"},
     "tests/unit/check_gone is listed but not there"),
]


def build(top, files):
    """Writes the sample house and compiles its rooms; headers may be broken, so objects may too."""
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    for room in "base", "core":
        objects = []
        for source in sorted((top / "src" / room).glob("*.c")):
            target = top / f"{room}-{source.stem}.o"
            command = CC + ["-w", "-c", f"-I{top}/src", "-o", str(target), str(source)]
            done = subprocess.run(command, check=False, capture_output=True)
            if done.returncode == 0:
                objects.append(str(target))
        subprocess.run([AR, "cr", str(top / f"lib{room}.a")] + objects, check=True)


def complaints_of(files):
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        build(top, files)
        return list(tidy.check_all(top, top, NM))


def main():
    failures = 0
    clean = complaints_of(CLEAN)
    if clean:
        print("the clean sample is refused:", *clean, sep="\n  ")
        failures += 1
    for files, wanted in BROKEN:
        house = dict(CLEAN)
        house["Makefile.am"] += "S += " + " ".join(f for f in files if f != "Makefile.am") + "\n"
        house.update(files)
        said = complaints_of(house)
        if not any(wanted in line for line in said):
            print(f"not noticed: {wanted}; said instead:", *said, sep="\n  ")
            failures += 1
    print(f"{len(BROKEN) + 1} samples, {failures} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
