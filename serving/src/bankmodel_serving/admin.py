"""The metrics port: /metrics, /livez and /readyz, on a thread and an event loop of their own.

Rendering the metrics takes milliseconds; on the scoring loop every request of that moment would wait for it. A scoring
loop that hangs is what /livez is there to find, so it must not answer from that loop either.
"""

import asyncio
import threading
from time import monotonic

import orjson
import uvloop

from bankmodel_serving.connection import Connection, Site, error_body
from bankmodel_serving.errors import StartError
from bankmodel_serving.listener import Listener
from bankmodel_serving.metrics import CONTENT_TYPE, Metrics
from bankmodel_serving.protocol import Request
from bankmodel_serving.readiness import Readiness

__all__ = ["AdminPort"]

_STUCK_S = 15.0  # without a sign of life for that long the scoring loop is taken for dead
_MAX_CONNECTIONS = 64


class _AdminApp:
    def __init__(self, readiness: Readiness, metrics: Metrics) -> None:
        self._readiness = readiness
        self._metrics = metrics

    def handle(self, request: Request, reply: Connection) -> None:
        if request.method != b"GET":
            reply.answer(405, error_body("only GET is possible here"))
            return
        match request.path:
            case b"/metrics":
                reply.answer(200, self._metrics.render(), CONTENT_TYPE)
            case b"/livez":
                self._livez(reply)
            case b"/readyz":
                self._readyz(reply)
            case _:
                reply.answer(404, error_body("here are /metrics, /livez and /readyz"))

    def refused(self, status: int) -> None:
        """Nobody's scoring request: not counted."""

    def _livez(self, reply: Connection) -> None:
        pulse = self._readiness.pulse
        if pulse and monotonic() - pulse > _STUCK_S:
            reply.answer(503, error_body(f"the scoring loop has been stuck for more than {_STUCK_S:g} s", "Stuck"))
        else:
            reply.answer(200, b'{"live":true}')

    def _readyz(self, reply: Connection) -> None:
        state = self._readiness.state
        if state.is_ready:
            reply.answer(200, b'{"ready":true}')
        else:
            body = {"ready": False, "reason": state.reason, "message": state.message}
            reply.answer(503, orjson.dumps(body))


class AdminPort:
    """Runs the metrics port until the process ends."""

    def __init__(self, readiness: Readiness, metrics: Metrics) -> None:
        self._app = _AdminApp(readiness, metrics)
        self._started = threading.Event()
        self._error: StartError | None = None
        self.port = 0

    def start(self, host: str, port: int) -> None:
        """Open the port on a thread of its own; raises SettingsInvalid if it is taken."""
        thread = threading.Thread(target=self._run, args=(host, port), name="admin", daemon=True)
        thread.start()
        self._started.wait()
        if self._error is not None:
            raise self._error

    def _run(self, host: str, port: int) -> None:
        loop = uvloop.new_event_loop()
        listener = Listener(Site(self._app, max_connections=_MAX_CONNECTIONS), loop)
        try:
            self.port = loop.run_until_complete(listener.open(host, port))
        except StartError as error:
            self._error = error
            return
        finally:
            self._started.set()
        asyncio.set_event_loop(loop)
        loop.run_forever()
