"""Counts what somebody writes while a cluster is busy: reads the API server's audit log as it grows, past its rotation.

`support.audit` reads a log once, which is simpler where it stays small.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["AuditTail"]

_READS = (b'"verb":"get"', b'"verb":"list"', b'"verb":"watch"')


class AuditTail:
    """A context manager: writes by USER from its beginning on, without the Lease, by namespace and kind (`patch services`)."""

    def __init__(self, log: Path, user: str) -> None:
        self._log, self._user = log, user
        self._counted: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Self:
        self._file = self._log.open("rb")
        self._file.seek(0, 2)
        self._rest = b""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def look(self) -> None:
        """Read on. To be called at least once for each 200 MB: only one rotated log is kept."""
        is_rotated = self._log.stat().st_ino != Path(f"/proc/self/fd/{self._file.fileno()}").stat().st_ino
        self._read()
        if is_rotated:
            self._file.close()
            self._file, self._rest = self._log.open("rb"), b""
            self._read()

    def writes(self, *namespaces: str) -> Counter[str]:
        """So far, in these namespaces (none: in all)."""
        self.look()
        found: Counter[str] = Counter()
        for (namespace, what), count in self._counted.items():
            if not namespaces or namespace in namespaces:
                found[what] += count
        return found

    def _read(self) -> None:
        while chunk := self._file.read(1 << 20):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                self._note(line)

    def _note(self, line: bytes) -> None:
        if self._user.encode() not in line or any(verb in line for verb in _READS):
            return
        entry = json.loads(line)
        about = entry.get("objectRef", {})
        if entry["user"]["username"] == self._user and about.get("resource") != "leases":
            resource = "/".join(filter(None, (about.get("resource", ""), about.get("subresource", ""))))
            self._counted[about.get("namespace", ""), f"{entry['verb']} {resource}"] += 1
