"""All that happened to a namespace's objects, in the order in which the API server took it: one watch for each kind, merged by resourceVersion.

An observer that polls may miss what lasts a moment; this one misses nothing. Used by `scoring_pods`, and by tests that replay a
rollout and ask at each write whether it was allowed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from bankmodel_operator.cluster.resources import RESOURCES
from cluster.api_only import ApiOnlyCluster

__all__ = ["Change", "History"]

_KINDS = ("BankModel", "Pod", "ConfigMap", "Deployment", "Service")
_WATCH_S = 8
_WATCH = f"timeoutSeconds={_WATCH_S}&allowWatchBookmarks=true"
"""A watch that ends soon is told how far it had come two seconds before. Else it would lose its place where others write and we do not."""
Object = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One write as the API server took it. `after` None: deleted. `at`: when it was heard of."""

    version: int
    kind: str
    name: str
    after: Object | None
    at: float


class History:
    """A context manager. `current` has the live objects by kind and name."""

    def __init__(self, api: ApiOnlyCluster, namespace: str) -> None:
        self._api, self._namespace = api, namespace
        self._changes: list[Change] = []
        self.current: dict[tuple[str, str], Object] = {}
        self._lock, self._over = threading.Lock(), threading.Event()
        self._blind = ""
        self._sockets: dict[str, socket.socket] = {}
        self._threads = [threading.Thread(target=self._follow, args=(kind,), daemon=True) for kind in _KINDS]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for each in tuple(self._sockets.values()):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def changes(self) -> list[Change]:
        """So far, in order. What happened in the last moments may be missing; `settled` waits for it."""
        assert not self._blind, self._blind
        with self._lock:
            return sorted(self._changes, key=lambda change: change.version)

    def settled(self, quiet_s: float = 1.0, deadline_s: float = 30.0) -> list[Change]:
        """The same, once nothing has been heard of for a while."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            found = self.changes()
            if found and time.monotonic() - max(change.at for change in found) > quiet_s:
                return found
            self._over.wait(0.1)
        raise AssertionError(f"not quiet within {deadline_s:g} s")

    def live(self, kind: str, name: str) -> Object:
        """The object as it was heard of last; empty when there is none."""
        with self._lock:
            return self.current.get((kind, name), {})

    def of_kind(self, kind: str) -> list[Object]:
        """The live objects of a kind."""
        with self._lock:
            return [each for (found, _), each in self.current.items() if found == kind]

    def _follow(self, kind: str) -> None:
        path, version = f"{RESOURCES[kind].path(self._namespace)}?watch=1&{_WATCH}", "0"
        while not self._over.is_set():
            with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
                for event in self._events(kind, f"{path}&resourceVersion={version}"):
                    if event["type"] == "ERROR":
                        self._blind = f"the watch of {kind} lost its place: {event['object']}"
                        return
                    version = self._note(kind, event)

    def _note(self, kind: str, event: Mapping[str, Any]) -> str:
        found: Object = event["object"]
        version = found["metadata"]["resourceVersion"]
        if event["type"] == "BOOKMARK":
            return str(version)
        name = found["metadata"]["name"]
        is_gone = event["type"] == "DELETED"
        with self._lock:
            self._changes.append(Change(int(version), kind, name, None if is_gone else found, time.monotonic()))
            if is_gone:
                self.current.pop((kind, name), None)
            else:
                self.current[kind, name] = found
        return str(version)

    def _events(self, kind: str, path: str) -> Iterator[Mapping[str, Any]]:
        where = urlsplit(self._api.url)
        context = ssl.create_default_context(cafile=str(self._api.ca))
        connection = http.client.HTTPSConnection(
            where.hostname or "", where.port, context=context, timeout=_WATCH_S + 4
        )
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._api.admin_token}"})
            self._sockets[kind] = connection.sock
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"{path} is answered with {answer.status}")
            buffer = b""
            while not self._over.is_set():
                chunk = answer.read1(65536)
                if not chunk:
                    return
                buffer += chunk
                *lines, buffer = buffer.split(b"\n")
                yield from map(json.loads, lines)
        finally:
            connection.close()
