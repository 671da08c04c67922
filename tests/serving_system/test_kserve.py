"""kserve's REST client against the running server. It lives in an environment of its own, made by the first run."""

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
    """What the client got; it takes seconds to import, so it is started once."""
    command = [str(kserve_python()), str(_CALLS), str(mixed.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)

    assert 0 == done.returncode, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("form", ["JSON", "binary", "binary both ways", "binary back"])
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


def test_it_gets_its_request_id_back(found: Any) -> None:
    assert "gate-1" == found["x-request-id"]


def test_it_shows_the_caller_what_is_wrong(found: Any) -> None:
    status, message = found["refused"]

    assert 400 == status
    assert "inputs must be a list of at least one tensor" in message
