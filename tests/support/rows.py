"""One row of a model's answers as bytes, to tell whether two runs agree to the bit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["row_bytes"]


def row_bytes(answers: Mapping[str, np.ndarray], row: int) -> dict[str, Any]:
    """Bytes, not ==: NaN must equal NaN, and 0.0 must not equal -0.0. Text stays text."""
    return {name: a[row] if a.dtype == object else a[row].tobytes() for name, a in answers.items()}
