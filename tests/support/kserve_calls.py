"""kserve's clients at work, in an environment of their own: call the server on PORT and GRPC_PORT and print what they got as JSON.

Run by tests/serving_system/test_kserve.py. The model is `tiny_models.mixed`.
"""

import asyncio
import json
import sys
from typing import Any

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

_DEADLINE_S = 60.0
_COLUMNS = (
    ("income", "FP32", np.array([[np.nan], [5.5]], np.float32)),
    ("visits", "INT64", np.array([[1], [2]])),
    ("region", "BYTES", np.array([[b"north"], ["Zürich".encode()]], dtype=object)),
)


def _request(binary: bool, parameters: dict[str, Any] | None = None) -> InferRequest:
    inputs = []
    for name, datatype, values in _COLUMNS:
        tensor = InferInput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        inputs.append(tensor)
    return InferRequest(model_name="m", infer_inputs=inputs, request_id="k-1", parameters=parameters)


def _shown(answer: Any) -> dict[str, Any]:
    sha256 = answer.parameters["sha256"]
    return {
        "id": answer.id,
        "sha256": getattr(sha256, "string_param", sha256),  # over gRPC a message
        "score": answer.outputs[0].as_numpy().reshape(-1).tolist(),
        "datatypes": [output.datatype for output in answer.outputs],
        "shapes": [list(output.shape) for output in answer.outputs],
    }


async def _calls(url: str) -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0, timeout=20))
    forms = {
        "JSON": _request(False),
        "binary": _request(True),
        "binary both ways": _request(True, {"binary_data_output": True}),
        "binary back": _request(False, {"binary_data_output": True}),
    }
    found: dict[str, Any] = {name: _shown(await client.infer(url, one, "m")) for name, one in forms.items()}
    found["live"] = await client.is_server_live(url)
    found["ready"] = await client.is_server_ready(url)
    found["model ready"] = await client.is_model_ready(url, "m")
    headers: dict[str, str] = {}
    await client.infer(url, _request(True), "m", headers={"x-request-id": "gate-1"}, response_headers=headers)
    found["x-request-id"] = headers["x-request-id"]
    try:
        await client.infer(url, {"inputs": []}, "m")
    except httpx.HTTPStatusError as error:
        found["refused"] = [error.response.status_code, str(error)]
    await client.close()
    return found


async def _calls_over_grpc(address: str) -> dict[str, Any]:
    async with InferenceGRPCClient(address, timeout=20, retries=0) as client:
        forms = {"gRPC, typed": _request(False), "gRPC, raw": _request(True)}
        found: dict[str, Any] = {name: _shown(await client.infer(one)) for name, one in forms.items()}
        ready = (await client.is_server_live(), await client.is_server_ready(), await client.is_model_ready("m"))
        found["ready over gRPC"] = ready
        try:
            await client.infer(InferRequest(model_name="other", infer_inputs=_request(False).inputs))
        except grpc.RpcError as error:
            found["refused over gRPC"] = [error.code().name, error.details()]
    return found


async def _every_call(port: str, grpc_port: str) -> dict[str, Any]:
    return {**await _calls(f"http://127.0.0.1:{port}"), **await _calls_over_grpc(f"127.0.0.1:{grpc_port}")}


print(json.dumps(asyncio.run(asyncio.wait_for(_every_call(*sys.argv[1:]), _DEADLINE_S))))
