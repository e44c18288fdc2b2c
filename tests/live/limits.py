# SPDX-License-Identifier: BSD-3-Clause
"""A process with a share of the CPU and of the memory: control groups, of either version."""

import os

import harness


class Limits:
    """Memory and CPU of one service by cgroups, of either version. `missing` says why there are none."""

    def __init__(self, label, memory, cpus):
        self.paths = []
        self.missing = None
        try:
            if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
                path = self._make("/sys/fs/cgroup", label)
                self._put(path, "memory.max", memory)
                self._put(path, "cpu.max", f"{int(cpus * 100000)} 100000")
            else:
                self._put(self._make("/sys/fs/cgroup/memory", label), "memory.limit_in_bytes", memory)
                path = self._make("/sys/fs/cgroup/cpu", label)
                self._put(path, "cpu.cfs_period_us", 100000)
                self._put(path, "cpu.cfs_quota_us", int(cpus * 100000))
        except OSError as error:
            self.missing = f"{error.filename}: {error.strerror}"
            self.close()

    def _make(self, top, label):
        path = os.path.join(top, label)
        os.mkdir(path)
        self.paths.append(path)
        return path

    @staticmethod
    def _put(path, name, value):
        with open(os.path.join(path, name), "w", encoding="ascii") as out:
            out.write(str(value))

    def join(self):
        """In the child, before it becomes the service."""
        for path in self.paths:
            self._put(path, "cgroup.procs", os.getpid())

    def throttled(self):
        """(times that it had to wait for its next share of CPU, seconds waited); (None, None): not counted."""
        for path in self.paths:
            try:
                with open(os.path.join(path, "cpu.stat"), encoding="ascii") as source:
                    stat = {name: int(value) for name, value in (line.split() for line in source)}
            except OSError:
                continue
            if "nr_throttled" in stat:
                seconds = stat["throttled_time"] / 1e9 if "throttled_time" in stat else stat["throttled_usec"] / 1e6
                return stat["nr_throttled"], seconds
        return None, None

    def peak(self):
        """The most bytes that were in use; None where that is not counted."""
        for path in self.paths:
            for name in "memory.peak", "memory.max_usage_in_bytes":
                try:
                    with open(os.path.join(path, name), encoding="ascii") as source:
                        return int(source.read())
                except OSError:
                    pass
        return None

    def close(self):
        for path in self.paths:
            harness.wait_until(lambda path=path: self._remove(path), 5, f"{path} is empty")
        self.paths = []

    @staticmethod
    def _remove(path):
        os.rmdir(path)
        return True
