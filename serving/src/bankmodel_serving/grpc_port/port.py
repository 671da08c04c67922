"""Opens the gRPC port on the running event loop, with bounds on everything that grpcio lets us bound, and ends it.

With TLS it speaks TLS alone, whatever port 80 does: there is one port for gRPC, and nobody is to be answered in the clear by
mistake.
"""

import asyncio
from time import monotonic
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from bankmodel_serving.api import Api, Model
from bankmodel_serving.errors import SettingsInvalid
from bankmodel_serving.grpc_port.connections import open_connections
from bankmodel_serving.grpc_port.credentials import server_credentials
from bankmodel_serving.grpc_port.health import Health
from bankmodel_serving.grpc_port.messages import POOL, SERVICE
from bankmodel_serving.grpc_port.service import InferenceService, Served
from bankmodel_serving.grpc_port.writing import ResponseWriter
from bankmodel_serving.readiness import Readiness
from bankmodel_serving.recorder import Recorder
from bankmodel_serving.scheduler import Scheduler
from bankmodel_serving.settings import Settings
from bankmodel_serving.split.split import Split
from bankmodel_serving.tls import TlsFiles

__all__ = ["GrpcPort", "grpc_port_for"]

_STREAMS_PER_CONNECTION = 1024
_LEAST_PING_INTERVAL_MS = 10_000  # who pings more often, three times in a row, is disconnected
_PING_STRIKES = 2
_KEEPALIVE_MS = 60_000  # a peer that is gone without a word is found after it and the time-out
_POLL_S = 0.05
_LAST_CALLS_S = 1.0  # for what is in flight on connections that outlasted the drain
_KEEPALIVE_TIMEOUT_MS = 20_000
_AGE_GRACE = 2  # times the request time-out: nothing in flight when a connection's time is over takes longer


def grpc_port_for(
    settings: Settings,
    model: Model,
    api: Api,
    scheduler: Scheduler,
    *,
    recorder: Recorder,
    readiness: Readiness,
    tls: TlsFiles | None,
    is_shared: bool,
) -> "GrpcPort":
    """The port as the settings say, not open yet.

    `is_shared`: other processes of this pod listen on the same port.
    """
    identity, outputs = model.identity, model.schema.outputs
    writer = ResponseWriter(
        outputs, name=identity.model, version=identity.version, parameters=identity.answer_parameters
    )
    served = Served(identity, model.schema, writer, model.decoder.limits, settings.request_timeout)
    service = InferenceService(served, api, scheduler, recorder=recorder, readiness=readiness)
    return GrpcPort(service, Health(readiness), settings, tls=tls, is_shared=is_shared)


class GrpcPort:
    """One listening port; `number` is 0 until it is open."""

    def __init__(
        self, service: InferenceService, health: Health, settings: Settings, *, tls: TlsFiles | None, is_shared: bool
    ) -> None:
        # Beside the calls that wait for a batch there are those still arriving, and watchers.
        most = settings.queue + settings.max_connections
        self._server = grpc.aio.server(options=_options(settings, is_shared), maximum_concurrent_rpcs=most)
        self._server.add_generic_rpc_handlers([_handlers(service)])
        health_pb2_grpc.add_HealthServicer_to_server(health, self._server)
        names = (SERVICE, HEALTH_SERVICE, reflection.SERVICE_NAME)
        reflecting = reflection.aio.ReflectionServicer(names, pool=POOL)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflecting, self._server)
        self._tls = tls
        self._host, self._port = settings.host, settings.grpc_port or 0
        self.service = service
        self.number = 0

    async def open(self) -> int:
        """Listen, and return the port (0 picks a free one); raises SettingsInvalid where that can't be. With TLS there is
        a pair by now."""
        host, port = self._host, self._port
        address = f"[{host or '::'}]:{port}" if ":" in (host or ":") else f"{host}:{port}"
        try:
            self.number = self._add_port(address)
        except RuntimeError as error:
            raise SettingsInvalid(f"can't listen on {address} for gRPC; choose another port") from error
        await self._server.start()
        return self.number

    def follow(self, split: Split) -> None:
        """Ask the split before scoring, as long as there is anything to split."""
        self.service.follow(split)

    def connections(self) -> int:
        """How many of this process are open; safe to call from another thread."""
        return open_connections(self.number)

    async def close(self, grace_s: float) -> None:
        """Wait until all callers have left, as the age of their connections makes them, and for no longer than that.

        Only then is the server stopped: grpcio's own stop cancels the calls that have arrived and were not yet handed
        over (16 of 16 callers lost one), while a connection that ends by its age loses none.
        """
        deadline = monotonic() + grace_s
        while self.connections() and monotonic() < deadline:  # noqa: ASYNC110 - the kernel's table sends no event
            await asyncio.sleep(_POLL_S)
        await self._server.stop(_LAST_CALLS_S)

    def _add_port(self, address: str) -> int:
        """The one place where credentials come in."""
        if self._tls is None:
            return int(self._server.add_insecure_port(address))
        return int(self._server.add_secure_port(address, server_credentials(self._tls)))


def _handlers(service: InferenceService) -> Any:
    """No (de)serialisers: calls take the bytes, so that a message that can't be read is answered by us."""
    calls = {name: grpc.unary_unary_rpc_method_handler(call) for name, call in service.calls.items()}
    return grpc.method_handlers_generic_handler(SERVICE, calls)


def _options(settings: Settings, is_shared: bool) -> list[tuple[str, int]]:
    return [
        (
            "grpc.so_reuseport",
            int(is_shared),
        ),  # else a second server on a port that is taken would get half of the callers
        ("grpc.server_handshake_timeout_ms", _ms(settings.header_timeout)),
        ("grpc.max_receive_message_length", settings.max_body),
        ("grpc.max_metadata_size", settings.max_header_bytes),
        ("grpc.absolute_max_metadata_size", settings.max_header_bytes),
        ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION),
        ("grpc.max_connection_age_ms", _ms(settings.grpc_connection_age)),  # grpcio gives or takes 10 %
        ("grpc.max_connection_age_grace_ms", _ms(_AGE_GRACE * settings.request_timeout)),
        ("grpc.max_connection_idle_ms", _ms(settings.idle_timeout)),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _LEAST_PING_INTERVAL_MS),
        ("grpc.http2.max_ping_strikes", _PING_STRIKES),
    ]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
