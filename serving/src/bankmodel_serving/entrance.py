"""When callers are let in: the process is ready, and gRPC open, once there is a certificate to meet them with. Used by the server.

A pod without a usable certificate lives on and waits for one: ending would show less, and repair nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from bankmodel_serving.readiness import DRAINING, READY, Readiness
from bankmodel_serving.tls import TlsFiles

if TYPE_CHECKING:
    from bankmodel_serving.grpc_port.port import GrpcPort

__all__ = ["Entrance"]

_LOG = logging.getLogger(__name__)
_NO_CERTIFICATE = "CertificateInvalid"


class Entrance:
    """Opened at start, and again when the certificate that was missing has come. `failed` is called if that goes wrong."""

    def __init__(
        self,
        readiness: Readiness,
        *,
        golden_problem: str | None,
        tls: TlsFiles | None,
        grpc_port: "GrpcPort | None",
        failed: Callable[[], None],
    ) -> None:
        self._readiness = readiness
        self._golden_problem = golden_problem
        self._tls = tls
        self._grpc_port = grpc_port
        self._failed = failed
        self._is_waiting = False
        self._late: asyncio.Task[dict[str, int]] | None = None

    async def open(self) -> dict[str, int]:
        """Open gRPC and be ready, or say why not; `grpc_port` if it was opened. Raises SettingsInvalid if it is taken."""
        opened = {}
        lacks_pair = self._tls is not None and self._tls.pair is None
        if self._grpc_port is not None and not lacks_pair:  # grpcio can't listen before there is a certificate
            opened["grpc_port"] = await self._grpc_port.open()
        self._is_waiting = lacks_pair
        self._declare()
        return opened

    def follow(self) -> None:
        """Look at the certificate files; to be called again and again."""
        if self._tls is not None and self._tls.poll() and self._is_waiting and self._readiness.state is not DRAINING:
            self._is_waiting = False
            self._late = asyncio.get_running_loop().create_task(self.open())
            self._late.add_done_callback(self._opened_late)

    def raise_failure(self) -> None:
        """After `failed` was called: why."""
        if self._late is not None and self._late.done():
            self._late.result()

    def _declare(self) -> None:
        if self._readiness.state is DRAINING:
            return
        if self._golden_problem is not None:
            self._readiness.fail("GoldenVectorsFailed", self._golden_problem)
        elif self._tls is not None and self._is_waiting:
            self._readiness.fail(_NO_CERTIFICATE, f"no caller can be let in: {self._tls.problem}")
        else:
            self._readiness.state = READY
            return
        state = self._readiness.state
        _LOG.error("not ready", extra={"reason": state.reason, "error": state.message})

    def _opened_late(self, late: asyncio.Task[dict[str, int]]) -> None:
        if late.cancelled() or late.exception() is not None:
            self._failed()
        elif opened := late.result():
            _LOG.info("listening for gRPC", extra=opened)
