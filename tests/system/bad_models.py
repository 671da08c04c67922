"""Models that must not get through: version 1 of the mortgage example with one thing wrong each, written beside it.

Each is a version of the example like any other (`Mortgage.manifest("errors", …)`), with its own image. What is wrong shows only
while requests are scored, unless the name says otherwise: known answers are left out of the card, or the pod itself would refuse.
"""

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bankmodel_serving import card as cards
from bankmodel_serving.card import Card, Feature
from system.mortgage import Mortgage
from system.place import Place, SystemFailed

__all__ = ["BAD_MODELS", "FURTHER_INPUT", "make_bad"]

FURTHER_INPUT = "bureau_score"
_OUTPUT, _SOUND = "probabilities", "sound_probabilities"
_AMOUNT = "loan_amount"
_MEDIAN_AMOUNT = 126.0
_SIZE = 192
"""Of the matrices that keep a processor busy: a tenth to half a millisecond a multiplication."""
_DEADLINE_S = 120.0


class _Graph:
    """The example's graph, to which nodes are added between its own answer and the one it gives."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        for node in self.graph.node:
            for names in (node.input, node.output):
                names[:] = [_SOUND if name == _OUTPUT else name for name in names]

    def constant(self, name: str, value: Any) -> str:
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.graph.node.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def is_large(self) -> str:
        """True for the rows with a loan above the median; a missing amount is not above it."""
        return self.add("Greater", [_AMOUNT, self.constant("median", np.float32(_MEDIAN_AMOUNT))], "is_large")

    def is_asked(self) -> str:
        """One truth value for all rows: whether an applicant is among them. A server that starts tries zeros and invented
        numbers, and none of those is exactly one dwelling."""
        is_dwelling = self.add("Equal", ["units", self.constant("one_unit", np.float32(1))], "is_dwelling")
        some = self.add(
            "ReduceMax", [self.add("Cast", [is_dwelling], "dwellings", to=TensorProto.INT32)], "some", keepdims=0
        )
        return self.add("Cast", [some], "is_asked", to=TensorProto.BOOL)

    def answer_with(self, addend: str) -> None:
        """The sound answer, and this beside it, which is zero."""
        self.add("Add", [_SOUND, addend], _OUTPUT)

    def busy_if(self, condition: str, times: int) -> None:
        """So many multiplications of matrices, of which nothing remains."""
        trips = [self.constant("busy", np.int64(times)), self.constant("idle", np.int64(0))]
        count = self.add("Where", [condition, *trips], "trips")
        weights = self.constant("weights", np.zeros((_SIZE, _SIZE), np.float32))
        always = self.constant("always", np.array(True))
        self.add("Loop", [count, always, weights], "multiplied", body=_multiplication())
        self.answer_with(self.add("ReduceMax", ["multiplied"], "naught", keepdims=0))


def _multiplication() -> onnx.GraphProto:
    matrix = (TensorProto.FLOAT, [_SIZE, _SIZE])
    nodes = [
        helper.make_node("Identity", ["go_on"], ["goes_on"]),
        helper.make_node("MatMul", ["before", "weights"], ["after"]),
    ]
    value = helper.make_tensor_value_info
    inputs = [
        value("trip", TensorProto.INT64, []), value("go_on", TensorProto.BOOL, []), value("before", *matrix)
    ]  # fmt: skip
    return helper.make_graph(
        nodes, "multiply", inputs, [value("goes_on", TensorProto.BOOL, []), value("after", *matrix)]
    )


def _errors(graph: _Graph, card: Card) -> Card:
    """The engine fails for every loan above the median: an index outside of a table."""
    places = [graph.constant("outside", np.int64(9)), graph.constant("inside", np.int64(0))]
    place = graph.add("Where", [graph.is_large(), *places], "place")
    graph.answer_with(graph.add("Gather", [graph.constant("table", np.zeros(1, np.float32)), place], "entry"))
    return card


def _hangs(graph: _Graph, card: Card) -> Card:
    """Some seconds for a request, which is longer than anybody waits."""
    graph.busy_if(graph.is_asked(), 20_000)
    return card


def _slow(graph: _Graph, card: Card) -> Card:
    """A tenth of a second for a request instead of a fraction of a millisecond: ten times slower on a busy machine, too."""
    graph.busy_if(graph.is_asked(), 800)
    return card


def _nan(graph: _Graph, card: Card) -> Card:
    """No number for every loan above the median."""
    nothing = graph.constant("nan", np.float32("nan"))
    graph.add("Where", [graph.is_large(), nothing, _SOUND], _OUTPUT)
    return card


def _shifted(graph: _Graph, card: Card) -> Card:
    """The class probabilities, the wrong way round."""
    graph.add("Gather", [_SOUND, graph.constant("swapped", np.array([1, 0]))], _OUTPUT, axis=1)
    return card


def _crash(graph: _Graph, card: Card) -> Card:
    """Four gigabytes for one request: the node ends the process, again and again."""
    sizes = [graph.constant("huge", np.int64(1_000_000_000)), graph.constant("tiny", np.int64(1))]
    size = graph.add("Where", [graph.is_asked(), *sizes], "size")
    shape = graph.add("Reshape", [size, graph.constant("one", np.array([1]))], "shape")
    graph.answer_with(graph.add("ReduceMax", [graph.add("ConstantOfShape", [shape], "filled")], "naught", keepdims=0))
    return card


def _needs_more(graph: _Graph, card: Card) -> Card:
    """An input that nobody sends, and no answer without it."""
    graph.graph.input.append(helper.make_tensor_value_info(FURTHER_INPUT, TensorProto.FLOAT, [None, 1]))
    graph.answer_with(graph.add("Sub", [FURTHER_INPUT, FURTHER_INPUT], "naught"))
    further = Feature(name=FURTHER_INPUT, datatype="FP32", on_missing="Reject")
    return dataclasses.replace(card, features=(*card.features, further))


def _never_ready(graph: _Graph, card: Card) -> Card:
    """Its known answers are not those that it gives."""
    graph.add("Identity", [_SOUND], _OUTPUT)
    assert card.golden is not None
    wrong = tuple((0.5, 0.5) for _ in card.golden.outputs[_OUTPUT])
    golden = dataclasses.replace(card.golden, outputs={**card.golden.outputs, _OUTPUT: wrong})
    return dataclasses.replace(card, golden=golden)


def _good(graph: _Graph, card: Card) -> Card:
    """Nothing is wrong: what the others are compared with."""
    graph.add("Identity", [_SOUND], _OUTPUT)
    return card


BAD_MODELS: Mapping[str, Callable[[_Graph, Card], Card]] = {
    "errors": _errors,
    "hangs": _hangs,
    "slow": _slow,
    "nan": _nan,
    "shifted": _shifted,
    "crash": _crash,
    "needs-more": _needs_more,
    "never-ready": _never_ready,
    "good": _good,
}


def make_bad(made: Mortgage, place: Place, wrong: str, version: str = "") -> str:
    """Write this model beside the example's own, pack it, and bring its image to the cluster; its version, by default the
    name of what is wrong."""
    version = version or wrong
    _write(made, wrong, version)
    _bankmodel(
        ["pack", str(made.file(version)), "-t", f"localhost/mortgage:{version}", "-o", str(made.archive(version))]
    )
    place.load(made.archive(version))
    return version


def _write(made: Mortgage, wrong: str, version: str) -> None:
    model = onnx.load(str(made.file("1")))
    entry = next(each for each in model.metadata_props if each.key == cards.KEY)
    card = cards.read(entry.value)
    changed = BAD_MODELS[wrong](_Graph(model), card)
    golden = changed.golden if wrong == "never-ready" else None
    provenance = {**changed.provenance, "version": version}
    entry.value = cards.write(dataclasses.replace(changed, golden=golden, provenance=provenance))
    onnx.checker.check_model(model)
    made.file(version).write_bytes(model.SerializeToString())


def _bankmodel(words: list[str]) -> None:
    command = [str(Path(sys.executable).with_name("bankmodel")), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
    if done.returncode != 0:
        raise SystemFailed(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")
