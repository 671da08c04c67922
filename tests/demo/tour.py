"""`make demo`: from nothing to a scored request on a real cluster, then a new version under load. `make demo-down` undoes it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo.steps import say, step
from system import mortgage
from system.caller import CallerPod, answer_of
from system.installation import install_operator
from system.mortgage import MODEL, Mortgage
from system.place import Place, SystemFailed

__all__ = ["demo", "demo_down"]

NAMESPACE = "lending"
URL = f"http://{MODEL}.{NAMESPACE}.svc/v2/models/{MODEL}/infer"
_RATE, _SECONDS = 50, 20
_SETTLE_S = 2.0


@dataclass(frozen=True)
class _Scene:
    place: Place
    made: Mortgage
    caller: CallerPod

    def apply(self, version: str) -> None:
        manifest = self.made.manifest(version, NAMESPACE)
        self.place.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", body=manifest)

    def wait_for(self, what: str) -> None:
        words = ("-n", NAMESPACE, "wait", f"--for={what}", f"bankmodel/{MODEL}", "--timeout=55s")
        done = self.place.kubectl(*words, check=False)
        if done.returncode != 0:
            shown = self.place.kubectl("-n", NAMESPACE, "describe", "bankmodel", MODEL, check=False).stdout
            raise SystemFailed(f"the model did not get there: {done.stderr.strip()}\n{shown}")


def demo(place: Place) -> None:
    """All of it; a second run starts again from version 1 on the same cluster."""
    began = time.monotonic()
    with step("starting a real Kubernetes cluster (the first time its binaries are built: about 10 minutes)"):
        place.up()
    with step("building the serving and operator images and bringing them to the node"):
        images = place.images()
    with step("training, exporting and packing the mortgage example"):
        made = mortgage.make()
        made.load(place)
    say(made.story.rstrip())
    with step("installing the CRD and the operator (two replicas, one leads)"):
        install_operator(place, images)
    scene = _Scene(place, made, CallerPod(place.kubectl, NAMESPACE))
    with step(f"making namespace {NAMESPACE} (restricted) and the application's pod in it"):
        _prepare(scene, images)
    first_s = _first_score(scene)
    update_s, summary = _update(scene)
    _farewell(place)
    failed = summary["failed"]
    say(
        f"apply → first score {first_s:.1f} s; version 1 → 2 in {update_s:.1f} s under {_RATE} requests/s: "
        f"{summary['sent']} sent, {failed} failed; all of it {time.monotonic() - began:.0f} s"
    )
    if failed:
        raise SystemFailed(f"{failed} requests failed: {summary['failures']}, such as {summary['examples']}")


def demo_down(place: Place) -> None:
    """Stop the cluster and all that runs on it; the cache outside the checkout stays."""
    place.command("down")


def _prepare(scene: _Scene, images: Mapping[str, str]) -> None:
    kubectl = scene.place.kubectl
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    kubectl("apply", "--server-side", "-f", "-", body=namespace)
    kubectl("-n", NAMESPACE, "delete", "bankmodel", MODEL, "--ignore-not-found", "--cascade=foreground")
    scene.caller.start(images["serving"], scene.made.bodies("2"))


def _first_score(scene: _Scene) -> float:
    with step("applying version 1, asking by the Service's DNS name from another pod until it answers"):
        with scene.caller.waiting(URL) as asking:
            time.sleep(_SETTLE_S)  # the time below is the model's, not that of starting to ask
            applied = time.time()
            scene.apply("1")
            found = answer_of(asking)
        scene.wait_for("condition=Ready")
    _tell(found["answer"])
    return float(found["at"] - applied)


def _update(scene: _Scene) -> tuple[float, dict[str, Any]]:
    with step(f"applying version 2 under {_RATE} requests/s for {_SECONDS} s"):
        with scene.caller.load(URL, rate=_RATE, seconds=_SECONDS) as load:
            time.sleep(_SETTLE_S)
            applied = time.monotonic()
            scene.apply("2")
            scene.wait_for("jsonpath={.status.stable.version}=2")
            scene.wait_for("condition=Ready")
            taken_s = time.monotonic() - applied
            summary = load.summary()
    say(f"answers by version {summary['versions']}, p50 {summary['p50_ms']} ms, p99 {summary['p99_ms']} ms")
    _tell(scene.caller.first_answer(URL)["answer"])
    return taken_s, summary


def _tell(answer: dict[str, Any]) -> None:
    """The answer as it came, and what it says about the example client."""
    say(json.dumps(answer))
    probabilities = next(output["data"] for output in answer["outputs"] if output["name"] == "probabilities")
    say(f"the example client, whom the bank turned down: version {answer['model_version']} says {probabilities[1]:.2f}")


def _farewell(place: Place) -> None:
    kubectl = f"{place.state.path.name}/kubectl"
    say("\n" + place.kubectl("-n", NAMESPACE, "get", "bankmodel").stdout)
    say(f"endpoint   {URL}   (inside the cluster)")
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
