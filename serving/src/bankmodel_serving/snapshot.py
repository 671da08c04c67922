"""What one process counted up to one moment, as plain data, and how those of several processes become one. Pure.

Taken by `metrics`, carried between processes as JSON, merged here, rendered once by `exposition`. A family can't be made
without saying what it means for several processes: nothing merges by accident.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import reduce
from itertools import starmap
from typing import Any, assert_never

__all__ = [
    "EMPTY",
    "Family",
    "Kind",
    "Merge",
    "Samples",
    "Snapshot",
    "as_json",
    "from_json",
    "merge",
    "merge_all",
    "only_past",
]

Series = tuple[str, ...]
Value = tuple[int | float, ...]
"""One number; for a histogram the counts of its slots and then the sum of all that was observed."""
Samples = Mapping[Series, Value]


class Kind(StrEnum):
    """The types of the exposition format that are used here."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(StrEnum):
    """What a family says about several processes together."""

    SUM = "sum"  # each process has a share of it
    LEAST = "least"  # true of the pod only as far as of its last process
    ONE = "one"  # a fact about the pod: one series, however many processes tell it


@dataclass(frozen=True)
class Family:
    """One metric with all its series. `bounds` are a histogram's; the slot after the last one is beyond all."""

    name: str
    text: str
    kind: Kind
    merge: Merge
    labels: tuple[str, ...]
    samples: Samples
    bounds: tuple[float, ...] = ()


Snapshot = Mapping[str, Family]
"""Families by name, of one process or of several already merged."""

EMPTY: Snapshot = {}


def merge(one: Snapshot, other: Snapshot) -> Snapshot:
    """Both together, each family by its meaning. Raises ValueError where they declare a family differently."""
    both = one.keys() & other.keys()
    return {**one, **other, **{name: _merge_families(one[name], other[name]) for name in both}}


def merge_all(snapshots: Iterable[Snapshot]) -> Snapshot:
    """All of them together, in whatever order."""
    return reduce(merge, snapshots, EMPTY)


def only_past(snapshot: Snapshot) -> Snapshot:
    """What stays true though a process is silent: what was counted, and what is served; not how things stand now."""
    kept = (each for each in snapshot.values() if each.kind is not Kind.GAUGE or each.merge is Merge.ONE)
    return {family.name: family for family in kept}


def _merge_families(one: Family, other: Family) -> Family:
    if replace(one, samples={}) != replace(other, samples={}):
        raise ValueError(f"two processes of one pod declare {one.name} differently")
    return replace(one, samples=_merge_samples(one.merge, one.samples, other.samples))


def _merge_samples(meaning: Merge, one: Samples, other: Samples) -> Samples:
    match meaning:
        case Merge.SUM:
            return _combined(operator.add, one, other)
        case Merge.LEAST:
            return _combined(min, one, other)
        case Merge.ONE:
            return dict(sorted((*one.items(), *other.items()))[:1])
        case _:
            assert_never(meaning)


def _combined(combine: Callable[[Any, Any], Any], one: Samples, other: Samples) -> Samples:
    both = one.keys() & other.keys()
    return {**one, **other, **{key: tuple(starmap(combine, zip(one[key], other[key], strict=True))) for key in both}}


def silent_processes(model: str, revision: str, count: int) -> Snapshot:
    """The one family that a supervisor knows better than its workers."""
    name, text = "bankmodel_silent_processes", "Processes of this pod that did not answer this scrape."
    samples: Samples = {(model, revision): (count,)}
    return {name: Family(name, text, Kind.GAUGE, Merge.SUM, ("model", "revision"), samples)}


def as_json(snapshot: Snapshot) -> list[Any]:
    """Lists and strings only; `from_json` reads it back."""
    return [
        [each.name, each.text, each.kind, each.merge, each.labels, list(each.samples.items()), each.bounds]
        for each in snapshot.values()
    ]


def from_json(families: Iterable[Any]) -> Snapshot:
    """The snapshot that `as_json` wrote."""
    return {each[0]: _family(each) for each in families}


def _family(fields: Sequence[Any]) -> Family:
    name, text, kind, meaning, labels, samples, bounds = fields
    values = {tuple(series): tuple(value) for series, value in samples}
    return Family(name, text, Kind(kind), Merge(meaning), tuple(labels), values, tuple(bounds))
