"""kstatus by its own rules, as Flux, `kubectl wait` and `kpt` compute it for a kind they do not know:
https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

__all__ = ["Kstatus", "kstatus"]

Kstatus = Literal["Terminating", "InProgress", "Failed", "Current"]


def kstatus(live: Mapping[str, Any]) -> Kstatus:
    """Deletion, then the generation, then the first of Reconciling and Stalled that is True. Else it is current: of `Ready`
    kstatus knows nothing, and of what was never written either."""
    metadata, status = live["metadata"], live.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and "generation" in metadata and observed != metadata["generation"]:
        return "InProgress"
    abnormal = (each["type"] for each in status.get("conditions") or () if each["status"] == "True")
    return next((_OF[kind] for kind in abnormal if kind in _OF), "Current")


_OF: Mapping[str, Kstatus] = {"Reconciling": "InProgress", "Stalled": "Failed"}
