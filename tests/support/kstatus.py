"""kstatus, by which Flux waits for a kind it does not know: by its rules, written down once more for tests that build nothing, and
by its own code, which a test holds the rules against. https://github.com/fluxcd/cli-utils/blob/main/pkg/kstatus/README.md"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

from cluster.binaries import binary_folder, ensure_binaries

__all__ = ["Kstatus", "kstatus", "kstatus_itself"]

Kstatus = Literal["Terminating", "InProgress", "Failed", "Current"]
_DEADLINE_S = 60


def kstatus(live: Mapping[str, Any]) -> Kstatus:
    """Deletion, then the generation, then the first of Reconciling and Stalled that is True, then the first `Ready`. Else it is
    current, as is what was never written."""
    metadata, status = live["metadata"], live.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and "generation" in metadata and observed != metadata["generation"]:
        return "InProgress"
    conditions = [(each["type"], each["status"]) for each in status.get("conditions") or ()]
    said = [*(_ABNORMAL.get(each) for each in conditions), *(_READY.get(each) for each in conditions), "Current"]
    return next(cast(Kstatus, each) for each in said if each)


_ABNORMAL = {("Reconciling", "True"): "InProgress", ("Stalled", "True"): "Failed"}
_READY = {("Ready", "True"): "Current", ("Ready", "False"): "InProgress", ("Ready", "Unknown"): "InProgress"}


def kstatus_itself(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of each, by the version of kstatus that Flux has in it."""
    ensure_binaries(("flux",))
    sent = "\n".join(map(json.dumps, objects))
    command = [binary_folder("flux") / "kstatus"]
    done = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=_DEADLINE_S, check=True)
    return done.stdout.split()
