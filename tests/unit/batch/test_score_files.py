"""`bankmodel score` on small files: what is written, what is set aside, what is refused, and with which exit code."""

import hashlib
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from bankmodel_serving.card import Card, Score
from support import tiny_models
from support.batch_rows import BatchModel, read_rows, write_rows
from support.command import Command

_ROWS = pa.table(
    {
        "id": ["a-1", "a-2", "a-3", "a-4"],
        "income": pa.array([1.5, None, 2.0, 3.0]),
        "visits": pa.array([1, 2, None, 4]),
        "region": ["north", "south", None, "west, so to say"],
        "branch": [7, 7, 8, 9],
    }
)
_SCORES = {"id": ["a-1", "a-2", "a-4"], "score": [12.5, 22.0, 7.0], "region_out": ["north", "south", "west, so to say"]}
_FORMATS = ["parquet", "csv", "csv.gz"]


def _score(bankmodel: Command, model: BatchModel, *words: object, code: int = 0) -> str:
    found = bankmodel("score", model.file.path, *words)
    assert (code, "") == (found.code, found.out), found.err
    return found.err


def _rows(folder: Path, kind: str = "parquet", table: pa.Table = _ROWS) -> Path:
    return write_rows(folder / f"in.{kind.removesuffix('.gz')}", table)


@pytest.mark.parametrize("given", ["parquet", "csv"])
@pytest.mark.parametrize("wanted", _FORMATS)
def test_every_format_gives_the_same_scores(
    given: str, wanted: str, bankmodel: Command, mixed: BatchModel, tmp_path: Path
) -> None:
    target = tmp_path / f"out.{wanted}"
    said = _score(bankmodel, mixed, "--in", _rows(tmp_path, given), "--out", target, "--keep", "id", code=5)

    assert _SCORES == read_rows(target).to_pydict()
    assert "3 of 4 rows scored" in said
    assert "1 rows rejected, the first:\n  row 3: column region: has no value" in said


@pytest.mark.parametrize("kind", _FORMATS)
def test_rejected_rows_are_set_aside_with_number_key_and_reason(
    kind: str, bankmodel: Command, mixed: BatchModel, tmp_path: Path
) -> None:
    words = ["--in", _rows(tmp_path), "--out", tmp_path / "out.parquet", "--keep", "id", "--max-rejected", "1"]
    _score(bankmodel, mixed, *words, "--rejected", tmp_path / f"rejected.{kind}")
    (row,) = read_rows(tmp_path / f"rejected.{kind}").to_pylist()

    assert (3, "a-3") == (row["row"], row["id"])
    assert "column region: has no value, but this model requires every value of region" == row["reason"]


@pytest.mark.parametrize(("allowed", "code"), [("0", 5), ("1", 0), ("24%", 5), ("25%", 0), ("100%", 0)], ids=str)
def test_too_many_rejected_rows_are_an_exit_code_of_their_own(
    allowed: str, code: int, bankmodel: Command, mixed: BatchModel, tmp_path: Path
) -> None:
    target = tmp_path / "out.parquet"
    _score(bankmodel, mixed, "--in", _rows(tmp_path), "--out", target, "--max-rejected", allowed, code=code)

    assert 3 == read_rows(target).num_rows


def test_without_keys_rows_are_named_by_their_number(bankmodel: Command, mixed: BatchModel, tmp_path: Path) -> None:
    _score(bankmodel, mixed, "--in", _rows(tmp_path), "--out", tmp_path / "out.parquet", "--max-rejected", "1")

    assert [1, 2, 4] == read_rows(tmp_path / "out.parquet").column("row").to_pylist()


def test_all_columns_are_handed_through_as_they_came(bankmodel: Command, mixed: BatchModel, tmp_path: Path) -> None:
    rows = _ROWS.set_column(0, "id", _ROWS.column("id").dictionary_encode())
    source = _rows(tmp_path, table=rows)
    _score(bankmodel, mixed, "--in", source, "--out", tmp_path / "out.parquet", "--keep", "all", "--max-rejected", "1")
    kept = read_rows(tmp_path / "out.parquet").select(_ROWS.column_names)

    assert _ROWS.take([0, 1, 3]) == kept


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_the_result_says_which_model_made_it_and_of_what(
    kind: str, bankmodel: Command, mixed: BatchModel, tmp_path: Path
) -> None:
    target = tmp_path / f"out.{kind}"
    rows = _ROWS.drop_columns(["income"])
    _score(bankmodel, mixed, "--in", _rows(tmp_path, table=rows), "--out", target, "--max-rejected", "9")
    facts = _facts(target)

    assert mixed.file.sha256 == facts["model.sha256"]
    assert ("4", "1", "8192", "income") == tuple(
        facts[key] for key in ("rows", "rows.rejected", "rows.together", "absent")
    )
    assert {"bankmodel", "onnxruntime"} <= facts.keys()


def _facts(target: Path) -> dict[str, str]:
    if target.suffix == ".csv":
        found: dict[str, str] = json.loads(target.with_name("out.csv.json").read_text())
        return found
    raw = parquet.ParquetFile(target).metadata.metadata
    return {key.decode().removeprefix("bankmodel."): value.decode() for key, value in raw.items()}


@pytest.mark.parametrize("kind", _FORMATS)
def test_same_rows_and_model_give_the_same_bytes(
    kind: str, bankmodel: Command, mixed: BatchModel, tmp_path: Path
) -> None:
    source, digests = _rows(tmp_path), set()
    for name in ("first", "second"):
        target = tmp_path / f"{name}.{kind}"
        _score(bankmodel, mixed, "--in", source, "--out", target, "--max-rejected", "1")
        digests.add(hashlib.sha256(target.read_bytes()).hexdigest())

    assert 1 == len(digests)


def test_a_card_names_the_score_and_all_outputs_are_there_on_request(bankmodel: Command, tmp_path: Path) -> None:
    card = Card(score=Score(output="probabilities", class_index=1))
    model = BatchModel.of(tiny_models.save(tiny_models.dense(2), tmp_path / "m.onnx", card))
    source = _rows(tmp_path, table=pa.table({"a": [0.0], "b": [0.0]}))
    _score(bankmodel, model, "--in", source, "--out", tmp_path / "few.parquet")
    _score(bankmodel, model, "--in", source, "--out", tmp_path / "all.parquet", "--all-outputs")

    assert {"row": [1], "label": [0], "score": [0.5]} == read_rows(tmp_path / "few.parquet").to_pydict()
    assert ["row", "label", "probabilities_0", "probabilities_1"] == read_rows(tmp_path / "all.parquet").column_names


def test_columns_of_a_matrix_can_be_put_in_order(bankmodel: Command, dense: BatchModel, tmp_path: Path) -> None:
    table = pa.table({"id": [1], "d": [4.0], "c": [3.0], "b": [2.0], "a": [1.0], "word": ["x"]})
    words = ["--in", _rows(tmp_path, table=table), "--columns", "a,b,c,d", "--out", tmp_path / "out.parquet"]
    said = _score(bankmodel, dense, *words)
    facts = _facts(tmp_path / "out.parquet")

    assert "a,b,c,d" == facts["columns"]
    assert "no inputs of the model: 2" in said


def test_a_row_with_too_many_or_too_few_fields_is_set_aside(
    bankmodel: Command, mixed: BatchModel, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text('region,visits\nnorth,1\nsouth\n"nor\nth",2\n\nnorth,3,4\nsouth,5\nsouth,5.5\nnorth,6,\n')
    words = ["--out", tmp_path / "out.parquet", "--rejected", tmp_path / "no.csv", "--batch-rows", "2"]
    _score(bankmodel, mixed, "--in", source, *words, "--max-rejected", "5")

    assert [1, 3, 6] == read_rows(tmp_path / "out.parquet").column("row").to_pylist()
    assert [11.0, 12.0 - 10.0, 25.0] == read_rows(tmp_path / "out.parquet").column("score").to_pylist()
    assert [2, 4, 5, 7, 8] == read_rows(tmp_path / "no.csv").column("row").to_pylist()


def test_an_empty_file_gives_an_empty_result_of_the_same_columns(
    bankmodel: Command, mixed: BatchModel, tmp_path: Path
) -> None:
    _score(bankmodel, mixed, "--in", _rows(tmp_path, table=_ROWS.slice(0, 0)), "--out", tmp_path / "out.parquet")

    assert {"row": [], "score": [], "region_out": []} == read_rows(tmp_path / "out.parquet").to_pydict()


def test_another_delimiter_and_an_empty_text(bankmodel: Command, mixed: BatchModel, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('region;visits\n"";1\n;2\n')
    words = ["--out", tmp_path / "out.parquet", "--delimiter", ";", "--max-rejected", "1"]
    _score(bankmodel, mixed, "--in", tmp_path / "in.csv", *words)

    assert [""] == read_rows(tmp_path / "out.parquet").column("region_out").to_pylist()


_REFUSED: dict[str, tuple[pa.Table | str, list[str], str]] = {
    "required column absent": (
        _ROWS.drop_columns(["region"]),
        [],
        "no column region (BYTES), which this model requires",
    ),
    "none of the inputs": (pa.table({"other": [1]}), [], "no column region"),
    "text for a number": (
        _ROWS.set_column(1, "income", pa.array(["1", "2", "3", "4"])),
        [],
        "column income is string, input income takes numbers (FP32)",
    ),
    "fractions for an integer": (
        _ROWS.set_column(2, "visits", pa.array([1.0, 2.0, 3.0, 4.0])),
        [],
        "column visits is double, input visits takes whole numbers (INT64)",
    ),
    "numbers for text": (_ROWS.set_column(3, "region", pa.array([1, 2, 3, 4])), [], "column region is int64"),
    "dates": (
        _ROWS.set_column(1, "income", pa.array([1, 2, 3, 4], pa.date32())),
        [],
        "column income is date32[day]",
    ),
    "twins": ("region,region\na,b\n", [], "columns of the same name: region"),
    "not UTF-8": ("region,visits\nZ\udcfcrich,1\n", [], "files are UTF-8"),
    "no header": ("", [], "can't be read as CSV"),
    "unknown key": (_ROWS, ["--keep", "id,nobody"], "--keep names nobody; the file has id"),
    "key named as an output": (
        _ROWS.append_column("score", pa.array([1, 2, 3, 4])),
        ["--keep", "all"],
        "two columns named score",
    ),
    "order without a matrix": (_ROWS, ["--columns", "income"], "--columns is for models with one matrix"),
    "another digest": (_ROWS, ["--sha256", "0" * 64], "not the approved file"),
    "no digest": (_ROWS, ["--sha256", "abc"], "--sha256 must be 64 hexadecimal characters, got 'abc'"),
    "no limit": (_ROWS, ["--max-rejected", "few"], "--max-rejected 'few' is no count"),
    "no delimiter": (_ROWS, ["--delimiter", "ab"], "--delimiter must be one character"),
}


@pytest.mark.parametrize("case", _REFUSED.values(), ids=_REFUSED)
def test_what_can_not_be_scored_is_refused_and_leaves_nothing(
    case: tuple[pa.Table | str, list[str], str], bankmodel: Command, mixed: BatchModel, tmp_path: Path
) -> None:
    rows, words, message = case
    if isinstance(rows, str):
        source = tmp_path / "in.csv"
        source.write_bytes(rows.encode(errors="surrogateescape"))
    else:
        source = _rows(tmp_path, table=rows)
    found = bankmodel("score", mixed.file.path, "--in", source, "--out", tmp_path / "out.parquet", *words)

    assert (1 if "UTF-8" in message else 2) == found.code, found.err
    assert message in re.sub(r"\s+", " ", found.err)
    assert [source.name] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("rows", ["a,b,c\n1,2,3\n", "a,b,c,d,e\n1,2,3,4,5\n"], ids=["three", "five"])
def test_a_matrix_takes_exactly_its_columns(rows: str, bankmodel: Command, dense: BatchModel, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(rows)
    said = _score(bankmodel, dense, "--in", tmp_path / "in.csv", "--out", tmp_path / "out.csv", code=2)

    assert "input X takes 4 columns, the file gives" in said


def test_a_model_that_answers_otherwise_than_its_card_scores_nothing(bankmodel: Command, tmp_path: Path) -> None:
    card = tiny_models.mixed_card(golden=tiny_models.mixed_golden(second_score=23.0))
    model = tiny_models.save(tiny_models.mixed(), tmp_path / "m.onnx", card)
    found = bankmodel("score", model.path, "--in", _rows(tmp_path), "--out", tmp_path / "out.parquet")

    assert 4 == found.code
    assert "golden vectors: output score differs" in found.err
    assert not (tmp_path / "out.parquet").exists()


def test_a_result_is_replaced_on_request_only(bankmodel: Command, mixed: BatchModel, tmp_path: Path) -> None:
    source, target = _rows(tmp_path), tmp_path / "out.parquet"
    target.write_text("precious")
    said = _score(bankmodel, mixed, "--in", source, "--out", target, code=2)
    before = target.read_text()
    _score(bankmodel, mixed, "--in", source, "--out", target, "--force", "--max-rejected", "1")

    assert "--force replaces it" in said
    assert "precious" == before
    assert 3 == read_rows(target).num_rows


@pytest.mark.parametrize(
    "words", [["--out", "in.parquet"], ["--out", "x.csv", "--rejected", "x.csv"]], ids=["in", "two"]
)
def test_a_file_has_one_role(
    words: list[str], bankmodel: Command, mixed: BatchModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = _score(bankmodel, mixed, "--in", _rows(tmp_path).name, *words, "--force", code=2)

    assert "is named twice" in said


def test_quiet_says_nothing(bankmodel: Command, mixed: BatchModel, tmp_path: Path) -> None:
    words = ["--in", _rows(tmp_path), "--out", tmp_path / "out.parquet", "--max-rejected", "1", "--quiet"]

    assert "" == _score(bankmodel, mixed, *words)


def test_a_file_that_goes_wrong_in_the_middle_leaves_no_result(
    bankmodel: Command, mixed: BatchModel, tmp_path: Path
) -> None:
    good = b"x" * 4000 + b",1\n"
    (tmp_path / "in.csv").write_bytes(b"region,visits\n" + good * 1500 + b"Z\xfcrich,1\n")
    said = _score(bankmodel, mixed, "--in", tmp_path / "in.csv", "--out", tmp_path / "out.csv", code=1)

    assert re.search(r"can't be read beyond row 1\d\d\d:", " ".join(said.split()))
    assert ["in.csv"] == [path.name for path in tmp_path.iterdir()]
