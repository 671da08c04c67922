"""What is remembered of revisions that came and went: which were stable, and which were rejected and why.

Lives in `status.history` and `status.rejected`; marks on the ControllerRevisions repeat it, and are read only where the
status was lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.children.record import Record, read_record
from bankmodel_operator.core.observation import Manifest, Observation, format_time, parse_time
from bankmodel_operator.core.states import Revision

LIMIT = 10
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a canary is taken back. `digest_too`: the model is at fault, so its digest is rejected in any other dress."""

    reason: str
    message: str
    digest_too: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """Both lists, newest first."""

    history: tuple[Entry, ...] = ()
    rejected: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> Ledger:
        return cls(tuple(status.get("history") or ()), tuple(status.get("rejected") or ()))

    def rejection(self, target: Revision) -> Entry | None:
        """Why this revision must not be tried by itself; None where nothing is against it."""
        return next((each for each in self.rejected if _is_about(each, target) and not each.get("again")), None)

    def was_stable(self, sha256: str, *, window: timedelta, now: datetime) -> bool:
        """Whether a revision of this digest was stable within the window."""
        return any(
            entry.get("sha256") == sha256 and entry.get("until") and parse_time(entry["until"]) + window >= now
            for entry in self.history
        )

    def gave_way(self, stable: Revision, now: datetime) -> Ledger:
        """A stable revision was superseded."""
        entry = {"revision": stable.revision, "version": stable.version, "sha256": stable.sha256}
        entry |= {"from": format_time(stable.since), "until": format_time(now)}
        return Ledger((entry, *self.history)[:LIMIT], self.rejected)

    def came_back(self, stable: Revision) -> Ledger:
        """And it is stable again."""
        is_newest = bool(self.history) and self.history[0].get("revision") == stable.revision
        return Ledger(self.history[1:] if is_newest else self.history, self.rejected)

    def rejects(self, canary: Revision, rejection: Rejection, *, retry: str, now: datetime) -> Ledger:
        """`retry`: the token in the spec by now. It and those of earlier rejections are used up."""
        used = [token for each in self.rejected if _is_about(each, canary) for token in _used(each)]
        earlier = tuple(dict.fromkeys(token for token in used if token != retry))[-LIMIT:]
        entry = {
            "revision": canary.revision,
            "version": canary.version,
            "sha256": canary.sha256,
            "cause": "Model" if rejection.digest_too else "Infrastructure",
            "reason": rejection.reason,
            "message": rejection.message[:512],
            "at": format_time(now),
            **({"retry": retry} if retry else {}),
            **({"earlierRetries": list(earlier)} if earlier else {}),
        }
        others = (each for each in self.rejected if each.get("revision") != canary.revision)
        return Ledger(self.history, (entry, *others)[:LIMIT])

    def forgives(self, target: Revision) -> Ledger:
        """It is tried once more. The entries stay, for what they say and for the tokens that were used."""
        again = tuple({**each, "again": True} if _is_about(each, target) else each for each in self.rejected)
        return Ledger(self.history, again)

    def marks(self, revision: str, stable: Revision | None) -> dict[str, str]:
        """The annotations of this revision's record. `stable`: who is stable with a completed bake, if anybody."""
        marks: dict[str, str] = {}
        rejected = next((each for each in self.rejected if each.get("revision") == revision), None)
        if rejected is not None:
            marks[names.ANNOTATION_REJECTED] = json.dumps(dict(rejected), sort_keys=True)
        since = next((each.get("from") for each in self.history if each.get("revision") == revision), None)
        if stable is not None and stable.revision == revision:
            since = format_time(stable.since)
        if since:
            marks[names.ANNOTATION_BAKED] = str(since)
        return marks


def from_marks(observation: Observation) -> Ledger:
    """The ledger as the records still tell it, after the status was lost."""
    records = [each for each in observation.owned if each["kind"] == "ControllerRevision"]
    rejected = [entry for entry in map(_rejected_mark, records) if entry]
    baked = [entry for entry in map(_baked_entry, records) if entry]
    newest = sorted(rejected, key=lambda entry: str(entry.get("at")), reverse=True)
    return Ledger(tuple(_newest_first(baked))[:LIMIT], tuple(newest)[:LIMIT])


def is_baked(observation: Observation, revision: str) -> bool:
    """Whether the revision's record says that it was stable and completed its bake."""
    return any(
        bool(_baked_mark(each))
        for each in observation.owned
        if each["kind"] == "ControllerRevision" and read_record(each).revision == revision
    )


def may_retry(entry: Entry, token: str) -> bool:
    """Whether this text in `spec.rollout.retry` tries the rejected revision again: one that was not used for it before."""
    return bool(token) and token not in _used(entry)


def _used(entry: Entry) -> tuple[str, ...]:
    return (*(entry.get("earlierRetries") or ()), *filter(None, [entry.get("retry")]))


def _is_about(entry: Entry, target: Revision) -> bool:
    is_same_model = entry.get("cause") == "Model" and entry.get("sha256") == target.sha256
    return is_same_model or entry.get("revision") == target.revision


def _annotations(record: Manifest) -> Mapping[str, str]:
    return record["metadata"].get("annotations") or {}


def _rejected_mark(record: Manifest) -> Entry | None:
    try:
        entry = json.loads(_annotations(record).get(names.ANNOTATION_REJECTED, ""))
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _baked_mark(record: Manifest) -> str:
    return _annotations(record).get(names.ANNOTATION_BAKED, "")


def _baked_entry(record: Manifest) -> Entry | None:
    """Until when it was stable the mark does not tell; that it was at least then is the careful reading."""
    since = _baked_mark(record)
    return _entry(read_record(record), since) if since else None


def _entry(record: Record, since: str) -> Entry:
    model = record.inputs.get("model", {})
    about = {"revision": record.revision, "version": model.get("version", ""), "sha256": model.get("sha256", "")}
    return {**about, "from": since, "until": since}


def _newest_first(entries: Iterable[Entry]) -> Sequence[Entry]:
    return sorted(entries, key=lambda entry: str(entry["from"]), reverse=True)
