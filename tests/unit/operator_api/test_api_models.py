"""The models: tolerant in reading, strict in what they hold, faithful in writing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bankmodel_operator.api.v1alpha1 import BankModel, BankModelStatus
from support.bankmodels import a_bankmodel


def _read(**spec: Any) -> BankModel:
    return BankModel.model_validate(a_bankmodel(**spec))


def test_minimal_model_has_the_defaults() -> None:
    model = _read()

    assert (2, 10, "Auto", False) == (
        model.spec.serving.replicas,
        model.spec.revision_history_limit,
        model.spec.monitoring.scrape,
        model.spec.suspend,
    )
    assert timedelta(minutes=10) == model.spec.rollout.progress_deadline
    assert {"cpu": "250m", "memory": "256Mi"} == model.spec.serving.resources.requests
    assert 30 == model.spec.serving.pod.termination_grace_period_seconds


def test_defaults_written_out_read_the_same() -> None:
    written = _read().spec.model_dump(mode="json", by_alias=True, exclude_none=True)

    assert _read().spec == _read(**written).spec


def test_unknown_fields_are_ignored() -> None:
    assert _read() == _read(fieldOfTomorrow=1, serving={"ofTomorrow": 4}, model={"source": {"image": {"pull": "x"}}})


def test_unknown_saved_state_is_kept_as_it_is() -> None:
    status = BankModelStatus.model_validate(
        {
            "rollout": {"state": "Levitating", "step": 3, "target": {"revision": "3f8a02c61d", "requests": 7}},
            "conditions": [{"type": "Holy", "status": "Perhaps", "reason": "Tomorrow"}],
            "superseded": None,
        }
    )

    assert "Levitating" == status.rollout.state
    assert "Perhaps" == status.conditions[0].status


def test_status_beyond_its_bounds_is_still_read() -> None:
    history = [{"revision": "x" * 300} for _ in range(40)]

    assert 40 == len(BankModelStatus.model_validate({"history": history}).history)


def test_status_reads_back_as_written() -> None:
    written = {
        "observedGeneration": 3,
        "history": [{"revision": "3f8a02c61d", "from": "2026-11-24T05:00:00Z", "until": "2026-11-24T06:00:00Z"}],
        "leadTime": {"revision": "3f8a02c61d", "applied": "2026-11-24T05:00:00Z"},
    }

    status = BankModelStatus.model_validate(written)

    assert datetime(2026, 11, 24, 5, tzinfo=UTC) == status.history[0].from_
    assert written == status.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def test_quantities_are_canonical_once_read() -> None:
    spelled = _read(serving={"resources": {"requests": {"cpu": 1, "memory": "1024Mi"}, "limits": {"cpu": "1000m"}}})
    canonical = _read(serving={"resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1"}}})

    assert canonical == spelled


def test_absent_callers_are_not_no_callers() -> None:
    assert _read().spec.serving.callers is None
    assert () == _read(serving={"callers": []}).spec.serving.callers


def test_empty_selector_is_not_an_absent_one() -> None:
    caller = (_read(serving={"callers": [{"namespaceSelector": {}}]}).spec.serving.callers or ())[0]

    assert {"namespaceSelector": {}} == caller.model_dump(by_alias=True, exclude_defaults=True)


def test_what_is_read_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        _read().spec.owner = "somebody"


@pytest.mark.parametrize(
    "spec",
    [
        {"tier": "Immense"},
        {"serving": {"replicas": 0}},
        {"rollout": {"progressDeadline": "soon"}},
        {"serving": {"resources": {"requests": {"cpu": True}}}},
    ],
    ids=["tier", "replicas", "duration", "quantity"],
)
def test_what_an_older_definition_let_in_is_an_error_with_its_place(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        _read(**spec)

    assert "spec" == caught.value.errors()[0]["loc"][0]
