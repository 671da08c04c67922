"""Durations as Kubernetes users write them (`90s`, `10m`, `1h30m`), as `timedelta` inside.

Used by the models. Whole hours, minutes and seconds only: finer steps mean nothing to a rollout.
"""

import re
from datetime import timedelta
from typing import Any, Final

__all__ = ["PATTERN", "format_duration", "parse_duration"]

PATTERN: Final = "^([0-9]{1,6}[hms]){1,3}$"
"""RE2 and Python alike; the CRD's rule uses it too."""

_UNITS: Final = {"h": 3600, "m": 60, "s": 1}
_PART: Final = re.compile("([0-9]+)([hms])")


def parse_duration(value: Any) -> timedelta:
    """Return the duration that `value` writes; a `timedelta` passes through. Raise ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or re.fullmatch(PATTERN, value) is None:
        raise ValueError(
            f"{str(value)[:32]!r} is no duration: write hours, minutes and seconds such as 90s, 10m or 1h30m"
        )
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(value)))


def format_duration(value: timedelta) -> str:
    """Return the shortest way to write `value`, to the second: `1h30m`, `10m`, `0s`."""
    left, parts = int(value.total_seconds()), []
    for unit, seconds in _UNITS.items():
        number, left = divmod(left, seconds)
        parts.append(f"{number}{unit}" if number else "")
    return "".join(parts) or "0s"
