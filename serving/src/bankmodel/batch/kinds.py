"""Which of Arrow's types may feed which family of inputs: what a JSON request could say, and no more. Pure."""

import pyarrow as pa
from pyarrow import types

__all__ = ["feeds", "is_text"]

_TEXT = (types.is_string, types.is_large_string, types.is_string_view)
_TAKEN = {
    "float": (types.is_floating, types.is_integer, types.is_decimal),
    "integer": (types.is_integer,),
    "bool": (types.is_boolean,),
    "string": _TEXT,
}


def is_text(found: pa.DataType) -> bool:
    """Whether it holds words."""
    return any(check(found) for check in _TEXT)


def feeds(family: str, found: pa.DataType) -> bool:
    """Whether a column of this type may feed such an input; one without any value feeds all."""
    return any(check(found) for check in (types.is_null, *_TAKEN[family]))
