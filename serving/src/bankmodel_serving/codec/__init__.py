"""The codec: request bytes to the arrays a model takes, and arrays back to response bytes. Pure; called by the API.

Two ways lead from a body to a model's inputs: a general one for everything, and a fast one for layouts it has seen before.
They give the same answers (property-tested); the fast one says nothing when in doubt.
"""

from typing import Any

from bankmodel_serving.codec.binary import raw_from_array, raw_to_array, split_body
from bankmodel_serving.codec.decode import DecodeLimits, Inference, decode_document, parse_json
from bankmodel_serving.codec.encode import Encoder, refuse_infinite
from bankmodel_serving.codec.form import AnswerForm, Framed
from bankmodel_serving.codec.inflate import inflate
from bankmodel_serving.codec.layouts import LayoutReader
from bankmodel_serving.codec.values import refuse_long_strings
from bankmodel_serving.codec.weight import refuse_heavy, refuse_repeated_keys
from bankmodel_serving.tensors import Schema

__all__ = [
    "AnswerForm",
    "DecodeLimits",
    "Decoder",
    "Encoder",
    "Framed",
    "Inference",
    "inflate",
    "raw_from_array",
    "raw_to_array",
    "refuse_infinite",
    "refuse_long_strings",
]


class Decoder:
    """Reads the bodies sent to one model."""

    __slots__ = ("_has_text", "_layouts", "_schema", "limits")

    def __init__(self, schema: Schema, limits: DecodeLimits | None = None) -> None:
        self._schema = schema
        self.limits = limits or DecodeLimits()
        self._layouts = LayoutReader(schema)
        self._has_text = any(spec.kind.family == "string" for spec in schema.inputs)

    def decode(self, body: bytes) -> Inference:
        """The request, checked against the model; raises BadRequest naming field, expectation and what came."""
        found = self._layouts.read(body)
        if found is None:
            document = self._parse(body)
            found = decode_document(self._schema, document, self.limits)
            self._layouts.learn(body, document, found)
        return self._checked(found, body)

    def decode_binary(self, body: bytes, header_length: bytes) -> Inference:
        """As `decode`, with tensors behind the JSON; `header_length` is the header that says where they begin."""
        json, tail = split_body(body, header_length)
        return self._checked(decode_document(self._schema, self._parse(json), self.limits, tail=tail), body)

    def document(self, body: bytes, header_length: bytes | None) -> tuple[dict[str, Any], memoryview | None]:
        """The request as it was sent, and what came behind its JSON, for who has to look into it before it is read."""
        json, tail = (body, None) if header_length is None else split_body(body, header_length)
        return self._parse(json), tail

    def _parse(self, body: bytes) -> dict[str, Any]:
        refuse_heavy(body, self.limits.max_rows)
        document = parse_json(body)
        refuse_repeated_keys(body, document)
        return document

    def _checked(self, found: Inference, body: bytes) -> Inference:
        if self._has_text and len(body) > self.limits.max_string:  # a shorter one holds no longer string
            refuse_long_strings(self._schema.inputs, found.columns, self.limits.max_string)
        return found
