"""How a server comes up, or says why not, and what it does when the routing table changes."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from support import tiny_models
from support.scoring_process import DEADLINE_S, MIXED_ROWS, ScoringProcess, failed_start, matrix, post


def test_a_golden_mismatch_stays_up_and_is_never_ready(tmp_path: Path) -> None:
    card = tiny_models.mixed_card(golden=tiny_models.mixed_golden(second_score=99.0))
    model = tiny_models.save(tiny_models.mixed(), tmp_path / "model.onnx", card)
    with ScoringProcess(model) as server:
        answers = [
            server.get("/readyz", server.metrics_port),
            server.get("/v2/health/ready"),
            server.get("/v2/models/m/ready"),
            server.infer(*MIXED_ROWS),
        ]
        alive = server.get("/livez", server.metrics_port).status

    assert [503] * 4 == [answer.status for answer in answers]
    assert ["GoldenVectorsFailed"] * 4 == [answer.json["reason"] for answer in answers]
    assert "expected 99.0, got 22.0" in answers[0].json["message"]
    assert 200 == alive


def test_another_digest_ends_the_start_with_its_reason(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    code, words, _ = failed_start(model, sha256="0" * 64)

    assert (1, "DigestMismatch") == (code, words["reason"])
    assert model.sha256 in words["message"]


@pytest.mark.parametrize(
    ("card", "arguments", "code", "reason"),
    [
        ("{", (), 1, "ModelInvalid"),
        (None, ("--port", "none"), 2, "SettingsInvalid"),
    ],
    ids=["an unreadable card", "a wrong setting"],
)
def test_a_start_that_fails_says_why(
    card: str | None, arguments: tuple[str, ...], code: int, reason: str, tmp_path: Path
) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx", card)
    found, words, _ = failed_start(model, *arguments)

    assert (code, reason) == (found, words["reason"])


def _table(folder: Path, **fields: Any) -> None:
    document = {"apiVersion": "serving.bankmodel.io/routing.v1", "model": "m", "stable": None, **fields}
    (folder / "table.new").write_text(json.dumps(document))
    (folder / "table.new").replace(folder / "table.json")


def test_a_new_table_is_followed_without_a_restart(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    options = ("--revision", "aaaaaaaaaa", "--routing", str(tmp_path / "table.json"))
    with ScoringProcess(model, *options) as server:
        _table(tmp_path, generation=1, stable="aaaaaaaaaa", owner="mortgage", tier="High", purpose="credit")
        adopted = server.metric_becomes("bankmodel_routing_generation", 1)
        owned = server.metric("bankmodel_model_info", owner="mortgage", tier="High")
        properties = server.get("/v2/models/m").json["properties"]
        kept = _keeps_alive(server)
        _table(tmp_path, generation=2, stable="bbbbbbbbbb", superseded=["aaaaaaaaaa"])
        server.metric_becomes("bankmodel_routing_generation", 2)
        superseded_keeps = _keeps_alive(server)
        _table(tmp_path, generation=1, stable="aaaaaaaaaa")
        rejected = server.metric_becomes("bankmodel_routing_rejected_total", 1, reason="LowerGeneration")

    assert [1, 1, 1] == [adopted, owned, rejected]
    assert ["mortgage", "High", "credit"] == [properties[key] for key in ("owner", "tier", "purpose")]
    assert (True, False) == (kept, superseded_keeps)


def _keeps_alive(server: ScoringProcess) -> bool:
    body = json.dumps({"inputs": [matrix(1, 0)]}).encode()
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE_S) as client:
        client.sendall(post(body))
        found = client.recv(65536)
    assert found.startswith(b"HTTP/1.1 200 OK")
    return b"connection: close" not in found
