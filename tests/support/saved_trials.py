"""BankModels in the middle of a rollout, as an operator would have saved them: a state, what was said of it, and the checks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bankmodel_operator.core.conditions import Availability, Outlook, Reason, conditions
from bankmodel_operator.core.ladder import Ladder, Rung
from bankmodel_operator.core.memory import encode
from bankmodel_operator.core.states import (
    Baking,
    Climbing,
    Draining,
    Fit,
    Preparing,
    Revision,
    Serving,
    State,
    Watched,
    Withdrawing,
)
from support.bankmodels import DIGEST, OTHER_DIGEST, a_bankmodel

__all__ = [
    "BEGAN",
    "CANARY",
    "LADDER",
    "NOW",
    "REJECTED",
    "STABLE",
    "baking",
    "climbing",
    "draining",
    "model_in",
    "outlook",
    "preparing",
    "serving",
    "verdict",
    "withdrawing",
]

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(minutes=30)
STABLE = Revision("3f8a02c61d", "2026.11", DIGEST, "serving:1", NOW - timedelta(days=3, hours=4))
CANARY = Revision("aa11bb22cc", "2026.12", OTHER_DIGEST, "serving:1", BEGAN)
LADDER = Ladder(
    (
        Rung(0, timedelta(minutes=15)),
        Rung(5, timedelta(minutes=10)),
        Rung(50, timedelta(minutes=10)),
        Rung(100, timedelta(0)),
    ),
    ("parameter", "customer_id"),
)
REJECTED = {
    "revision": CANARY.revision,
    "version": CANARY.version,
    "sha256": CANARY.sha256,
    "cause": "Model",
    "reason": "CheckFailed",
    "message": "Check errors: 9% of 212 requests failed, limit 1%.",
    "at": "2026-11-25T09:50:00Z",
}


def preparing() -> Preparing:
    return Preparing(STABLE, CANARY, 2, LADDER, BEGAN)


def climbing(rung: int = 1, *, held: timedelta | None = timedelta(minutes=4), is_promoted: bool = False) -> Climbing:
    """`held` None: the weight is not in force yet."""
    since = NOW - timedelta(minutes=5)
    watched = None if held is None else Watched(held, NOW)
    return Climbing(
        STABLE,
        CANARY,
        2,
        LADDER,
        BEGAN,
        rung=rung,
        since=since,
        fit=Fit(),
        watched=watched,
        is_promoted=is_promoted,
        highest=rung,
    )


def baking(*, held: timedelta = timedelta(minutes=4), is_ordered: bool = False) -> Baking:
    return Baking(CANARY, STABLE, 2, since=NOW - held, watched=Watched(held, NOW), is_ordered=is_ordered, ladder=LADDER)


def withdrawing() -> Withdrawing:
    return Withdrawing(STABLE, CANARY, 2, canary_capacity=1, since=NOW, until=NOW + timedelta(minutes=10))


def draining() -> Draining:
    return Draining(CANARY, STABLE.revision, 2, since=NOW, until=NOW + timedelta(minutes=5))


def serving(revision: Revision = STABLE) -> Serving:
    return Serving(revision)


def outlook(reason: Reason, message: str, kind: str = "Moving") -> Outlook:
    return Outlook(kind, reason, message)  # type: ignore[arg-type]  # a Literal


def verdict(name: str, found: str, *, value: str = "", limit: str = "1%", requests: int = 57, message: str = "") -> Any:
    return {"name": name, "verdict": found, "value": value, "limit": limit, "requests": requests, "message": message}


def model_in(
    state: State,
    said: Outlook | None = None,
    *,
    asked: Revision = CANARY,
    annotations: dict[str, str] | None = None,
    spec: dict[str, Any] | None = None,
    **status: Any,
) -> dict[str, Any]:
    """The whole object, `asked` for by the spec. `status` is laid over what the operator saves of the state; of `rollout`
    and `canary` key by key."""
    model = {"version": asked.version, "sha256": asked.sha256}
    made = a_bankmodel(namespace="lending", **{"model": model, **(spec or {})})
    made["metadata"] |= {"generation": 2, "annotations": annotations or {}}
    said = said or outlook(Reason.ON_STEP, "It goes on.")
    saved = encode(state, BEGAN)
    for part in ("rollout", "canary"):
        saved[part] = {**(saved[part] or {}), **status.pop(part, {})} or None
    available = Availability(True, Reason.SERVING, "It answers.")
    told = conditions({}, said, available, generation=2, now=NOW)
    whole = {"observedGeneration": 2, "conditions": told, **saved, **status}
    return {**made, "status": {key: value for key, value in whole.items() if value is not None}}
