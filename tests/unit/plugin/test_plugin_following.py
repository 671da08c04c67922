"""`rollout status --watch`: when it ends, and how."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bankmodel_operator.core.conditions import Reason
from bankmodel_operator.plugin.errors import Absent, Unreachable, Unreadable
from bankmodel_operator.plugin.progress import Standing, standing
from bankmodel_operator.plugin.seen import Seen, seen
from bankmodel_operator.plugin.watch import Clock, Ending, follow
from support.saved_trials import climbing, model_in, outlook, serving

_MOVING = model_in(climbing())
_DONE = model_in(serving(), outlook(Reason.SERVING, "It serves.", "Done"))
_STUCK = model_in(serving(), outlook(Reason.ROLLED_BACK, "It was taken back.", "Stuck"))


class _Clock(Clock):
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now_s(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (_MOVING, Standing.MOVING),
        (_DONE, Standing.DONE),
        (_STUCK, Standing.FAILED),
        ({**_DONE, "status": {}}, Standing.MOVING),
        ({**_DONE, "status": {**_DONE["status"], "observedGeneration": 1}}, Standing.MOVING),
        ({**_STUCK, "status": {**_STUCK["status"], "observedGeneration": 1}}, Standing.MOVING),
    ],
    ids=["moving", "done", "stuck", "never-seen", "done-before", "stuck-before"],
)
def test_what_was_said_of_an_older_spec_says_nothing(model: dict[str, Any], found: Standing) -> None:
    assert found is standing(seen(model))


@pytest.mark.parametrize(("last", "ending"), [(_DONE, Ending.DONE), (_STUCK, Ending.FAILED)], ids=["done", "stuck"])
def test_it_ends_with_the_rollout(last: dict[str, Any], ending: Ending) -> None:
    shown: list[Seen] = []

    found = follow(_reading(_MOVING, _MOVING, last), shown.append, timeout_s=0, clock=_Clock())

    assert (ending, 3) == (found, len(shown))


def test_it_ends_at_the_timeout() -> None:
    clock = _Clock()

    found = follow(_reading(*[_MOVING] * 99), lambda _: None, timeout_s=25, clock=clock)

    assert (Ending.TIMED_OUT, 25.0) == (found, clock.passed)


def test_an_api_server_that_is_away_for_a_moment_is_waited_for() -> None:
    away = Unreachable("no answer")

    assert Ending.DONE == follow(_reading(_MOVING, away, away, _DONE), lambda _: None, timeout_s=0, clock=_Clock())


def test_one_that_stays_away_is_reported() -> None:
    with pytest.raises(Unreachable):
        follow(_reading(*[Unreachable("no answer")] * 99), lambda _: None, timeout_s=0, clock=_Clock())


def test_a_model_that_is_deleted_is_reported() -> None:
    with pytest.raises(Absent):
        follow(_reading(_MOVING, Absent("gone")), lambda _: None, timeout_s=0, clock=_Clock())


def test_a_status_of_a_newer_kind_is_reported_with_its_place() -> None:
    with pytest.raises(Unreadable, match=r"status\.rollout\.weight"):
        seen(model_in(climbing(), rollout={"weight": "5 %"}))


def _reading(*answers: dict[str, Any] | Exception) -> Callable[[], Seen]:
    left: Iterator[dict[str, Any] | Exception] = iter(answers)

    def read() -> Seen:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return seen(answer)

    return read
