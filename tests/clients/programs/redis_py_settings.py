# SPDX-License-Identifier: BSD-3-Clause
"""What both of redis-py's sides are told: Sentinel(SENTINELS, **OPTIONS).master_for(**MASTER)."""

import os

SENTINELS = [one.rsplit(":", 1) for one in os.environ["SENTINELS"].split(",")]
OPTIONS = {
    "sentinel_kwargs": {"password": os.environ["SENTINEL_PASSWORD"] or None, "socket_timeout": 1},
    "socket_timeout": 1,
}
MASTER = {"service_name": os.environ["GROUP"], "password": os.environ["PASSWORD"] or None}
