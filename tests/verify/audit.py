"""Reads the API server's audit log: who wrote what since a moment."""

import json
from collections import Counter
from pathlib import Path

__all__ = ["writes_since"]

_WRITES = ("create", "update", "patch", "delete", "deletecollection")


def writes_since(log: Path, offset: int, user: str) -> Counter[str]:
    """Writes by a user whose name contains USER, after OFFSET bytes: `{"patch services": 2}`; the Lease is not counted,
    since renewing it is how a leader says that it lives."""
    found: Counter[str] = Counter()
    with log.open("rb") as file:
        file.seek(offset)
        for text in file:
            if not text.endswith(b"\n"):
                break  # being written
            entry = json.loads(text)
            resource = entry.get("objectRef", {}).get("resource", "")
            if entry["verb"] in _WRITES and user in entry["user"]["username"] and resource != "leases":
                found[f"{entry['verb']} {resource}"] += 1
    return found
