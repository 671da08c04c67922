"""`make demo`: from nothing to a scored request on a real cluster, then two trials under load. `make demo-down` undoes it."""

import json
import time
from typing import Any

from demo.steps import say, step
from demo.trials import RATE, trials
from system import mortgage
from system.bad_models import make_bad
from system.caller import answer_of
from system.installation import install_operator
from system.mortgage import MODEL
from system.place import Place, SystemFailed
from system.scene import Scene

__all__ = ["demo", "demo_down"]

NAMESPACE = "lending"
_BROKEN = "3"
_SETTLE_S = 2.0


def demo(place: Place) -> None:
    """All of it; a second run starts again from version 1 on the same cluster."""
    began = time.monotonic()
    with step("starting a real Kubernetes cluster (the first time its binaries are built: about 10 minutes)"):
        place.up()
    with step("building the serving and operator images and bringing them to the node"):
        images = place.images()
    with step("training, exporting and packing the mortgage example, and a third version that is broken"):
        made = mortgage.make()
        made.load(place)
        make_bad(made, place, "errors", _BROKEN)
    say(made.story.rstrip())
    with step("installing the CRD and the operator (two replicas, one leads)"):
        install_operator(place, images)
    scene = Scene(place, NAMESPACE, images, made)
    with step(f"making namespace {NAMESPACE} (restricted) and the application's pod in it"):
        _prepare(scene)
    first_s = _first_score(scene)
    told = trials(scene, _BROKEN)
    _farewell(scene)
    say(
        f"apply → first score {first_s:.1f} s; under {RATE} requests/s version 2 climbed in {told.climbed_s:.0f} s, with its bake "
        f"{told.baked_s:.0f} s; version {_BROKEN} was found out {told.found_s:.0f} s after its apply, its last answer "
        f"{told.taken_back_s:.1f} s later; {told.sent} sent, {len(told.failures)} failed; all of it "
        f"{time.monotonic() - began:.0f} s"
    )
    if told.failures:
        raise SystemFailed(f"requests failed, such as {told.failures[:5]}")


def demo_down(place: Place) -> None:
    """Stop the cluster and all that runs on it; the cache outside the checkout stays."""
    place.command("down")


def _prepare(scene: Scene) -> None:
    kubectl = scene.place.kubectl
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    kubectl("apply", "--server-side", "-f", "-", body=namespace)
    scene.kubectl("delete", "bankmodel", MODEL, "--ignore-not-found", "--cascade=foreground")
    scene.caller()


def _first_score(scene: Scene) -> float:
    with step("applying version 1, asking by the Service's DNS name from another pod until it answers"):
        with scene.caller().waiting(scene.url) as asking:
            time.sleep(_SETTLE_S)  # the time below is the model's, not that of starting to ask
            applied = time.time()
            scene.apply(scene.manifest("1"))
            found = answer_of(asking)
        scene.serves("1")
    _tell(found["answer"])
    return float(found["at"] - applied)


def _tell(answer: dict[str, Any]) -> None:
    """The answer as it came, and what it says about the example client."""
    say(json.dumps(answer))
    probabilities = next(output["data"] for output in answer["outputs"] if output["name"] == "probabilities")
    say(f"the example client, whom the bank turned down: version {answer['model_version']} says {probabilities[1]:.2f}")


def _farewell(scene: Scene) -> None:
    _tell(scene.caller().first_answer(scene.url)["answer"])
    kubectl = f"{scene.place.state.path.name}/kubectl"
    say("\n" + scene.kubectl("get", "bankmodel"))
    say(f"endpoint   {scene.url}   (inside the cluster)")
    say("look around:")
    for command in (
        f"{kubectl} get bm -A -o wide",
        f"{kubectl} -n {NAMESPACE} describe bm {MODEL}",
        f"{kubectl} -n {NAMESPACE} get all,controllerrevisions,configmaps,pdb,networkpolicies",
        f"{kubectl} -n {NAMESPACE} scale bm {MODEL} --replicas=3",
        f"{kubectl} -n bankmodel-system logs -l app.kubernetes.io/name=bankmodel-operator -f",
        "make demo-down",
    ):
        say(f"  {command}")
