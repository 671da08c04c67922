"""A transformer that brings its ONNX along: inlined, judged by parity, and refused with the reason where it can't be taken."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import onnx
import pytest
from onnx import parser
from skl2onnx import update_registered_converter
from skl2onnx.algebra.onnx_ops import OnnxMul
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bankmodel.errors import ConversionError, ParityError
from bankmodel.exporting.export import export
from support.fitted import applications, decisions

_TWO = ["loanamt", "price"]
_HEADER = '<ir_version: 8, opset_import: ["": 15]>'


class Ratio(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    """One column over the other, beside their logarithms."""

    graph = f"""{_HEADER} ratio (float[N, 2] rows) => (float[N, 3] made) {{
        over, under = Split <axis = 1> (rows)
        ratio = Div (over, under)
        logarithms = Log (rows)
        made = Concat <axis = 1> (ratio, logarithms)
    }}"""

    def fit(self, rows: Any, target: Any = None) -> Self:
        self.width_ = np.asarray(rows).shape[1]
        return self

    def transform(self, rows: Any) -> Any:
        given = np.asarray(rows)
        return np.column_stack([given[:, 0] / given[:, 1], np.log(given)])

    def onnx_model(self) -> onnx.ModelProto:
        """As text, which needs no more than onnx."""
        return parser.parse_model(self.graph)


class Wrong(Ratio):
    """Its ONNX computes otherwise than it does."""

    graph = Ratio.graph.replace("Log (rows)", "Sqrt (rows)")


class Twofold(Ratio):
    """Of two inputs."""

    graph = f"{_HEADER} sum (float[N, M] a, float[N, M] b) => (float[N, M] c) {{ c = Add (a, b) }}"


class Newer(Ratio):
    """Of another opset."""

    graph = Ratio.graph.replace("15", "21")


class Broken(Ratio):
    """No graph at all."""

    graph = "nothing"


def _fitted(step: Any) -> Any:
    return make_pipeline(step, StandardScaler(), LogisticRegression(max_iter=1_000)).fit(
        applications()[_TWO], decisions()
    )


@pytest.mark.parametrize("kind", ["alone", "beside another, on columns by name"])
def test_step_with_its_onnx_is_exported_and_agrees(kind: str, tmp_path: Path) -> None:
    rest = [] if kind == "alone" else ["atotinc"]
    step = Ratio() if kind == "alone" else ColumnTransformer([("ratio", Ratio(), _TWO), ("rest", "passthrough", rest)])
    frame = applications()[[*_TWO, *rest]]
    pipeline = make_pipeline(step, StandardScaler(), LogisticRegression(max_iter=1_000)).fit(frame, decisions())
    made = export(pipeline, frame, tmp_path / "model.onnx")

    assert (0, 0) == (made.parity.rows_off, made.parity.flips)


class Capped(Ratio):
    """It knows its largest value when it is fitted."""

    def fit(self, rows: Any, target: Any = None) -> Self:
        self.largest_ = float(np.quantile(np.asarray(rows), 0.9))
        return self

    def transform(self, rows: Any) -> Any:
        return np.minimum(np.asarray(rows), self.largest_)

    def onnx_model(self) -> onnx.ModelProto:
        """With that value as a constant."""
        text = f"{_HEADER} capped (float[N, M] rows) => (float[N, M] made) {{"
        return parser.parse_model(
            f"{text} most = Constant <value = float[1] {{{self.largest_}}}> () made = Min (rows, most) }}"
        )


def test_step_within_votes_is_asked_as_it_was_fitted(tmp_path: Path) -> None:
    votes = VotingClassifier([("one", make_pipeline(Capped(), GaussianNB()))], voting="soft", flatten_transform=False)
    frame = applications()[_TWO]
    made = export(votes.fit(frame, decisions()), frame, tmp_path / "model.onnx")

    assert (0, "standard") == (made.parity.rows_off, made.card.parity["conversion"]["way"])


def test_wrong_onnx_is_found(tmp_path: Path) -> None:
    with pytest.raises(ParityError, match="scores 1989 of 1989 rows otherwise"):
        export(_fitted(Wrong()), applications()[_TWO], tmp_path / "model.onnx")


_REFUSED: dict[type[Ratio], str] = {
    Twofold: r"Twofold.onnx_model\(\) has 2 inputs and 1 outputs; give it one of each",
    Newer: r"Newer.onnx_model\(\) is of opset 21; write it for opset 15",
    Broken: r"Broken.onnx_model\(\) failed: ParseError",
}


@pytest.mark.parametrize("kind", _REFUSED)
def test_onnx_that_can_t_be_taken_is_refused(kind: type[Ratio], tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=_REFUSED[kind]):
        export(_fitted(kind()), applications()[_TWO], tmp_path / "model.onnx")


class Doubled(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Known to skl2onnx by a converter of its own."""

    def fit(self, rows: Any, target: Any = None) -> Self:
        self.width_ = np.asarray(rows).shape[1]
        return self

    def transform(self, rows: Any) -> Any:
        return np.asarray(rows) * 2


def _doubled_shape(operator: Any) -> None:
    operator.outputs[0].type = type(operator.inputs[0].type)([None, operator.raw_operator.width_])


def _doubled(scope: Any, operator: Any, container: Any) -> None:
    two = np.array([2], np.float32)
    OnnxMul(operator.inputs[0], two, op_version=15, output_names=operator.outputs[:1]).add_to(scope, container)


def test_converter_registered_with_skl2onnx_is_used(tmp_path: Path) -> None:
    update_registered_converter(Doubled, "TestDoubled", _doubled_shape, _doubled)
    made = export(_fitted(Doubled()), applications()[_TWO], tmp_path / "model.onnx")

    assert (0, "standard") == (made.parity.rows_off, made.card.parity["conversion"]["way"])
