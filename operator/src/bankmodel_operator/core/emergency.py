"""The orders that people give by annotation: they stand above the spec, and a GitOps tool does not take them away."""

from __future__ import annotations

from bankmodel_operator.core import names
from bankmodel_operator.core.observation import Observation


def is_aborted(observation: Observation, revision: str) -> bool:
    """Whether somebody ordered this revision back."""
    return _order(observation, names.ANNOTATION_ABORT) == revision


def is_promoted(observation: Observation, revision: str) -> bool:
    """Whether somebody ordered this revision's promotion, or the end of its bake."""
    return _order(observation, names.ANNOTATION_PROMOTE) == revision


def pause(observation: Observation) -> str:
    """Why the weight must not rise, in words; empty where nothing is paused."""
    if reason := _order(observation, names.ANNOTATION_PAUSED):
        return f"the annotation {names.ANNOTATION_PAUSED} says: {reason[:200]}"
    return "spec.rollout.paused is true" if observation.model.spec.rollout.paused else ""


def _order(observation: Observation, annotation: str) -> str:
    return observation.model.metadata.annotations.get(annotation, "").strip()
