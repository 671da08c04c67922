"""The ladder a canary climbs, frozen when a rollout starts: its rungs, who keeps which revision, and the pods it needs.

Rungs are the optional shadow, the steps of the spec, and at last the weight 100, which only has to be in force.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from bankmodel_operator.api.v1alpha1 import Rollout

WHOLE = 100
"""Percent."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A shadow rung has weight 0 and mirrors."""

    weight: int
    hold: timedelta

    @property
    def is_shadow(self) -> bool:
        return self.weight == 0

    @property
    def is_last(self) -> bool:
        """Everything goes to the canary; the next thing is its promotion."""
        return self.weight == WHOLE


@dataclass(frozen=True, slots=True)
class Ladder:
    """At least one rung; the last has the weight 100. `sticky`: `("parameter", name)`, `("input", name)` or None."""

    rungs: tuple[Rung, ...]
    sticky: tuple[str, str] | None = None

    def capacity(self, rung: int, whole: int) -> int:
        """Canary pods that this rung needs, where `whole` are enough for all requests: never none, since no share is.

        Copies of all requests need as many pods as the requests themselves.
        """
        found = self.rungs[rung]
        return whole if found.is_shadow else math.ceil(whole * found.weight / WHOLE)

    def capacity_from(self, rung: int, whole: int) -> int:
        """Canary pods for this rung and the next one, so that no rung has to wait for pods when it is due."""
        following = min(rung + 1, len(self.rungs) - 1)
        return max(self.capacity(rung, whole), self.capacity(following, whole))


def ladder_of(rollout: Rollout) -> Ladder:
    """The ladder that the spec asks for."""
    shadow = (Rung(0, rollout.shadow.hold),) if rollout.shadow else ()
    steps = tuple(Rung(step.weight, step.hold) for step in rollout.steps if step.weight < WHOLE)
    whole = next((step.hold for step in rollout.steps if step.weight == WHOLE), timedelta(0))
    return Ladder((*shadow, *steps, Rung(WHOLE, whole)), _sticky(rollout))


def is_without_trial(rollout: Rollout) -> bool:
    """Whether the spec asks for no ladder at all."""
    return not rollout.steps and rollout.shadow is None


def _sticky(rollout: Rollout) -> tuple[str, str] | None:
    asked = rollout.sticky_by
    if asked is None:
        return None
    return ("parameter", asked.parameter) if asked.parameter else ("input", asked.input or "")
