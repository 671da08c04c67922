"""A model with few callers: slowly, but it gets there, and nothing is judged before its time."""

from __future__ import annotations

from datetime import timedelta

from support.few_callers import quiet_trial

_A_REQUEST_EVERY_S = 180


def test_a_sound_model_with_20_requests_an_hour_gets_through() -> None:
    steps = [{"weight": 25, "hold": "10m"}, {"weight": 50, "hold": "10m"}]
    quiet = quiet_trial(every_s=_A_REQUEST_EVERY_S, look_s=120, shadow={"hold": "30m"}, steps=steps, minRequests=50)

    assert "2" == quiet.simulation.model["status"]["stable"]["version"]
    assert "rejected" not in quiet.simulation.model["status"]
    assert ["Preparing", "shadow", "25 %", "50 %", "100 %", "Baking", "Draining", "Serving"] == list(quiet.way)
    least = timedelta(seconds=50 * _A_REQUEST_EVERY_S)
    assert quiet.way["25 %"] - quiet.way["shadow"] >= least
    assert quiet.way["50 %"] - quiet.way["25 %"] >= 3.5 * least
    assert quiet.way["100 %"] - quiet.way["50 %"] >= 1.9 * least
