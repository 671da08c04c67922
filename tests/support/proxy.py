"""A proxy in front of a real apiserver: it counts the writes that pass, and can hold, refuse, delay or lose any one of them.

Runs in a thread of the test's process and speaks plain HTTP on loopback, so an operator whose kubeconfig points here needs no certificate.
Lease renewals and events pass untouched and uncounted: the ones come by the clock, the others beside the work.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from support.loop_thread import LoopThread

__all__ = ["Fault", "Proxy", "Write"]

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LONGEST_HOLD_S = 90
_UNCOUNTED = ("/leases", "/events")
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "host", "content-encoding", "authorization"})


@dataclass
class Write:
    """One request that changes something, or a read with its query where that is said. `number` counts writes from 1; `code` is set once
    the apiserver has answered."""

    number: int
    method: str
    path: str
    body: bytes
    code: int = 0

    @property
    def is_status(self) -> bool:
        return self.path.endswith("/status")


@dataclass(frozen=True)
class Fault:
    """What happens to a write. Empty: nothing. `cut`: the connection breaks, `drop`: nothing is heard, in both cases the API server
    never learns of it. The callbacks run in the proxy's thread."""

    before: Callable[[], None] | None = None
    hold: threading.Event | None = None
    delay_s: float = 0.0
    refuse: int = 0
    cut: bool = False
    drop: bool = False
    after: Callable[[], None] | None = None
    hold_answer: threading.Event | None = None
    lose_answer: bool = False


def _harmless(_write: Write) -> Fault:
    return Fault()


@dataclass
class Proxy:
    """A context manager. `fault` may be set at any time; it is asked once for each write, in order."""

    upstream: str
    token: str
    ca: Path | None = None
    fault: Callable[[Write], Fault] = _harmless
    fault_of_read: Callable[[Write], Fault] = _harmless
    """Of each read but watches and leases, which has no number."""
    writes: list[Write] = field(default_factory=list)
    paths_read: list[str] = field(default_factory=list)
    is_down: bool = False
    repeats_of_an_event: int = 1
    """How often each event of a watch is passed on: 0 makes watches silent, 2 duplicates what they say."""
    turned_away: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._thread = LoopThread()
        self._watches: dict[web.StreamResponse, web.Request] = {}

    def __enter__(self) -> Self:
        self._thread.begin(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.end(self._stop())

    def kubeconfig(self, folder: Path) -> Path:
        """A kubeconfig that leads here."""
        path = folder / f"proxy-{self.port}.kubeconfig"
        server = {"name": "proxy", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}
        user = {"name": "test", "user": {"token": "the-proxy-puts-its-own"}}
        context = {"name": "test", "context": {"cluster": "proxy", "user": "test"}}
        whole = {"clusters": [server], "users": [user], "contexts": [context], "current-context": "test"}
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **whole}))
        return path

    @property
    def watched(self) -> set[str]:
        """The plurals with an open watch."""
        return {request.path.rpartition("/")[2] for request in tuple(self._watches.values())}

    def fail_watches(self, code: int) -> None:
        """Every open watch gets an ERROR event with this code."""
        self._thread.run(self._fail_watches(code))

    def sever_watches(self) -> None:
        """Every open watch loses its connection."""
        self._thread.soon(self._sever_watches)

    async def _start(self) -> None:
        context = ssl.create_default_context(cafile=str(self.ca)) if self.ca else ssl._create_unverified_context()
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self._session.close()
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        if self.is_down:
            self.turned_away += 1
            return _sever(request)
        body = await request.read()
        if request.method not in _WRITES or any(part in request.path for part in _UNCOUNTED):
            self.paths_read.append(request.path_qs)
            return await self._pass_read(request, body)
        write = Write(len(self.writes) + 1, request.method, request.path, body)
        self.writes.append(write)
        return await self._meets(self.fault(write), request, write)

    async def _pass_read(self, request: web.Request, body: bytes) -> web.StreamResponse:
        read = Write(0, request.method, request.path_qs, body)
        is_exempt = "watch" in request.query or any(part in request.path for part in _UNCOUNTED)
        fault = Fault() if is_exempt else self.fault_of_read(read)
        return await self._forward(request, body) if fault == Fault() else await self._meets(fault, request, read)

    async def _meets(self, fault: Fault, request: web.Request, write: Write) -> web.StreamResponse:
        if fault.before:
            fault.before()
        await _held(fault.hold)
        await asyncio.sleep(fault.delay_s)
        if fault.drop:
            await asyncio.sleep(_LONGEST_HOLD_S)  # the client gives up long before
        if fault.cut or fault.drop:
            return _sever(request)
        if fault.refuse:
            return _status(fault.refuse)
        answer = await self._forward(request, write.body, write)
        if fault.after:
            fault.after()
        await _held(fault.hold_answer)
        return _sever(request) if fault.lose_answer else answer

    async def _forward(self, request: web.Request, body: bytes, write: Write | None = None) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        headers["Authorization"] = f"Bearer {self.token}"
        url = self.upstream + request.path_qs
        try:
            async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
                if write is None:
                    return await self._streamed(request, answer)
                write.code = answer.status
                return web.Response(status=answer.status, body=await answer.read(), headers=_kept(answer))
        except aiohttp.ClientError:
            return _sever(request)

    async def _streamed(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=_kept(answer))
        await response.prepare(request)
        is_watch = "watch" in request.query
        if is_watch:
            self._watches[response] = request
        try:
            async for chunk in (
                answer.content if is_watch and "Content-Encoding" not in answer.headers else answer.content.iter_any()
            ):
                await response.write(chunk * self.repeats_of_an_event if is_watch else chunk)
            await response.write_eof()
        finally:
            self._watches.pop(response, None)
        return response

    async def _fail_watches(self, code: int) -> None:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "by the test"}
        for response in tuple(self._watches):
            await response.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")

    def _sever_watches(self) -> None:
        for request in self._watches.values():
            _sever(request)


async def _held(event: threading.Event | None) -> None:
    if event is not None:
        await asyncio.to_thread(event.wait, _LONGEST_HOLD_S)


def _kept(answer: aiohttp.ClientResponse) -> dict[str, str]:
    kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
    if "Content-Encoding" in answer.headers:
        kept["Content-Encoding"] = answer.headers["Content-Encoding"]
    return kept


def _sever(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)


def _status(code: int) -> web.Response:
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    headers = {"Retry-After": "1"} if code == 429 else {}
    return web.json_response({**body, "message": f"refused by the test with {code}"}, status=code, headers=headers)
