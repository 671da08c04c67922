"""The process above the workers: has the metrics port, hands on the stop, and ends the pod when a worker is lost.

A worker is not started again in place: its counters would begin anew under a sum that must not fall, and neither
Kubernetes nor the operator would see that a model crashes (ADR 12). Called by `__main__`.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from time import monotonic

import uvloop

from bankmodel_serving.connection import Connection, Site, error_body
from bankmodel_serving.errors import FatalError, WorkerLost
from bankmodel_serving.listener import Listener
from bankmodel_serving.probes import MAX_CONNECTIONS, answer
from bankmodel_serving.protocol import Request
from bankmodel_serving.readiness import DRAINING, ReadyState
from bankmodel_serving.settings import Settings
from bankmodel_serving.workers.channel import Channel
from bankmodel_serving.workers.pod import Pod
from bankmodel_serving.workers.port import reserved_port
from bankmodel_serving.workers.worker import Worker, fork_workers

__all__ = ["supervise"]

_LOG = logging.getLogger(__name__)
_GRACE_S = 2.0  # beyond the workers' own delays, before they are killed
Serve = Callable[[Settings, int, Channel], None]
Lives = Sequence["asyncio.Task[None]"]


def supervise(settings: Settings, serve: Serve) -> None:
    """Run `settings.workers` workers until told to stop; raises FatalError if one can't start or is lost.

    `serve` is what a worker does, given its settings, its number and the line to here.
    """
    with _reserved(settings) as own:
        workers = fork_workers(settings.workers, lambda number, channel: serve(own, number, channel))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_Supervisor(own, workers).run())


@contextmanager
def _reserved(settings: Settings) -> Iterator[Settings]:
    """The settings with the ports that all workers will open."""
    with ExitStack() as kept:
        if settings.serves_plaintext:
            settings = replace(settings, port=kept.enter_context(reserved_port(settings.host, settings.port)))
        if settings.serves_tls:
            settings = replace(settings, tls_port=kept.enter_context(reserved_port(settings.host, settings.tls_port)))
        if settings.grpc_port is not None:
            settings = replace(settings, grpc_port=kept.enter_context(reserved_port(settings.host, settings.grpc_port)))
        if settings.peer_port is not None:
            settings = replace(settings, peer_port=kept.enter_context(reserved_port(settings.host, settings.peer_port)))
        yield settings


class _Supervisor:
    def __init__(self, settings: Settings, workers: Sequence[Worker]) -> None:
        self._settings = settings
        self._workers = workers
        self._ending: ReadyState | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        stop = _stop_event(loop)
        lives = [loop.create_task(worker.follow()) for worker in self._workers]
        try:
            listener = Listener(Site(self, max_connections=MAX_CONNECTIONS), loop)
            metrics_port = await listener.open(self._settings.host, self._settings.metrics_port)
            announcing = loop.create_task(self._announce(metrics_port))
            loss = await self._watch(stop, lives)
            announcing.cancel()
            await self._end(lives, loss)
        finally:
            await self._signal_all(signal.SIGKILL, lives)

    async def _announce(self, metrics_port: int) -> None:
        for worker in self._workers:
            await worker.started.wait()
        is_ready = (await self._pod()).ready().is_ready
        ports = {**self._settings.scoring_ports, "metrics_port": metrics_port}
        _LOG.info("listening", extra={**ports, "workers": len(self._workers), "ready": is_ready})

    async def _watch(self, stop: asyncio.Event, lives: Lives) -> FatalError | None:
        """Wait for the order to stop, or for a worker that ends without one: the reason is returned."""
        told = asyncio.create_task(stop.wait())
        await asyncio.wait((told, *lives), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        return None if stop.is_set() else next(worker.loss for worker in self._workers if worker.has_ended)

    async def _end(self, lives: Lives, loss: FatalError | None) -> None:
        """Let the workers drain, if callers may have reached them; raises what went wrong."""
        self._ending = ReadyState(False, loss.reason, str(loss)) if loss else DRAINING
        has_served = all(worker.heard.has_started for worker in self._workers)
        if loss and not has_served:
            raise loss
        if loss:
            _LOG.error("a worker is lost, the others drain", extra={"reason": loss.reason, "error": str(loss)})
        limit_s = self._settings.drain_delay + self._settings.drain_timeout + _GRACE_S
        await self._signal_all(signal.SIGTERM, lives, limit_s)
        found = loss or (self._trouble(limit_s) if has_served else None)
        if found:
            raise found

    def _trouble(self, limit_s: float) -> FatalError | None:
        for worker in self._workers:
            if not worker.has_ended:
                return WorkerLost(f"worker {worker.heard.number} did not stop within {limit_s:g} s and was killed")
            if worker.exit_code != 0:
                return worker.loss
        return None

    async def _signal_all(self, number: signal.Signals, lives: Lives, timeout_s: float | None = None) -> None:
        for worker in self._workers:
            worker.signal(number)
        await asyncio.wait(lives, timeout=timeout_s)

    # The metrics port calls these.

    def handle(self, request: Request, reply: Connection) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(request, reply))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        reply.on_leave = partial(_cancel, task)

    def refused(self, status: int) -> None:
        """Nobody's scoring request: not counted."""

    async def _answer(self, request: Request, reply: Connection) -> None:
        try:
            found = answer(request, await self._pod())
        except Exception:
            _LOG.exception("the workers' reports can't be put together")
            found = 500, error_body("the workers' reports can't be put together; the log says why"), "application/json"
        reply.answer(*found)

    async def _pod(self) -> Pod:
        heard = await asyncio.gather(*(worker.ask() for worker in self._workers))
        return Pod(self._settings.name, self._settings.revision, heard, monotonic(), self._ending)


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _stop_event(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
