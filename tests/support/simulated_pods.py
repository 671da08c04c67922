"""What pods of the simulated cluster say of themselves: to the API server as their status, and of their file to the operator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bankmodel_operator.core.observation import Described, InputDescribed, OutputDescribed

__all__ = ["START", "a_pod_status", "described"]

START = datetime(2026, 11, 24, 8, tzinfo=UTC)


def described(inputs: tuple[str, ...] = ("features",), outputs: tuple[str, ...] = ("probabilities",)) -> Described:
    """What pods say of a file whose inputs are all required."""
    return Described(
        revision="",
        sha256="",
        version="",
        inputs=tuple(InputDescribed(name, "FP32", (-1, 20), is_required=True) for name in inputs),
        outputs=tuple(OutputDescribed(name, "FP32", (-1, 2)) for name in outputs),
        score_output=None,
        cutoff=None,
        has_card=False,
        has_baseline=False,
    )


def a_pod_status(*, ready: bool, restarts: int = 0) -> dict[str, Any]:
    """A pod that runs."""
    serving = {"name": "serving", "ready": ready, "restartCount": restarts, "state": {"running": {}}}
    return {
        "phase": "Running",
        "podIP": "10.1.0.7",
        "startTime": START.isoformat(),
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": [serving],
    }
