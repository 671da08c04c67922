"""Who is measured: how each is started with a reference model, and how it is asked."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import peers, rows
from bench.place import NAME, VERSION, Place
from bench.process import StartPlan, http_ready
from bench.wire_grpc import GrpcWire
from bench.wire_http import V2_PATH, HttpWire
from bench.wires import Outputs, Wire

__all__ = ["CONTENDERS", "OURS", "Contender", "our_plan"]

OURS = "bankmodel"
_REVISION = "bench"


@dataclass(frozen=True)
class Contender:
    """One row of the table."""

    name: str
    title: str
    plan: Callable[[Place], StartPlan]
    wire: Wire


def our_plan(place: Place, *flags: str) -> StartPlan:
    """This server as a pod has it: digest checked, card read, metrics and limits on, a routing table that names it stable."""
    table = place.folder / "routing.json"
    version = "serving.bankmodel.io/routing.v1"
    table.write_text(json.dumps({"apiVersion": version, "model": NAME, "generation": 1, "stable": _REVISION}))
    words = [
        *(str(Path(sys.executable).with_name("bankmodel-serving")), "--model", str(place.model.path)),
        *("--name", NAME, "--sha256", place.model.sha256, "--model-version", VERSION, "--revision", _REVISION),
        *("--routing", str(table), "--host", "127.0.0.1", "--port", str(place.port)),
        *("--metrics-port", str(place.metrics_port), "--drain-delay", "0", *flags),
    ]
    termination = {"BANKMODEL_TERMINATION_LOG": str(place.folder / "termination")}
    return StartPlan(words, http_ready(place.port, "/v2/health/ready"), termination)


def _our_grpc_plan(place: Place) -> StartPlan:
    return our_plan(place, "--grpc-port", str(place.grpc_port))


def _v2_outputs(answer: bytes) -> Outputs:
    return {each["name"]: _array(each["data"]).reshape(each["shape"]) for each in json.loads(answer)["outputs"]}


def _named_outputs(answer: bytes) -> Outputs:
    return {name: _array(data) for name, data in json.loads(answer).items()}


def _array(data: list[Any]) -> np.ndarray:
    return np.array(data, dtype=None if data and isinstance(data[0], int) else np.float32)


_V2 = HttpWire(V2_PATH, rows.v2_body, _v2_outputs)
_RECORDS = HttpWire("/score", rows.record_body, _named_outputs)

CONTENDERS: Mapping[str, Contender] = {
    each.name: each
    for each in (
        Contender(OURS, "bankmodel-serving", our_plan, _V2),
        Contender("fastapi", "FastAPI + onnxruntime", peers.fastapi, _RECORDS),
        Contender("mlserver", "MLServer", peers.mlserver, _V2),
        Contender("kserve", "KServe's Python server", peers.kserve, _V2),
        Contender("bentoml", "BentoML", peers.bentoml, _RECORDS),
        Contender("bankmodel-grpc", "bankmodel-serving, gRPC", _our_grpc_plan, GrpcWire()),
        Contender("mlserver-grpc", "MLServer, gRPC", peers.mlserver, GrpcWire()),
        Contender("kserve-grpc", "KServe's Python server, gRPC", peers.kserve, GrpcWire()),
        Contender("pytriton", "Triton (pytriton, Python backend)", peers.pytriton, _V2),
        Contender("pytriton-grpc", "Triton (pytriton, Python backend), gRPC", peers.pytriton, GrpcWire()),
    )
}
