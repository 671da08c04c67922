"""What judging says: a verdict on each check, with the numbers behind it and a sentence for people. Made by `judge`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from math import isinf
from typing import Any, Final

__all__ = ["Answer", "CheckResult", "Rung", "Verdict", "as_percent", "as_seconds", "verdict_status"]

_LONGEST: Final = 200


class Verdict(StrEnum):
    """Unknown is never success."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


class Rung(StrEnum):
    """What the canary does in this step, which decides what can be measured: copies, a share, or (in bake) everything."""

    SHADOW = "Shadow"
    WEIGHT = "Weight"
    BAKE = "Bake"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an outside query said when asked for the time `at`. `value` None: nothing that counts, for this reason."""

    at: datetime
    value: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's verdict. `reason` is one CamelCase word, `message` a sentence.

    `requests`: what it rests on; `needed`: how many it takes in all before it can pass, and `eta` when they will be there at the pace so
    far (None: not foreseeable). `events` of them were bad, so that the true rate is between `lower` and `upper` (where it is a rate).
    """

    name: str
    verdict: Verdict
    reason: str
    message: str
    value: str = ""
    limit: str = ""
    requests: int = 0
    needed: int | None = None
    eta: datetime | None = None
    events: int | None = None
    lower: float | None = None
    upper: float | None = None
    is_critical: bool = False


def verdict_status(result: CheckResult) -> dict[str, Any]:
    """The small form of it for `status`; see `api.v1alpha1.VerdictStatus`."""
    return {
        "name": result.name,
        "verdict": result.verdict.value,
        "value": result.value,
        "limit": result.limit,
        "requests": result.requests,
        "message": result.message if len(result.message) <= _LONGEST else result.message[: _LONGEST - 1] + "…",
    }


def as_percent(share: float) -> str:
    """`0.4%`, to three digits that mean something."""
    return f"{_digits(share * 100)}%"


def as_seconds(seconds: float) -> str:
    """`18ms`, `1.25s`; infinite where it is above all that pods measure."""
    if isinf(seconds):
        return "beyond all bins"
    return f"{_digits(seconds)}s" if seconds >= 1 else f"{_digits(seconds * 1000)}ms"


def _digits(number: float) -> str:
    """Three that mean something, and never an exponent: `1e+03ms` is no time to most people."""
    return format(Decimal(f"{number:.3g}"), "f")
