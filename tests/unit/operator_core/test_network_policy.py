"""Who gets to a model's pods."""

from __future__ import annotations

from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core.children.networkpolicy import network_policy
from bankmodel_operator.core.children.parent import Parent
from support.bankmodels import a_bankmodel

DESK = {"matchLabels": {"desk": "mortgage"}}
PEER = 8082
CALLERS: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "absent: the whole namespace": (None, [{"podSelector": {}}]),
    "empty: nobody": ([], []),
    "pods here": ([{"podSelector": DESK}], [{"podSelector": DESK}]),
    "a namespace": ([{"namespaceSelector": DESK}], [{"namespaceSelector": DESK}]),
    "pods of a namespace": (
        [{"namespaceSelector": DESK, "podSelector": DESK}],
        [{"namespaceSelector": DESK, "podSelector": DESK}],
    ),
    "two": ([{"podSelector": DESK}, {"namespaceSelector": DESK}], [{"podSelector": DESK}, {"namespaceSelector": DESK}]),
}


def ingress(
    callers: Any, scrapers: tuple[str, ...] = ("bankmodel-system",), ports: tuple[str, ...] = ("http", "grpc")
) -> dict[int, list[dict[str, Any]]]:
    """Port to who may reach it."""
    serving: dict[str, Any] = {} if callers is None else {"serving": {"callers": callers}}
    model = BankModel.model_validate(a_bankmodel(**serving))
    policy = network_policy(Parent.of(model), model.spec.serving.callers, scrapers, ports=ports)
    return {port["port"]: rule["from"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}


@pytest.mark.parametrize(("callers", "peers"), CALLERS.values(), ids=CALLERS)
def test_these_may_call(callers: Any, peers: list[dict[str, Any]]) -> None:
    assert [peers, peers] == [ingress(callers).get(port, []) for port in (8080, 9000)]


@pytest.mark.parametrize("callers", [None, []], ids=["absent", "empty"])
def test_the_operator_and_monitoring_read_metrics_whoever_may_call(callers: Any) -> None:
    names = ("bankmodel-system", "monitoring", "bankmodel-system")
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}} for name in names[:2]]

    assert peers == ingress(callers, names)[9090]


@pytest.mark.parametrize(
    ("ports", "numbers"), [(("https",), {8443}), (("http", "https"), {8080, 8443}), ((), set())], ids=str
)
def test_callers_reach_the_ports_that_pods_open_and_no_other(ports: tuple[str, ...], numbers: set[int]) -> None:
    assert {*numbers, PEER} == set(ingress(None, (), ports))


def test_only_the_models_own_pods_reach_the_peer_port() -> None:
    own = {"podSelector": {"matchLabels": {"serving.bankmodel.io/model": "mortgage-approval"}}}

    assert [own] == ingress(None)[PEER]


def test_no_rule_is_left_open() -> None:
    # an empty or absent `from` lets everybody in
    assert all(ingress(callers)[port] for callers, _ in CALLERS.values() for port in ingress(callers))


def test_the_policy_holds_for_every_revision() -> None:
    policy = network_policy(Parent.of(BankModel.model_validate(a_bankmodel())), None, (), ports=("http",))

    assert policy["spec"]["podSelector"]["matchLabels"] == {"serving.bankmodel.io/model": "mortgage-approval"}
    assert policy["spec"]["policyTypes"] == ["Ingress"]
