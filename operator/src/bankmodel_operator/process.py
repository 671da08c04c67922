"""The life of one replica: wait for the CRD, stand by, lead, stop. Called by `__main__`.

A standby serves its port and nothing else. A leader that loses its lease ends at once, without cleaning up: whatever it
would still do, another replica may be undoing. SIGTERM lets the running passes finish and hands the lease back, so that
the other replica leads within seconds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bankmodel_operator import handlers
from bankmodel_operator.api.crd import custom_resource_definition
from bankmodel_operator.cluster.client import Api
from bankmodel_operator.cluster.connect import connect
from bankmodel_operator.cluster.discovery import Discovery, resource_fault
from bankmodel_operator.cluster.errors import ClusterError
from bankmodel_operator.cluster.events import Recorder
from bankmodel_operator.cluster.lease import Elector, Guard, LeaseTimes
from bankmodel_operator.cluster.queue import WorkQueue
from bankmodel_operator.cluster.resources import LEASES, Ref
from bankmodel_operator.cluster.resync import Resync
from bankmodel_operator.core import names
from bankmodel_operator.core.observation import CoreSettings
from bankmodel_operator.reconcile import Reconciler
from bankmodel_operator.settings import Settings
from bankmodel_operator.telemetry import http
from bankmodel_operator.telemetry.metrics import Metrics
from bankmodel_operator.telemetry.prometheus import Prometheus
from bankmodel_operator.telemetry.scrape import Scraper
from bankmodel_operator.workers import Workers

__all__ = ["run"]

log = logging.getLogger(__name__)

_LOOK_AGAIN_S = 2.0
_HAND_BACK_S = 5.0
_HEARD_S = 30.0


@dataclass(frozen=True)
class _Replica:
    """What lives as long as the process."""

    settings: Settings
    api: Api
    elector: Elector
    health: http.Health
    metrics: Metrics
    stop: asyncio.Event


async def run(settings: Settings) -> int:
    """The whole life; answers the exit code."""
    metrics, health, stop = Metrics(), http.Health(), asyncio.Event()
    _stop_on_signals(stop)
    port = await http.serve(settings.http_port, health, metrics)
    guard = Guard(settings.renew_deadline)
    async with await connect() as client:
        api = Api(client, guard=guard, observer=metrics.request)
        unguarded = Api(client, guard=lambda: None, observer=metrics.request)
        elector = _elector(settings, unguarded, guard)
        metrics.leading(lambda: guard.holds)
        try:
            return await _live(_Replica(settings, api, elector, health, metrics, stop))
        finally:
            await port.cleanup()


async def _live(replica: _Replica) -> int:
    if not await _unless(replica.stop, _crd_fits(replica)):
        return 0
    replica.health.ready()
    log.info("standing by", extra={"instance": replica.settings.instance})
    if not await _unless(replica.stop, replica.elector.acquire()):
        return 0
    return await _lead(replica)


async def _crd_fits(replica: _Replica) -> None:
    """Returns once the installed CRD has all this operator needs; until then /readyz and the log say what to apply."""
    needed = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    told = ""
    while True:
        try:
            fault = await resource_fault(replica.api, needed)
        except ClusterError as error:
            fault = f"the apiserver does not answer: {error}"
        if not fault:
            return
        replica.health.waiting(fault)
        if fault != told:
            log.error("not ready to lead: %s", fault)
            told = fault
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _lead(replica: _Replica) -> int:
    settings, stop = replica.settings, replica.stop
    log.info("leading", extra={"instance": settings.instance})
    replica.health.waiting("leading, but the models are not listed yet")
    queue, scraper, prometheus = WorkQueue(), Scraper(settings.scrape_port), Prometheus()
    discovery = Discovery(replica.api)
    resync = Resync(
        replica.api, queue, namespaces=settings.namespaces, period=settings.resync, known=replica.metrics.known
    )
    workers, recorder = _workers(replica, queue, discovery, (scraper, prometheus))
    replica.health.watch(workers)
    replica.metrics.queue_depth.set_function(lambda: len(queue))

    news = handlers.News()
    watches = await handlers.watch_models(settings.namespaces, queue, news)
    _stop_on_signals(stop)  # kopf has put its own handlers in their place
    lease = asyncio.create_task(replica.elector.keep(), name="lease")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    parts = [
        asyncio.create_task(part, name=name)
        for name, part in {
            "timers": queue.timers(),
            "events": recorder.run(),
            "resync": resync.run(),
            "discovery": discovery.follow(resync.ask),
            "workers": workers.run(),
            "listed": _ready_when_listed(resync, replica.health),
            "children": _watch_children(replica, queue, discovery, (resync, news)),
        }.items()
    ]
    ended, _ = await asyncio.wait({lease, stopping, *parts, *watches}, return_when=asyncio.FIRST_COMPLETED)
    if lease in ended:
        _end_at_once("the lease is lost", lease.exception())
    replica.health.waiting("stopping")
    finished = await workers.stop(settings.stop_deadline)
    log.info("stopping", extra={"passes_finished": finished})
    await _cancel([lease, stopping, *parts, *watches])
    await scraper.close()
    await prometheus.close()
    await _hand_back(replica.elector)
    return 0 if stop.is_set() else _failed(ended)


def _workers(
    replica: _Replica, queue: WorkQueue, discovery: Discovery, eyes: tuple[Scraper, Prometheus]
) -> tuple[Workers, Recorder]:
    settings, (scraper, prometheus) = replica.settings, eyes
    recorder = Recorder(replica.api, controller=names.FIELD_MANAGER, instance=settings.instance)
    reconciler = Reconciler(
        replica.api,
        settings=_core_settings(settings),
        discovery=discovery,
        ask=scraper.reports,
        query=prometheus.answers,
        recorder=recorder,
        metrics=replica.metrics,
        now=lambda: datetime.now(UTC),
    )
    return Workers(queue, reconciler, count=settings.workers, report=replica.metrics.passed), recorder


def _core_settings(settings: Settings) -> CoreSettings:
    return CoreSettings(
        serving_image=settings.serving_image,
        operator_namespace=settings.operator_namespace,
        monitoring_namespaces=settings.monitoring_namespaces,
        drain_deadline=settings.drain_deadline,
        scrape_interval=settings.scrape_interval,
    )


def _elector(settings: Settings, api: Api, guard: Guard) -> Elector:
    return Elector(
        api,
        Ref(LEASES, settings.operator_namespace, settings.lease_name),
        identity=settings.instance,
        times=LeaseTimes(settings.lease_duration, settings.renew_deadline, settings.retry_period),
        guard=guard,
    )


async def _ready_when_listed(resync: Resync, health: http.Health) -> None:
    await resync.listed.wait()
    health.ready()
    await asyncio.Event().wait()  # a part that returns would end the process


async def _watch_children(
    replica: _Replica, queue: WorkQueue, discovery: Discovery, models: tuple[Resync, handlers.News]
) -> None:
    """Begins behind the models, so that who edits one while all is listed is heard."""
    resync, news = models
    await resync.listed.wait()
    await news.heard_of(resync.count, within_s=_HEARD_S)
    watches = await handlers.watch_children(replica.settings.namespaces, queue, discovery.invalidate)
    _stop_on_signals(replica.stop)
    try:
        ended, _ = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
        for watch in ended:
            watch.result()
    finally:
        await _cancel(watches)


async def _hand_back(elector: Elector) -> None:
    try:
        async with asyncio.timeout(_HAND_BACK_S):
            await elector.release()
    except (TimeoutError, ClusterError) as error:
        log.warning("lease not handed back, the other replica waits until it runs out", extra={"error": str(error)})


def _failed(ended: Iterable[asyncio.Task[Any]]) -> int:
    for task in ended:
        error = None if task.cancelled() else task.exception()
        log.error("an essential part ended: %s", task.get_name(), exc_info=error)
    return 1


def _end_at_once(why: str, error: BaseException | None) -> None:
    log.critical("ending at once: %s", why, exc_info=error)
    logging.shutdown()
    os._exit(1)


async def _unless(stop: asyncio.Event, wait: Coroutine[Any, Any, None]) -> bool:
    """Run it to its end; False when the process was told to stop before that."""
    work, stopping = asyncio.create_task(wait), asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        stopping.cancel()
        work.result()
        return True
    await _cancel([work])
    return False


async def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    pending = [task for task in tasks if not task.done()]
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending, timeout=_HAND_BACK_S)


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
