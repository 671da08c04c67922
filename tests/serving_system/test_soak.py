"""Memory stays flat under scores, mistakes and callers that break off. `make soak-serving` is the long form."""

from pathlib import Path

from soak.traffic import soak
from support import tiny_models
from support.scoring_process import ScoringProcess


def test_memory_is_flat_over_a_hundred_thousand_requests(tmp_path: Path) -> None:
    model = tiny_models.save(tiny_models.dense(), tmp_path / "model.onnx")
    with ScoringProcess(model, "--queue-time", "600") as server:
        memory = soak(server, 100_000)
        level = (
            server.metric_becomes("bankmodel_connections", 0),
            server.metric_becomes("bankmodel_inflight_requests", 0),
        )

    assert {200, 400, 404} == set(memory.statuses)
    assert sum(memory.statuses.values()) >= 100_000
    assert memory.growth_mib < 16  # a leak of 200 bytes a request would be 16
    assert (0, 0) == level
