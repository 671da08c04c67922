"""Conditions to the rules of kstatus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bankmodel_operator.core.conditions import Availability, Outlook, Reason, conditions, with_spec_invalid

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
UP = Availability(True, Reason.SERVING, "it answers")
TABLE = {
    "done": (Outlook("Done", Reason.SERVING, "m"), ("True", "False", "False")),
    "moving": (Outlook("Moving", Reason.PROGRESSING, "m"), ("False", "True", "False")),
    "stuck": (Outlook("Stuck", Reason.OUT_OF_MEMORY, "m"), ("False", "False", "True")),
    "first sight": (Outlook("Unsure", Reason.NOT_SEEN, "m"), ("Unknown", "True", "False")),
    "not understood": (Outlook("Unsure", Reason.NOT_UNDERSTOOD, "m"), ("Unknown", "False", "True")),
}


@pytest.mark.parametrize(("outlook", "expected"), TABLE.values(), ids=TABLE)
def test_ready_reconciling_and_stalled_agree(outlook: Outlook, expected: tuple[str, ...]) -> None:
    said = conditions({}, outlook, UP, generation=3, now=NOW)

    assert expected == tuple(each["status"] for each in said[:3])
    assert {each["observedGeneration"] for each in said} == {3}


def test_a_transition_time_moves_with_the_status_only() -> None:
    first = conditions({}, Outlook("Moving", Reason.STARTING, "1"), UP, generation=1, now=NOW)
    later = NOW + timedelta(hours=1)
    second = conditions({"conditions": first}, Outlook("Moving", Reason.SCALING, "2"), UP, generation=2, now=later)
    third = conditions({"conditions": second}, Outlook("Done", Reason.SERVING, "3"), UP, generation=2, now=later)

    assert second[0]["lastTransitionTime"] == "2026-11-24T08:00:00Z"
    assert third[0]["lastTransitionTime"] == "2026-11-24T09:00:00Z"


def test_a_spec_that_cannot_be_read_says_so_and_leaves_the_rest() -> None:
    saved = {
        "conditions": conditions({}, Outlook("Done", Reason.SERVING, "m"), UP, generation=1, now=NOW),
        "rollout": {"state": "Serving"},
    }

    status = with_spec_invalid(saved, "spec.tier: must be High, Medium or Low", generation=2, now=NOW)

    said = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    assert said["Stalled"] == ("True", "SpecInvalid")
    assert said["Available"] == ("True", "Serving")
    assert status["rollout"] == {"state": "Serving"}
