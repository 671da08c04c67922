"""The messages are the protocol's, and what is committed is what protoc makes of inference.proto."""

import base64
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from tritonclient.grpc import service_pb2

from bankmodel_serving.grpc_port.inference_descriptor import INFERENCE_PROTO
from bankmodel_serving.grpc_port.messages import POOL, SERVICE
from support.inference_proto import compiled

_NOT_TRITONS = "ModelMetadataResponse.properties"
"""In the specification (6), and not in Triton's variant of it."""


def test_the_committed_descriptor_is_what_protoc_makes() -> None:
    # else: make proto
    assert compiled() == FileDescriptorProto.FromString(base64.b64decode(INFERENCE_PROTO))


def test_every_field_is_the_one_that_tritons_client_knows() -> None:
    ours = POOL.FindFileByName("inference.proto").message_types_by_name
    theirs = service_pb2.DESCRIPTOR.message_types_by_name
    expected = {name: dict(_fields(theirs[name], name)) for name in ours}
    expected["ModelMetadataResponse"][_NOT_TRITONS] = (6, "repeated", "message")

    assert expected == {name: dict(_fields(ours[name], name)) for name in ours}


def test_the_service_has_the_six_calls() -> None:
    calls = {method.name for method in POOL.FindServiceByName(SERVICE).methods}

    assert {"ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer"} == calls


def _fields(descriptor: Any, where: str) -> Iterator[tuple[str, tuple[int, str, str]]]:
    """Path to number, repetition and type; messages inside of messages included."""
    proto = FileDescriptorProto().message_type.add()
    descriptor.CopyToProto(proto)
    for field in proto.field:
        kind = field.Type.Name(field.type).removeprefix("TYPE_").lower()
        yield f"{where}.{field.name}", (field.number, "repeated" if field.label == field.LABEL_REPEATED else "", kind)
    for nested in descriptor.nested_types:
        if not nested.GetOptions().map_entry:
            yield from _fields(nested, f"{where}.{nested.name}")
