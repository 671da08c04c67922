"""Item 4: what a trial rests on is killed in mid-step, a pod is cut off, and the operator stays away.

FAULTS: which to strike with, comma separated, such as "kubelet,a stable pod".
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from system.bad_models import make_bad
from system.disturbance import cut_off, inside, kill_pod, without_component
from system.installation import NAMESPACE, install_operator
from system.trial import PAUSED, PROMOTE, Trial, ladder
from verify.lines import Line, at_most, exactly
from verify.stages import scene_in

__all__ = ["item_4"]

_RATE = 60.0
_CONNECTIONS = 8
_AWAY_S = 6.0
_SETTLE_S = 8.0
_GRANT_S = 20.0
"""Ten minutes in real life: the pods only see the table, so it is shortened there by hand."""
_CUT = ("RemoteDisconnected", "ConnectionResetError", "BrokenPipeError", "TimeoutError", "ConnectionRefusedError")


def item_4() -> Iterator[Line]:
    """Kubelet, apiserver, operator and pods killed; one stable pod cut off; the operator away past notAfter."""
    with scene_in("verify-rollout-4") as scene:
        make_bad(scene.example, scene.place, "errors")
        trial = Trial(scene)
        trial.serve("1")
        with trial.under_load(_RATE, connections=_CONNECTIONS, inside=inside(scene.caller().pod())):
            yield from _killed(trial)
            yield from _cut_off(trial)
            yield from _away(trial)


def _killed(trial: Trial) -> Iterator[Line]:
    """All on one step, which is held by the annotation; then it goes on to the end."""
    trial.apply("2", rollout=ladder(20, 50, hold="8s"))
    canary = trial.on_trial()
    trial.in_force(20)
    trial.annotate(PAUSED, "faults")
    strikes: dict[str, Callable[[], Any]] = {
        "kubelet": lambda: _without(trial, "kubelet"),
        "apiserver": lambda: _without(trial, "apiserver"),
        "both operators": lambda: [kill_pod(pod) for pod in _operators(trial)],
        "a canary pod": lambda: kill_pod(_pod_of(trial, canary)),
        "a stable pod": lambda: kill_pod(_pod_of(trial, trial.stable)),
    }
    for name, strike in strikes.items():
        if name not in (os.environ.get("FAULTS") or name).split(","):
            continue
        trial.lap()
        strike()
        time.sleep(_SETTLE_S)
        if trial.status["rollout"]["state"] == "Preparing":  # it was lost for a moment; a pause forbids a new beginning
            trial.annotate(PAUSED, None)
        trial.in_force(20, deadline_s=120)
        trial.annotate(PAUSED, "faults")
        lap = trial.lap_of(int(3 * _RATE), _RATE)
        yield _lost(f"killed {name} in mid-step", trial, 2, allowed=_CONNECTIONS if name == "a stable pod" else 0)
        yield Line(
            "    and then the canary's share",
            f"{lap.share_of(canary):.0f} %",
            "20 +-3 %",
            abs(lap.share_of(canary) - 20) <= 3,
        )
    trial.annotate(PAUSED, None)
    trial.state("Baking", deadline_s=120)
    trial.annotate(PROMOTE, canary)
    yield exactly("  it went on: version that serves", trial.settled("2")["stable"]["version"], "2")


def _cut_off(trial: Trial) -> Iterator[Line]:
    trial.lap()
    at = trial.apply("errors", rollout=ladder(50))
    canary = trial.on_trial()
    trial.in_force(50)
    with cut_off(trial.scene.place, _pod_of(trial, trial.stable)):
        trial.rejected()
        withdrawn_s = time.time() - trial.log_time("RolledBack", at)
        trial.settled("2")
        trial.lap()
        time.sleep(_SETTLE_S)
    time.sleep(_SETTLE_S)
    after = trial.lap()
    yield _lost("one stable pod cut off while FAIL strikes", trial, 2, allowed=2 * _CONNECTIONS)
    yield at_most("  FAIL -> the canary is withdrawn, though that pod is silent", round(withdrawn_s, 1), 30, " s")
    yield exactly(
        f"  answers of the canary in {2 * _SETTLE_S:g} s afterwards, the pod back", after.answered_by(canary), 0
    )


def _away(trial: Trial) -> Iterator[Line]:
    scene = trial.scene
    trial.apply("1", rollout=ladder(20, 50, hold="4s", rollbackWindow="0s"))
    canary = trial.on_trial()
    trial.in_force(20)
    trial.annotate(PAUSED, "faults")
    scene.place.kubectl("-n", NAMESPACE, "scale", "deployment/bankmodel-operator", "--replicas=0")
    scene.eventually(lambda: not _operators(trial), "no operator runs")
    trial.lap()
    ends = _shorten_grant(trial)
    before = trial.lap_of(int(5 * _RATE), _RATE)
    yield Line(
        "operator away: the canary's share until notAfter",
        f"{before.share_of(canary):.0f} %",
        "20 +-3 %",
        abs(before.share_of(canary) - 20) <= 3,
    )
    time.sleep(max(0.0, ends - time.time()) + 3)
    last = trial.lap().last_at(canary)
    after = trial.lap_of(int(5 * _RATE), _RATE)
    yield at_most("  last answer of the canary after notAfter", round((last or ends) - ends, 2), 1, " s")
    yield exactly("  answers of the canary in the next 5 s", after.answered_by(canary), 0)
    trial.annotate(PAUSED, None)
    install_operator(scene.place, scene.images)
    trial.state("Baking", deadline_s=180)
    trial.annotate(PROMOTE, canary)
    yield exactly(
        "  the operator is back, and it goes on: version that serves", trial.settled("1")["stable"]["version"], "1"
    )
    yield _lost("  in all of it", trial, 4)


def _shorten_grant(trial: Trial) -> float:
    """Let the grant end soon, in the table itself; Unix time at which it does."""
    scene, name = trial.scene, f"{trial.name}-routing"
    table = json.loads(scene.get("configmap", name)["data"]["table.json"])
    until = (datetime.now(UTC) + timedelta(seconds=_GRANT_S)).replace(microsecond=0)
    table["canary"]["notAfter"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    patch = json.dumps({"data": {"table.json": json.dumps(table)}})
    scene.kubectl("patch", "configmap", name, "--type=merge", "-p", patch)
    for pod in scene.pods(trial.name):  # makes the kubelet bring the table at once
        scene.kubectl(
            "annotate", "--overwrite", "pod", pod["metadata"]["name"], f"verify.bankmodel.io/at={time.time()}"
        )
    return until.timestamp()


def _without(trial: Trial, component: str) -> None:
    with without_component(trial.scene.place, component):
        time.sleep(_AWAY_S)


def _operators(trial: Trial) -> list[dict[str, Any]]:
    words = ("-n", NAMESPACE, "get", "pods", "-l", "app.kubernetes.io/name=bankmodel-operator")
    found: list[dict[str, Any]] = trial.scene.place.kubectl.read(*words)["items"]
    return found


def _pod_of(trial: Trial, revision: str) -> dict[str, Any]:
    label = "serving.bankmodel.io/revision"
    return next(pod for pod in trial.scene.pods(trial.name) if pod["metadata"]["labels"][label] == revision)


def _lost(what: str, trial: Trial, laps: int, allowed: int = 0) -> Line:
    """Failed requests of the last laps; those on connections that a strike cut are allowed, one a connection."""
    last = trial.laps[-laps:]
    kinds = sorted({kind for lap in last for kind in lap.seen["failures"]})
    failed = sum(lap.failed for lap in last)
    is_ok = failed <= allowed and set(kinds) <= set(_CUT)
    bar = f"<= {allowed}, cut connections" if allowed else "0"
    return Line(f"{what}: failed of {sum(lap.sent for lap in last)} {kinds or ''}", str(failed), bar, is_ok)
