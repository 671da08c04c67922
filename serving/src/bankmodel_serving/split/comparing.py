"""What a mirrored request tells: the scores of both revisions side by side. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from bankmodel_serving.split.keys import raw_values
from bankmodel_serving.split.peer_connection import PeerAnswer
from bankmodel_serving.tensors import Array

__all__ = ["Comparison", "ReadOutput", "compare", "read_rest_output"]

ReadOutput = Callable[[PeerAnswer, str], Array | None]
"""The output of that name in a peer's answer; None where it is not in there."""


@dataclass(frozen=True)
class Comparison:
    """`differences` are absolute, NaN where one side alone has a number. `flips` is None where no cutoff is known."""

    differences: Array
    flips: int | None


def compare(own: Array, theirs: Array, cutoff: float | None) -> Comparison:
    """Row by row, [rows] each. No number on one side only is a flip: it decides nothing."""
    with np.errstate(invalid="ignore"):
        differences = np.abs(own - theirs)
    neither = np.isnan(own) & np.isnan(theirs)
    differences[neither | (own == theirs)] = 0.0
    if cutoff is None:
        return Comparison(differences, None)
    flipped = ((own >= cutoff) != (theirs >= cutoff)) | (np.isnan(own) != np.isnan(theirs))
    return Comparison(differences, int(np.count_nonzero(flipped)))


def read_rest_output(answer: PeerAnswer, name: str) -> Array | None:
    """From JSON, or from the bytes behind it."""
    length = int(answer.json_length) if answer.json_length.isdigit() else len(answer.body)
    try:
        outputs = orjson.loads(answer.body[:length])["outputs"]
        at = length
        for output in outputs:
            size = output.get("parameters", {}).get("binary_data_size", 0)
            if output["name"] == name:
                return _array(output, answer.body[at : at + size])
            at += size
    except (ValueError, LookupError, TypeError, AttributeError):  # not what a peer of ours says: nothing to compare
        return None
    return None


def _array(output: dict[str, Any], raw: bytes) -> Array:
    values = (
        output["data"] if "data" in output else raw_values(output["name"], output["datatype"], output["shape"], raw)
    )
    return np.array(list(values), dtype=np.float64).reshape(output["shape"])  # null is NaN
