"""A row of a file is answered, or refused, exactly as a request with its values would be: to the bit."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bankmodel_serving.card import Card, Feature
from support import tiny_models
from support.batch_rows import BatchModel, by_requests

_RELAXED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_FLOATS = {
    pa.float16(): st.floats(width=16),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.int8(): st.integers(-128, 127),
}
_INTEGERS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300),
    pa.uint64(): st.integers(0, 2**64 - 1) | st.integers(0, 300),
    pa.int16(): st.integers(-300, 300),
}
_STRINGS = {pa.string(): st.text(max_size=6), pa.large_string(): st.sampled_from(["north", "south", "", "Zürich"])}
_BOOLEANS = {pa.bool_(): st.booleans()}
_BY_FAMILY: dict[str, dict[pa.DataType, st.SearchStrategy[Any]]] = {
    **{"FP": _FLOATS, "IN": _INTEGERS, "UI": _INTEGERS, "BY": _STRINGS, "BO": _BOOLEANS},
}


@st.composite
def _tables(draw: st.DrawFn, datatypes: dict[str, str]) -> pa.Table:
    rows = draw(st.integers(1, 5))
    columns = {}
    for name, datatype in datatypes.items():
        kind = draw(st.sampled_from(list(_BY_FAMILY[datatype[:2]])))
        values = st.lists(st.none() | _BY_FAMILY[datatype[:2]][kind], min_size=rows, max_size=rows)
        columns[name] = pa.array(draw(values), type=kind)
    return pa.table(columns)


@_RELAXED
@given(table=_tables({"income": "FP32", "visits": "INT64", "region": "BYTES"}))
def test_a_row_is_answered_as_a_request_would_be(table: pa.Table, mixed: BatchModel) -> None:
    assert by_requests(mixed, table) == mixed.by_batch(table)


@settings(_RELAXED, max_examples=15)
@given(data=st.data())
def test_every_datatype_takes_and_refuses_what_the_codec_does(data: st.DataObject, every_datatype: BatchModel) -> None:
    table = data.draw(_tables({name: name for name in tiny_models.ONNX_TYPES}))

    assert by_requests(every_datatype, table) == every_datatype.by_batch(table)


@_RELAXED
@given(table=_tables({"income": "FP32", "visits": "INT64", "region": "BYTES"}), together=st.integers(1, 5))
def test_how_rows_are_cut_changes_nothing(table: pa.Table, together: int, mixed: BatchModel) -> None:
    whole, cut = mixed.scored(table), mixed.scored(table, together=together)

    assert whole.reasons == cut.reasons
    assert whole.answers.equals(cut.answers)


@_RELAXED
@given(rows=st.lists(st.lists(st.floats(width=32) | st.none(), min_size=4, max_size=4), min_size=1, max_size=9))
def test_a_matrix_is_stacked_from_columns(rows: list[list[float | None]], dense: BatchModel) -> None:
    names = ["a", "b", "c", "d"]
    table = pa.table({name: pa.array([row[at] for row in rows], pa.float32()) for at, name in enumerate(names)})
    requests = [by_requests(dense, pa.table({"X": pa.array([row], pa.list_(pa.float32()))}))[0] for row in rows]

    assert requests == dense.by_batch(table)


_WORDS = st.sampled_from(
    [
        None,
        "1",
        "-1",
        "2.5",
        "1e3",
        " 7 ",
        "+4",
        "0x10",
        "1_000",
        "nan",
        "inf",
        "1e400",
        "300",
        "-129",
        "abc",
        "",
        "99999999999999999999",
    ]
)
_AS_JSON: dict[str | None, Any] = {
    **{None: None, "1": 1, "-1": -1, "2.5": 2.5, "1e3": 1e3, " 7 ": 7, "+4": 4, "nan": None, "inf": float("inf")},
    **{"1e400": float("inf"), "300": 300, "-129": -129, "99999999999999999999": 99999999999999999999},
}


@_RELAXED
@given(words=st.lists(_WORDS, min_size=1, max_size=6), whole=st.lists(_WORDS, min_size=6, max_size=6))
def test_words_of_a_csv_file_are_read_as_json_numbers_are(
    words: list[str], whole: list[str], mixed: BatchModel
) -> None:
    whole = ["1" if word == "nan" else word for word in whole[: len(words)]]  # no integer is missing by that name
    table = pa.table(
        {
            "income": pa.array(words, pa.string()),
            "visits": pa.array(whole, pa.string()),
            "region": ["north"] * len(words),
        }
    )
    expected = [_requested(mixed, first, second) for first, second in zip(words, whole, strict=True)]

    assert expected == mixed.by_batch(table, words=True)


def _requested(model: BatchModel, income: str | None, visits: str | None) -> tuple[Any, ...] | None:
    if not {income, visits} <= _AS_JSON.keys():
        return None
    row = {"income": _AS_JSON[income], "visits": _AS_JSON[visits], "region": "north"}
    (answered,) = by_requests(model, _Rows([row]))
    return answered


class _Rows:
    """Rows that no Arrow table can hold: one column with whole numbers, fractions and words."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    def to_pylist(self) -> list[dict[str, Any]]:
        return self._rows


def test_a_decimal_is_the_double_nearest_to_it(every_datatype: BatchModel) -> None:
    """Arrow's own cast makes 0.09999999999999999 of it."""
    numbers = pa.array([Decimal("0.1")], pa.decimal128(38, 20))
    others = {name: pa.array(_ONE[name[:2]], type=None) for name in tiny_models.ONNX_TYPES if name != "FP64"}
    scored = every_datatype.scored(pa.table({**others, "FP64": numbers}))

    assert [0.1] == scored.answers.column("FP64_out").to_pylist()


_ONE: dict[str, list[Any]] = {"FP": [1.0], "IN": [1], "UI": [1], "BY": ["a"], "BO": [True]}


def test_bytes_that_are_no_text_cost_their_row_alone(mixed: BatchModel) -> None:
    raw = pa.array([b"north", b"\xff", b"south"], pa.binary())
    region = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    scored = mixed.scored(pa.table({"income": [1.0, 1.0, 1.0], "visits": [1, 1, 1], "region": region}))

    assert {1: "column region: must be text in UTF-8, got b'\\xff'"} == scored.reasons
    assert ["north", "south"] == scored.answers.column("region_out").to_pylist()


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("visits", pa.array([1, 2**63], pa.uint64()), "column visits: 9223372036854775808 is outside of INT64"),
        ("income", pa.array([1.0, 1e39]), "column income: 1e+39 is outside of FP32"),
        ("region", pa.array(["north", None]), "column region: has no value, but this model requires every value"),
    ],
    ids=["range", "overflow", "required"],
)
def test_a_reason_names_column_value_and_limits(column: str, values: pa.Array, reason: str, mixed: BatchModel) -> None:
    table = pa.table({"income": [1.0, 2.0], "visits": [1, 2], "region": ["north", "south"]} | {column: values})
    scored = mixed.scored(table)

    assert [1] == list(scored.reasons)
    assert scored.reasons[1].startswith(reason)


def test_only_the_row_at_which_the_model_fails_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tiny_models.save(tiny_models.gather(), tmp_path_factory.mktemp("gather") / "m.onnx")
    model = BatchModel.of(file)
    scored = model.scored(pa.table({"x": [0, 5, 2]}), together=3)

    assert [1] == list(scored.reasons)
    assert "failed on these inputs" in scored.reasons[1]
    assert [10.0, 30.0] == scored.answers.column("y").to_pylist()


def test_only_the_row_with_an_infinite_answer_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = BatchModel.of(tiny_models.save(tiny_models.exponential(), tmp_path_factory.mktemp("exp") / "m.onnx"))
    table = pa.table({"x": pa.array([float("inf"), 0.0, 200.0, None], pa.float32())})

    assert by_requests(model, table) == model.by_batch(table)
    assert [0, 2] == sorted(model.scored(table).reasons)


def test_rows_that_influence_each_other_are_scored_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = BatchModel.of(tiny_models.save(tiny_models.softmax_over_rows(), tmp_path_factory.mktemp("sm") / "m.onnx"))
    table = pa.table({"x": pa.array([1.0, 2.0, 3.0], pa.float32())})

    assert 1 == model.checked.rows_per_run
    assert by_requests(model, table) == model.by_batch(table)


def test_an_absent_column_is_filled_as_an_absent_input_is(mixed: BatchModel) -> None:
    table = pa.table({"region": ["north", "south", None]})

    assert by_requests(mixed, table) == mixed.by_batch(table)


def test_a_column_without_any_value_has_no_type_and_is_missing(mixed: BatchModel) -> None:
    table = pa.table({"income": pa.nulls(2), "visits": pa.nulls(2), "region": ["north", "south"]})

    assert by_requests(mixed, table) == mixed.by_batch(table)


def test_a_token_outside_of_its_own_type_refuses_the_row_as_the_codec_does(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    card = Card(features=(Feature(name="x", datatype="UINT8", missing_token=-1),))
    path = tmp_path_factory.mktemp("token") / "m.onnx"
    model = BatchModel.of(tiny_models.save(tiny_models.passthrough("UINT8"), path, card))
    table = pa.table({"x": [1, None]})

    assert by_requests(model, table) == model.by_batch(table)
