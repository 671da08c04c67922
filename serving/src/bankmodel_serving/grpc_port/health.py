"""gRPC's own health service, told by readiness: "" and the inference service are served or not, others are unknown.

Not grpcio's servicer: its Watch streams never end by themselves, and would hold their connection, and with it the
drain, to the last second. These end once the server drains.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bankmodel_serving.grpc_port.messages import SERVICE
from bankmodel_serving.readiness import DRAINING, Readiness

__all__ = ["Health"]

_POLL_S = 0.1
_Status = health_pb2.HealthCheckResponse.ServingStatus


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # grpcio's packages have no types
    """Answers from the state of the moment."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's names
        status = self._status(request.service)
        if status == _Status.SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service[:80]} here; ask for {SERVICE}")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - as above
        told = None
        while True:
            state, status = self._readiness.state, self._status(request.service)
            if status != told:
                told = status
                yield health_pb2.HealthCheckResponse(status=status)
            if state is DRAINING:
                return
            await asyncio.sleep(_POLL_S)

    def _status(self, service: str) -> Any:
        if service not in ("", SERVICE):
            return _Status.SERVICE_UNKNOWN
        return _Status.SERVING if self._readiness.state.is_ready else _Status.NOT_SERVING
