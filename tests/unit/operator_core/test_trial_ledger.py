"""What is remembered of revisions: who was stable and until when, who was rejected, and what of it survives a lost status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.core import names
from bankmodel_operator.core.ledger import Ledger, Rejection, from_marks, is_baked, may_retry
from bankmodel_operator.core.observation import Manifest, Observation, format_time
from support.bankmodels import DIGEST, OTHER_DIGEST, a_bankmodel
from support.saved_trials import CANARY, NOW, REJECTED, STABLE

_WINDOW = timedelta(hours=1)
_FAULT = Rejection("CheckFailed", "Check errors: too many.", digest_too=True)
_THIRD = "3" * 64


def _was_stable(revision: str, sha256: str = DIGEST, *, ago: timedelta | None = timedelta(0)) -> dict[str, Any]:
    """An entry of the history that ended so long ago; None: it does not say when."""
    until = {} if ago is None else {"until": format_time(NOW - ago)}
    return {"revision": revision, "version": "1", "sha256": sha256, "from": "2026-11-01T00:00:00Z", **until}


_RETURNS = {
    "just now": (_was_stable("a"), True),
    "at the end of the window": (_was_stable("a", ago=_WINDOW), True),
    "a second after it": (_was_stable("a", ago=_WINDOW + timedelta(seconds=1)), False),
    "another model": (_was_stable("a", OTHER_DIGEST), False),
    "nobody knows until when": (_was_stable("a", ago=None), False),
}


@pytest.mark.parametrize("case", _RETURNS)
def test_a_digest_was_stable_lately_up_to_the_window(case: str) -> None:
    entry, was_stable = _RETURNS[case]

    assert was_stable == Ledger(history=(entry,)).was_stable(DIGEST, window=_WINDOW, now=NOW)


_ENTRIES: dict[str, tuple[dict[str, Any], bool]] = {
    "itself": ({}, True),
    "itself, for no fault of the model": ({"cause": "Infrastructure"}, True),
    "its digest in another dress": ({"revision": "a"}, True),
    "the same, for no fault of the model": ({"revision": "a", "cause": "Infrastructure"}, False),
    "another digest": ({"revision": "a", "sha256": DIGEST}, False),
    "itself, and it may be tried again": ({"again": True}, False),
}


@pytest.mark.parametrize("case", _ENTRIES)
def test_a_rejection_is_of_the_revision_or_of_its_digest(case: str) -> None:
    said, is_rejected = _ENTRIES[case]

    assert is_rejected == (Ledger(rejected=({**REJECTED, **said},)).rejection(CANARY) is not None)


_OLDER = _was_stable("older")
_BACK = {
    "it was the newest": ((_was_stable(STABLE.revision), _OLDER), (_OLDER,)),
    "it was the only one": ((_was_stable(STABLE.revision),), ()),
    "it was stable before that, too": (
        (_was_stable(STABLE.revision), _OLDER, _was_stable(STABLE.revision)),
        (_OLDER, _was_stable(STABLE.revision)),
    ),
    "another was the newest": ((_OLDER, _was_stable(STABLE.revision)), (_OLDER, _was_stable(STABLE.revision))),
    "nobody was": ((), ()),
}


@pytest.mark.parametrize("case", _BACK)
def test_who_came_back_never_gave_way(case: str) -> None:
    history, after = _BACK[case]

    assert after == Ledger(history, (REJECTED,)).came_back(STABLE).history


def test_a_rejection_says_what_how_and_when() -> None:
    (entry,) = Ledger().rejects(CANARY, _FAULT, retry="", now=NOW).rejected

    assert entry == {
        "revision": CANARY.revision,
        "version": "2026.12",
        "sha256": OTHER_DIGEST,
        "cause": "Model",
        "reason": "CheckFailed",
        "message": "Check errors: too many.",
        "at": "2026-11-25T10:00:00Z",
    }


def test_texts_that_tried_it_are_used_up_and_the_last_ten_are_kept_beside_the_latest() -> None:
    ledger = Ledger()
    for number in range(1, 14):
        ledger = ledger.rejects(CANARY, _FAULT, retry=f"T{number}", now=NOW)
    (entry,) = ledger.rejected

    assert ("T13", [f"T{number}" for number in range(3, 13)]) == (entry["retry"], entry["earlierRetries"])
    assert [False, True, False, True] == [may_retry(entry, token) for token in ("", "T1", "T3", "T14")]


def test_the_same_text_is_told_once() -> None:
    ledger = Ledger().rejects(CANARY, _FAULT, retry="T1", now=NOW).rejects(CANARY, _FAULT, retry="T1", now=NOW)
    (entry,) = ledger.rejected

    assert ("T1", False) == (entry["retry"], "earlierRetries" in entry)


def test_a_revision_is_rejected_once_and_the_newest_of_ten_comes_first() -> None:
    others = tuple({**REJECTED, "revision": f"r{number}", "sha256": _THIRD} for number in range(10))
    rejected = Ledger(rejected=(*others[:5], REJECTED, *others[5:])).rejects(CANARY, _FAULT, retry="", now=NOW).rejected

    assert [CANARY.revision, *(f"r{number}" for number in range(9))] == [each["revision"] for each in rejected]


def test_who_is_tried_again_is_forgiven_and_nobody_else() -> None:
    other = {**REJECTED, "revision": "another", "sha256": _THIRD}

    assert ({**REJECTED, "again": True}, other) == Ledger(rejected=(REJECTED, other)).forgives(CANARY).rejected


def _record(revision: str, sha256: str, marks: dict[str, str]) -> Manifest:
    labels = {names.LABEL_REVISION: revision}
    data = {"inputs": {"model": {"version": "1", "sha256": sha256}}, "image": "serving:1", "template": {}}
    metadata = {"name": f"m-{revision}", "labels": labels, **({"annotations": marks} if marks else {})}
    return {"kind": "ControllerRevision", "metadata": metadata, "revision": 1, "data": data}


def _seen(*owned: Manifest) -> Observation:
    return Observation(BankModel.model_validate(a_bankmodel()), owned=owned)


def test_a_ledger_survives_in_the_marks_of_records() -> None:
    ledger = Ledger((_was_stable("b", _THIRD),), (REJECTED,))
    revisions = {STABLE.revision: DIGEST, CANARY.revision: OTHER_DIGEST, "b": _THIRD, "d": DIGEST}
    table = {"kind": "ConfigMap", "metadata": {"name": "t", "annotations": {names.ANNOTATION_REJECTED: "{}"}}}
    records = [_record(each, sha256, ledger.marks(each, STABLE)) for each, sha256 in revisions.items()]
    seen = _seen(table, *records)
    found = from_marks(seen)

    assert [REJECTED] == list(found.rejected)
    assert [(STABLE.revision, format_time(STABLE.since)), ("b", "2026-11-01T00:00:00Z")] == [
        (each["revision"], each["from"]) for each in found.history
    ]
    assert [True, False, True, False] == [is_baked(seen, each) for each in revisions]


def test_the_newest_rejection_comes_first_of_the_marks_too() -> None:
    entries = [{**REJECTED, "revision": each, "at": f"2026-11-2{each}T00:00:00Z"} for each in ("1", "3", "2")]
    ledger = Ledger(rejected=tuple(entries))
    records = [_record(each["revision"], _THIRD, ledger.marks(each["revision"], None)) for each in entries]

    assert ["3", "2", "1"] == [each["revision"] for each in from_marks(_seen(*records)).rejected]


@pytest.mark.parametrize("mark", ["", "no JSON", "[]"])
def test_a_mark_that_cannot_be_read_says_nothing(mark: str) -> None:
    record = _record("a", DIGEST, {names.ANNOTATION_REJECTED: mark})

    assert Ledger() == from_marks(_seen(record))


def test_a_mark_is_the_same_in_whatever_order_the_status_was_read_back() -> None:
    turned = dict(reversed(REJECTED.items()))

    assert Ledger(rejected=(REJECTED,)).marks(CANARY.revision, None) == (
        Ledger(rejected=(turned,)).marks(CANARY.revision, None)
    )
