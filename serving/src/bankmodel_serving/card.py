"""The card: what travels inside the ONNX file (metadata_props) so that one digest covers the model and its description.

Written by `bankmodel export` and `bankmodel card`, read by the scoring container at start. Standard library only.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, TypeVar, cast

from bankmodel_serving.errors import CardError

__all__ = ["DATATYPES", "KEY", "Card", "Feature", "Golden", "Histogram", "Score", "read", "write"]

KEY = "bankmodel.card"
CARD_VERSION = 1
DATATYPES = (
    *("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"),
    *("FP16", "FP32", "FP64", "BYTES"),
)

_T = TypeVar("_T")
OnMissing = Literal["Impute", "Reject"]


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts of one column. Numeric: bins [e_i, e_i+1), the last one closed. Text: one count per category.

    `outside` is below the first or above the last edge, or any other text. `missing` is NaN, null or the missing token.
    """

    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    missing: int = 0
    outside: int = 0


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One model input. `on_missing` governs a JSON null and an absent input alike.

    Impute: NaN for floats, `missing_token` for strings and integers. Reject: the request is refused with 400.
    """

    name: str
    datatype: str
    on_missing: OnMissing = "Impute"
    missing_token: str | int | None = None
    baseline: Histogram | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """Which output is the score (`class_index` picks the column of a matrix), its bins, and where a decision flips."""

    output: str
    class_index: int | None = None
    edges: tuple[float, ...] = ()
    cutoff: float | None = None
    baseline: Histogram | None = None


@dataclass(frozen=True, kw_only=True)
class Golden:
    """Known answers, scored at start-up. Columns as tuples, matrices as tuples of row tuples, None is missing."""

    inputs: Mapping[str, tuple[Any, ...]]
    outputs: Mapping[str, tuple[Any, ...]]
    rtol: float = 1e-5
    atol: float = 1e-6


@dataclass(frozen=True, kw_only=True)
class Card:
    """The whole card. `provenance` and `parity` are for people and records; scoring does not depend on them."""

    features: tuple[Feature, ...] = ()
    score: Score | None = None
    golden: Golden | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] = field(default_factory=dict)


def read(text: str) -> Card:
    """Parse a card; unknown keys are ignored. Raises CardError naming the path of the first bad field."""
    try:
        root = _At("card", json.loads(text, parse_constant=_refuse_constant))
    except ValueError as error:
        raise CardError(f"card is not JSON: {error}; write it again with `bankmodel card`") from error
    version = root.get("cardVersion").integer()
    if version != CARD_VERSION:
        raise CardError(f"card.cardVersion is {version}, this server reads {CARD_VERSION}; update the serving image")
    features = tuple(_feature(item) for item in root.get("features").items())
    _refuse_twins(features)
    return Card(
        features=features,
        score=root.maybe("score", _score),
        golden=root.maybe("golden", _golden),
        provenance=root.get("provenance").mapping(),
        parity=root.get("parity").mapping(),
    )


def write(card: Card) -> str:
    """The card as canonical JSON: sorted keys, no spaces, so that the same card is always the same bytes."""
    document = {
        "cardVersion": CARD_VERSION,
        "features": [_feature_json(feature) for feature in card.features],
        "golden": card.golden and _golden_json(card.golden),
        "parity": dict(card.parity),
        "provenance": dict(card.provenance),
        "score": card.score and _score_json(card.score),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is not a JSON number")


def _refuse_twins(features: tuple[Feature, ...]) -> None:
    names = [feature.name for feature in features]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise CardError(f"card.features names {', '.join(twins)} more than once; a feature is described once")


@dataclass(frozen=True)
class _At:
    """A JSON value and the path it was found at, so that every complaint can name its field."""

    path: str
    value: Any

    def fail(self, expected: str) -> CardError:
        shown = "nothing" if self.value is None else json.dumps(self.value)[:80]
        return CardError(f"{self.path} must be {expected}, got {shown}; write the card again with `bankmodel card`")

    def get(self, key: str) -> "_At":
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        return _At(f"{self.path}.{key}", self.value.get(key))

    def maybe(self, key: str, parse: "Callable[[_At], _T]") -> _T | None:
        found = self.get(key)
        return None if found.value is None else parse(found)

    def items(self) -> "list[_At]":
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise self.fail("a list")
        return [_At(f"{self.path}[{index}]", item) for index, item in enumerate(self.value)]

    def mapping(self) -> dict[str, Any]:
        if not isinstance(self.value, dict | None):
            raise self.fail("an object")
        return self.value or {}

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.fail("a string")
        return self.value

    def integer(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.fail("a whole number")
        return self.value

    def number(self) -> float:
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            raise self.fail("a number")
        return float(self.value)

    def count(self) -> int:
        found = 0 if self.value is None else self.integer()
        if found < 0:
            raise self.fail("a count of 0 or more")
        return found

    def one_of(self, allowed: tuple[str, ...]) -> str:
        if self.value not in allowed:
            raise self.fail(f"one of {', '.join(allowed)}")
        return cast(str, self.value)

    def edges(self) -> tuple[float, ...]:
        edges = tuple(item.number() for item in self.items())
        if any(low >= high for low, high in pairwise(edges)):
            raise self.fail("a rising list of numbers")
        return edges


def _feature(at: _At) -> Feature:
    return Feature(
        name=at.get("name").text(),
        datatype=at.get("datatype").one_of(DATATYPES),
        on_missing=cast(OnMissing, at.maybe("onMissing", lambda found: found.one_of(("Impute", "Reject"))) or "Impute"),
        missing_token=at.maybe("missingToken", _token),
        baseline=at.maybe("baseline", _histogram),
    )


def _token(at: _At) -> str | int:
    return at.text() if isinstance(at.value, str) else at.integer()


def _histogram(at: _At) -> Histogram:
    edges = at.get("edges").edges()
    categories = tuple(item.text() for item in at.get("categories").items())
    counts = tuple(item.count() for item in at.get("counts").items())
    expected = len(categories) if categories else max(len(edges) - 1, 0)
    if edges and categories:
        raise at.fail("either edges (numbers) or categories (text), not both")
    if len(counts) != expected:
        raise at.get("counts").fail(f"{expected} counts, one per bin")
    missing, outside = at.get("missing").count(), at.get("outside").count()
    return Histogram(edges=edges, categories=categories, counts=counts, missing=missing, outside=outside)


def _score(at: _At) -> Score:
    return Score(
        output=at.get("output").text(),
        class_index=at.maybe("classIndex", _At.count),
        edges=at.get("edges").edges(),
        cutoff=at.maybe("cutoff", _At.number),
        baseline=at.maybe("baseline", _histogram),
    )


def _golden(at: _At) -> Golden:
    rtol = at.maybe("rtol", _At.number)
    atol = at.maybe("atol", _At.number)
    return Golden(
        inputs=_columns(at.get("inputs")),
        outputs=_columns(at.get("outputs")),
        rtol=1e-5 if rtol is None else rtol,
        atol=1e-6 if atol is None else atol,
    )


def _columns(at: _At) -> dict[str, tuple[Any, ...]]:
    columns = at.mapping()
    return {name: tuple(_values(_At(f"{at.path}.{name}", column))) for name, column in columns.items()}


def _values(at: _At) -> list[Any]:
    return [tuple(_values(item)) if isinstance(item.value, list) else item.value for item in at.items()]


def _feature_json(feature: Feature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "datatype": feature.datatype,
        "onMissing": feature.on_missing,
        "missingToken": feature.missing_token,
        "baseline": feature.baseline and _histogram_json(feature.baseline),
    }


def _histogram_json(histogram: Histogram) -> dict[str, Any]:
    bins = {"categories": histogram.categories} if histogram.categories else {"edges": histogram.edges}
    return {**bins, "counts": histogram.counts, "missing": histogram.missing, "outside": histogram.outside}


def _score_json(score: Score) -> dict[str, Any]:
    return {
        "output": score.output,
        "classIndex": score.class_index,
        "edges": score.edges,
        "cutoff": score.cutoff,
        "baseline": score.baseline and _histogram_json(score.baseline),
    }


def _golden_json(golden: Golden) -> dict[str, Any]:
    columns = {"inputs": dict(golden.inputs), "outputs": dict(golden.outputs)}
    return {**columns, "rtol": golden.rtol, "atol": golden.atol}
