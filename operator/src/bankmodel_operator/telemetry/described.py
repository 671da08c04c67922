"""Reads what a revision says about itself, GET /model on the metrics port. Called by `telemetry.scrape`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from bankmodel_operator.core.observation import Described, InputDescribed, OutputDescribed

__all__ = ["parse_described"]


def parse_described(answer: str) -> Described | None:
    """What it needs and gives; None for anything that is not understood as a whole."""
    try:
        return _described(json.loads(answer))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _described(said: Mapping[str, Any]) -> Described:
    score = said["score"] or {}
    return Described(
        revision=_text(said["revision"]),
        sha256=_text(said["sha256"]),
        version=_text(said["version"]),
        inputs=tuple(
            InputDescribed(_text(each["name"]), _text(each["datatype"]), _shape(each["shape"]), _flag(each["required"]))
            for each in said["inputs"]
        ),
        outputs=tuple(
            OutputDescribed(_text(each["name"]), _text(each["datatype"]), _shape(each["shape"]))
            for each in said["outputs"]
        ),
        score_output=None if not score else _text(score["output"]),
        cutoff=_number(score.get("cutoff")),
        has_card=_flag(said["has_card"]),
        has_baseline=_flag(said["has_baseline"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.32} is no text")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r:.32} is neither true nor false")
    return value


def _shape(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(each) is int for each in value):
        raise TypeError(f"{value!r:.32} is no shape")
    return tuple(value)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError(f"{value!r:.32} is no number")
    return float(value)
