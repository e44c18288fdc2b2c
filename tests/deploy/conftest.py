# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures: the six services, and a web backend that writes to them."""

import os
import shutil
import tempfile

import pytest

import cluster
import engine

# Images are looked at where there are any.
collect_ignore = [] if engine.IS_THERE else ["test_images.py"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    item.session.has_failed = getattr(item.session, "has_failed", False) or report.failed
    for value in getattr(item, "funcargs", {}).values():
        if report.failed and isinstance(value, cluster.Cluster):
            report.sections.append(("services", value.report()))


def place(request):
    """A directory for a cluster; it stays if a test fails."""
    directory = tempfile.mkdtemp(prefix="vd-deploy.")
    yield directory
    if getattr(request.session, "has_failed", False):
        print(f"logs kept in {directory}")
    else:
        shutil.rmtree(directory)


# As long as a module: its stories are about one set that goes on living.
directory = pytest.fixture(scope="module")(place)
own_directory = pytest.fixture(place)


@pytest.fixture(scope="module")
def six(directory):
    if not os.path.ismount("/run") or not os.access("/run", os.W_OK):
        pytest.exit("start this by tests/deploy/run.sh: it makes the namespaces", returncode=1)
    # Shorter than 10 s, since vedettes lose their state here time and again.
    with cluster.Cluster(directory, ABSTAIN="4s") as services:
        yield services


def pytest_report_header(config):
    if not os.path.ismount("/run"):
        return "no namespaces: started without tests/deploy/run.sh"
    if engine.IS_THERE:
        return "services run as containers of the images, by " + engine.podman("--version").strip()
    limits = cluster.Limits(f"vd-deploy-probe-{os.getpid()}", 128 << 20, 0.1)
    missing = limits.missing
    limits.close()
    users = "the image's user" if cluster.is_root_outside() else "root of a user namespace"
    return f"services run as {users}; limits: {'by cgroups' if missing is None else 'none, ' + missing}"
