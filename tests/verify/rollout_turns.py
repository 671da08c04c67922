"""Item 3's long part: promotions, rollbacks and ways back of several models side by side, each under a steady load of its own.

A turn is kept as soon as it is over, so that a run that was killed goes on. One that does not come to its end is counted as broken off, its
requests with the others, and its model gets no further turn: what it is in is not known any more.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from system.place import SystemFailed
from system.scene import Scene
from system.trial import ABORT, PROMOTE, SMALL, Lap, Trial, ladder
from verify.journal import Journal
from verify.lines import Line, at_most, exactly
from verify.side_by_side import side_by_side

__all__ = ["ALWAYS_BY_LADDER", "OTHER", "none_failed", "now_serving", "quantile", "returns", "turns"]

ALWAYS_BY_LADDER = {"rollbackWindow": "0s"}
OTHER = {"1": "2", "2": "1"}
_COUNT = int(os.environ.get("COUNT") or 100)
_RETURNS = max(2, _COUNT // 10)
_MODELS = int(os.environ.get("AT_ONCE") or 4)
_RATE = 20.0
_POLL_S = 1.0
_DEADLINE_S = 180.0
_NOT_ENDED = (AssertionError, SystemFailed, subprocess.TimeoutExpired)
Turn = Callable[[Trial, str], Mapping[str, float]]
Record = dict[str, Any]


def turns(scene: Scene, journal: Journal) -> Iterator[Line]:
    """A promotion and a rollback each."""
    done = _all_of("turn", _up_and_off, _COUNT, scene, journal)
    whole = [each for each in done if not each["broke"]]
    up, off = [each["up_s"] for each in whole], [each["off_s"] for each in whole]
    yield from _counted(f"{len(whole)} promotions and {len(whole)} rollbacks", done, _COUNT)
    yield at_most("  FAIL seen -> last answer of the canary, p99", round(quantile(off, 0.99), 2), 3, " s")
    figure = f"{quantile(up, 0.5):.1f}, {quantile(up, 0.99):.1f} s"
    yield Line("  apply -> in bake: median, p99", figure, "shown", True)


def returns(scene: Scene, journal: Journal) -> Iterator[Line]:
    """To the last stable digest, and by order out of the bake."""
    done = _all_of("return", _back_and_in_bake, _RETURNS, scene, journal)
    whole = [each for each in done if not each["broke"]]
    yield from _counted(f"{len(whole)} returns and {len(whole)} orders in bake", done, _RETURNS)
    back, in_bake = (max(each[what] for each in whole) for what in ("back_s", "in_bake_s"))
    yield at_most("  apply of the last stable digest -> last answer of the other, worst", round(back, 2), 30, " s")
    yield at_most("  order in bake -> last answer of the new one, worst", round(in_bake, 2), 5, " s")


def _all_of(kind: str, turn: Turn, count: int, scene: Scene, journal: Journal) -> list[Record]:
    """So many turns of this kind, those of a run before included."""
    numbers = iter(range(len(journal.of(kind)), count))
    lanes = [partial(_lane, Trial(scene, f"m{lane}", _POLL_S), turn, numbers) for lane in range(1, _MODELS + 1)]
    scene.caller()  # once, before all of them want it
    for record in side_by_side(lanes, at_once=_MODELS):
        journal.add(kind, **record)
        print(f"    {kind} {len(journal.of(kind))} of {count}: {record}", flush=True)
    return journal.of(kind)


def _lane(trial: Trial, turn: Turn, numbers: Iterator[int]) -> Iterator[Record]:
    """One model: a turn after the other, while there are any left."""
    if not trial.status:
        trial.serve("1", serving=SMALL)
    with trial.under_load(_RATE):
        for number in numbers:
            record = _tried(trial, turn, f"{number}-{time.time():.0f}")
            yield record
            if record["broke"]:
                return


def _tried(trial: Trial, turn: Turn, mark: str) -> Record:
    began, figures, broke = len(trial.laps), dict[str, float](), ""
    try:
        figures = {name: round(seconds, 2) for name, seconds in turn(trial, mark).items()}
    except _NOT_ENDED as error:
        broke = str(error)
    trial.lap()
    laps = trial.laps[began:]
    examples = [each for lap in laps for each in lap.seen["examples"]]
    counts = {"sent": sum(lap.sent for lap in laps), "failed": sum(lap.failed for lap in laps), "examples": examples}
    return {"model": trial.name, **figures, **counts, "broke": broke}


def _up_and_off(trial: Trial, mark: str) -> Mapping[str, float]:
    return {"up_s": _promote(trial), "off_s": _roll_back(trial, mark)}


def _back_and_in_bake(trial: Trial, mark: str) -> Mapping[str, float]:
    _promote(trial, f"again-{mark}")
    return {"back_s": _return(trial), "in_bake_s": _abort_in_bake(trial, f"back-{mark}")}


def _promote(trial: Trial, retry: str = "") -> float:
    """The other version climbs, and its bake is ended by order; seconds from apply to bake. `retry`: it was ordered back before."""
    version = OTHER[now_serving(trial)]
    at = _apply(trial, version, rollout=ladder(20, 50, retry=retry, **ALWAYS_BY_LADDER))
    canary = trial.on_trial(version, deadline_s=_DEADLINE_S)
    trial.state("Baking", deadline_s=_DEADLINE_S)
    taken_s = time.time() - at
    trial.annotate(PROMOTE, canary)
    trial.settled(version, deadline_s=_DEADLINE_S)
    trial.annotate(PROMOTE, None)  # or it would end a later bake of the same revision, too
    return taken_s


def _roll_back(trial: Trial, retry: str) -> float:
    """The broken model is tried once more; seconds from the operator's word to the canary's last answer."""
    version = now_serving(trial)
    trial.lap()
    at = _apply(trial, "errors", rollout=ladder(20, 50, retry=retry, **ALWAYS_BY_LADDER))
    canary = trial.on_trial("errors", deadline_s=_DEADLINE_S)
    trial.rejected(retry=retry, deadline_s=_DEADLINE_S)
    trial.settled(version, deadline_s=_DEADLINE_S)
    seen = trial.lap().last_at(canary)
    return max(0.0, (seen or at) - trial.log_time("RolledBack", at))


def _return(trial: Trial) -> float:
    """To the model that was stable before, without the ladder."""
    leaving, version = trial.stable, OTHER[now_serving(trial)]
    trial.lap()
    at = _apply(trial, version)
    trial.settled(version, deadline_s=_DEADLINE_S)
    return max(0.0, (trial.lap().last_at(leaving) or at) - at)


def _abort_in_bake(trial: Trial, retry: str) -> float:
    version = now_serving(trial)
    _apply(trial, OTHER[version], rollout=ladder(50, retry=retry, **ALWAYS_BY_LADDER))
    new = trial.on_trial(OTHER[version], deadline_s=_DEADLINE_S)
    trial.state("Baking", deadline_s=_DEADLINE_S)
    trial.lap()
    at = trial.annotate(ABORT, new)
    trial.settled(version, deadline_s=_DEADLINE_S)
    seen = trial.lap().last_at(new)
    trial.annotate(ABORT, None)
    _apply(trial, version)
    return max(0.0, (seen or at) - at)


def _apply(trial: Trial, version: str, **spec: Any) -> float:
    return trial.apply(version, serving=SMALL, **spec)


def now_serving(trial: Trial) -> str:
    """The version."""
    return str(trial.status["stable"]["version"])


def none_failed(what: str, laps: Sequence[Lap]) -> Iterator[Line]:
    """That no request failed; a few that did, in full."""
    examples = [each for lap in laps for each in lap.seen["examples"]]
    yield exactly(f"{what}: failed of {sum(lap.sent for lap in laps)}", sum(lap.failed for lap in laps), 0)
    if examples:
        yield Line(f"    {examples[:3]}", "", "", False)


def _counted(what: str, done: Sequence[Record], count: int) -> Iterator[Line]:
    yield exactly(f"{what}: failed of {sum(each['sent'] for each in done)}", sum(each["failed"] for each in done), 0)
    broke = [each["broke"] for each in done if each["broke"]]
    yield exactly(f"  of {count} did not come to their end", count - len(done) + len(broke), 0)
    for words in (*[each["examples"][:3] for each in done if each["failed"]], *broke):
        yield Line(f"    {' '.join(str(words).split())[:300]}", "", "", False)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
