"""A window as text, for the ConfigMap that keeps it over a restart of the operator, and back.

Names and edges are written once and referred to by position: 50 pods with 100 inputs stay well below 100 KiB. Reading is
tolerant: whatever is not understood makes no window (None), and the step gathers its evidence anew. Missing evidence holds a
rollout; wrong evidence could promote one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bankmodel_operator.core.analysis.figures import Counts, Forwarding
from bankmodel_operator.core.analysis.samples import Histogram
from bankmodel_operator.core.analysis.window import Memory, Window

__all__ = ["from_json", "to_json"]

_FORM: Final = 1

Edges = tuple[float, ...]


def to_json(window: Window) -> str:
    """The window as one line of JSON."""
    tables = _Tables()
    body = {
        "form": _FORM,
        "canary": window.canary,
        "stable": window.stable,
        "started": window.started.isoformat(),
        "last": window.last and window.last.isoformat(),
        "ofCanary": tables.counts(window.of_canary),
        "ofStable": tables.counts(window.of_stable),
        "forwarding": tables.forwarding(window.forwarding),
        "baseline": tables.histogram(window.baseline),
        "restarts": window.restarts,
        "streaks": dict(window.streaks),
        "pods": {uid: tables.memory(memory) for uid, memory in window.pods.items()},
        "names": tables.names,
        "edges": tables.edges,
    }
    return json.dumps(body, separators=(",", ":"))


def from_json(text: str) -> Window | None:
    """The window that `to_json` wrote; None for anything else."""
    try:
        return _window(json.loads(text))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


class _Tables:
    """Names and edges met so far; what is written refers to them by position."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.edges: list[Edges] = []
        self._name_at: dict[str, int] = {}

    def counts(self, counts: Counts) -> list[Any]:
        histograms = [self.histogram(counts.latency), self.histogram(counts.scores)]
        mixed = int(counts.is_mixed)
        return [counts.requests, counts.errors, *histograms, counts.rows, self._tally(counts.missing), mixed]

    def forwarding(self, sent: Forwarding) -> list[Any] | None:
        if sent == Forwarding():
            return None
        tallies = [self._tally(each) for each in (sent.attempts, sent.fallbacks, sent.copies, sent.absent)]
        return [*tallies, sent.compared, sent.flips, sent.awaited, self.histogram(sent.differences)]

    def memory(self, memory: Memory) -> list[Any]:
        counts = None if memory.counts is None else self.counts(memory.counts)
        revision = self._name(memory.revision)
        return [revision, memory.at.isoformat(), memory.restarts, counts, self.forwarding(memory.forwarding)]

    def histogram(self, histogram: Histogram | None) -> list[int] | None:
        if histogram is None:
            return None
        if histogram.edges not in self.edges:
            self.edges.append(histogram.edges)
        return [self.edges.index(histogram.edges), *histogram.counts]

    def _tally(self, tally: Mapping[str, int]) -> list[int]:
        """Names in ascending order of position, as steps from the one before, each followed by its count."""
        flat, before = list[int](), 0
        for at, count in sorted((self._name(key), count) for key, count in tally.items()):
            flat += (at - before, count)
            before = at
        return flat

    def _name(self, name: str) -> int:
        if name not in self._name_at:
            self._name_at[name] = len(self.names)
            self.names.append(name)
        return self._name_at[name]


def _window(body: Mapping[str, Any]) -> Window:
    if body["form"] != _FORM:
        raise ValueError(f"form {body['form']!r} of the evidence is not known")
    read = _Reading(body["names"], [tuple(map(float, edges)) for edges in body["edges"]])
    return Window(
        canary=_text(body["canary"]),
        stable=_text(body["stable"]),
        started=_moment(body["started"]),
        last=None if body["last"] is None else _moment(body["last"]),
        of_canary=read.counts(body["ofCanary"]),
        of_stable=read.counts(body["ofStable"]),
        forwarding=read.forwarding(body["forwarding"]),
        baseline=read.histogram(body["baseline"]),
        restarts=_count(body["restarts"]),
        streaks={_text(name): _count(count) for name, count in body["streaks"].items()},
        pods={_text(uid): read.memory(memory) for uid, memory in body["pods"].items()},
    )


class _Reading:
    """Reads what `_Tables` wrote."""

    def __init__(self, names: Sequence[str], edges: Sequence[Edges]) -> None:
        self._names = [_text(name) for name in names]
        self._edges = edges

    def counts(self, written: Sequence[Any]) -> Counts:
        requests, errors, latency, scores, rows, missing, mixed = written
        return Counts(
            requests=_count(requests),
            errors=_count(errors),
            latency=self.histogram(latency),
            scores=self.histogram(scores),
            rows=_count(rows),
            missing=self._tally(missing),
            is_mixed=bool(mixed),
        )

    def forwarding(self, written: Sequence[Any] | None) -> Forwarding:
        if written is None:
            return Forwarding()
        attempts, fallbacks, copies, absent, compared, flips, awaited, differences = written
        return Forwarding(
            attempts=self._tally(attempts),
            fallbacks=self._tally(fallbacks),
            copies=self._tally(copies),
            compared=_count(compared),
            flips=_count(flips),
            differences=self.histogram(differences),
            awaited=_count(awaited),
            absent=self._tally(absent),
        )

    def memory(self, written: Sequence[Any]) -> Memory:
        revision, at, restarts, counts, forwarding = written
        return Memory(
            revision=self._names[_count(revision)],
            at=_moment(at),
            restarts=_count(restarts),
            counts=None if counts is None else self.counts(counts),
            forwarding=self.forwarding(forwarding),
        )

    def histogram(self, written: Sequence[Any] | None) -> Histogram | None:
        if written is None:
            return None
        edges = self._edges[_count(written[0])]
        counts = tuple(map(_count, written[1:]))
        if len(counts) != len(edges) + 1:
            raise ValueError(f"{len(counts)} counts for {len(edges)} edges")
        return Histogram(edges, counts)

    def _tally(self, written: Sequence[Any]) -> dict[str, int]:
        found, at = dict[str, int](), 0
        for step, count in zip(written[::2], written[1::2], strict=True):
            at += _count(step)
            found[self._names[at]] = _count(count)
        return found


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(_text(text))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)
