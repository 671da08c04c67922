"""The resource in the hands of kubectl: defaults, columns, scale, both kinds of apply, explain, selection."""

import json

import pytest

from support.bankmodels import DIGEST, OTHER_DIGEST, a_bankmodel
from support.kubectl import Kubectl
from support.operator_process import eventually

_STATUS = {
    "observedGeneration": 1,
    "url": "http://mortgage-approval.lending.svc/v2/models/mortgage-approval",
    "replicas": 2,
    "selector": "serving.bankmodel.io/model=mortgage-approval",
    "conditions": [
        {
            "type": "Ready",
            "status": "False",
            "reason": "OnStep",
            "message": "gets 5 % of the requests",
            "lastTransitionTime": "2026-11-24T05:00:00Z",
            "observedGeneration": 1,
        }
    ],
    "stable": {"revision": "3f8a02c61d", "version": "2026.11", "sha256": DIGEST},
    "canary": {"revision": "aa8a02c61d", "version": "2026.12", "sha256": OTHER_DIGEST, "requests": 57, "needed": 100},
    "rollout": {"state": "Climbing", "weight": 5},
}


@pytest.fixture
def live(kubectl: Kubectl, namespace: str) -> str:
    """A namespace with one BankModel, as a user applied it and an operator reported on it."""
    kubectl("apply", "-f", "-", body=a_bankmodel(namespace=namespace))
    patch = a_bankmodel(namespace=namespace) | {"status": _STATUS}
    kubectl("replace", "--subresource=status", "-f", "-", body=patch)
    return namespace


def test_defaults_are_filled_in(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "-f", "-", body=a_bankmodel(namespace=namespace))

    spec = kubectl.read("get", "bm", "mortgage-approval", "-n", namespace)["spec"]

    assert spec["serving"] == {
        "replicas": 2,
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}},
        "pod": {"terminationGracePeriodSeconds": 30},
    }
    assert spec["model"]["source"]["image"]["path"] == "model.onnx"
    assert spec["rollout"]["steps"] == [{"weight": weight, "hold": "10m"} for weight in (5, 25, 50)]
    assert (
        "checks" not in spec["rollout"]
    )  # items of a list by name would stay beside those that somebody applies later
    assert spec["rollout"]["onNoData"] == {"after": "24h", "action": "Hold"}
    assert spec["monitoring"] == {"scrape": "Auto"}
    assert (spec["suspend"], spec["revisionHistoryLimit"]) == (False, 10)


def test_get_shows_the_columns(kubectl: Kubectl, live: str) -> None:
    heading, line = kubectl("get", "bm", "-n", live).stdout.splitlines()

    assert heading.split() == ["NAME", "READY", "STATE", "REASON", "STABLE", "CANARY", "WEIGHT", "REPLICAS", "AGE"]
    assert line.split()[:8] == ["mortgage-approval", "False", "Climbing", "OnStep", "2026.11", "2026.12", "5", "2"]


def test_get_wide_shows_the_further_columns(kubectl: Kubectl, live: str) -> None:
    heading, line = kubectl("get", "bm", "-n", live, "-o", "wide").stdout.splitlines()

    assert heading.split()[9:] == ["TARGET", "REQUESTS", "NEEDED", "OWNER", "TIER", "DIGEST", "URL", "MESSAGE"]
    assert line.split()[9:15] == ["57", "100", "mortgage-risk", "High", DIGEST, _STATUS["url"]]
    assert line.endswith("gets 5 % of the requests")


def test_category_lists_them(kubectl: Kubectl, live: str) -> None:
    assert "mortgage-approval" in kubectl("get", "bankmodel", "-n", live, "-o", "name").stdout


def test_status_survives_an_apply_of_the_spec(kubectl: Kubectl, live: str) -> None:
    kubectl("apply", "-f", "-", body=a_bankmodel(namespace=live, purpose="Approve a mortgage"))

    assert kubectl.read("get", "bm", "mortgage-approval", "-n", live)["status"] == _STATUS


def test_scale_works_where_nobody_wrote_replicas(kubectl: Kubectl, live: str) -> None:
    path = f"/apis/serving.bankmodel.io/v1alpha1/namespaces/{live}/bankmodels/mortgage-approval/scale"

    scale = json.loads(kubectl("get", "--raw", path).stdout)

    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 2, "selector": _STATUS["selector"]}


@pytest.mark.parametrize("apply", [("apply",), ("apply", "--server-side")], ids=["client-side", "server-side"])
def test_apply_without_replicas_keeps_what_scale_set(apply: tuple[str, ...], kubectl: Kubectl, namespace: str) -> None:
    kubectl(*apply, "-f", "-", body=a_bankmodel(namespace=namespace))
    kubectl("scale", "bm", "mortgage-approval", "--replicas=4", "-n", namespace)

    kubectl(*apply, "-f", "-", body=a_bankmodel(namespace=namespace, tier="Medium"))

    spec = kubectl.read("get", "bm", "mortgage-approval", "-n", namespace)["spec"]
    assert (spec["tier"], spec["serving"]["replicas"]) == ("Medium", 4)


def test_scale_to_nothing_is_refused(kubectl: Kubectl, live: str) -> None:
    answer = kubectl("scale", "bm", "mortgage-approval", "--replicas=0", "-n", live, check=False)

    assert "spec.serving.replicas in body should be greater than or equal to 1" in answer.stderr


def test_environment_is_owned_name_by_name(kubectl: Kubectl, namespace: str) -> None:
    base = a_bankmodel(namespace=namespace, serving={"pod": {"env": [{"name": "A", "value": "1"}]}})
    kubectl("apply", "--server-side", "-f", "-", body=base)
    more = a_bankmodel(namespace=namespace, serving={"pod": {"env": [{"name": "B", "value": "2"}]}})

    kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", body=more)

    env = kubectl.read("get", "bm", "mortgage-approval", "-n", namespace)["spec"]["serving"]["pod"]["env"]
    assert env == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


@pytest.mark.parametrize(("selector", "found"), [("spec.owner=mortgage-risk", True), ("spec.tier=Low", False)])
def test_owner_and_tier_select(selector: str, found: bool, kubectl: Kubectl, live: str) -> None:
    listed = kubectl("get", "bm", "-n", live, "-o", "name", "--field-selector", selector).stdout

    assert found == bool(listed.strip())


def test_explain_describes_a_field(kubectl: Kubectl) -> None:
    eventually(
        lambda: kubectl("explain", "bm", check=False).returncode == 0, what="the API server describes BankModels"
    )
    text = kubectl("explain", "bm.spec.model.sha256").stdout

    assert "SHA-256 of the ONNX file itself" in text


def test_affinity_is_passed_on_unpruned(kubectl: Kubectl, namespace: str) -> None:
    affinity = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5}]}}
    kubectl("create", "-f", "-", body=a_bankmodel(namespace=namespace, serving={"pod": {"affinity": affinity}}))

    spec = kubectl.read("get", "bm", "mortgage-approval", "-n", namespace)["spec"]

    assert affinity == spec["serving"]["pod"]["affinity"]
