"""The apiserver's audit log: what somebody asked of the API, as the apiserver itself saw it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Request", "requests_by"]

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Request:
    """One answered request; `resource` with its subresource, as in `bankmodels/status`. Discovery has neither group nor resource."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    code: int

    @property
    def is_write(self) -> bool:
        return self.verb in _WRITES


def requests_by(log: Path, user: str) -> Iterator[Request]:
    """Everything USER asked so far, in the order of the answers."""
    with log.open() as file:
        for line in file:
            if user not in line or not line.endswith("\n"):  # the last line may be half written
                continue
            entry = json.loads(line)
            if entry["user"]["username"] == user:
                yield _request(entry)


def _request(entry: dict[str, object]) -> Request:
    found, status = entry.get("objectRef") or {}, entry.get("responseStatus") or {}
    assert isinstance(found, dict)
    assert isinstance(status, dict)
    resource = "/".join(part for part in (found.get("resource", ""), found.get("subresource", "")) if part)
    where = {key: found.get(key, "") for key in ("namespace", "name")}
    code = int(status.get("code", 0))
    return Request(str(entry["verb"]), group=found.get("apiGroup", ""), resource=resource, code=code, **where)
