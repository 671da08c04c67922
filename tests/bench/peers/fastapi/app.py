"""FastAPI and onnxruntime as people write it: a pydantic model, a session, a dict. Run by uvicorn with one worker."""

import os
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

_OPTIONS = onnxruntime.SessionOptions()
_OPTIONS.intra_op_num_threads = 1
_SESSION = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], _OPTIONS, providers=["CPUExecutionProvider"])
_INPUTS = {each.name: object if "string" in each.type else np.float32 for each in _SESSION.get_inputs()}
_OUTPUTS = [each.name for each in _SESSION.get_outputs()]

app = FastAPI()


class Request(BaseModel):
    """Rows of numbers, or records where columns have names."""

    rows: list[list[float]] | list[dict[str, float | str | None]]


@app.get("/ready")
async def ready() -> dict[str, bool]:
    """The session is loaded on import."""
    return {"ready": True}


@app.post("/score")
async def score(request: Request) -> dict[str, Any]:
    """All outputs, by name. `async def`: in the thread pool of a plain `def` it is slower."""
    answers = _SESSION.run(_OUTPUTS, _feeds(request.rows))
    return {name: array.tolist() for name, array in zip(_OUTPUTS, answers, strict=True)}


def _feeds(rows: list[Any]) -> dict[str, np.ndarray]:
    if isinstance(rows[0], list):
        return {"X": np.array(rows, dtype=np.float32)}
    return {name: np.array([[row[name]] for row in rows], dtype=kind) for name, kind in _INPUTS.items()}
