"""The OpenAPI document says what is true: schemathesis asks the running server for all that it promises."""

import os
import subprocess
import sys
from pathlib import Path

from support.scoring_process import MIXED_ROWS, ScoringProcess

_TESTS = Path(__file__).parents[1]
_TIME_S = 200


def test_schemathesis_finds_nothing_that_the_document_does_not_say(mixed: ScoringProcess, tmp_path: Path) -> None:
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"http://127.0.0.1:{mixed.port}/openapi.json"),
        *("--phases", "coverage,fuzzing", "--max-examples", "40", "--seed", "20261124", "--no-color"),
    ]
    hooks = {"SCHEMATHESIS_HOOKS": "support.openapi_hooks", "PYTHONPATH": str(_TESTS)}
    found = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **hooks}, capture_output=True, text=True, timeout=_TIME_S, check=False
    )

    assert 0 == found.returncode, found.stdout[-8000:] + found.stderr[-2000:]
    assert 200 == mixed.infer(*MIXED_ROWS).status
