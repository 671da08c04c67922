"""Text to card. Unknown keys are ignored, a wrong value is refused by the path of its field. Pure."""

import json
from typing import Any, cast

from bankmodel_serving.card.located import Located
from bankmodel_serving.card.parts import CARD_VERSION, DATATYPES, Card, Feature, Golden, Histogram, OnMissing, Score
from bankmodel_serving.errors import CardError

__all__ = ["read"]


def read(text: str) -> Card:
    """Parse a card; unknown keys are ignored. Raises CardError naming the path of the first bad field."""
    try:
        root = Located("card", json.loads(text, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
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


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is not a JSON number")


def _refuse_twins(features: tuple[Feature, ...]) -> None:
    names = [feature.name for feature in features]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise CardError(f"card.features names {', '.join(twins)} more than once; a feature is described once")


def _feature(at: Located) -> Feature:
    return Feature(
        name=at.get("name").text(),
        datatype=at.get("datatype").one_of(DATATYPES),
        on_missing=cast(OnMissing, at.maybe("onMissing", lambda found: found.one_of(("Impute", "Reject"))) or "Impute"),
        missing_token=at.maybe("missingToken", _token),
        baseline=at.maybe("baseline", _histogram),
    )


def _token(at: Located) -> str | int:
    return at.text() if isinstance(at.value, str) else at.integer()


def _histogram(at: Located) -> Histogram:
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


def _score(at: Located) -> Score:
    return Score(
        output=at.get("output").text(),
        class_index=at.maybe("classIndex", Located.count),
        edges=at.get("edges").edges(),
        cutoff=at.maybe("cutoff", Located.number),
        baseline=at.maybe("baseline", _histogram),
    )


def _golden(at: Located) -> Golden:
    rtol = at.maybe("rtol", Located.number)
    atol = at.maybe("atol", Located.number)
    return Golden(
        inputs=_columns(at.get("inputs")),
        outputs=_columns(at.get("outputs")),
        rtol=1e-5 if rtol is None else rtol,
        atol=1e-6 if atol is None else atol,
    )


def _columns(at: Located) -> dict[str, tuple[Any, ...]]:
    columns = at.mapping()
    return {name: tuple(_values(Located(f"{at.path}.{name}", column))) for name, column in columns.items()}


def _values(at: Located) -> list[Any]:
    return [tuple(_values(item)) if isinstance(item.value, list) else item.value for item in at.items()]
