"""The scoring process: wires the parts together, opens the ports, follows the routing table, drains on SIGTERM."""

import asyncio
import gc
import logging
import signal
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from bankmodel_serving.admin import AdminPort
from bankmodel_serving.admission import Admission
from bankmodel_serving.api import Api, Model
from bankmodel_serving.batching import BatchLimits
from bankmodel_serving.codec import DecodeLimits, Encoder
from bankmodel_serving.connection import App, Site, Timeouts
from bankmodel_serving.description import Description, describe
from bankmodel_serving.engine import probe_rows
from bankmodel_serving.entrance import Entrance
from bankmodel_serving.errors import InferenceFailed
from bankmodel_serving.listener import Listener
from bankmodel_serving.loading import Loaded, load
from bankmodel_serving.metrics import Identity, Metrics
from bankmodel_serving.observation import Observer, observer_for
from bankmodel_serving.peer_app import PeerApp
from bankmodel_serving.ports import open_peer_port, open_ports, tls_files
from bankmodel_serving.protocol import WireLimits
from bankmodel_serving.readiness import DRAINING, Readiness
from bankmodel_serving.recorder import Recorder
from bankmodel_serving.routing import Address, RoutingTable
from bankmodel_serving.routing_file import RoutingFile
from bankmodel_serving.runner import ModelRunner
from bankmodel_serving.scheduler import Scheduler
from bankmodel_serving.settings import Settings
from bankmodel_serving.split.link import Link
from bankmodel_serving.split.rest import RestSplit
from bankmodel_serving.split.split import Split
from bankmodel_serving.tls import TlsFiles
from bankmodel_serving.workers.channel import Channel
from bankmodel_serving.workers.messages import Report, Started

if TYPE_CHECKING:
    from bankmodel_serving.grpc_port.port import GrpcPort

__all__ = ["serve"]

_LOG = logging.getLogger(__name__)
_TICK_S = 0.25
_DRAIN_POLL_S = 0.02
_WARM_UP_RUNS = 20


async def serve(settings: Settings, server_version: str, channel: Channel | None = None) -> None:
    """Run until SIGTERM or SIGINT and the drain that follows; raises StartError if it can't start.

    With a `channel` this is one worker of several: it shares the port, and its supervisor has the metrics port.
    """
    loop = asyncio.get_running_loop()
    identity = Identity(settings.name, settings.revision, settings.model_version, settings.sha256)
    recorder, readiness = Recorder(), Readiness()
    metrics = Metrics(identity, recorder)
    desk = _open_to_questions(settings, readiness, metrics, channel)
    stop = _stop_event(loop)

    loaded = load(settings.model, settings.sha256, _decode_limits(settings))
    metrics.coalesces = loaded.coalesces
    observer = metrics.observer = observer_for(loaded.schema, loaded.card, loop.call_soon)
    scheduler = _scheduler(loaded, settings, observer, recorder)
    routing = _routing_file(settings, recorder)
    metrics.table = lambda: routing.table
    model = Model(identity, loaded.schema, loaded.decoder, _encoder(loaded, identity))
    api = _api(
        settings, model, scheduler, recorder=recorder, readiness=readiness, routing=routing, about=server_version
    )
    peer_app = PeerApp(
        api, model=settings.name, revision=settings.revision, table=lambda: routing.table, recorder=recorder
    )
    site, peer_site = _site(api, settings), _site(peer_app, settings)
    listener, peer_listener = Listener(site, loop), Listener(peer_site, loop)
    tls = metrics.tls = tls_files(settings, recorder)
    split = metrics.split = _split(settings, loaded, metrics, observer, tls)
    rest_split = RestSplit(
        split, api.score, recorder=recorder, decoder=loaded.decoder, max_body_bytes=settings.max_body
    )
    grpc_port = _grpc_port(
        settings, model, api, scheduler, recorder=recorder, readiness=readiness, tls=tls, is_shared=channel is not None
    )
    if grpc_port is not None:
        peer_app.score_message = grpc_port.service.score
    metrics.connections = lambda: site.open_count + peer_site.open_count + (grpc_port.connections() if grpc_port else 0)
    entrance = Entrance(readiness, golden_problem=loaded.golden_problem, tls=tls, grpc_port=grpc_port, failed=stop.set)

    follower = _Follower(entrance, split, api, rest_split, grpc_port)
    ticker = _Ticker(site=site, scheduler=scheduler, observer=observer, routing=routing, readiness=readiness)
    ticker.on_tick = lambda: follower.follow(routing.table)
    ticker.tick()
    ports = await open_ports(listener, settings, site=site, tls=tls, recorder=recorder, is_shared=channel is not None)
    ports |= await open_peer_port(
        peer_listener, settings, site=peer_site, tls=tls, recorder=recorder, is_shared=channel is not None
    )
    ports |= await entrance.open()
    gc.collect()
    gc.freeze()  # what lives since start-up is never looked at again
    _tell_started(desk, describe(identity, loaded.schema, loaded.card, observer.score), ports, readiness)
    await stop.wait()
    entrance.raise_failure()
    await _drain(settings, (listener, peer_listener), (site, peer_site), readiness, grpc_port)
    ticker.stop()
    split.close()
    scheduler.close()


@dataclass(frozen=True)
class _Follower:
    """Brings a new table, certificate or state to whom it concerns, at each tick."""

    entrance: Entrance
    split: Split
    api: Api
    rest_split: RestSplit
    grpc_port: "GrpcPort | None"

    def follow(self, table: RoutingTable) -> None:
        self.entrance.follow()
        self.split.follow(table)
        self.api.split = None if self.split.is_idle else self.rest_split
        if self.grpc_port is not None:
            self.grpc_port.follow(self.split)


def _routing_file(settings: Settings, recorder: Recorder) -> RoutingFile:
    return RoutingFile(
        settings.routing,
        model=settings.name,
        revision=settings.revision,
        rejected=lambda reason: recorder.routing_rejected.update((reason,)),
    )


def _api(
    settings: Settings,
    model: Model,
    scheduler: Scheduler,
    *,
    recorder: Recorder,
    readiness: Readiness,
    routing: RoutingFile,
    about: str,
) -> Api:
    return Api(
        model,
        scheduler,
        recorder=recorder,
        readiness=readiness,
        table=lambda: routing.table,
        server_version=about,
        timeout_s=settings.request_timeout,
        max_body_bytes=settings.max_body,
        max_rows=settings.max_rows,
    )


def _decode_limits(settings: Settings) -> DecodeLimits:
    return DecodeLimits(settings.max_rows, settings.max_depth, settings.max_string)


def _open_to_questions(
    settings: Settings, readiness: Readiness, metrics: Metrics, channel: Channel | None
) -> AdminPort | Channel:
    """Open the metrics port, or answer the questions of the supervisor, who has it."""
    if channel is not None:
        channel.follow(lambda: Report(readiness.state, readiness.pulse, metrics.snapshot()))
        return channel
    admin = AdminPort(readiness, metrics)
    admin.start(settings.host, settings.metrics_port)
    return admin


def _tell_started(
    desk: AdminPort | Channel, description: Description, ports: dict[str, int], readiness: Readiness
) -> None:
    if isinstance(desk, Channel):
        desk.say(Started(description))
        return
    desk.describe(description)
    _LOG.info("listening", extra={**ports, "metrics_port": desk.port, "ready": readiness.state.is_ready})


def _stop_event(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop


def _scheduler(loaded: Loaded, settings: Settings, observer: Observer, recorder: Recorder) -> Scheduler:
    loop = asyncio.get_running_loop()
    runner = ModelRunner(
        loaded.engine,
        observer,
        max_rows=settings.batch_rows,
        later=loop.call_soon_threadsafe,
        has_rows=loaded.schema.has_rows,
    )
    _warm_up(loaded)
    return Scheduler(
        runner,
        BatchLimits(settings.batch_rows, settings.large_rows, loaded.coalesces),
        max_waiting=settings.queue,
        admission=Admission(settings.queue_time),
        observe_s=recorder.inference.observe,
        on_shed=recorder.shed_one,
    )


def _warm_up(loaded: Loaded) -> None:
    """The first runs allocate: let no caller pay for it."""
    for rows in (1, 2) if loaded.schema.has_rows else (1,):
        try:
            for _ in range(_WARM_UP_RUNS):
                loaded.engine.run(probe_rows(loaded.schema.inputs, rows))
        except InferenceFailed as error:
            _LOG.info("warm-up with zeros is not possible", extra={"error": str(error)})
            return


def _encoder(loaded: Loaded, identity: Identity) -> Encoder:
    return Encoder(
        loaded.schema.outputs, name=identity.model, version=identity.version, parameters=identity.answer_parameters
    )


def _grpc_port(
    settings: Settings,
    model: Model,
    api: Api,
    scheduler: Scheduler,
    *,
    recorder: Recorder,
    readiness: Readiness,
    tls: TlsFiles | None,
    is_shared: bool,
) -> "GrpcPort | None":
    """The gRPC port where one is asked for. Only then is grpcio imported: it costs memory and time to start."""
    if settings.grpc_port is None:
        return None
    from bankmodel_serving.grpc_port.port import grpc_port_for

    return grpc_port_for(
        settings, model, api, scheduler, recorder=recorder, readiness=readiness, tls=tls, is_shared=is_shared
    )


def _split(settings: Settings, loaded: Loaded, metrics: Metrics, observer: Observer, tls: TlsFiles | None) -> Split:
    def shown() -> ssl.SSLContext | None:
        return tls.pair.peers.client if tls and tls.pair and tls.pair.peers else None

    def connect(at: Address) -> Link:
        return Link(at, timeout_s=settings.forward_timeout, tls=shown if tls else None)

    score = loaded.card.score if loaded.card else None
    metrics.score_baseline = score.baseline if score else None
    return Split(
        settings.revision,
        connect,
        tally=metrics.split_tally,
        score=observer.score,
        cutoff=score.cutoff if score else None,
    )


def _site(app: App, settings: Settings) -> Site:
    revision = settings.revision.encode()
    return Site(
        app,
        lines=b"x-bankmodel-revision: %s\r\n" % revision if revision else b"",
        wire=WireLimits(settings.max_body, settings.max_header_bytes, settings.max_headers),
        timeouts=Timeouts(settings.idle_timeout, settings.header_timeout, settings.request_timeout),
        max_connections=settings.max_connections,
        max_buffered_bytes=settings.max_buffered,
    )


class _Ticker:
    """Four times a second: the pulse, the routing table, requests beyond their deadline, what waits to be counted."""

    def __init__(
        self, *, site: Site, scheduler: Scheduler, observer: Observer, routing: RoutingFile, readiness: Readiness
    ) -> None:
        self._site = site
        self._scheduler = scheduler
        self._observer = observer
        self._routing = routing
        self._readiness = readiness
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self.on_tick: Callable[[], None] = lambda: None

    def tick(self) -> None:
        self._readiness.pulse = monotonic()
        self._routing.poll()
        self.on_tick()
        self._site.is_closing = self._routing.role.closes_connections or self._readiness.state is DRAINING
        self._scheduler.expire(self._loop.time())
        self._observer.fold()
        self._handle = self._loop.call_later(_TICK_S, self.tick)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


async def _drain(
    settings: Settings,
    listeners: Sequence[Listener],
    sites: Sequence[Site],
    readiness: Readiness,
    grpc_port: "GrpcPort | None",
) -> None:
    """Not ready at once, but accepting until everybody knows; then finish what is in flight, then stop."""
    readiness.state = DRAINING
    for site in sites:
        site.is_closing = True
    _LOG.info("draining", extra={"delay_s": settings.drain_delay, "connections": _open_on(sites)})
    await asyncio.sleep(settings.drain_delay)
    for listener in listeners:
        listener.stop_accepting()
    async with asyncio.TaskGroup() as ending:
        if grpc_port is not None:
            ending.create_task(grpc_port.close(settings.drain_timeout))
        ending.create_task(_drain_connections(listeners, sites, settings.drain_timeout))
    _LOG.info("stopped", extra={"connections_cut": _open_on(sites)})
    for listener in listeners:
        listener.close()


async def _drain_connections(listeners: Sequence[Listener], sites: Sequence[Site], timeout_s: float) -> None:
    deadline = monotonic() + timeout_s
    while _open_on(sites) and monotonic() < deadline:
        for listener in listeners:
            listener.close_idle()
        await asyncio.sleep(_DRAIN_POLL_S)


def _open_on(sites: Sequence[Site]) -> int:
    return sum(site.open_count for site in sites)
