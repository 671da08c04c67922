"""Who is chosen: exactly the share, the same keys at every weight, and nobody while a peer is not to be tried."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bankmodel_serving.codec import Decoder
from bankmodel_serving.protocol import Request
from bankmodel_serving.routing import Sticky
from bankmodel_serving.split.breaker import Breaker
from bankmodel_serving.split.choosing import Spread, is_chosen
from bankmodel_serving.split.comparing import compare
from bankmodel_serving.split.keys import Keyless, RestContent, key_of
from bankmodel_serving.tensors import KINDS, TensorSpec, schema_of

_FP32 = next(kind for kind in KINDS if kind.datatype == "FP32")
_DECODER = Decoder(schema_of([TensorSpec("x", _FP32, (None, 1))], [TensorSpec("y", _FP32, (None, 1))], None))


@given(st.integers(0, 100), st.lists(st.integers(0, 99), min_size=3, max_size=3))
def test_of_every_hundred_exactly_the_weight_is_chosen(weight: int, shifts: list[int]) -> None:
    spread = Spread(iter(shifts).__next__)
    blocks = [sum(spread.chooses(weight) for _ in range(100)) for _ in shifts]

    assert [weight] * 3 == blocks


@given(st.integers(2, 50), st.integers(0, 99))
def test_the_chosen_are_spread(weight: int, shift: int) -> None:
    spread = Spread(lambda: shift)
    chosen = [at for at in range(1000) if spread.chooses(weight)]

    assert max(after - before for before, after in pairwise(chosen)) <= 3 * 100 / weight


@given(st.text(), st.text(), st.integers(0, 99))
def test_a_higher_weight_only_adds_keys(key: str, salt: str, weight: int) -> None:
    assert is_chosen(key, salt, weight) <= is_chosen(key, salt, weight + 1)
    assert (False, True) == (is_chosen(key, salt, 0), is_chosen(key, salt, 100))


@pytest.mark.parametrize("weight", [1, 5, 25, 50])
def test_keys_are_chosen_as_often_as_the_weight_says_and_others_by_another_salt(weight: int) -> None:
    first, second = ({key for key in range(20_000) if is_chosen(str(key), salt, weight)} for salt in ("m/1", "m/2"))
    expected = 200 * weight

    assert abs(len(first) - expected) < 5 * expected**0.5
    assert abs(len(first & second) - expected * weight / 100) < 5 * (expected * weight / 100) ** 0.5 + 5


def test_five_failures_in_a_row_open_the_breaker_for_a_second_and_then_for_one_probe() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.failed(0.0)
    breaker.succeeded()
    for at in range(5):
        assert breaker.allows(float(at))
        breaker.failed(float(at))

    assert [False, False, True, False] == [breaker.allows(at) for at in (4.0, 4.9, 5.0, 5.0)]
    breaker.failed(5.0)
    assert [False, True] == [breaker.allows(at) for at in (5.9, 6.0)]
    breaker.left()
    assert breaker.allows(6.0)
    breaker.succeeded()
    assert [True, True] == [breaker.allows(6.0), breaker.allows(6.0)]


def _key(sticky: Sticky, document: Any, tail: bytes = b"") -> str | Keyless:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    headers = {b"inference-header-content-length": b"%d" % len(body)} if tail else {}
    return key_of(RestContent(Request(b"POST", b"/", body + tail, True, headers), _DECODER, 1 << 20), sticky)


_PARAMETER, _INPUT = Sticky(parameter="id"), Sticky(input="id")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("c-1", "c-1"),
        (42, "42"),
        ("42", "42"),
        (42.0, "42"),
        (0.5, "0.5"),
        (None, Keyless.MISSING),
        ("", Keyless.MISSING),
        (True, Keyless.MISSING),
        ([1], Keyless.MISSING),
        ({}, Keyless.MISSING),
    ],
    ids=repr,
)
def test_a_parameter_is_a_key(value: Any, expected: object) -> None:
    assert expected == _key(_PARAMETER, {"parameters": {"id": value}, "inputs": []})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (["c-1"], "c-1"),
        ([["c-1"], ["c-1"]], "c-1"),
        ([42, 42.0, "42"], "42"),
        (["c-1", "c-2"], Keyless.MIXED),
        (["c-1", None], Keyless.MIXED),
        ([None, None], Keyless.MISSING),
        ([], Keyless.MISSING),
    ],
)
def test_an_input_is_a_key_where_all_rows_have_the_same(data: Any, expected: object) -> None:
    others = [{"name": "x", "data": [1.0, 2.0]}]

    assert expected == _key(_INPUT, {"inputs": [*others, {"name": "id", "datatype": "BYTES", "data": data}]})


def test_an_input_behind_the_json_is_a_key() -> None:
    said = {"name": "id", "datatype": "INT64", "shape": [2, 1], "parameters": {"binary_data_size": 16}}

    assert "7" == _key(_INPUT, {"inputs": [said]}, np.array([7, 7], dtype="<i8").tobytes())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b'{"inputs": 5}', b'{"inputs": [5]}', b"\xff"])
@pytest.mark.parametrize("sticky", [_PARAMETER, _INPUT], ids=["parameter", "input"])
def test_what_cannot_be_read_has_no_key(body: bytes, sticky: Sticky) -> None:
    assert Keyless.MISSING == _key(sticky, body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["inputs", "id", "name", "data", "shape"]), inner),
    max_leaves=20,
)


@given(_JSON, _JSON, st.binary(max_size=8))
def test_whatever_is_sent_has_a_key_or_none(parameters: Any, inputs: Any, tail: bytes) -> None:
    for sticky in (_PARAMETER, _INPUT):
        assert isinstance(_key(sticky, {"parameters": parameters, "inputs": inputs}, tail), str | Keyless)


_NAN = float("nan")


@pytest.mark.parametrize(
    ("own", "theirs", "cutoff", "differences", "flips"),
    [
        ([0.1, 0.9], [0.1, 0.4], 0.5, [0.0, 0.5], 1),
        ([0.1], [0.4], None, [0.3], None),
        ([0.5], [0.49], 0.5, [0.01], 1),
        ([_NAN, _NAN, 0.1], [_NAN, 0.1, _NAN], 0.5, [0.0, _NAN, _NAN], 2),
        ([np.inf], [np.inf], 0.5, [0.0], 0),
    ],
)
def test_scores_are_compared_row_by_row(
    own: list[float], theirs: list[float], cutoff: float | None, differences: list[float], flips: int | None
) -> None:
    found = compare(np.array(own), np.array(theirs), cutoff)

    np.testing.assert_allclose(differences, found.differences)
    assert flips == found.flips
