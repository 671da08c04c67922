"""Over gRPC: ModelInfer with raw contents, written beforehand. Contenders that have gRPC speak the same protocol."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from tritonclient.grpc import service_pb2

from bench.errors import ContenderFailed
from bench.generator import call
from bench.place import NAME, Place
from bench.rows import Feeds
from bench.truth import Truth
from bench.wires import Figures, Outputs, Target

__all__ = ["GrpcWire"]

_METHOD = "/inference.GRPCInferenceService/ModelInfer"
_CHECK_EVERY = 4
_DEADLINE_S = 30.0
_TYPED = {"INT64": "int64_contents", "FP32": "fp32_contents"}
_NUMPY = {"INT64": np.int64, "FP32": np.float32}


@dataclass(frozen=True)
class GrpcWire:
    """ModelInfer at the place's gRPC port."""

    def write_bodies(self, batches: Sequence[Feeds], file: Path) -> None:
        """Each message behind its length in four bytes."""
        messages = [_request(feeds).SerializeToString() for feeds in batches]
        file.write_bytes(b"".join(struct.pack(">I", len(message)) + message for message in messages))

    def check(self, name: str, place: Place, batches: Sequence[Feeds], truth: Truth) -> None:
        """Every fourth message over one channel."""
        with grpc.insecure_channel(f"127.0.0.1:{place.grpc_port}") as channel:
            infer = channel.unary_unary(
                _METHOD,
                request_serializer=service_pb2.ModelInferRequest.SerializeToString,
                response_deserializer=service_pb2.ModelInferResponse.FromString,
            )
            for feeds in batches[::_CHECK_EVERY]:
                try:
                    answer = infer(_request(feeds), timeout=_DEADLINE_S, wait_for_ready=True)
                except grpc.RpcError as error:
                    raise ContenderFailed(f"{name} gave no answer over gRPC: {str(error)[:300]}") from error
                truth.check(name, feeds, _outputs(answer))

    def closed_loop(self, target: Target, *, connections: int, seconds: int) -> Figures:
        """Callers on connections of their own."""
        seen, usage = call(target, connections=connections, seconds=seconds)
        if set(seen.answers) != {"OK"}:
            raise ContenderFailed(f"{target.server.name}: calls failed under load: {sorted(seen.answers)}")
        return seen.figures(usage, "OK")

    def paced(self, target: Target, *, per_s: float, connections: int, seconds: int) -> Figures | None:
        """There is no paced load over gRPC."""
        return None


def _request(feeds: Feeds) -> service_pb2.ModelInferRequest:
    request = service_pb2.ModelInferRequest(model_name=NAME)
    for name, array in feeds.items():
        is_text = array.dtype == object
        request.inputs.add(name=name, datatype="BYTES" if is_text else "FP32", shape=array.shape)
        request.raw_input_contents.append(_words(array) if is_text else array.tobytes())
    return request


def _words(array: np.ndarray) -> bytes:
    encoded = [str(word).encode() for word in array.reshape(-1)]
    return b"".join(struct.pack("<I", len(word)) + word for word in encoded)


def _outputs(answer: service_pb2.ModelInferResponse) -> Outputs:
    if answer.raw_output_contents:
        raw = zip(answer.outputs, answer.raw_output_contents, strict=True)
        return {output.name: np.frombuffer(content, _NUMPY[output.datatype]) for output, content in raw}
    return {
        output.name: np.array(getattr(output.contents, _TYPED[output.datatype]), _NUMPY[output.datatype])
        for output in answer.outputs
    }
