"""Read and write the ONNX file: its digest, its inputs and outputs, and the card inside it."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from bankmodel.errors import UsageError
from bankmodel_serving import card as cards
from bankmodel_serving.card import Card
from bankmodel_serving.errors import CardError

__all__ = ["Put", "card_in", "inputs_of", "load", "outputs_of", "save", "sha256_of"]

_DATATYPES: Mapping[int, str] = {
    onnx.TensorProto.BOOL: "BOOL",
    onnx.TensorProto.UINT8: "UINT8",
    onnx.TensorProto.UINT16: "UINT16",
    onnx.TensorProto.UINT32: "UINT32",
    onnx.TensorProto.UINT64: "UINT64",
    onnx.TensorProto.INT8: "INT8",
    onnx.TensorProto.INT16: "INT16",
    onnx.TensorProto.INT32: "INT32",
    onnx.TensorProto.INT64: "INT64",
    onnx.TensorProto.FLOAT16: "FP16",
    onnx.TensorProto.FLOAT: "FP32",
    onnx.TensorProto.DOUBLE: "FP64",
    onnx.TensorProto.STRING: "BYTES",
}


@dataclass(frozen=True)
class Put:
    """An input or output: its name, protocol datatype ("" for what is no tensor) and shape (None: any)."""

    name: str
    datatype: str
    shape: tuple[int | None, ...]


def load(path: Path) -> onnx.ModelProto:
    """The model in `path`, or a refusal that says it is not one."""
    _refuse_absent(path)
    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf's DecodeError, whichever implementation is installed
        raise UsageError(
            f"{path} is not an ONNX file ({str(error)[:100]}); give the file `bankmodel export` wrote"
        ) from error
    if not model.graph.output:
        raise UsageError(f"{path} is not an ONNX file: it holds no graph; give the file `bankmodel export` wrote")
    return model


def save(model: onnx.ModelProto, card: Card, path: Path) -> str:
    """Write the model with its card inside, whole or not at all, and return the file's sha256."""
    kept = [(prop.key, prop.value) for prop in model.metadata_props if prop.key != cards.KEY]
    onnx.helper.set_model_props(model, dict([*kept, (cards.KEY, cards.write(card))]))
    content = model.SerializeToString(deterministic=True)
    _replace(path, content)
    return hashlib.sha256(content).hexdigest()


def card_in(model: onnx.ModelProto) -> Card | None:
    """The card the file carries; None for a plain ONNX file."""
    for prop in model.metadata_props:
        if prop.key == cards.KEY:
            return _parse(prop.value)
    return None


def sha256_of(path: Path) -> str:
    """The digest by which a BankModel names this file."""
    _refuse_absent(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inputs_of(model: onnx.ModelProto) -> tuple[Put, ...]:
    """What the caller sends; initializers that older files list as inputs are left out."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return tuple(_put(value) for value in model.graph.input if value.name not in constants)


def outputs_of(model: onnx.ModelProto) -> tuple[Put, ...]:
    """What the model answers."""
    return tuple(_put(value) for value in model.graph.output)


def _put(value: onnx.ValueInfoProto) -> Put:
    if not value.type.HasField("tensor_type"):
        return Put(value.name, "", ())
    tensor = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
    return Put(value.name, _DATATYPES.get(tensor.elem_type, ""), shape)


def _refuse_absent(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a directory; give the ONNX file itself, for example {path / 'model.onnx'}")
    if not path.is_file():
        raise UsageError(f"{path} does not exist; `bankmodel export … --output {path.name}` makes one")


def _parse(text: str) -> Card:
    try:
        return cards.read(text)
    except CardError as error:
        raise UsageError(str(error)) from error


def _replace(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)  # mkstemp gives 0600, and whoever serves the file is somebody else
        Path(name).replace(path)
    except OSError as error:
        raise UsageError(
            f"can't write {path}: {error.strerror}; give an --output in a directory you may write to"
        ) from error
