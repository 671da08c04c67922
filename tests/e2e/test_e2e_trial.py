"""A new model on trial under load: no request is lost, whatever becomes of it."""

import pytest

from system.bad_models import make_bad
from system.mortgage import Mortgage
from system.place import Place
from system.scene import Scene
from system.trial import ABORT, PROMOTE, Trial, ladder

_RATE = 60
_CUSTOMERS = 100
_STICKY = {"stickyBy": {"parameter": "customer_id"}}


@pytest.fixture(scope="module", autouse=True)
def _broken(place: Place, images: dict[str, str], example: Mortgage) -> None:
    make_bad(example, place, "errors")


@pytest.fixture
def trial(scene: Scene) -> Trial:
    """Version 1 serves, without load yet."""
    found = Trial(scene)
    found.serve("1")
    return found


def test_a_good_model_climbs_by_customers_bakes_and_takes_over(trial: Trial) -> None:
    before = trial.stable
    with trial.under_load(_RATE, keys=_CUSTOMERS):
        trial.apply("2", rollout=ladder(20, 50, hold="8s", shadow={"hold": "0s"}, **_STICKY))
        new = trial.on_trial()
        trial.in_force(20)
        # Whoever is asked a second time must have been asked on this step before: laps begin once the weight is in force.
        few = trial.lap_of(2 * _CUSTOMERS, _RATE)
        trial.in_force(50)
        half = trial.lap_of(2 * _CUSTOMERS, _RATE)
        trial.state("Baking")
        all_ = trial.lap_of(_RATE, _RATE)
        trial.annotate(PROMOTE, new)
        trial.settled("2")

    assert [] == trial.failures
    assert [] == [*few.torn_keys, *half.torn_keys]
    assert 0 < len(few.keys_of(new)) < len(half.keys_of(new)) < _CUSTOMERS
    assert few.keys_of(new) < half.keys_of(new)
    assert 0 == all_.answered_by(before)


def test_a_broken_model_is_taken_back_and_nobody_notices(trial: Trial) -> None:
    with trial.under_load(_RATE):
        trial.apply("errors", rollout=ladder(20, 50))
        broken = trial.on_trial()
        entry = trial.rejected()
        trial.settled("1")
        after = trial.lap_of(_RATE, _RATE)

    assert [] == trial.failures
    assert (broken, "CheckFailed", "Model") == (entry["revision"], entry["reason"], entry["cause"])
    assert sum(lap.fallbacks for lap in trial.laps) > 0
    assert 0 == after.answered_by(broken)


def test_an_order_in_bake_moves_callers_back_at_once(trial: Trial) -> None:
    before = trial.stable
    with trial.under_load(_RATE):
        trial.apply("2", rollout=ladder(50))
        new = trial.on_trial()
        trial.state("Baking")
        trial.lap_of(_RATE, _RATE)
        ordered = trial.annotate(ABORT, new)
        trial.settled("1")
        back = trial.lap()

    assert [] == trial.failures
    assert before == trial.stable
    assert "Aborted" == trial.rejected()["reason"]
    assert (back.last_at(new) or ordered) - ordered <= 5
