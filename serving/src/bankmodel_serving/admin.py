"""The metrics port of a process: /metrics, /livez, /readyz and /model, on a thread and an event loop of their own.

Rendering the metrics takes milliseconds; on the scoring loop every request of that moment would wait for it. A scoring
loop that hangs is what /livez is there to find, so it must not answer from that loop either.
"""

import asyncio
import atexit
import threading
from time import monotonic

import uvloop

from bankmodel_serving.connection import Connection, Site
from bankmodel_serving.description import Description
from bankmodel_serving.errors import StartError
from bankmodel_serving.listener import Listener
from bankmodel_serving.metrics import Metrics
from bankmodel_serving.probes import MAX_CONNECTIONS, answer
from bankmodel_serving.protocol import Request
from bankmodel_serving.readiness import STUCK_S, Readiness, ReadyState, is_stuck
from bankmodel_serving.snapshot import Snapshot

__all__ = ["AdminPort"]

_STOP_S = 2.0


class _AdminApp:
    def __init__(self, readiness: Readiness, metrics: Metrics) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self.description: Description | None = None

    def handle(self, request: Request, reply: Connection) -> None:
        reply.answer(*answer(request, self))

    def refused(self, status: int) -> None:
        """Nobody's scoring request: not counted."""

    # What `probes` asks.

    def ready(self) -> ReadyState:
        return self._readiness.state

    def stuck(self) -> str:
        is_dead = is_stuck(self._readiness.pulse, monotonic())
        return f"the scoring loop has been stuck for more than {STUCK_S:g} s" if is_dead else ""

    def snapshot(self) -> Snapshot:
        return self._metrics.snapshot()

    def described(self) -> Description | None:
        return self.description


class AdminPort:
    """Runs the metrics port until the process ends."""

    def __init__(self, readiness: Readiness, metrics: Metrics) -> None:
        self._app = _AdminApp(readiness, metrics)
        self._loop = uvloop.new_event_loop()
        self._started = threading.Event()
        self._error: StartError | None = None
        self.port = 0

    def describe(self, description: Description) -> None:
        """The model is loaded, and this is what it is."""
        self._app.description = description

    def start(self, host: str, port: int) -> None:
        """Open the port on a thread of its own; raises SettingsInvalid if it is taken."""
        thread = threading.Thread(target=self._run, args=(host, port), name="admin", daemon=True)
        thread.start()
        self._started.wait()
        if self._error is not None:
            raise self._error
        # A loop that still runs while the interpreter is taken down can end the process by SIGSEGV (seen under load).
        atexit.register(self._stop, thread)

    def _stop(self, thread: threading.Thread) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join(_STOP_S)

    def _run(self, host: str, port: int) -> None:
        loop = self._loop
        listener = Listener(Site(self._app, max_connections=MAX_CONNECTIONS), loop)
        try:
            self.port = loop.run_until_complete(listener.open(host, port))
        except StartError as error:
            self._error = error
            return
        finally:
            self._started.set()
        asyncio.set_event_loop(loop)
        loop.run_forever()
