"""The short form of `make bench-serving`: one round with real processes. No figure is judged."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import __main__ as command, campaign
from bench.campaign import LIMIT, Case, Effort
from bench.contenders import CONTENDERS, our_plan
from bench.cores import the_cores
from bench.place import Place
from bench.process import StartPlan
from bench.reference import ensure
from bench.wire_http import ensure_wrk


@pytest.fixture(autouse=True)
def _with_wrk() -> None:
    ensure_wrk()


def test_a_short_round_writes_table_json_and_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--models", "scorecard", "--contenders", "bankmodel", "--rounds", "1", "--seconds", "1"]
    monkeypatch.setattr("sys.argv", ["bench", "serving", *arguments, "--output", str(tmp_path)])

    assert 0 == command.main()
    rows = json.loads((tmp_path / "serving.json").read_text())["results"][0]["rows"]
    assert {LIMIT, "bankmodel"} == {row["contender"] for row in rows}
    assert all(row["figures"]["per_s"] > 0 and row["figures"]["cpu_us"] > 0 for row in rows)
    assert (tmp_path / "serving.md").read_text() == capsys.readouterr().out
    assert (tmp_path / "serving.svg").read_text().startswith("<svg")


def test_a_contender_that_answers_wrongly_gets_no_figure(tmp_path: Path) -> None:
    other = ensure("forest")

    def starts_another_model(place: Place) -> StartPlan:
        return our_plan(replace(place, model=other))

    wrong = replace(CONTENDERS["bankmodel"], plan=starts_another_model)
    result = campaign.measure(
        ensure("mlp"),
        [wrong],
        [Case(1, 32)],
        effort=Effort(rounds=1, seconds=1),
        cores=the_cores(),
        folder=tmp_path,
        say=lambda _: None,
    )

    assert [LIMIT] == [row.contender for row in result.rows]
    assert [("bankmodel", None)] == [(each.contender, each.case) for each in result.refused]
    assert "session.run" in result.refused[0].why
