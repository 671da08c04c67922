"""Whose a request is: the one key that all of its rows share, or why there is none. Pure."""

from collections.abc import Collection, Iterable, Iterator
from enum import Enum
from math import isnan, prod
from typing import Any, Protocol

from bankmodel_serving.codec import Decoder, inflate
from bankmodel_serving.codec.binary import cut_tail, raw_to_array
from bankmodel_serving.errors import RequestError
from bankmodel_serving.protocol import Request
from bankmodel_serving.routing import Sticky
from bankmodel_serving.tensors import KINDS, InputSpec

__all__ = ["Content", "Keyless", "RestContent", "key_of", "raw_values"]

_KINDS = {kind.datatype: kind for kind in KINDS}


class Keyless(Enum):
    """Why a request has no key. Such requests are the stable revision's."""

    MISSING = "missing"
    MIXED = "mixed"


class Content(Protocol):
    """A request as far as the split looks into it. What can't be read is not there: its answer will say so."""

    def parameter(self, name: str) -> Any: ...

    def values(self, name: str) -> Iterable[Any]: ...

    def inputs(self) -> Collection[str]: ...


def key_of(content: Content, sticky: Sticky) -> str | Keyless:
    """The key, as text: a customer 42 is the same one as number and as text, over REST and gRPC."""
    values = [content.parameter(sticky.parameter)] if sticky.parameter else content.values(sticky.input)
    found = set(map(_text, values))
    if found <= {""}:
        return Keyless.MISSING
    return found.pop() if len(found) == 1 else Keyless.MIXED


def _text(value: Any) -> str:
    """Empty where the value can't be a key."""
    match value:
        case str():
            return value
        case bytes():
            return value.decode(errors="replace")
        case bool() | None:
            return ""
        case int():
            return str(value)
        case float():
            return "" if isnan(value) else str(int(value)) if value.is_integer() else repr(value)
        case _:
            return ""


class RestContent:
    """A body in JSON, compressed or with tensors behind it, parsed when it is first looked at."""

    __slots__ = ("_decoder", "_document", "_request", "_tail")

    def __init__(self, request: Request, decoder: Decoder, max_body_bytes: int) -> None:
        self._request = request
        self._decoder = decoder
        self._document, self._tail = self._read(max_body_bytes)

    def parameter(self, name: str) -> Any:
        parameters = self._document.get("parameters")
        return parameters.get(name) if isinstance(parameters, dict) else None

    def values(self, name: str) -> Iterable[Any]:
        tensor = next((each for each in self._tensors() if each.get("name") == name), {})
        if "data" in tensor:
            return _flat(tensor["data"])
        try:
            raw = cut_tail(self._document["inputs"], self._tail).get(name)
        except (RequestError, LookupError, TypeError, AttributeError):
            return ()
        return () if raw is None else raw_values(name, tensor.get("datatype"), tensor.get("shape"), raw)

    def inputs(self) -> Collection[str]:
        return {str(tensor.get("name")) for tensor in self._tensors()}

    def _tensors(self) -> list[dict[str, Any]]:
        inputs = self._document.get("inputs")
        return [each for each in inputs if isinstance(each, dict)] if isinstance(inputs, list) else []

    def _read(self, max_body_bytes: int) -> tuple[dict[str, Any], memoryview | None]:
        headers, body = self._request.headers, self._request.body
        try:
            if headers and headers.get(b"content-encoding", b"identity").lower() != b"identity":
                body = inflate(body, max_body_bytes)
            return self._decoder.document(body, headers.get(b"inference-header-content-length") if headers else None)
        except RequestError:
            return {}, None


def raw_values(name: str, datatype: Any, shape: Any, raw: bytes | memoryview) -> Iterable[Any]:
    """The values of a tensor that came as bytes; none where they do not fit."""
    kind = _KINDS.get(datatype) if isinstance(datatype, str) else None
    if kind is None or not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        return ()
    try:
        found: list[Any] = raw_to_array(InputSpec(name, kind, ()), (prod(shape),), memoryview(raw)).tolist()
    except RequestError:
        return ()
    return found


def _flat(data: Any) -> Iterator[Any]:
    for item in data if isinstance(data, list) else (data,):
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item
