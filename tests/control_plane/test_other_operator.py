"""An operator of another version takes over: what runs stays as it was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.operator_process import eventually
from support.other_operator import MARK, marked_sources
from support.stage import Stage, a_model, stage

_OTHER_IMAGE = "registry.example/bankmodel-serving:other"


@dataclass(frozen=True)
class TakenOver:
    """A stage whose second operator is of another version; what the first one made for `kept`."""

    it: Stage
    template: dict[str, Any]
    pods: set[str]


@pytest.fixture(scope="module")
def taken_over(
    api: ApiOnlyCluster,
    kubectl: Callable[..., Any],
    module_namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TakenOver]:
    """The other operator has led for a few passes over everything."""
    folder = tmp_path_factory.mktemp("other")
    with stage(api, kubectl, module_namespace, folder, BANKMODEL_RESYNC="1s") as it:
        it.apply(a_model("kept", module_namespace))
        it.reaches("kept")
        it.settles(quiet_s=0.5)
        template, running = template_of(it, "kept"), pods(it, "kept")
        it.operator.stop()
        it.operator.settings |= {
            "PYTHONPATH": str(marked_sources(folder)),
            "BANKMODEL_SERVING_IMAGE": _OTHER_IMAGE,
        }
        it.operator.start()
        eventually(lambda: it.operator.passes() > 5, what="the other operator has looked several times")
        yield TakenOver(it, template, running)


def template_of(it: Stage, model: str) -> dict[str, Any]:
    (deployment,) = it.children(model, "deployments")
    template: dict[str, Any] = deployment["spec"]["template"]
    return template


def pods(it: Stage, model: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in it.children(model, "pods")}


def test_no_pod_template_changes_and_no_pod_restarts(taken_over: TakenOver) -> None:
    assert taken_over.template == template_of(taken_over.it, "kept")
    assert taken_over.pods == pods(taken_over.it, "kept")


def test_a_new_model_gets_the_other_template_and_image(taken_over: TakenOver) -> None:
    """Else the test above would prove nothing."""
    it = taken_over.it
    it.apply(a_model("new", it.namespace))
    it.reaches("new")
    template = template_of(it, "new")

    assert template["metadata"]["labels"][MARK] == "other"
    assert template["spec"]["containers"][0]["image"] == _OTHER_IMAGE


def test_the_user_is_told_of_the_older_image(taken_over: TakenOver) -> None:
    available = taken_over.it.condition("kept", "Available")

    assert available["status"] == "True"
    assert _OTHER_IMAGE in available["message"]


def test_a_lost_status_brings_back_the_recorded_revision_under_the_other_operator(taken_over: TakenOver) -> None:
    it = taken_over.it
    stable = it.get("bankmodel", "kept")["status"]["stable"]["revision"]
    it.lose_status("kept")

    assert stable == it.reaches("kept")["status"]["stable"]["revision"]
    assert taken_over.template == template_of(it, "kept")
    assert taken_over.pods == pods(it, "kept")
