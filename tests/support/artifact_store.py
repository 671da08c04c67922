"""A bank's artifact store in miniature: a real HTTP server, with TLS where asked for, that also knows how stores misbehave.

Runs in a thread of the test's process. It keeps what each request carried, so that a test can see where a secret went.
"""

import asyncio
import base64
import ssl
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

__all__ = ["PASSWORD", "TOKEN", "USER", "ArtifactStore", "Authority", "Seen"]

TOKEN, USER, PASSWORD = "t0ken-for-this-test", "reader", "pass-for-this-test"
_ALLOWED = frozenset((f"Bearer {TOKEN}", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()))
_DEADLINE_S = 20.0


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    path: str
    authorization: str | None


@dataclass(frozen=True)
class Authority:
    """A private certificate authority, made by openssl in a folder of its own."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        _openssl("req", "-x509", *_new_key(folder / "ca.key"), "-out", folder / "ca.crt", "-subj", "/CN=bank")
        return cls(folder)

    @property
    def pem(self) -> str:
        return (self.folder / "ca.crt").read_text()

    def server(self, host: str, *, days: int = 2) -> ssl.SSLContext:
        """TLS with a certificate for HOST alone, such as `IP:127.0.0.1`; over already if DAYS is below zero."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate(host, days=days))
        return context

    def certificate(self, host: str, *, days: int = 2) -> tuple[Path, Path]:
        """The files of such a certificate and of its key."""
        asked, extensions, key, certificate = (
            self.folder / f"{host.replace(':', '-')}{days}.{end}" for end in ("csr", "ext", "key", "crt")
        )
        extensions.write_text(f"subjectAltName={host}\n")
        _openssl("req", *_new_key(key), "-out", asked, "-subj", "/CN=store")
        by = ("-CA", self.folder / "ca.crt", "-CAkey", self.folder / "ca.key", "-set_serial", "1", "-days", str(days))
        _openssl("x509", "-req", "-in", asked, *by, "-extfile", extensions, "-out", certificate)
        return certificate, key


class ArtifactStore:
    """Serves CONTENT on loopback from entering to leaving. What each path does: the methods below."""

    def __init__(self, content: bytes, tls: ssl.SSLContext | None = None, *, moved_to: str = "") -> None:
        self._content = content
        self._tls = tls
        self._moved_to = moved_to
        self._started = threading.Event()
        self.seen: list[Seen] = []

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), name="artifact-store")
        self._thread.start()
        assert self._started.wait(_DEADLINE_S)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_DEADLINE_S)
        assert not self._thread.is_alive()

    def url(self, path: str) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/{path}"

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(middlewares=[self._note])
        handlers = {
            "file": self._file,
            "private": self._private,
            "flaky": self._flaky,
            "cut": self._cut,
            "unmeasured": self._unmeasured,
            "moved": self._moved,
            "circle": self._circle,
            "status/{status}/{code}": self._refusal,
        }
        app.add_routes([web.get(f"/{path}", handler) for path, handler in handlers.items()])
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port = int(runner.addresses[0][1])
        self._started.set()
        await self._stop.wait()
        await runner.cleanup()

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.seen.append(Seen(request.path_qs, request.headers.get("authorization")))
        return await handler(request)

    async def _file(self, _: web.Request) -> web.Response:
        return web.Response(body=self._content)

    async def _private(self, request: web.Request) -> web.Response:
        sent = request.headers.get("authorization")
        if sent in _ALLOWED:
            return web.Response(body=self._content)
        return web.Response(status=403 if sent else 401)

    async def _flaky(self, _: web.Request) -> web.Response:
        """Busy twice, then the file."""
        return web.Response(status=503) if len(self.seen) < 3 else web.Response(body=self._content)

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        """Half of the file, then the connection breaks."""
        answer = web.StreamResponse(headers={"content-length": str(len(self._content))})
        await answer.prepare(request)
        await answer.write(self._content[: len(self._content) // 2])
        assert request.transport is not None
        request.transport.close()
        return answer

    async def _unmeasured(self, request: web.Request) -> web.StreamResponse:
        """The file without its length."""
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(self._content)
        return answer

    async def _moved(self, _: web.Request) -> web.Response:
        """Elsewhere, as stores do that keep their files in somebody's cloud."""
        return web.Response(status=302, headers={"location": self._moved_to})

    async def _circle(self, _: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": "/circle"})

    async def _refusal(self, request: web.Request) -> web.Response:
        """An S3 server's way to say no."""
        status, code = request.match_info["status"], request.match_info["code"]
        text = f"<Error><Code>{code}</Code><Message>hush: {TOKEN}</Message></Error>"
        return web.Response(status=int(status), text=text, content_type="application/xml")


def _new_key(file: Path) -> tuple[str | Path, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file)


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=_DEADLINE_S)
