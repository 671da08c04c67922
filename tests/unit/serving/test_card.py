"""The card: what is written is what is read, and a bad one says where it is bad."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bankmodel_serving import card as cards
from bankmodel_serving.card import Card, Feature, Golden, Histogram, Score
from bankmodel_serving.errors import CardError
from support import tiny_models

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FLOATS | st.text()


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    edges = tuple(sorted(draw(st.lists(FLOATS, min_size=2, max_size=5, unique=True))))
    counts = st.lists(st.integers(0, 10**9), min_size=len(edges) - 1, max_size=len(edges) - 1).map(tuple)
    return Histogram(edges=edges, counts=draw(counts), missing=draw(st.integers(0, 9)), outside=draw(st.integers(0, 9)))


FEATURES = st.builds(
    Feature,
    name=st.text(min_size=1),
    datatype=st.sampled_from(cards.DATATYPES),
    on_missing=st.sampled_from(["Impute", "Reject"]),
    missing_token=st.none() | st.text() | st.integers(),
    baseline=st.none() | histograms(),
)
COLUMNS = st.dictionaries(st.text(), st.lists(VALUES | st.lists(VALUES).map(tuple)).map(tuple), max_size=3)
CARDS = st.builds(
    Card,
    features=st.lists(FEATURES, max_size=3, unique_by=lambda feature: feature.name).map(tuple),
    score=st.none()
    | st.builds(Score, output=st.text(), class_index=st.none() | st.integers(0, 9), cutoff=st.none() | FLOATS),
    golden=st.none() | st.builds(Golden, inputs=COLUMNS, outputs=COLUMNS, rtol=FLOATS, atol=FLOATS),
    provenance=st.dictionaries(st.text(), VALUES),
    parity=st.dictionaries(st.text(), VALUES),
)


@given(CARDS)
def test_a_card_is_read_as_it_was_written(card: Card) -> None:
    text = cards.write(card)

    assert card == cards.read(text)
    assert text == cards.write(cards.read(text))


def _bad(*path: str | int, value: Any) -> str:
    document = json.loads(cards.write(tiny_models.mixed_card()))
    at: Any = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "card is not JSON"),
        ("[]", "card must be an object"),
        pytest.param("[" * 100_000, "card is not JSON", id="too deep"),
        ('{"cardVersion":1,"provenance":{"auc":NaN}}', "NaN is not a JSON number"),
        (_bad("cardVersion", value=2), "card.cardVersion is 2"),
        (_bad("features", value={}), "card.features must be a list"),
        (_bad("features", 0, "name", value=None), "card.features[0].name must be a string, got nothing"),
        (_bad("features", 1, "datatype", value="FP31"), "card.features[1].datatype must be one of"),
        (_bad("features", 1, "onMissing", value="Guess"), "card.features[1].onMissing must be one of Impute, Reject"),
        (_bad("features", 1, "name", value="income"), "names income more than once"),
        (_bad("features", 0, "baseline", "counts", value=[1]), "card.features[0].baseline.counts must be 2 counts"),
        (_bad("features", 0, "baseline", "counts", value=[1, -1]), "baseline.counts[1] must be a count of 0 or more"),
        (_bad("score", "edges", value=[1, 0]), "card.score.edges must be a rising list"),
        (_bad("golden", "rtol", value=True), "card.golden.rtol must be a number"),
    ],
)
def test_a_bad_card_names_its_field(text: str, words: str) -> None:
    with pytest.raises(CardError) as caught:
        cards.read(text)

    assert words in str(caught.value)


def test_unknown_keys_are_ignored() -> None:
    card = tiny_models.mixed_card()
    document = {**json.loads(cards.write(card)), "comesLater": {"x": 1}}

    assert card == cards.read(json.dumps(document))
