"""Asks a model once over gRPC, with a body as REST takes it. Runs inside a pod of the scoring image, which has grpcio and the messages.

    python3 grpc_call.py HOST:PORT --bodies FILE [--ca FILE]

Sends the first body of FILE, and prints one JSON object: model, version, sha256 and the values of each output. --ca: over TLS.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import grpc

from bankmodel_serving.grpc_port.messages import SERVICE, message
from bankmodel_serving.grpc_port.reading import TYPED_FIELDS

_DEADLINE_S = 60.0


def ask(address: str, body: dict[str, Any], ca: bytes | None) -> dict[str, Any]:
    """One ModelInfer, as soon as there is a connection."""
    credentials = None if ca is None else grpc.ssl_channel_credentials(ca)
    opened = grpc.insecure_channel(address) if credentials is None else grpc.secure_channel(address, credentials)
    with opened as channel:
        inputs = [_tensor(each) for each in body["inputs"]]
        request = message("ModelInferRequest")(model_name=address.partition(":")[0].partition(".")[0], inputs=inputs)
        call = channel.unary_unary(
            f"/{SERVICE}/ModelInfer",
            request_serializer=message("ModelInferRequest").SerializeToString,
            response_deserializer=message("ModelInferResponse").FromString,
        )
        answer = call(request, timeout=_DEADLINE_S, wait_for_ready=True)
    return {
        "model_name": answer.model_name,
        "model_version": answer.model_version,
        "sha256": answer.parameters["sha256"].string_param,
        "outputs": {each.name: _values(each) for each in answer.outputs},
    }


def _tensor(tensor: dict[str, Any]) -> dict[str, Any]:
    """Typed contents; null is NaN, which numbers alone have."""
    named = {key: tensor[key] for key in ("name", "datatype", "shape")}
    values = [float("nan") if value is None else value for value in tensor["data"]]
    sent = [value.encode() if isinstance(value, str) else value for value in values]
    return {**named, "contents": {TYPED_FIELDS[tensor["datatype"]]: sent}}


def _values(output: Any) -> list[Any]:
    found = getattr(output.contents, TYPED_FIELDS[output.datatype])
    return [value.decode() if isinstance(value, bytes) else value for value in found]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--bodies", type=Path, required=True)
    parser.add_argument("--ca", type=Path)
    given = parser.parse_args()
    body = json.loads(given.bodies.read_text().splitlines()[0])
    print(json.dumps(ask(given.address, body, given.ca.read_bytes() if given.ca else None)))


if __name__ == "__main__":
    main()
