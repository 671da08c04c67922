"""How many cores this process may use: those it is bound to, and in a container no more than its limit."""

import os
from math import ceil
from pathlib import Path

__all__ = ["available_cores", "quota_in"]

_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def available_cores() -> int:
    """At least 1; a limit of 1500m counts as 2."""
    bound = len(os.sched_getaffinity(0))
    try:
        quota = quota_in(_CPU_MAX.read_text())
    except OSError:  # no cgroup v2 here
        return bound
    return bound if quota is None else max(1, min(bound, ceil(quota)))


def quota_in(cpu_max: str) -> float | None:
    """The cores a cgroup's `cpu.max` grants: `150000 100000` is 1.5; None where there is no limit."""
    quota, _, period = cpu_max.strip().partition(" ")
    return None if quota == "max" else int(quota) / int(period or 100_000)
