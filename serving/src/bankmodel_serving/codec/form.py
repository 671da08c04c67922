"""How one answer differs from plain JSON. Pure."""

from dataclasses import dataclass

__all__ = ["AnswerForm", "Framed"]


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """`binary` indexes the outputs that follow the JSON as bytes; `traceparent` is the caller's trace, carried back.

    `fallback` is why another revision did not give the answer, where it should have.
    """

    binary: frozenset[int] = frozenset()
    traceparent: str = ""
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Framed:
    """A whole answer. `json_length` is the header Inference-Header-Content-Length; None: all of it is JSON."""

    body: bytes
    json_length: int | None
