"""onnxruntime must not report to its vendor: seen from outside, by the device id it keeps in the home directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import tiny_models

CASES = {
    "ours": ("from bankmodel_serving.engine import Engine; Engine.load", False),
    # if this one ceases to leave its trace, the one above proves nothing any more
    "left alone": ("import onnxruntime; onnxruntime.InferenceSession", True),
}


@pytest.mark.parametrize(("load", "is_traced"), CASES.values(), ids=CASES)
def test_only_onnxruntime_left_alone_leaves_a_trace_of_telemetry(load: str, is_traced: bool, tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    home = tmp_path / "home"
    home.mkdir()
    kept = {key: value for key, value in os.environ.items() if key not in ("CI", "ORT_DISABLE_TELEMETRY")}
    code = f"import sys; {load}(sys.argv[1])"

    subprocess.run([sys.executable, "-c", code, model.path], env={**kept, "HOME": str(home)}, check=True, timeout=60)

    assert is_traced == any(home.rglob("*.db"))
