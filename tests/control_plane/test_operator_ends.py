"""When the operator goes on and when it ends: a part that dies takes the process with it, and the exit code says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.operator_process import eventually
from support.stage import Stage, a_model, stage

_PATIENT = {"BANKMODEL_LEASE_DURATION": "60s", "BANKMODEL_RENEW_DEADLINE": "50s", "BANKMODEL_RESYNC": "1h"}


@pytest.fixture
def it(api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, tmp_path: Path) -> Iterator[Stage]:
    """An operator that keeps its lease through an outage, and learns of changes by its watches alone."""
    with stage(api, kubectl, namespace, tmp_path, **_PATIENT) as found:
        yield found


def lines(it: Stage) -> list[dict[str, Any]]:
    return [json.loads(line) for line in it.operator.log().splitlines()]


def test_a_watch_that_fails_for_good_ends_the_process_with_an_error(it: Stage) -> None:
    it.watches_all()
    it.proxy.fail_watches(500)

    assert it.operator.exit_code() == 1
    assert any(line["level"] == "error" and "an essential part ended" in line["message"] for line in lines(it))


@pytest.mark.parametrize("cut", ["severed", "gone"])
def test_a_watch_that_is_cut_or_too_old_is_renewed(it: Stage, cut: str) -> None:
    it.watches_all()
    it.proxy.sever_watches() if cut == "severed" else it.proxy.fail_watches(410)
    it.apply(a_model("after", it.namespace))

    it.reaches("after")
    assert it.operator.is_running


def test_an_outage_shorter_than_the_lease_is_ridden_out(it: Stage) -> None:
    it.apply(a_model("before", it.namespace))
    it.reaches("before")
    it.proxy.is_down = True
    it.proxy.sever_watches()
    it.apply(a_model("before", it.namespace, version="2"))
    seen = it.proxy.turned_away
    eventually(lambda: it.proxy.turned_away > seen + 3, what="the operator has tried several times")
    it.proxy.is_down = False

    it.reaches("before", "2")
    assert it.operator.is_running


def test_an_outage_longer_than_the_renew_deadline_ends_the_process(
    api: ApiOnlyCluster, kubectl: Callable[..., Any], namespace: str, tmp_path: Path
) -> None:
    with stage(api, kubectl, namespace, tmp_path) as it:
        it.proxy.is_down = True
        it.proxy.sever_watches()

        assert it.operator.exit_code(20) == 1
        assert any(line["level"] == "critical" and "the lease is lost" in line["message"] for line in lines(it))


def test_told_to_stop_it_ends_well_and_hands_the_lease_back(it: Stage) -> None:
    code = it.operator.stop()

    assert code == 0
    assert it.get("lease", "bankmodel-operator")["spec"].get("holderIdentity", "") == ""


def test_a_line_about_a_model_names_namespace_model_generation_and_state(it: Stage) -> None:
    it.apply(a_model("logged", it.namespace))
    it.reaches("logged")
    about = eventually(lambda: [line for line in lines(it) if line.get("reason") == "TargetReady"], what="it is told")
    told = [{key: line[key] for key in ("namespace", "model", "generation", "state")} for line in about]

    assert told == [{"namespace": it.namespace, "model": "logged", "generation": 1, "state": "Serving"}]


def test_the_port_tells_its_state(it: Stage) -> None:
    eventually(lambda: it.operator.get("/readyz") == (200, "ok"), what="leading, with every model listed")

    assert it.operator.get("/healthz") == (200, "ok")
    assert it.operator.metric("bankmodel_leader") == 1.0
