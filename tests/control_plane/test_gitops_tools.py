"""Argo CD's engine and Flux's controller themselves at work on BankModels: what docs/gitops.md promises."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bankmodel_operator.core.conditions import Reason
from cluster.api_only import ApiOnlyCluster
from support.argo_engine import argo_cd
from support.flux import Flux, flux
from support.gitops import GitOps
from support.kstatus import kstatus, kstatus_itself
from support.kubectl import Kubectl
from support.operator_process import eventually
from support.saved_trials import CANARY, REJECTED, climbing, model_in, outlook, serving
from support.stage import DIGESTS
from support.trials import BAD, Trials, trials
from support.typed import MODEL, command, environment, manifest, orders, save

pytestmark = pytest.mark.control_plane

_ABORT, _PAUSED = (f"serving.bankmodel.io/{verb}" for verb in ("abort", "paused"))
_ON_STEP = model_in(climbing(), outlook(Reason.ON_STEP, "It gets 5 %."))
_TAKEN_BACK = model_in(serving(), outlook(Reason.ROLLED_BACK, "It was taken back.", "Stuck"), rejected=[REJECTED])
_DONE = model_in(serving(CANARY), outlook(Reason.SERVING, "It serves.", "Done"))
_NEW = {"owner": "other-desk"}
_BY_HAND: tuple[dict[str, Any], ...] = (
    {"owner": "somebody-else"},
    {"rollout": {"minRequests": 5}},
    {"model": {"version": "1", "sha256": DIGESTS["1"], "source": {"http": {"url": "https://models.example/1.onnx"}}}},
)
"""What somebody changes in the cluster after the rollback; the last goes back to the version that serves."""
_DEADLINE_S = 30
Start = Callable[[Kubectl, str, Path], AbstractContextManager[GitOps]]
_TOOLS: dict[str, Start] = {"flux": flux, "argo-cd": argo_cd}


@pytest.fixture(scope="module")
def it(
    api: ApiOnlyCluster, kubectl: Kubectl, module_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trials]:
    with trials(api, kubectl, module_namespace, tmp_path_factory.mktemp("trials")) as found:
        yield found


@pytest.fixture(params=list(_TOOLS.values()), ids=list(_TOOLS))
def tool(request: pytest.FixtureRequest, kubectl: Kubectl, namespace: str, tmp_path: Path) -> Iterator[GitOps]:
    """Each, on a namespace where no operator is."""
    start: Start = request.param
    with start(kubectl, namespace, tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("start", "well", "failed"),
    [
        pytest.param(partial(flux, waits=True), "ReconciliationSucceeded", "HealthCheckFailed", id="flux"),
        pytest.param(argo_cd, "Healthy", "Degraded", id="argo-cd"),
    ],
)
def test_self_heal_retries_nothing_and_a_retry_in_git_does(
    start: Start, well: str, failed: str, *, it: Trials, kubectl: Kubectl, tmp_path: Path
) -> None:
    name = f"healed-by-{well.lower()}"
    with start(kubectl, it.it.namespace, tmp_path) as tool:
        said = [_first_serves(tool, it, name)]
        it.pods.failing[BAD] = 0.5
        tool.commit(it.model(name, BAD))
        revision = it.ends_rolled_back(name)
        tool.applies()
        said += [tool.says(name), *(_is_healed(tool, it, name, by_hand) for by_hand in _BY_HAND)]
        tried_before = _trials_of(it, name, revision)
        it.pods.failing[BAD] = 0.0
        tool.commit(it.model(name, BAD, retry="TICKET-1"))
        it.ends_promoted(name, BAD)
        tool.applies()
        said += [tool.says(name)]

    assert [well, failed, failed, failed, failed, well] == said
    assert (1, 2) == (tried_before, _trials_of(it, name, revision))
    assert [] == _wrongly_told(it, name)
    assert [] == it.broken_rules()


def test_orders_survive_what_git_applies_again(tool: GitOps, kubectl: Kubectl, namespace: str) -> None:
    _reported(tool, kubectl, namespace, _ON_STEP)
    _type(kubectl, namespace, "abort", MODEL)
    _type(kubectl, namespace, "pause", MODEL, "--reason", "by hand")

    _edit(kubectl, namespace, MODEL, {"owner": "somebody-else"})
    tool.applies()

    assert _ON_STEP["spec"]["owner"] == _spec(kubectl, namespace)["owner"]
    assert {_ABORT: CANARY.revision, _PAUSED: "by hand"} == orders(kubectl, namespace)


def test_a_retry_that_git_does_not_have_stays_and_another_text_is_put_back(
    tool: GitOps, kubectl: Kubectl, namespace: str
) -> None:
    _reported(tool, kubectl, namespace, _TAKEN_BACK)
    _type(kubectl, namespace, "retry", MODEL, "--token", "INC-7")
    tool.applies()
    without = _spec(kubectl, namespace)["rollout"]["retry"]

    in_git = {**_TAKEN_BACK, "spec": {**_TAKEN_BACK["spec"], "rollout": {"retry": "INC-6"}}}
    tool.commit(manifest(in_git, namespace))
    tool.applies()

    assert ("INC-7", "INC-6") == (without, _spec(kubectl, namespace)["rollout"]["retry"])


def test_flux_undoes_a_plain_kubectl_annotate_and_not_one_by_another_name(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    with flux(kubectl, namespace, tmp_path) as tool:
        _reported(tool, kubectl, namespace, _ON_STEP)
        kubectl("annotate", "bm", MODEL, "-n", namespace, f"{_ABORT}={CANARY.revision}")
        kubectl("annotate", "bm", MODEL, "-n", namespace, f"{_PAUSED}=x", "--field-manager=by-hand")
        tool.applies()

    assert {_PAUSED: "x"} == orders(kubectl, namespace)


def test_flux_that_waits_for_a_trial_applies_no_commit_meanwhile(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    with flux(kubectl, namespace, tmp_path, waits=True) as tool:
        _is_waited_for_and_git_moves_on(tool, kubectl, namespace)
        time.sleep(3)  # nothing to wait for: it must not do anything
        meanwhile = _spec(kubectl, namespace)["owner"]
        save(kubectl, namespace, _DONE)

        eventually(lambda: _spec(kubectl, namespace)["owner"] == _NEW["owner"], what="it goes on")

    assert _ON_STEP["spec"]["owner"] == meanwhile


def test_flux_applies_it_at_once_where_it_is_told_to(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    with flux(kubectl, namespace, tmp_path, waits=True, gates=("CancelHealthCheckOnNewRevision",)) as tool:
        _is_waited_for_and_git_moves_on(tool, kubectl, namespace)

        eventually(lambda: _spec(kubectl, namespace)["owner"] == _NEW["owner"], what="it is applied")


def _is_waited_for_and_git_moves_on(tool: Flux, kubectl: Kubectl, namespace: str) -> None:
    tool.commit(manifest(_ON_STEP, namespace))
    eventually(tool.checks_health, what="Flux has applied it and waits")
    save(kubectl, namespace, _ON_STEP)
    tool.commit(manifest({**_ON_STEP, "spec": {**_ON_STEP["spec"], **_NEW}}, namespace))


def _first_serves(tool: GitOps, it: Trials, name: str) -> str:
    tool.commit(it.model(name, "1"))
    tool.applies()
    it.it.reaches(name)
    return tool.says(name)


def _is_healed(tool: GitOps, it: Trials, name: str, by_hand: dict[str, Any]) -> str:
    """Somebody edits the model, the operator looks at that, the tool puts back what Git says, the operator looks again."""
    in_git = it.it.get("bankmodel", name)["spec"]
    _edit(it.it.kubectl, it.it.namespace, name, by_hand)
    assert in_git != it.it.get("bankmodel", name)["spec"]
    _is_seen(it, name)
    tool.applies()
    assert in_git == it.it.get("bankmodel", name)["spec"]
    _is_seen(it, name)
    it.it.settles()
    return tool.says(name)


def _is_seen(it: Trials, name: str) -> None:
    def observed() -> bool:
        live = it.it.get("bankmodel", name)
        return bool(live["metadata"]["generation"] == live["status"].get("observedGeneration"))

    eventually(observed, what=f"the operator has looked at {name}")


def _trials_of(it: Trials, name: str, revision: str) -> int:
    """How often pods of a revision were made."""
    mine = (change.after for change in it.history.settled() if change.name == f"{name}-{revision}")
    return len({each["metadata"]["uid"] for each in mine if each and each["kind"] == "Deployment"})


def _wrongly_told(it: Trials, name: str) -> list[tuple[str, dict[str, Any]]]:
    """Writes of the model after which Flux would take it for done, or failed, or on its way, and it is not."""
    changes = [change for change in it.history.settled() if (change.kind, change.name) == ("BankModel", name)]
    models = [change.after for change in changes if change.after]
    told = list(zip(kstatus_itself(models), models, strict=True))
    assert {"Current", "InProgress", "Failed"} == {word for word, _ in told}
    assert [word for word, _ in told] == [kstatus(each) for each in models]
    return [(word, each) for word, each in told if word != _should_be_told(each)]


def _should_be_told(model: dict[str, Any]) -> str:
    """From what the operator keeps of its rollout, not from the conditions."""
    status, version = model.get("status", {}), model["spec"]["model"]["version"]
    if status.get("observedGeneration") != model["metadata"]["generation"]:
        return "InProgress"
    if status.get("rollout", {}).get("state") != "Serving":
        return "InProgress"
    if version == status["stable"]["version"]:
        reasons = [each["reason"] for each in status["conditions"] if each["type"] == "Ready"]
        return "InProgress" if reasons == ["Scaling"] else "Current"  # not all of its pods are ready yet
    return "Failed" if version in [each["version"] for each in status.get("rejected", ())] else "InProgress"


def _reported(tool: GitOps, kubectl: Kubectl, namespace: str, model: dict[str, Any]) -> None:
    """Applied by the tool, and reported on by an operator."""
    tool.commit(manifest(model, namespace))
    tool.applies()
    save(kubectl, namespace, model)


def _edit(kubectl: Callable[..., Any], namespace: str, name: str, spec: dict[str, Any]) -> None:
    kubectl("patch", "bm", name, "-n", namespace, "--type=merge", "-p", json.dumps({"spec": spec}))


def _spec(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    spec: dict[str, Any] = kubectl.read("get", "bm", MODEL, "-n", namespace)["spec"]
    return spec


def _type(kubectl: Kubectl, namespace: str, *words: str) -> None:
    typed = command(kubectl, namespace, *words)
    subprocess.run(typed, env=environment(), check=True, capture_output=True, text=True, timeout=_DEADLINE_S)
