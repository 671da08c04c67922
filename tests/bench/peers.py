"""What a bank could take instead, each started as its documentation says, with one worker, one thread of onnxruntime, no log of
single requests. Choices that cost them speed were avoided: no worker process behind MLServer, `async def` in FastAPI."""

import json
from collections.abc import Mapping
from pathlib import Path

from bench.environments import PEERS, environment
from bench.place import NAME, VERSION, Place
from bench.process import StartPlan, http_ready

__all__ = ["bentoml", "fastapi", "kserve", "mlserver", "pytriton"]

_LOOPBACK = "127.0.0.1"
_READY = "/v2/health/ready"


def fastapi(place: Place) -> StartPlan:
    """uvicorn with uvloop and httptools, as `uvicorn[standard]` brings them."""
    words = [*_program("fastapi", "uvicorn"), "app:app", "--host", _LOOPBACK, "--port", str(place.port)]
    return _plan("fastapi", [*words, "--no-access-log"], place, ready="/ready")


def bentoml(place: Place) -> StartPlan:
    """`bentoml serve`."""
    words = [*_program("bentoml", "bentoml"), "serve", "app:Scorer", "--host", _LOOPBACK, "--port", str(place.port)]
    env = {"BENTOML_HOME": str(place.folder / "home"), "BENTOML_DO_NOT_TRACK": "True"}
    return _plan("bentoml", words, place, ready="/readyz", env=env)


def kserve(place: Place) -> StartPlan:
    """A custom model in KServe's own server."""
    return _plan("kserve", [*_program("kserve", "python"), "app.py"], place, ready=_READY)


def mlserver(place: Place) -> StartPlan:
    """`mlserver start` with inference in the server's own process."""
    settings = {
        "name": NAME,
        "implementation": "app.OnnxRuntime",
        "parameters": {"uri": str(place.model.path), "version": VERSION},
    }
    (place.folder / "model-settings.json").write_text(json.dumps(settings))
    ports = {"HTTP": place.port, "GRPC": place.grpc_port, "METRICS": place.metrics_port}
    env = {f"MLSERVER_{kind}_PORT": str(port) for kind, port in ports.items()}
    env |= {"MLSERVER_HOST": _LOOPBACK, "MLSERVER_DEBUG": "false", "MLSERVER_PARALLEL_WORKERS": "0"}
    env |= {"PYTHONPATH": str(PEERS / "mlserver")}
    words = [*_program("mlserver", "mlserver"), "start", str(place.folder)]
    return _plan("mlserver", words, place, ready=_READY, env=env, folder=place.folder)


def pytriton(place: Place) -> StartPlan:
    """Triton's C++ server; the model runs in its Python backend, since that is the one backend in the package."""
    programs = environment("pytriton")
    # Its embedded interpreter takes the first python3 of the PATH for its own.
    env = {"PATH": f"{programs}:/usr/bin:/bin"}
    return _plan("pytriton", [str(programs / "python"), "app.py"], place, ready=f"/v2/models/{NAME}/ready", env=env)


def _program(peer: str, name: str) -> list[str]:
    return [str(environment(peer) / name)]


def _plan(
    peer: str,
    words: list[str],
    place: Place,
    *,
    ready: str,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> StartPlan:
    given = {
        "BENCH_MODEL": str(place.model.path),
        "BENCH_PORT": str(place.port),
        "BENCH_GRPC_PORT": str(place.grpc_port),
        "BENCH_METRICS_PORT": str(place.metrics_port),
        "PYTHONPATH": "",  # ours would show them our tests
    }
    return StartPlan(words, http_ready(place.port, ready), {**given, **(env or {})}, folder or PEERS / peer)
