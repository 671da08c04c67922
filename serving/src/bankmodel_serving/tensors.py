"""What a tensor is called on the wire, in numpy and in ONNX; and what a model takes and gives. Pure.

Used by the codec (wire to numpy), the engine (ONNX to wire) and the golden vectors.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bankmodel_serving.card import Card, Feature, OnMissing
from bankmodel_serving.errors import ModelInvalid

__all__ = ["Array", "InputSpec", "Kind", "Schema", "TensorSpec", "kind_of_onnx", "schema_of"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Kind:
    """One datatype under its three names. `family` decides which JSON values it takes."""

    datatype: str
    onnx: str
    dtype: "np.dtype[Any]"
    family: str


def _kind(datatype: str, onnx: str, dtype: str, family: str) -> Kind:
    return Kind(datatype, f"tensor({onnx})", np.dtype(dtype), family)


KINDS = (
    _kind("BOOL", "bool", "?", "bool"),
    *(_kind(f"UINT{bits}", f"uint{bits}", f"u{bits // 8}", "integer") for bits in (8, 16, 32, 64)),
    *(_kind(f"INT{bits}", f"int{bits}", f"i{bits // 8}", "integer") for bits in (8, 16, 32, 64)),
    _kind("FP16", "float16", "f2", "float"),
    _kind("FP32", "float", "f4", "float"),
    _kind("FP64", "double", "f8", "float"),
    _kind("BYTES", "string", "O", "string"),
)
_BY_ONNX = {kind.onnx: kind for kind in KINDS}


def kind_of_onnx(name: str, onnx_type: str) -> Kind:
    """The kind of an ONNX value type such as `tensor(float)`; refuses what the protocol can't carry."""
    kind = _BY_ONNX.get(onnx_type)
    if kind is None:
        remedy = "convert with zipmap=False" if onnx_type.startswith(("seq", "map")) else "cast it inside the model"
        raise ModelInvalid(f"{name} is {onnx_type}, which the Open Inference Protocol can't carry; {remedy}")
    return kind


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of the model. In `shape`, None is a dimension that the caller chooses."""

    name: str
    kind: Kind
    shape: tuple[int | None, ...]

    @property
    def has_rows(self) -> bool:
        """The first dimension counts rows, and the caller chooses how many."""
        return bool(self.shape) and self.shape[0] is None

    @property
    def row_shape(self) -> tuple[int, ...] | None:
        """The shape of one row, or None when that varies too."""
        row = tuple(size for size in self.shape[1:] if size is not None)
        return row if self.has_rows and len(row) == len(self.shape) - 1 else None

    @property
    def wire_shape(self) -> list[int]:
        return [-1 if size is None else size for size in self.shape]


@dataclass(frozen=True)
class InputSpec(TensorSpec):
    """An input and what to do where a value or the whole input is missing. `may_be_absent` needs a card that says so."""

    on_missing: OnMissing = "Reject"
    fill: Any = None
    may_be_absent: bool = False


@dataclass(frozen=True)
class Schema:
    """The model's contract with its callers. `has_rows`: all inputs and outputs count rows in their first dimension."""

    inputs: tuple[InputSpec, ...]
    outputs: tuple[TensorSpec, ...]

    @property
    def has_rows(self) -> bool:
        return all(spec.has_rows for spec in (*self.inputs, *self.outputs))


def schema_of(inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec], card: Card | None) -> Schema:
    """Join what the model says about its tensors with what the card says about missing values."""
    features = {feature.name: feature for feature in card.features} if card else {}
    specs = tuple(inputs)
    _refuse_other_types(specs, features)
    return Schema(tuple(_input(spec, features.get(spec.name)) for spec in specs), tuple(outputs))


def _refuse_other_types(specs: tuple[TensorSpec, ...], features: dict[str, Feature]) -> None:
    for spec in specs:
        feature = features.get(spec.name)
        if feature and feature.datatype != spec.kind.datatype:
            raise ModelInvalid(
                f"card.features: {spec.name} is {feature.datatype} in the card and {spec.kind.datatype} in the model; "
                "write the card again with `bankmodel card`"
            )


def _input(spec: TensorSpec, feature: Feature | None) -> InputSpec:
    is_float = spec.kind.family == "float"
    fill = float("nan") if is_float else _token(spec, feature)
    refused = fill is None or (feature is not None and feature.on_missing == "Reject")
    return InputSpec(
        spec.name,
        spec.kind,
        spec.shape,
        on_missing="Reject" if refused else "Impute",
        fill=None if refused else fill,
        may_be_absent=feature is not None and not refused,
    )


def _token(spec: TensorSpec, feature: Feature | None) -> Any:
    token = feature.missing_token if feature else None
    if token is None:
        return None
    if (spec.kind.family == "string") != isinstance(token, str):
        raise ModelInvalid(
            f"card.features: the missing token of {spec.name} is {token!r}, which is no {spec.kind.datatype}; "
            "write the card again with `bankmodel card`"
        )
    return bool(token) if spec.kind.family == "bool" else token
