"""The protocol's messages as classes, made at import from what protoc compiled.

In a pool of their own: protobuf refuses a second `package inference` in one process, and whoever imports this beside
a client of the protocol (tritonclient brings the same names) would not get past the import. No generated classes:
those bind a file to the protobuf versions above the one that wrote it.
"""

import base64
from functools import cache
from typing import Any

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from bankmodel_serving.grpc_port.inference_descriptor import INFERENCE_PROTO

__all__ = ["POOL", "SERVICE", "message"]

SERVICE = "inference.GRPCInferenceService"
POOL = DescriptorPool()
POOL.AddSerializedFile(base64.b64decode(INFERENCE_PROTO))
# Reflection tells from this pool, and gRPC's own services are asked about as well.
POOL.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
POOL.AddSerializedFile(reflection_pb2.DESCRIPTOR.serialized_pb)


@cache
def message(name: str) -> Any:
    """The class of one message, such as `ModelInferRequest`. Untyped: protobuf makes its fields at run time."""
    return GetMessageClass(POOL.FindMessageTypeByName(f"inference.{name}"))
