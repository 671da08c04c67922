"""Item 7's good model with few callers: its hours on a simulated clock, and the same in minutes on the real cluster.

PACE: seconds between the requests in real time.
"""

import os
import time
from collections.abc import Iterator

from support.few_callers import quiet_trial
from system.scene import Scene
from system.trial import PROMOTE, SMALL, Trial, ladder
from verify.lines import Line, exactly

__all__ = ["in_real_time", "on_a_simulated_clock"]

_EVERY_S, _LOOK_S = 180.0, 30.0
_PACE_S = float(os.environ.get("PACE") or 5)
_NEEDED = 10
_LATE_S = 120.0


def on_a_simulated_clock() -> Iterator[Line]:
    """The operator's own decisions and statistics; pods, callers and hours are simulated. All that a spec leaves out has its default."""
    quiet = quiet_trial(every_s=_EVERY_S, look_s=_LOOK_S, shadow={})
    version = quiet.simulation.model["status"]["stable"]["version"]
    hours = ", ".join(f"{place} {at.total_seconds() / 3600:.0f}" for place, at in quiet.way.items())
    yield exactly(f"simulated clock, {3600 / _EVERY_S:g} requests an hour, defaults: version that serves", version, "2")
    yield Line(f"    of {quiet.callers.sent} requests {quiet.callers.by_canary} its own; hours: {hours}", "", "", True)


def in_real_time(scene: Scene) -> Iterator[Line]:
    """All real, with more callers and fewer requests asked for, or it would take days."""
    trial = Trial(scene, "quiet")
    trial.serve("1", serving=SMALL)
    with trial.under_load(1 / _PACE_S, connections=1):
        at = trial.apply("2", serving=SMALL, rollout=ladder(50, minRequests=_NEEDED, shadow={"hold": "0s"}))
        new = trial.on_trial()
        trial.state("Baking", deadline_s=6 * _NEEDED * _PACE_S + _LATE_S)
        seconds = time.time() - at
        trial.annotate(PROMOTE, new)
        trial.settled("2")
    what = f"real time, {3600 / _PACE_S:g} requests an hour, {_NEEDED} a step asked for"
    yield Line(f"{what}: bakes after", f"{seconds:.0f} s", "serves", True)
    yield exactly(f"    failed of {trial.sent} requests {trial.failures[:2] or ''}", len(trial.failures), 0)
