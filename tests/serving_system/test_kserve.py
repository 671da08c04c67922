"""kserve's REST and gRPC clients against the running server. They live in an environment of their own, made by the first run."""

import json
import subprocess
from typing import Any

import pytest

from cluster.paths import CHECKOUT
from support.kserve_environment import kserve_python
from support.scoring_process import ScoringProcess

_CALLS = CHECKOUT / "tests" / "support" / "kserve_calls.py"


@pytest.fixture(scope="session")
def found(mixed: ScoringProcess) -> Any:
    """What the clients got; they take seconds to import, so they are started once."""
    command = [str(kserve_python()), str(_CALLS), str(mixed.port), str(mixed.grpc_port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)

    assert 0 == done.returncode, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("form", ["JSON", "binary", "binary both ways", "binary back", "gRPC, typed", "gRPC, raw"])
def test_it_is_answered_in_every_form(mixed: ScoringProcess, found: Any, form: str) -> None:
    expected = {
        "id": "k-1",
        "sha256": mixed.sha256,
        "score": [11.0, 7.5],
        "datatypes": ["FP32", "BYTES"],
        "shapes": [[2, 1], [2, 1]],
    }

    assert expected == found[form]


def test_it_finds_the_server_and_the_model_ready(found: Any) -> None:
    assert [True, True, True] == [found[what] for what in ("live", "ready", "model ready")]
    assert [True, True, True] == found["ready over gRPC"]


def test_it_gets_its_request_id_back(found: Any) -> None:
    assert "gate-1" == found["x-request-id"]


def test_it_shows_the_caller_what_is_wrong(found: Any) -> None:
    status, message = found["refused"]
    code, details = found["refused over gRPC"]

    assert (400, "NOT_FOUND") == (status, code)
    assert "inputs must be a list of at least one tensor" in message
    assert "other" in details
