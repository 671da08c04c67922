"""Where a model came from, as the card records it: libraries, time, sample, pipeline."""

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import packages_distributions, version
from typing import Any

__all__ = ["libraries", "shortened", "timestamp"]

_LIBRARIES = (
    *("bankmodel", "scikit-learn", "skl2onnx", "onnxmltools", "onnx", "onnxruntime"),
    *("numpy", "scipy", "pandas", "protobuf"),
)
_REPR_MAX = 600


def libraries(families: Sequence[str] = ()) -> dict[str, str]:
    """Versions of what took part; `families` are the top-level modules that the pipeline's steps come from.

    Modules of no installed distribution, such as the training script itself, have no version and are left out.
    """
    found = {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}
    homes = packages_distributions()
    for family in sorted(families):
        home = next(iter(homes.get(family, ())), None)
        if home is not None and home not in found:
            found[family] = version(home)
    return found


def shortened(pipeline: Any) -> str:
    """The pipeline's own description on one line, cut where it gets long."""
    text = re.sub(r"\s+", " ", repr(pipeline))
    return text if len(text) <= _REPR_MAX else f"{text[: _REPR_MAX - 1]}…"


def timestamp(moment: datetime | None) -> str:
    """`moment` (default: now) in UTC; giving it makes the file, and with it its digest, repeatable."""
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
