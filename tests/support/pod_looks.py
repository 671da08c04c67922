"""What pods were seen to do, at moments close to each other: who was ready, who sent how much to whom, and whose answers reached callers.

Filled by `scoring_pods`, which is the pods; judged by `pod_rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

__all__ = ["Answer", "Look", "Looks"]


@dataclass(frozen=True)
class Answer:
    """A moment in which pods of `revision` were asked: so many callers had its answer, so many it failed. `weight`: by the sender's table."""

    at: float
    model: str
    revision: str
    count: int
    weight: int
    failed: int = 0


@dataclass(frozen=True)
class Look:
    """A model at a moment, as its pods were: ready ones by revision, what its Service selects, and the highest share that any pod
    of one revision really sent to another."""

    at: float
    model: str
    selected: str
    ready: Mapping[str, int]
    sends: Mapping[tuple[str, str], int]


class Looks:
    """All looks at all models that differ from the one before. `ended`: models at which nobody looks any more."""

    def __init__(self) -> None:
        self.taken: list[Look] = []
        self.ended: set[str] = set()
        self._last: dict[str, Look] = {}

    def add(self, look: Look) -> None:
        before = self._last.get(look.model)
        is_new = before is None or replace(look, at=before.at) != before
        if is_new and look.model not in self.ended:
            self.taken.append(look)
            self._last[look.model] = look
