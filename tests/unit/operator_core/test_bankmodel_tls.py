"""TLS as the operator sees it: what pods get, which ports lead where, and how it stands with the certificate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core.observation import Certificate, Report
from bankmodel_operator.core.template import pod_template
from support.bankmodels import DIGEST, a_bankmodel
from support.simulated_cluster import Simulation

HTTP = {"version": "1", "sha256": DIGEST, "source": {"image": None, "http": {"url": "https://m.example/m"}}}
TLS: dict[str, Any] = {"replicas": 2, "tls": {"secretName": "mortgage-tls"}}
KEPT: dict[str, Any] = {"replicas": 2, "tls": {"secretName": "mortgage-tls", "keepPlaintext": True}}
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_pod_gets_its_pair_readable_by_its_group_and_of_the_callers_ca_the_certificate_alone() -> None:
    spec = BankModel.model_validate(
        a_bankmodel(serving={"tls": {"secretName": "mortgage-tls", "clientCASecretName": "callers-ca"}})
    ).spec
    pod = pod_template(spec, model="mortgage", revision="3f8a02c61d", image="registry.example/serving:1")["spec"]
    volumes = {each["name"]: each["secret"] for each in pod["volumes"] if "secret" in each}
    container = pod["containers"][0]
    mounts = {each["name"]: each for each in container["volumeMounts"]}
    item = {"key": "ca.crt", "path": "ca.crt"}

    assert volumes == {
        "tls": {"secretName": "mortgage-tls", "defaultMode": 0o440, "optional": True},
        "client-ca": {"secretName": "callers-ca", "defaultMode": 0o440, "optional": True, "items": [item]},
    }
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"]
    assert all(mounts[name]["readOnly"] and "subPath" not in mounts[name] for name in volumes)
    assert container["args"][-6:] == [
        *("--tls-cert", "/etc/bankmodel/tls/tls.crt", "--tls-key", "/etc/bankmodel/tls/tls.key"),
        *("--tls-client-ca", "/etc/bankmodel/client-ca/ca.crt"),
    ]


PORTS: dict[str, tuple[dict[str, Any], list[tuple[str, int]], list[tuple[str, int]], str]] = {
    "none": ({"replicas": 2}, [("http", 8080), ("grpc", 9000)], [("http", 80), ("grpc", 9000)], "http://"),
    "tls": (TLS, [("https", 8443), ("grpc", 9000)], [("https", 443), ("grpc", 9000)], "https://"),
    "kept": (
        KEPT,
        [("http", 8080), ("https", 8443), ("grpc", 9000)],
        [("http", 80), ("https", 443), ("grpc", 9000)],
        "http://",
    ),
}


@pytest.mark.parametrize(("serving", "on_pod", "on_service", "url"), PORTS.values(), ids=PORTS)
def test_callers_find_the_ports_that_pods_open(
    serving: dict[str, Any], on_pod: list[tuple[str, int]], on_service: list[tuple[str, int]], url: str
) -> None:
    simulation = Simulation(model=HTTP, serving=serving)
    simulation.settle()
    container = simulation.of_kind("Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
    policy = simulation.of_kind("NetworkPolicy")[0]["spec"]["ingress"][0]["ports"]

    assert ("--grpc-port" in container["args"]) is (("grpc", 9000) in on_pod)
    assert [*on_pod, ("peer", 8082), ("metrics", 9090)] == [
        (each["name"], each["containerPort"]) for each in container["ports"]
    ]
    assert on_service == service_ports(simulation)
    assert [number for _, number in on_pod] == [each["port"] for each in policy]
    assert simulation.model["status"]["url"].startswith(url)


def test_the_plain_port_stays_until_the_pods_with_tls_take_over() -> None:
    simulation = Simulation(model=HTTP, serving={"replicas": 2})
    simulation.settle()
    simulation.edit(serving=TLS)
    simulation.reconcile()
    simulation.run_controllers()
    simulation.reconcile()

    policy = simulation.of_kind("NetworkPolicy")[0]["spec"]["ingress"][0]["ports"]
    assert [("http", 80), ("grpc", 9000)] == service_ports(simulation)
    assert {8080, 8443, 9000} == {each["port"] for each in policy}
    assert simulation.model["status"]["url"].startswith("http://")

    simulation.settle()
    assert [("https", 443), ("grpc", 9000)] == service_ports(simulation)
    assert simulation.model["status"]["url"].startswith("https://")


@pytest.mark.parametrize(
    ("serving", "expected"),
    [({"replicas": 2}, "kubernetes.io/h2c"), (TLS, "https"), (KEPT, "https")],
    ids=["none", "tls", "kept"],
)
def test_the_service_says_whether_grpc_is_in_the_clear(serving: dict[str, Any], expected: str) -> None:
    simulation = Simulation(model=HTTP, serving=serving)
    simulation.settle()
    services = (simulation.name, f"{simulation.name}-{simulation.selected()}")
    said = [each.get("appProtocol") for name in services for each in simulation.get("Service", name)["spec"]["ports"]]

    assert [expected] * 2 == [each for each in said if each]


def test_without_tls_nothing_is_said_of_certificates() -> None:
    simulation = Simulation(model=HTTP)
    simulation.settle()

    assert "CertificateValid" not in conditions(simulation)
    assert "certificate" not in simulation.model["status"]


STANDINGS: dict[str, tuple[tuple[timedelta, timedelta], tuple[str, str, str]]] = {
    "valid": ((-30 * DAY, 60 * DAY), ("True", "Valid", "expires in 60 days, on 2027-01-23.")),
    "soon": ((-78 * DAY, 12 * DAY), ("True", "ExpiresSoon", "in 12 days, on 2026-12-06; renew Secret mortgage-tls.")),
    "soon of a long life": ((-300 * DAY, 15 * DAY), ("True", "Valid", "in 15 days")),
    "not yet soon of a short life": ((-DAY, DAY), ("True", "Valid", "in 1 day, on")),
    "soon of a short life": ((-1.6 * DAY, 0.4 * DAY), ("True", "ExpiresSoon", "within a day, on 2026-11-24;")),
    "expired": ((-90 * DAY, -DAY), ("False", "Expired", "expired on 2026-11-23; callers refuse it. Renew Secret")),
    "not yet": ((DAY, 90 * DAY), ("False", "NotYetValid", "not valid before 2026-11-25T12:00:00Z")),
}


@pytest.mark.parametrize(("validity", "expected"), STANDINGS.values(), ids=STANDINGS)
def test_the_condition_tells_the_days_left(
    validity: tuple[timedelta, timedelta], expected: tuple[str, str, str]
) -> None:
    simulation = serving_with(validity)
    found = conditions(simulation)["CertificateValid"]

    assert expected[:2] == (found["status"], found["reason"])
    assert expected[2] in found["message"]
    assert "True" == conditions(simulation)["Ready"]["status"]  # whether to take it is for callers to decide


def test_the_pod_whose_certificate_expires_first_counts() -> None:
    simulation = serving_with((-30 * DAY, 60 * DAY))
    name = min(simulation.pods)
    simulation.reports[name] = replace(
        simulation.reports[name], certificate=Certificate(NOON - 80 * DAY, NOON + 2 * DAY)
    )
    simulation.reconcile()

    assert "ExpiresSoon" == conditions(simulation)["CertificateValid"]["reason"]
    assert "2026-11-26T12:00:00Z" == simulation.model["status"]["certificate"]["notAfter"]


def test_nothing_is_written_within_a_day_though_time_goes_on() -> None:
    simulation = serving_with((-78 * DAY, 12.5 * DAY))
    before = simulation.writes
    for _ in range(11):
        simulation.wait(3600)
        simulation.reconcile()
    assert before == simulation.writes

    simulation.wait(2 * 3600)
    simulation.reconcile()
    assert before + 1 == simulation.writes
    assert "in 11 days" in conditions(simulation)["CertificateValid"]["message"]


def test_silent_pods_change_nothing_but_time_goes_on() -> None:
    simulation = serving_with((-78 * DAY, 12.5 * DAY))
    before = simulation.writes
    simulation.reports.clear()
    simulation.reconcile()
    assert before == simulation.writes

    simulation.wait(13 * 86400)
    simulation.reconcile()
    assert "Expired" == conditions(simulation)["CertificateValid"]["reason"]


def test_before_any_pod_has_told_it_is_unknown() -> None:
    simulation = Simulation(model=HTTP, serving=TLS)
    simulation.reconcile()

    found = conditions(simulation)["CertificateValid"]
    assert ("Unknown", "NotReported") == (found["status"], found["reason"])


def test_a_renewed_secret_that_cannot_be_used_is_an_alarm_and_the_old_pair_is_told() -> None:
    simulation = serving_with((-78 * DAY, 12.5 * DAY))
    name = min(simulation.pods)
    used = simulation.reports[name].certificate
    assert used is not None
    simulation.reports[name] = replace(simulation.reports[name], certificate=replace(used, is_latest=False))

    events = simulation.reconcile().events
    found = conditions(simulation)["CertificateValid"]
    assert ("False", "CertificateInvalid") == (found["status"], found["reason"])
    assert f"Pod {name} cannot use what Secret mortgage-tls holds now" in found["message"]
    assert "expires in 12 days" in found["message"]
    assert [("Warning", "CertificateInvalid")] == [(each.type, each.reason) for each in events]
    assert () == simulation.reconcile().events

    simulation.reports.clear()
    simulation.reconcile()
    assert "CertificateInvalid" == conditions(simulation)["CertificateValid"]["reason"]


def test_a_pod_without_a_usable_pair_stalls_the_model_in_its_own_words() -> None:
    simulation = Simulation(model=HTTP, serving=TLS)
    simulation.reconcile()
    simulation.run_controllers()
    words = "no caller can be let in: /etc/bankmodel/tls/tls.crt is not there"
    for name in simulation.pods:
        simulation.reports[name] = Report(generation=1, ready_reason="CertificateInvalid", ready_message=words)
    simulation.reconcile()
    said = conditions(simulation)

    assert ("True", "CertificateInvalid") == (said["Stalled"]["status"], said["Stalled"]["reason"])
    assert words in said["Stalled"]["message"]
    assert ("False", "CertificateInvalid") == (said["CertificateValid"]["status"], said["CertificateValid"]["reason"])


def serving_with(validity: tuple[timedelta, timedelta]) -> Simulation:
    """A model whose pods all show a certificate that is valid from and until, counted from noon."""
    simulation = Simulation(model=HTTP, serving=TLS)
    simulation.settle()
    simulation.now = NOON
    shown = Certificate(NOON + validity[0], NOON + validity[1])
    for name, report in simulation.reports.items():
        simulation.reports[name] = replace(report, certificate=shown)
    simulation.reconcile()
    return simulation


def service_ports(simulation: Simulation) -> list[tuple[str, int]]:
    """Of the stable Service: which port of the pods each of its own leads to."""
    ports = simulation.objects["Service", simulation.name]["spec"]["ports"]
    return [(each["targetPort"], each["port"]) for each in ports]


def conditions(simulation: Simulation) -> dict[str, Any]:
    return {each["type"]: each for each in simulation.model["status"]["conditions"]}
