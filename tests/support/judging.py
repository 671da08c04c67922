"""Windows of a canary, and what the checks say of them. Used by the tests of the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bankmodel_operator.api.v1alpha1 import checks as api
from bankmodel_operator.core.analysis.figures import Counts, Forwarding
from bankmodel_operator.core.analysis.judge import judge
from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_operator.core.analysis.verdicts import Answer, CheckResult, Rung
from bankmodel_operator.core.analysis.window import Memory, Window
from support.pod_counts import CANARY, LATENCY_EDGES, OLDER_EDGES, STABLE, START, after

__all__ = ["NOW_S", "check", "counts", "latency", "older", "sent", "verdict", "verdicts", "window"]

NOW_S = 3600.0


def latency(**at: int) -> Histogram:
    """So many requests in the bin that ends at an edge: `latency(ms_10=3)`."""
    counts = [0] * (len(LATENCY_EDGES) + 1)
    for name, count in at.items():
        counts[LATENCY_EDGES.index(float(name.removeprefix("ms_").replace("_", ".")) / 1000)] = count
    return Histogram(LATENCY_EDGES, tuple(counts))


def older(**at: int) -> Histogram:
    """The same in the bins of older images."""
    counts = [0] * (len(OLDER_EDGES) + 1)
    for name, count in at.items():
        counts[OLDER_EDGES.index(float(name.removeprefix("ms_").replace("_", ".")) / 1000)] = count
    return Histogram(OLDER_EDGES, tuple(counts))


def counts(requests: int = 1000, **fields: Any) -> Counts:
    return Counts(**{"requests": requests, "latency": latency(ms_1=requests), **fields})


def window(**fields: Any) -> Window:
    """An hour of a good canary: 1,000 requests, every pod fresh."""
    fresh = {
        "c": Memory(CANARY, after(NOW_S - 5), 0, Counts()),
        "s": Memory(STABLE, after(NOW_S - 5), 0, Counts()),
    }
    given: dict[str, Any] = {
        "canary": CANARY,
        "stable": STABLE,
        "started": START,
        "last": after(NOW_S - 5),
        "of_canary": counts(),
        "of_stable": counts(9000),
        "forwarding": Forwarding(attempts={"ok": 1000}, copies={"ok": 1000}, compared=1000),
        "pods": fresh,
    }
    return Window(**{**given, **fields})


def check(**fields: Any) -> api.Check:
    return api.Check.model_validate({"name": "it", **fields})


def sent(**attempts: int) -> Forwarding:
    """Requests on a rung with weight, and as many copies in the shadow."""
    return Forwarding(attempts=attempts, copies=attempts)


def verdicts(
    given: Sequence[api.Check],
    seen: Window,
    rung: Rung = Rung.WEIGHT,
    *,
    least: int = 100,
    answers: dict[str, Answer] | None = None,
) -> tuple[CheckResult, ...]:
    """What is said after that hour; the last is on restarts."""
    return judge(
        given,
        seen,
        rung=rung,
        confidence=0.95,
        min_requests=least,
        now=after(NOW_S),
        scrape_interval=timedelta(seconds=10),
        answers=answers,
    )


def verdict(seen: Window, given: api.Check, rung: Rung = Rung.WEIGHT, **how: Any) -> CheckResult:
    """The same of one check."""
    return verdicts([given], seen, rung, **how)[0]
