"""Windows in rarer lives of a pod, and the card that comes with its figures."""

from __future__ import annotations

import pytest

from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_operator.core.analysis.window import Look, Window, accumulate, begin
from support.pod_counts import CANARY, STABLE, START, after, look, sample


def run(*rounds: tuple[float, Look]) -> Window:
    window = begin(CANARY, STABLE, START)
    for at_s, seen in rounds:
        window = accumulate(window, [seen], after(at_s))
    return window


def test_a_window_begins_empty() -> None:
    assert Window(CANARY, STABLE, START, last=None, restarts=0) == begin(CANARY, STABLE, START)


def test_figures_from_before_a_restart_are_not_taken_for_new_ones() -> None:
    """The kubelet tells of the restart first, and the last figures come once more."""
    old = sample(20, requests=530)
    window = run(
        (10, look("a", sample(10, requests=500))),
        (20, look("a", old)),
        (25, look("a", None, restarts=1)),
        (26, look("a", old, restarts=1)),
    )

    assert 30 == window.of_canary.requests


def test_restarts_that_the_kubelet_takes_back_are_not_taken_off() -> None:
    assert (
        3 == run((10, look("a", None, restarts=0)), (20, look("a", None, restarts=3)), (30, look("a", None))).restarts
    )


def test_a_pod_born_in_the_very_moment_the_step_began_counts_from_its_birth() -> None:
    assert 70 == run((10, look("a", sample(10, requests=70), started_s=0))).of_canary.requests


def test_a_pod_that_is_given_to_another_revision_counts_from_its_first_look_there() -> None:
    before, after_it = sample(10, STABLE, requests=50, route="stable"), sample(20, CANARY, requests=80)

    assert 0 == run((10, look("a", before)), (20, look("a", after_it))).of_canary.requests


@pytest.mark.parametrize(("at_s", "silent"), [(40, 0), (40.1, 1)], ids=["just so long", "longer"])
def test_a_pod_is_silent_when_its_last_word_is_older_than_that(at_s: float, silent: int) -> None:
    assert silent == run((10, look("a", sample(10)))).silent(CANARY, after(at_s), longer_than_s=30)


CARD, NEXT = Histogram((0.5,), (5, 5)), Histogram((0.5,), (9, 1))


def test_the_baseline_is_the_canarys_own_and_the_last_that_was_told() -> None:
    told = run((10, look("a", sample(10, baseline=CARD))))

    assert CARD == told.baseline
    assert CARD == accumulate(told, [look("a", sample(20))], after(20)).baseline
    assert NEXT == accumulate(told, [look("a", sample(20, baseline=NEXT))], after(20)).baseline
    assert CARD == accumulate(told, [look("s", sample(20, STABLE, baseline=NEXT))], after(20)).baseline
