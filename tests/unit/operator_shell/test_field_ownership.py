"""Fields that were made by a POST are put under our apply, so that one we stop sending goes."""

from __future__ import annotations

from typing import Any

import pytest

from bankmodel_operator.cluster.ownership import as_applied

Entry = dict[str, Any]


def entry(operation: str, fields: dict[str, Any], *, manager: str = "bankmodel-operator", **more: str) -> Entry:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


SPEC: dict[str, Any] = {"f:spec": {"f:ports": {'k:{"port":80}': {".": {}, "f:port": {}}}}}
NOTES: dict[str, Any] = {"f:metadata": {"f:annotations": {"f:old": {}}}}
OTHERS = entry("Update", SPEC, manager="kubectl-edit")
STATUS = entry("Update", {"f:status": {}}, subresource="status")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([], None, id="nothing known"),
        pytest.param([entry("Apply", SPEC), OTHERS], None, id="all of ours was applied"),
        pytest.param([OTHERS], None, id="nothing is ours"),
        pytest.param([STATUS], None, id="a subresource is never applied"),
        pytest.param([entry("Update", SPEC)], [entry("Apply", SPEC)], id="made by a POST"),
        pytest.param(
            [entry("Update", NOTES), OTHERS, STATUS],
            [OTHERS, STATUS, entry("Apply", NOTES)],
            id="others keep theirs",
        ),
        pytest.param(
            [entry("Apply", SPEC), entry("Update", {**SPEC, **NOTES})],
            [entry("Apply", {**SPEC, **NOTES})],
            id="made and applied: both, as one",
        ),
        pytest.param(
            [
                entry("Update", {"f:metadata": {"f:labels": {"f:a": {}}}}),
                entry("Apply", {"f:metadata": {"f:labels": {"f:b": {}}}}),
            ],
            [entry("Apply", {"f:metadata": {"f:labels": {"f:a": {}, "f:b": {}}}})],
            id="united to the leaves",
        ),
    ],
)
def test_what_we_made_counts_as_applied(entries: list[Entry], expected: list[Entry] | None) -> None:
    def order(found: list[Entry]) -> list[Entry]:
        return sorted(found, key=str)

    actual = as_applied(entries)

    assert (expected and order(expected)) == (actual and order(list(map(dict, actual))))
