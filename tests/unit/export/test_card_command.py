"""`bankmodel card`: a card for an ONNX file made elsewhere, from the file itself and a sample of its data."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest

from bankmodel import onnx_file
from bankmodel.cards import add_card
from bankmodel.errors import ConversionError, UsageError
from bankmodel_serving.codec import DecodeLimits
from bankmodel_serving.loading import load
from support import tiny_models
from support.command import Command

_MOMENT = datetime(2026, 11, 1, tzinfo=UTC)


def _mixed_rows(*, missing_text: bool = False) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "income": random.random(50),
            "visits": random.integers(0, 9, 50),
            "region": random.choice(["north", "south"], 50),
        }
    )
    rows.loc[::7, "income"] = np.nan
    if missing_text:
        rows.loc[::9, "region"] = None
    return rows


def _matrix_rows() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(50, 4)), columns=list("abcd"))


def _saved(model: onnx.ModelProto, folder: Path) -> Path:
    return tiny_models.save(model, folder / "plain.onnx").path


def test_named_columns_are_described_as_the_sample_has_them(tmp_path: Path) -> None:
    made = add_card(_saved(tiny_models.mixed(), tmp_path), _mixed_rows(), name="mixed", version="3", made_at=_MOMENT)
    described = {each.name: (each.datatype, each.on_missing) for each in made.card.features}

    assert {"income": ("FP32", "Impute"), "visits": ("INT64", "Reject"), "region": ("BYTES", "Reject")} == described
    assert ("mixed", "3", "2026-11-01T00:00:00Z") == tuple(
        made.card.provenance[key] for key in ("name", "version", "cardedAt")
    )
    assert {} == made.card.parity


def test_missing_text_takes_the_token_it_is_told(tmp_path: Path) -> None:
    rows = _mixed_rows(missing_text=True)
    made = add_card(_saved(tiny_models.mixed(), tmp_path), rows, missing_token="nowhere")
    region = made.card.features[2]

    assert ("Impute", "nowhere") == (region.on_missing, region.missing_token)


def test_matrix_takes_the_sample_s_columns_together(tmp_path: Path) -> None:
    made = add_card(_saved(tiny_models.dense(), tmp_path), _matrix_rows(), tmp_path / "with.onnx", cutoff=0.5)
    assert made.card.score is not None

    assert ["X"] == [feature.name for feature in made.card.features]
    assert ("probabilities", 1, 0.5) == (made.card.score.output, made.card.score.class_index, made.card.score.cutoff)


@pytest.mark.parametrize(
    ("model", "rows"),
    [(tiny_models.mixed(), _mixed_rows()), (tiny_models.dense(), _matrix_rows())],
    ids=["named columns", "matrix"],
)
def test_scoring_container_verifies_the_golden_vectors(
    model: onnx.ModelProto, rows: pd.DataFrame, tmp_path: Path
) -> None:
    made = add_card(_saved(model, tmp_path), rows)
    loaded = load(str(made.path), made.sha256, DecodeLimits())

    assert made.card == loaded.card
    assert loaded.golden_problem is None


def test_graph_stays_as_it_was(tmp_path: Path) -> None:
    before = tiny_models.mixed()
    made = add_card(_saved(before, tmp_path), _mixed_rows())

    assert before.graph == onnx_file.load(made.path).graph


def test_second_card_replaces_the_first(tmp_path: Path) -> None:
    path = _saved(tiny_models.mixed(), tmp_path)
    add_card(path, _mixed_rows(), version="1", made_at=_MOMENT)
    first = add_card(path, _mixed_rows(), version="2", made_at=_MOMENT).sha256
    again = add_card(path, _mixed_rows(), version="2", made_at=_MOMENT).sha256

    assert first == again
    assert 1 == len(onnx_file.load(path).metadata_props)


def test_map_of_classes_is_refused_as_the_container_would(tmp_path: Path) -> None:
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    rows = _matrix_rows().to_numpy(np.float32)
    model = LogisticRegression().fit(rows, rows[:, 0] > 0)
    (tmp_path / "map.onnx").write_bytes(to_onnx(model, rows[:1]).SerializeToString())

    with pytest.raises(UsageError, match="convert with zipmap=False"):
        add_card(tmp_path / "map.onnx", _matrix_rows())


_MISTAKES = {
    "no column": (tiny_models.mixed(), _mixed_rows().drop(columns="visits"), {}, "no column for input 'visits'"),
    "matrix of another width": (tiny_models.dense(5), _matrix_rows(), {}, "a sample of exactly its 5 columns"),
    "missing text": (tiny_models.mixed(), _mixed_rows(missing_text=True), {}, "--missing-token TEXT"),
    "missing integer": (tiny_models.mixed(), _mixed_rows().assign(visits=np.nan), {}, "which has no missing value"),
    "words for numbers": (tiny_models.mixed(), _mixed_rows().assign(income="much"), {}, "holds other values"),
    "no such output": (tiny_models.dense(), _matrix_rows(), {"score_output": "p"}, "'p' is no output of float numbers"),
    "no such class": (tiny_models.dense(), _matrix_rows(), {"class_index": 2}, "--class-index 2 is none of them"),
    "one row": (tiny_models.dense(), _matrix_rows().head(1), {}, "the sample has 1 rows; give at least 2"),
}


@pytest.mark.parametrize(("model", "rows", "options", "message"), _MISTAKES.values(), ids=_MISTAKES)
def test_mistake_says_what_to_do(
    model: onnx.ModelProto, rows: pd.DataFrame, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = _saved(model, tmp_path)
    before = path.read_bytes()
    with pytest.raises((UsageError, ConversionError)) as refusal:
        add_card(path, rows, **options)  # type: ignore[arg-type]  # the table's options are of several types

    assert message in str(refusal.value)
    assert before == path.read_bytes()


def test_command_prints_the_new_digest(bankmodel: Command, tmp_path: Path) -> None:
    path, sample = _saved(tiny_models.mixed(), tmp_path), tmp_path / "rows.csv"
    _mixed_rows().to_csv(sample, index=False)
    found = bankmodel("card", path, "--sample", sample, "--name", "mixed", "--version", "1")

    assert (0, f"sha256:{onnx_file.sha256_of(path)}\n") == (found.code, found.out)
    assert f"written {path}" in found.err
