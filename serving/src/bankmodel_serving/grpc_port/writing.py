"""Arrays to the bytes of a ModelInferResponse. Pure; called by the service."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bankmodel_serving.codec.binary import raw_from_array
from bankmodel_serving.grpc_port.messages import message
from bankmodel_serving.grpc_port.reading import TYPED_FIELDS
from bankmodel_serving.tensors import Array, TensorSpec

__all__ = ["Asked", "ResponseWriter"]

_Response = message("ModelInferResponse")


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request its answer depends on. `is_raw`: its tensors were raw contents, so the answer's are.

    `fallback` is why another revision did not give the answer, where it should have.
    """

    id: str
    is_raw: bool
    traceparent: str = ""
    fallback: str = ""


class ResponseWriter:
    """Writes answers of one model. `parameters` are constant for the life of the process (revision, sha256)."""

    def __init__(
        self, outputs: Sequence[TensorSpec], *, name: str, version: str, parameters: Mapping[str, str]
    ) -> None:
        self._outputs = tuple(outputs)
        self._all = tuple(range(len(self._outputs)))
        constant = {key: {"string_param": text} for key, text in parameters.items()}
        head = _Response(model_name=name, model_version=version, parameters=constant)
        self._head = bytes(head.SerializeToString())

    def write(self, asked: Asked, arrays: Sequence[Array], selection: Iterable[int] | None) -> bytes:
        """The whole message. `arrays` are all outputs of the model, in its order; only the selected ones are written.

        Raw contents where the request had them, and where an output (FP16) can't go otherwise: all go the same way.
        """
        chosen = self._all if selection is None else tuple(selection)
        answer = _Response(id=asked.id)
        if asked.traceparent:
            answer.parameters["traceparent"].string_param = asked.traceparent
        if asked.fallback:
            answer.parameters["fallback"].string_param = asked.fallback
        if asked.is_raw or any(self._outputs[index].kind.datatype not in TYPED_FIELDS for index in chosen):
            for index in chosen:
                self._add(answer, index, arrays[index])
                answer.raw_output_contents.append(raw_from_array(arrays[index]))
        else:
            for index in chosen:
                _fill(self._add(answer, index, arrays[index]).contents, self._outputs[index], arrays[index])
        # Serialised messages one behind the other are read as one: what is constant was serialised at start.
        return self._head + bytes(answer.SerializeToString())

    def _add(self, answer: Any, index: int, array: Array) -> Any:
        spec = self._outputs[index]
        return answer.outputs.add(name=spec.name, datatype=spec.kind.datatype, shape=array.shape)


def _fill(contents: Any, spec: TensorSpec, array: Array) -> None:
    values = array.reshape(-1).tolist()
    field = getattr(contents, TYPED_FIELDS[spec.kind.datatype])
    field.extend([text.encode() for text in values] if spec.kind.family == "string" else values)
