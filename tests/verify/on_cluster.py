"""Items 2, 4, 5, 6 and 7: measured on the real cluster with real pods."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from system.caller import answer_of
from system.installation import install_operator
from system.mistakes import MISTAKES, make_mistakes
from system.mortgage import MODEL
from system.scene import Scene
from system.takeover import Takeover, pod_ids
from system.traffic import delete_a_pod_under_load, update_under_load
from verify.audit import writes_since
from verify.lines import Line, at_most, exactly
from verify.shown import show
from verify.stages import scene_in

__all__ = ["item_2", "item_4", "item_5", "item_6", "item_7"]

_OPERATOR = "system:serviceaccount:bankmodel-system:bankmodel-operator"
_IDLE_S, _QUIET_S, _WATCH_S = 60, 10, 20
_RATE, _SECONDS = 200, 60
_TOLD_WITHIN_S = 30.0


def item_2() -> Iterator[Line]:
    """Time from apply to the first score, and writes of an idle operator."""
    with scene_in("verify-2") as scene:
        caller = scene.caller()
        with caller.waiting(scene.url) as asking:
            time.sleep(2)
            applied = time.time()
            scene.apply(scene.manifest("1"))
            found = answer_of(asking)
        yield at_most("apply -> first score, images present", round(found["at"] - applied, 1), 10, " s")
        scene.serves("1")
        time.sleep(_QUIET_S)
        log = scene.place.state.audit_log
        offset = log.stat().st_size
        time.sleep(_IDLE_S)
        written = writes_since(log, offset, _OPERATOR)
        yield exactly(f"writes of the idle operator in {_IDLE_S} s (audit log, Lease apart)", dict(written), {})
        yield exactly("  the same log shows what it wrote before", bool(writes_since(log, 0, _OPERATOR)), True)


def item_4() -> Iterator[Line]:
    """Nothing is lost under load."""
    with scene_in("verify-4") as scene:
        summary = update_under_load(scene, rate=_RATE, seconds=_SECONDS)
        total = _RATE * _SECONDS
        what = f"update under {_RATE} requests/s for {_SECONDS} s: failed of {summary['sent']}"
        yield exactly(what, summary["failures"], {})
        yield exactly("  answered, by version: both, together all", sum(summary["versions"].values()), total)
        yield Line("  p50, p99, time of the update", _times(summary), "shown", "2" in summary["versions"])
    with scene_in("verify-4-pod") as scene:
        summary = delete_a_pod_under_load(scene, rate=_RATE, seconds=20)
        yield exactly(f"a pod deleted under {_RATE} requests/s: failed of {summary['sent']}", summary["failures"], {})


def item_5() -> Iterator[Line]:
    """What a user who made a mistake is told."""
    with scene_in("verify-5") as scene, tempfile.TemporaryDirectory() as folder:
        told = make_mistakes(scene, Path(folder))
    for name, found in told.items():
        expected = MISTAKES[name]
        is_told = found.reason == expected.reason and expected.says in found.message
        goes_on = found.is_available and found.still_serves == "1"
        is_ok = is_told and goes_on and found.seconds <= _TOLD_WITHIN_S
        yield Line(
            f"{name}: Stalled={found.reason}", f"{found.seconds:.0f} s", f"<= {_TOLD_WITHIN_S:g} s, v1 serves", is_ok
        )
        yield Line(f"    {found.message}", "", "", is_told)
    yield from _name_taken()


def _name_taken() -> Iterator[Line]:
    with scene_in("verify-5-name") as scene:
        theirs = {"selector": {"app": "theirs"}, "ports": [{"port": 80}]}
        scene.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": MODEL}, "spec": theirs})
        began = time.monotonic()
        scene.apply(scene.manifest("1"))
        condition = scene.stalls("NameTaken")
        taken_s = round(time.monotonic() - began, 1)
        is_alone = scene.get("service")["spec"]["selector"] == {"app": "theirs"} and not scene.items("deployments")
        yield Line("name-taken: Stalled=NameTaken", f"{taken_s:g} s", "theirs untouched", is_alone)
        yield Line(f"    {condition['message']}", "", "", True)


def item_6() -> Iterator[Line]:
    """Another operator takes over, status is lost, sizes change."""
    with scene_in("verify-6") as scene:
        scene.answering()
        before = pod_ids(scene)
        with Takeover(scene) as other:
            time.sleep(_WATCH_S)
            yield _stayed("other default image and changed renderer: model pods that stayed", scene, before)
            yield exactly("  the same operator's new revision uses both", other.marks_a_new_revision(), True)
        install_operator(scene.place, scene.images)
        yield from _status_lost(scene)
        yield from _sizes(scene)


def _status_lost(scene: Scene) -> Iterator[Line]:
    before, stable = pod_ids(scene), scene.get("bankmodel")["status"]["stable"]["revision"]
    scene.kubectl("patch", "bankmodel", MODEL, "--subresource=status", "--type=json", "-p", _DROP_STATUS)
    rebuilt = scene.serves("1")["status"]["stable"]["revision"]
    time.sleep(_QUIET_S)
    yield exactly("status deleted by hand: rebuilt with the same stable revision", rebuilt, stable)
    yield _stayed("  model pods that stayed, without a restart", scene, before)


def _stayed(what: str, scene: Scene, before: set[tuple[str, int]]) -> Line:
    after = pod_ids(scene)
    return Line(what, f"{len(before & after)} of {len(before)}", f"{len(before)}, and no other", before == after)


def _sizes(scene: Scene) -> Iterator[Line]:
    scene.kubectl("scale", "bankmodel", MODEL, "--replicas=3")
    scene.eventually(lambda: len(pod_ids(scene)) == 3, "there are three pods")
    yield exactly("kubectl scale (writes /scale, as the HPA does) to 3: pods", len(pod_ids(scene)), 3)
    scene.kubectl("scale", "bankmodel", MODEL, "--replicas=1")
    scene.eventually(lambda: len(pod_ids(scene)) == 1, "there is one pod")
    scene.apply(scene.manifest("2", suspend=True))
    scene.eventually(lambda: scene.condition("Ready").get("reason") == "Suspended", "it says that it is suspended")
    time.sleep(_QUIET_S)
    yield exactly(
        "suspended: version 2 applied, stable version", scene.get("bankmodel")["status"]["stable"]["version"], "1"
    )
    scene.apply(scene.manifest("2"))
    yield exactly("resumed: stable version", scene.serves("2")["status"]["stable"]["version"], "2")


def item_7() -> Iterator[Line]:
    """What kubectl shows."""
    with scene_in("verify-7") as scene:
        scene.apply(scene.manifest("1"))
        yield from show(scene)


def _times(summary: dict[str, object]) -> str:
    return f"{summary['p50_ms']}, {summary['p99_ms']} ms, {summary['update_s']} s"


_DROP_STATUS = '[{"op":"remove","path":"/status"}]'
