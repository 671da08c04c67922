"""What the core saves, the CRD keeps: an unknown field would be pruned, and the operator would forget its own state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bankmodel_operator.api.crd import custom_resource_definition
from bankmodel_operator.api.v1alpha1 import BankModelStatus
from bankmodel_operator.core.ladder import Ladder, Rung
from bankmodel_operator.core.memory import decode, encode
from bankmodel_operator.core.states import (
    Baking,
    Climbing,
    Draining,
    Fit,
    Preparing,
    Progressing,
    Revision,
    Serving,
    Starting,
    State,
    Watched,
    Withdrawing,
)

_NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
_ONE = Revision("3f8a02c61d", "2026.11", "9f2c", "registry.example/serving:1", _NOW)
_TWO = Revision("aa8a02c61d", "2026.12", "1b7e", "registry.example/serving:1", _NOW)
_LADDER = Ladder((Rung(0, timedelta(hours=1)), Rung(5, timedelta(minutes=10)), Rung(100, timedelta(0))), ("input", "x"))
_TRIAL: dict[str, Any] = {"stable": _ONE, "canary": _TWO, "capacity": 3, "ladder": _LADDER, "started": _NOW}
_WATCHED = Watched(timedelta(minutes=3), _NOW)
_STATES = (
    Preparing(**_TRIAL, fit=Fit(("loan",), "differ"), is_exposed=True, is_promoted=True),
    Climbing(**_TRIAL, rung=1, since=_NOW, fit=Fit(), watched=_WATCHED),
    Withdrawing(_ONE, _TWO, 3, 1, since=_NOW, until=_NOW),
    Baking(_TWO, _ONE, 3, since=_NOW, watched=_WATCHED, is_ordered=True, ladder=_LADDER),
    Starting(_ONE),
    Serving(_ONE),
    Progressing(_ONE, _TWO, capacity=3),
    Draining(_TWO, _ONE.revision, capacity=3, since=_NOW, until=_NOW),
)
_COLUMNS = {
    each["name"]: each["jsonPath"]
    for each in custom_resource_definition()["spec"]["versions"][0]["additionalPrinterColumns"]
}


def _saved(state: State) -> dict[str, Any]:
    return {key: value for key, value in encode(state, _NOW).items() if value is not None}


@pytest.mark.parametrize("state", _STATES, ids=lambda state: type(state).__name__)
def test_saved_state_survives_pruning(state: State) -> None:
    version = custom_resource_definition()["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["status"]

    assert state == decode(_pruned(_saved(state), schema))


@pytest.mark.parametrize("state", _STATES, ids=lambda state: type(state).__name__)
def test_model_reads_the_saved_state(state: State) -> None:
    read = BankModelStatus.model_validate(_saved(state))

    assert type(state).__name__ == read.rollout.state


@pytest.mark.parametrize("state", _STATES, ids=lambda state: type(state).__name__)
def test_kubectl_get_shows_a_weight_only_beside_a_canary_and_never_another_than_the_rung_s(state: State) -> None:
    shown = _shown(_saved(state))
    expected = (state.canary.version, state.on.weight) if isinstance(state, Climbing) else (shown["Canary"], 0)

    assert expected == (shown["Canary"], shown["Weight"] or 0)
    assert type(state).__name__ == shown["State"]


def test_kubectl_get_shows_the_weight_of_each_rung() -> None:
    rungs = [replace(Climbing(**_TRIAL, rung=0, since=_NOW, fit=Fit()), rung=rung) for rung in range(3)]

    assert [0, 5, 100] == [_shown(_saved(state))["Weight"] for state in rungs]


@pytest.mark.parametrize("path", _COLUMNS.values(), ids=_COLUMNS)
def test_every_column_is_a_field_of_the_resource(path: str) -> None:
    if path.startswith((".metadata", ".status.conditions")):
        return
    at = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in path.strip(".").split("."):
        at = at["properties"][name]

    assert at["type"] in ("string", "integer")


def _shown(status: dict[str, Any]) -> dict[str, Any]:
    """The columns of kubectl that show the rollout."""
    found: dict[str, Any] = {}
    for name in ("State", "Stable", "Canary", "Weight", "Target"):
        value: Any = {"status": status}
        for part in _COLUMNS[name].strip(".").split("."):
            value = (value or {}).get(part)
        found[name] = value
    return found


def _pruned(value: Any, schema: dict[str, Any]) -> Any:
    """Drop what the schema does not know, as the API server does."""
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {name: _pruned(child, known[name]) for name, child in value.items() if name in known}
    if isinstance(value, list):
        return [_pruned(item, schema["items"]) for item in value]
    return value
