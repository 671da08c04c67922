"""Where a model came from, as the card records it: libraries, time, sample, pipeline."""

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["libraries", "shortened", "timestamp"]

_LIBRARIES = ("bankmodel", "scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy", "pandas")
_BOOSTERS = {"xgboost": ("xgboost", "xgboost-cpu"), "lightgbm": ("lightgbm",)}
_REPR_MAX = 600


def libraries(families: Sequence[str] = ()) -> dict[str, str]:
    """Versions of what took part; `families` are the boosting libraries the pipeline uses."""
    found = {"python": platform.python_version()}
    found |= {name: version(name) for name in _LIBRARIES}
    for family in set(families) & set(_BOOSTERS):
        found[family] = next(filter(None, map(_version, _BOOSTERS[family])), "unknown")
    return found


def shortened(pipeline: Any) -> str:
    """The pipeline's own description on one line, cut where it gets long."""
    text = re.sub(r"\s+", " ", repr(pipeline))
    return text if len(text) <= _REPR_MAX else f"{text[: _REPR_MAX - 1]}…"


def timestamp(moment: datetime | None) -> str:
    """`moment` (default: now) in UTC; giving it makes the file, and with it its digest, repeatable."""
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
