"""Which way a revision reaches the callers: by the ladder, beside and at once, or not at all."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from bankmodel_operator.core.ladder import is_without_trial
from bankmodel_operator.core.ledger import Ledger, may_retry
from bankmodel_operator.core.observation import Observation
from bankmodel_operator.core.states import Revision


class Way(Enum):
    """How to get there."""

    TRIAL = "by the ladder"
    SHORT = "beside, and moved to when ready"
    RETRY = "by the ladder, though it was rejected before"
    NONE = "rejected"


def way_to(target: Revision, stable: Revision, observation: Observation, now: datetime) -> Way:
    """The way from `stable` to `target`.

    A rejected revision goes nowhere until `spec.rollout.retry` has a text that was not there when it was rejected.
    The same digest in another dress, and one that was stable within the rollback window, are not on trial.
    """
    rollout, ledger = observation.model.spec.rollout, Ledger.of(observation.status)
    rejected = ledger.rejection(target)
    if rejected is not None:
        return Way.RETRY if may_retry(rejected, rollout.retry) else Way.NONE
    is_same_model = target.sha256 == stable.sha256 and rollout.applies_to == "ModelChange"
    returns = target.sha256 != stable.sha256 and ledger.was_stable(
        target.sha256, window=rollout.rollback_window, now=now
    )
    return Way.SHORT if is_same_model or returns or is_without_trial(rollout) else Way.TRIAL
