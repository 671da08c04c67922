"""Calls over gRPC with grpcio alone: a plain stub of the protocol, for what others' clients would not send."""

from collections.abc import Sequence
from typing import Any

import grpc
import numpy as np

from bankmodel_serving.grpc_port.messages import SERVICE, message
from support.scoring_process import DEADLINE_S, ScoringProcess


class Stub:
    """One channel to one server; `with` closes it. A refused call gives its status instead of an answer."""

    def __init__(
        self, server: ScoringProcess, *options: tuple[str, Any], credentials: grpc.ChannelCredentials | None = None
    ) -> None:
        address = f"127.0.0.1:{server.grpc_port}"
        if credentials is None:
            self.channel = grpc.insecure_channel(address, list(options))
        else:
            self.channel = grpc.secure_channel(address, credentials, list(options))

    def __enter__(self) -> "Stub":
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def call(self, method: str, timeout_s: float = DEADLINE_S, **fields: Any) -> Any:
        """The answer of one of the six calls."""
        return self.method(method)(message(f"{method}Request")(**fields), timeout=timeout_s)

    def method(self, method: str) -> Any:
        """One of the calls, for those who have more to say than its request."""
        return self.channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=message(f"{method}Request").SerializeToString,
            response_deserializer=message(f"{method}Response").FromString,
        )

    def infer(self, *inputs: dict[str, Any], **fields: Any) -> Any:
        return self.call("ModelInfer", model_name="m", inputs=list(inputs), **fields)

    def refusal(self, method: str, **fields: Any) -> tuple[str, str]:
        """Code and sentence of a call that must fail."""
        try:
            answer = self.call(method, **fields)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        raise AssertionError(f"not refused: {answer}")


def typed(name: str, datatype: str, shape: Sequence[int], **contents: Sequence[Any]) -> dict[str, Any]:
    """One input with typed contents, such as fp32_contents=[1.0]."""
    return {"name": name, "datatype": datatype, "shape": list(shape), "contents": contents}


def bare(name: str, datatype: str, shape: Sequence[int]) -> dict[str, Any]:
    """One input whose values go into raw_input_contents."""
    return {"name": name, "datatype": datatype, "shape": list(shape)}


def dense_row(rows: int = 1) -> dict[str, Any]:
    """A request for `tiny_models.dense`, raw."""
    values = np.arange(rows * 4, dtype=np.float32)
    return {"model_name": "m", "inputs": [bare("X", "FP32", [rows, 4])], "raw_input_contents": [values.tobytes()]}


MIXED_ROWS = (
    typed("income", "FP32", [2, 1], fp32_contents=[float("nan"), 5.5]),
    typed("visits", "INT64", [2, 1], int64_contents=[1, 2]),
    typed("region", "BYTES", [2, 1], bytes_contents=[b"north", "Zürich".encode()]),
)
"""Two rows for `tiny_models.mixed`: their scores are 11.0 and 7.5."""
