"""Item 3: many promotions and rollbacks under steady load. COUNT and REQUESTS make it shorter."""

import os
import time
from collections.abc import Iterator, Sequence

from system.bad_models import make_bad
from system.trial import ABORT, PAUSED, PROMOTE, Trial, ladder
from verify.lines import Line, at_most, exactly
from verify.stages import scene_in

__all__ = ["item_3", "quantile"]

_COUNT = int(os.environ.get("COUNT") or 100)
_REQUESTS = int(os.environ.get("REQUESTS") or 10_000)
_RETURNS = max(2, _COUNT // 10)
_RATE, _FAST = 60.0, 250.0
_WEIGHTS = (1, 5, 25, 50)
_CUSTOMERS = 500
_ALWAYS_BY_LADDER = {"rollbackWindow": "0s"}
_OTHER = {"1": "2", "2": "1"}


def item_3() -> Iterator[Line]:
    """Shares and customers, promotions and rollbacks, and the ways back, under steady load."""
    with scene_in("verify-rollout-3") as scene:
        make_bad(scene.example, scene.place, "errors")
        trial = Trial(scene)
        trial.serve("1")
        yield from _shares(trial)
        yield from _customers(trial)
        yield from _cycles(trial)
        yield from _returns(trial)


def _shares(trial: Trial) -> Iterator[Line]:
    """Each weight is held by the annotation until it is measured; then the trial is called off."""
    version, began = _now(trial), len(trial.laps)
    with trial.under_load(_FAST):
        trial.apply(_OTHER[version], rollout=ladder(*_WEIGHTS, hold="4s", **_ALWAYS_BY_LADDER))
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
    yield from _none_failed("  while it was measured", trial, began)


def _customers(trial: Trial) -> Iterator[Line]:
    version, began = _now(trial), len(trial.laps)
    sticky = {"stickyBy": {"parameter": "customer_id"}}
    with trial.under_load(_FAST, keys=_CUSTOMERS):
        trial.apply(_OTHER[version], rollout=ladder(10, 50, hold="4s", **sticky, **_ALWAYS_BY_LADDER))
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
    yield from _none_failed("  while it was measured", trial, began)


def _cycles(trial: Trial) -> Iterator[Line]:
    climbed, off, began = list[float](), list[float](), len(trial.laps)
    with trial.under_load(_RATE):
        for number in range(1, _COUNT + 1):
            climbed.append(_promote(trial))
            off.append(_roll_back(trial, f"{number}-{time.time():.0f}"))
            print(f"    {number} of {_COUNT}: up in {climbed[-1]:.1f} s, off {off[-1]:.2f} s after FAIL", flush=True)
    yield from _none_failed(f"{_COUNT} promotions and {_COUNT} rollbacks", trial, began)
    yield at_most("  FAIL seen -> last answer of the canary, p99", round(quantile(off, 0.99), 2), 3, " s")
    yield Line(
        "  apply -> in bake: median, p99",
        f"{quantile(climbed, 0.5):.1f}, {quantile(climbed, 0.99):.1f} s",
        "shown",
        len(climbed) == _COUNT,
    )


def _promote(trial: Trial, retry: str = "") -> float:
    """The other version climbs, and its bake is ended by order; seconds from apply to bake. `retry`: it was ordered back before."""
    version = _OTHER[_now(trial)]
    at = trial.apply(version, rollout=ladder(20, 50, retry=retry, **_ALWAYS_BY_LADDER))
    canary = trial.on_trial()
    trial.state("Baking", deadline_s=120)
    taken_s = time.time() - at
    trial.annotate(PROMOTE, canary)
    trial.settled(version)
    return taken_s


def _roll_back(trial: Trial, retry: str) -> float:
    """The broken model is tried once more; seconds from the operator's word to the canary's last answer."""
    version = _now(trial)
    trial.lap()
    at = trial.apply("errors", rollout=ladder(20, 50, retry=retry, **_ALWAYS_BY_LADDER))
    canary = trial.on_trial()
    trial.rejected(retry=retry, deadline_s=120)
    trial.settled(version)
    seen = trial.lap().last_at(canary)
    return max(0.0, (seen or at) - trial.log_time("RolledBack", at))


def _returns(trial: Trial) -> Iterator[Line]:
    back, in_bake, began = list[float](), list[float](), len(trial.laps)
    with trial.under_load(_RATE):
        for number in range(_RETURNS):
            _promote(trial, f"again-{number}-{time.time():.0f}")
            back.append(_return(trial))
            in_bake.append(_abort_in_bake(trial, f"back-{number}-{time.time():.0f}"))
    yield from _none_failed(f"{_RETURNS} returns and {_RETURNS} orders in bake", trial, began)
    yield at_most("  apply of the last stable digest -> last answer of the other, worst", _worst(back), 30, " s")
    yield at_most("  order in bake -> last answer of the new one, worst", _worst(in_bake), 5, " s")


def _return(trial: Trial) -> float:
    """To the model that was stable before, without the ladder."""
    leaving, version = trial.stable, _OTHER[_now(trial)]
    trial.lap()
    at = trial.apply(version)
    trial.settled(version)
    return max(0.0, (trial.lap().last_at(leaving) or at) - at)


def _abort_in_bake(trial: Trial, retry: str) -> float:
    version = _now(trial)
    trial.apply(_OTHER[version], rollout=ladder(50, retry=retry, **_ALWAYS_BY_LADDER))
    new = trial.on_trial()
    trial.state("Baking")
    trial.lap()
    at = trial.annotate(ABORT, new)
    trial.settled(version)
    seen = trial.lap().last_at(new)
    trial.annotate(ABORT, None)
    trial.apply(version)
    return max(0.0, (seen or at) - at)


def _now(trial: Trial) -> str:
    return str(trial.status["stable"]["version"])


def _none_failed(what: str, trial: Trial, began: int) -> Iterator[Line]:
    laps = trial.laps[began:]
    failures = [each for lap in laps for each in lap.seen["examples"]]
    yield exactly(f"{what}: failed of {sum(lap.sent for lap in laps)}", sum(lap.failed for lap in laps), 0)
    if failures:
        yield Line(f"    {failures[:3]}", "", "", False)


def _worst(seconds: Sequence[float]) -> float:
    return round(max(seconds), 2)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
