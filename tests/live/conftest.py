# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures: a lab for every test, the program under test, a deadline, logs of what failed.

VEDETTE=path names the program. `--program redis-sentinel` runs those tests that also make sense
there against the original: so the harness itself is tested, and differences can be looked at.
"""

import os
import signal
import threading

import pytest

import harness
from certs import Authority

TEST_SECONDS = 240


def pytest_addoption(parser):
    parser.addoption(
        "--program",
        choices=[harness.VEDETTE, harness.REDIS_SENTINEL],
        default=harness.VEDETTE,
        help="the sentinel to test",
    )
    parser.addoption("--trials", type=int, default=None, help="repeat what is proved by trials N times")


def pytest_configure(config):
    config.addinivalue_line("markers", "vedette: makes sense for vedette only")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--program") == harness.VEDETTE:
        return
    kept = [item for item in items if item.get_closest_marker("vedette") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_sessionstart(session):
    try:
        harness.find_program(session.config.getoption("--program"))
    except FileNotFoundError as error:
        pytest.exit(str(error), returncode=1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    setattr(item, "report_" + report.when, report)
    lab = item.funcargs.get("lab") if hasattr(item, "funcargs") else None
    if report.failed and lab is not None:
        report.sections.append(("processes", lab.report()))


@pytest.fixture
def program(request):
    return request.config.getoption("--program")


@pytest.fixture
def trials(request):
    """trials(n): n, unless the command line says otherwise."""
    asked = request.config.getoption("--trials")
    return lambda usual: asked if asked is not None else usual


@pytest.fixture(autouse=True)
def deadline():
    """No test hangs for ever."""

    def over(*_):
        raise TimeoutError(f"the test took longer than {TEST_SECONDS} s")

    assert threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(TEST_SECONDS)
    yield signal.alarm
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def lab(request, deadline):
    place = harness.Lab()
    yield place
    problems = place.close()
    body = getattr(request.node, "report_call", None)
    if problems:
        # Logs are printed by the report hook; they must still be there.
        pytest.fail("\n".join(problems) + "\n" + place.report(), pytrace=False)
    if body is None or not body.failed:
        place.remove()
    else:
        print(f"logs kept in {place.dir}")


@pytest.fixture
def ca(lab):
    return Authority(os.path.join(lab.dir, "ca"))
