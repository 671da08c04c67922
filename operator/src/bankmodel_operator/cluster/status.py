"""Saves the status: whole, only when it changed, and only over the very object that was observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bankmodel_operator.cluster.client import Api, Object

__all__ = ["save_status"]


async def save_status(api: Api, live: Object, status: Mapping[str, Any]) -> bool:
    """Write the status with the observed resourceVersion; whether anything was written.

    A PUT, not a patch: what the decision left out is gone. A Conflict means that somebody wrote since the observation.
    """
    if dict(status) == (live.get("status") or {}):
        return False
    await api.put({**live, "status": dict(status)}, "status")
    return True
