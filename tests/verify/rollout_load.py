"""Item 3: many promotions and rollbacks under steady load. COUNT, REQUESTS and AT_ONCE (models) make it shorter or longer."""

import os
from collections.abc import Callable, Iterator

from system.bad_models import make_bad
from system.place import CHECKOUT
from system.trial import PAUSED, Trial, ladder
from verify.journal import Journal
from verify.lines import Line, exactly
from verify.rollout_turns import ALWAYS_BY_LADDER, OTHER, none_failed, now_serving, returns, turns
from verify.stages import scene_in

__all__ = ["item_3"]

_REQUESTS = int(os.environ.get("REQUESTS") or 10_000)
_FAST = 250.0
_WEIGHTS = (1, 5, 25, 50)
_CUSTOMERS = 500
_NAMESPACE = "verify-rollout-3"


def item_3() -> Iterator[Line]:
    """Shares and customers, promotions and rollbacks, and the ways back, under steady load; goes on where it was killed."""
    journal = Journal(CHECKOUT / "build" / "verify-rollout" / "3.jsonl")
    with scene_in(_NAMESPACE) as scene:
        make_bad(scene.example, scene.place, "errors")
        trial = Trial(scene)
        yield from journal.part("shares", _served(trial, _shares))
        yield from journal.part("customers", _served(trial, _customers))
        scene.kubectl("delete", "bankmodel", trial.name, "--ignore-not-found")
        yield from turns(scene, journal)
        yield from returns(scene, journal)
    journal.end()


def _served(trial: Trial, part: Callable[[Trial], Iterator[Line]]) -> Iterator[Line]:
    if not trial.status:
        trial.serve("1")
    yield from part(trial)


def _shares(trial: Trial) -> Iterator[Line]:
    """Each weight is held by the annotation until it is measured; then the trial is called off."""
    version, began = now_serving(trial), len(trial.laps)
    with trial.under_load(_FAST):
        trial.apply(OTHER[version], rollout=ladder(*_WEIGHTS, hold="4s", **ALWAYS_BY_LADDER))
        canary = trial.on_trial()
        for weight in _WEIGHTS:
            trial.in_force(weight)
            trial.annotate(PAUSED, "measuring")
            lap = trial.lap_of(_REQUESTS, _FAST)
            trial.annotate(PAUSED, None)
            share = round(lap.share_of(canary), 2)
            is_ok = abs(share - weight) <= 1 and lap.sent >= 0.9 * _REQUESTS
            yield Line(f"asked {weight} %: share of {lap.sent} answers", f"{share:g} %", f"{weight} +-1 %", is_ok)
        trial.apply(version)
        trial.settled(version)
    yield from none_failed("  while it was measured", trial.laps[began:])


def _customers(trial: Trial) -> Iterator[Line]:
    version, began = now_serving(trial), len(trial.laps)
    sticky = {"stickyBy": {"parameter": "customer_id"}}
    with trial.under_load(_FAST, keys=_CUSTOMERS):
        trial.apply(OTHER[version], rollout=ladder(10, 50, hold="4s", **sticky, **ALWAYS_BY_LADDER))
        canary, before = trial.on_trial(), set[str]()
        for weight in (10, 50):
            trial.in_force(weight)
            trial.annotate(PAUSED, "measuring")
            lap = trial.lap_of(6 * _CUSTOMERS, _FAST)
            trial.annotate(PAUSED, None)
            yield exactly(f"{weight} %: of {_CUSTOMERS} customers, met both revisions", len(lap.torn_keys), 0)
            chosen = lap.keys_of(canary)
            yield exactly(f"  customers of the canary: {len(chosen)}; taken away again", len(before - chosen), 0)
            before = chosen
        trial.apply(version)
        trial.settled(version)
    yield from none_failed("  while it was measured", trial.laps[began:])
