"""Follows a rollout until it is done or has failed. One read every two seconds: a user who may `get` needs no further
right, and there is no stream that could fall silent."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import IntEnum

from bankmodel_operator.plugin.errors import Unreachable
from bankmodel_operator.plugin.progress import Standing, standing
from bankmodel_operator.plugin.seen import Seen

__all__ = ["Clock", "Ending", "follow"]

_EVERY_S = 2.0
_SILENCE_S = 60.0
"""How long an API server that does not answer is waited for."""


class Ending(IntEnum):
    """The exit code of `rollout status`."""

    DONE = 0
    FAILED = 1
    TIMED_OUT = 2
    MOVING = 3


class Clock:
    """The time, and the passing of it."""

    def now_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def follow(read: Callable[[], Seen], show: Callable[[Seen], None], *, timeout_s: float, clock: Clock) -> Ending:
    """Show it after each read. `timeout_s` 0: as long as it takes, which spec.rollout.deadline bounds."""
    began = heard = clock.now_s()
    while True:
        try:
            model = read()
        except Unreachable:
            if clock.now_s() - heard > _SILENCE_S:
                raise
        else:
            heard = clock.now_s()
            show(model)
            found = standing(model)
            if found is not Standing.MOVING:
                return Ending(found.value)
        left = began + timeout_s - clock.now_s() if timeout_s else _EVERY_S
        if left <= 0:
            return Ending.TIMED_OUT
        clock.sleep(min(_EVERY_S, left))
