"""`kubectl bankmodel` as a user types it: the real kubectl finds the installed command and asks a real API server."""

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bankmodel_operator.core.conditions import Reason
from bankmodel_operator.plugin.connection import FIELD_MANAGER
from cluster.api_only import ApiOnlyCluster
from support.kubectl import Kubectl
from support.operator_process import eventually
from support.saved_trials import CANARY, REJECTED, baking, climbing, model_in, outlook, serving, verdict
from support.typed import MODEL, command, environment, orders, save

pytestmark = pytest.mark.control_plane

_ABORT, _PROMOTE, _PAUSED = (f"serving.bankmodel.io/{verb}" for verb in ("abort", "promote", "paused"))
_USERS = Path(__file__).parents[2] / "manifests" / "base" / "users.yaml"
_DEADLINE_S = 30
_ON_STEP = model_in(
    climbing(),
    outlook(Reason.ON_STEP, "Revision aa11bb22cc (version 2026.12) gets 5 % of the requests (step 2 of 4)."),
    canary={"requests": 57, "needed": 100},
    rollout={"verdicts": [verdict("errors", "UNKNOWN", value="0%", message="57 of 100 requests; none failed")]},
)
_DONE = model_in(serving(CANARY), outlook(Reason.SERVING, "It serves.", "Done"))
_TAKEN_BACK = model_in(serving(), outlook(Reason.ROLLED_BACK, "It was taken back.", "Stuck"), rejected=[REJECTED])
Typed = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def typed(kubectl: Kubectl, namespace: str) -> Typed:
    """Runs `kubectl bankmodel rollout …` in the test's namespace."""
    return lambda *words, kubeconfig=None: subprocess.run(
        command(kubectl, namespace, *words, kubeconfig=kubeconfig),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=False,
    )


def test_status_shows_a_step_and_that_it_moves(kubectl: Kubectl, namespace: str, typed: Typed) -> None:
    save(kubectl, namespace, _ON_STEP)

    shown = typed("status", MODEL)

    assert 3 == shown.returncode, shown.stderr
    assert "canary  aa11bb22cc  2026.12" in shown.stdout
    assert "errors  UNKNOWN  0%     1%     57        57 of 100 requests; none failed" in shown.stdout
    assert "waits for  check errors UNKNOWN" in shown.stdout


def test_watch_ends_when_the_rollout_does(kubectl: Kubectl, namespace: str) -> None:
    save(kubectl, namespace, _ON_STEP)
    words = command(kubectl, namespace, "status", MODEL, "--watch", "--timeout", "25s")
    watching = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    first = watching.stdout.readline()

    save(kubectl, namespace, _DONE)
    rest, _ = watching.communicate(timeout=_DEADLINE_S)

    assert "OnStep: Revision aa11bb22cc" in first
    assert (0, True) == (watching.returncode, rest.splitlines()[-1].endswith("Serving: It serves."))


def test_in_a_terminal_it_draws(kubectl: Kubectl, namespace: str) -> None:
    save(kubectl, namespace, _ON_STEP)
    terminal, inside = pty.openpty()
    words = command(kubectl, namespace, "status", MODEL, "--watch", "--timeout", "3s")
    with subprocess.Popen(words, env={**environment(), "TERM": "xterm"}, stdout=inside, stderr=inside) as watching:
        os.close(inside)
        code = watching.wait(_DEADLINE_S)
    drawn = os.read(terminal, 65536).decode()
    os.close(terminal)

    assert (2, True, True) == (code, "\x1b[1mmortgage-approval" in drawn, "########" in drawn)


def test_a_timeout_has_a_code_of_its_own(kubectl: Kubectl, namespace: str, typed: Typed) -> None:
    save(kubectl, namespace, _ON_STEP)

    ended = typed("status", MODEL, "--timeout=1s")

    assert (2, "error: mortgage-approval was not done after 1s; it goes on by itself\n") == (
        ended.returncode,
        ended.stderr,
    )


def test_a_rollback_is_a_failure(kubectl: Kubectl, namespace: str, typed: Typed) -> None:
    save(kubectl, namespace, _TAKEN_BACK)

    assert 1 == typed("status", MODEL, "--watch").returncode


@pytest.mark.parametrize(
    ("model", "verb", "annotation"),
    [(_ON_STEP, "promote", _PROMOTE), (_ON_STEP, "abort", _ABORT), (model_in(baking()), "abort", _ABORT)],
    ids=["promote", "abort", "abort-in-bake"],
)
def test_an_order_names_the_revision_and_says_what_it_wrote(
    model: dict[str, Any], verb: str, annotation: str, *, kubectl: Kubectl, namespace: str, typed: Typed
) -> None:
    save(kubectl, namespace, model)

    given = typed(verb, MODEL)

    assert 0 == given.returncode, given.stderr
    assert {annotation: CANARY.revision} == orders(kubectl, namespace)
    assert f'Wrote   metadata.annotations: {annotation}: "{CANARY.revision}"' in given.stdout
    assert "In Git" in given.stdout


def test_a_used_order_is_lifted_and_waited_for_before_it_ends_the_bake(kubectl: Kubectl, namespace: str) -> None:
    save(kubectl, namespace, model_in(baking(is_ordered=True)))
    kubectl("annotate", "bm", MODEL, "-n", namespace, f"{_PROMOTE}={CANARY.revision}")
    words = command(kubectl, namespace, "promote", MODEL)
    ordering = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True)

    eventually(lambda: _PROMOTE not in orders(kubectl, namespace), what="the used order is lifted")
    save(kubectl, namespace, model_in(baking()))  # as the operator does when it sees that
    ordering.communicate(timeout=_DEADLINE_S)

    assert (0, CANARY.revision) == (ordering.returncode, orders(kubectl, namespace).get(_PROMOTE))


def test_pause_and_resume(kubectl: Kubectl, namespace: str, typed: Typed) -> None:
    save(kubectl, namespace, _ON_STEP)

    paused = typed("pause", MODEL, "--reason", "fraud team looks at it")
    between = orders(kubectl, namespace)
    resumed = typed("resume", MODEL)

    assert (0, 0) == (paused.returncode, resumed.returncode)
    assert ({_PAUSED: "fraud team looks at it"}, {}) == (between, orders(kubectl, namespace))
    assert "spec.rollout.paused: true" in paused.stdout


def test_retry_writes_the_spec_takes_the_old_abort_away_and_says_what_to_commit(
    kubectl: Kubectl, namespace: str, typed: Typed
) -> None:
    save(kubectl, namespace, _TAKEN_BACK)
    kubectl("annotate", "bm", MODEL, "-n", namespace, f"{_ABORT}={CANARY.revision}")

    given = typed("retry", MODEL, "--token", "INC-7")

    live = kubectl.read("get", "bm", MODEL, "-n", namespace)
    assert ("INC-7", {}) == (live["spec"]["rollout"]["retry"], orders(kubectl, namespace))
    assert 'retry: "INC-7"' in given.stdout
    assert "Commit the same line" in given.stdout


def test_history_shows_why_it_was_taken_back(kubectl: Kubectl, namespace: str, typed: Typed) -> None:
    save(kubectl, namespace, _TAKEN_BACK)

    assert "CheckFailed  Check errors: 9% of 212 requests failed, limit 1%." in typed("history", MODEL).stdout


def test_a_name_that_is_not_there_is_said_with_the_namespace(namespace: str, typed: Typed) -> None:
    answer = typed("status", "mortgage")

    assert (1, True) == (answer.returncode, f"no BankModel 'mortgage' in namespace '{namespace}'" in answer.stderr)


@pytest.mark.parametrize(
    "words", [("--context", "nowhere"), ("--kubeconfig", "/nonexistent/config")], ids=["context", "file"]
)
def test_no_cluster_is_one_line(words: tuple[str, str], kubectl: Kubectl, namespace: str, typed: Typed) -> None:
    answer = typed("status", MODEL, *words)

    assert (1, True) == (answer.returncode, answer.stderr.startswith("error: no cluster to talk to: "))


def test_who_may_only_look_is_told_which_role_is_missing(
    api: ApiOnlyCluster, kubectl: Kubectl, namespace: str, typed: Typed
) -> None:
    save(kubectl, namespace, _ON_STEP)
    viewer = api.kubeconfig_for("anna")
    kubectl("apply", "-f", str(_USERS))
    kubectl("create", "rolebinding", "anna", "--clusterrole=bankmodel-viewer", "--user=anna", "-n", namespace)

    eventually(lambda: typed("status", MODEL, kubeconfig=viewer).returncode == 3, what="anna may look")
    answer = typed("abort", MODEL, kubeconfig=viewer)

    assert (1, {}) == (answer.returncode, orders(kubectl, namespace))
    assert "you need the role bankmodel-editor (part of edit)" in answer.stderr


def test_the_plugin_is_not_called_as_flux_undoes_it() -> None:
    assert not FIELD_MANAGER.startswith("kubectl")
