"""Which of the keys that wait is next: what somebody edited passes what is on its way, and that what is only looked at again.

A resync of a thousand models is minutes of work, and a hundred rollouts keep all workers busy: neither a rollout nor an order to
abort one must wait behind such. Used by `queue`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["Key", "Lane", "Lanes"]

Key = tuple[str, str]
_IN_A_ROW: Final = 3
"""So many keys may pass others before the one that has waited longest is taken: none waits for ever."""


class Lane(IntEnum):
    """Why a key is to be worked on."""

    EDITED = 0
    """Somebody changed the model itself, and waits."""
    MOVING = 1
    """Something of it changed, or it asked to be looked at about now."""
    ROUTINE = 2
    """Watches lose things, so everything is looked at now and then."""


class Lanes:
    """In each lane the first come is the first served. A key is in one lane only, the first that was asked for."""

    def __init__(self) -> None:
        self._waiting: dict[Lane, dict[Key, int]] = {lane: {} for lane in Lane}
        self._count = 0
        self._passed = 0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, key: Key, lane: Lane) -> None:
        """Let it wait in this lane; one that waits in another already stays or moves up."""
        before = next((each for each in Lane if key in self._waiting[each]), None)
        if before is not None:
            if before <= lane:
                return
            del self._waiting[before][key]
        self._count += 1
        self._waiting[lane][key] = self._count

    def take(self) -> Key:
        """The next one; ValueError when none waits."""
        first = {lane: next(iter(keys)) for lane, keys in self._waiting.items() if keys}
        longest = min(first, key=lambda lane: self._waiting[lane][first[lane]])
        lane = longest if self._passed >= _IN_A_ROW else min(first)
        self._passed = 0 if lane is longest else self._passed + 1
        del self._waiting[lane][first[lane]]
        return first[lane]

    def clear(self) -> None:
        """None waits any more."""
        for lane in self._waiting.values():
            lane.clear()
