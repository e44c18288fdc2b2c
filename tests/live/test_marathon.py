# SPDX-License-Identifier: BSD-3-Clause
"""A few failovers in a row; `marathon.py 100` is the long form."""

import marathon
from harness import VEDETTE


def test_failovers_in_a_row(lab, program, trials, deadline):
    count = trials(4 if program == VEDETTE else 1)
    deadline(60 * count + 60)
    outages = marathon.run(lab, [program] * 3, count, down_after=2000, hang_every=3)
    assert len(outages) == count
