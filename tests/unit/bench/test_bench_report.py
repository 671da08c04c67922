"""The table of the benchmark, from figures made up here."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import report
from bench.campaign import LIMIT, Case, Effort, Refusal, Result, Row
from bench.wires import Figures

_LIMIT = Figures(per_s=1000, p50_us=1000, p99_us=2000, p999_us=3000, cpu_us=1000)
_OURS = Figures(per_s=410, p50_us=2000, p99_us=3000, p999_us=4000, cpu_us=2400, load_share=0.5)


def _result(ours: Figures = _OURS, refused: tuple[Refusal, ...] = ()) -> Result:
    rows = (Row(LIMIT, Case(1, 0), _LIMIT), Row("bankmodel", Case(1, 32), ours))
    return Result("boosting", rows, {"bankmodel": 0.4}, {"bankmodel": 70.4}, refused)


def test_the_table_has_a_row_for_each_figure_with_its_share_of_the_limit(tmp_path: Path) -> None:
    text = report.write([_result()], Effort(), tmp_path)

    assert "| bankmodel-serving | 1 | 32 | 410 | 41% | 2.000 | 3.000 | 4.000 | 2400.0 | 70 | 0.40 |" in text
    assert text + "\n" == (tmp_path / "serving.md").read_text()


def test_the_table_says_why_a_contender_has_no_figures(tmp_path: Path) -> None:
    text = report.write([_result(refused=(Refusal("bankmodel", None, "it answers\n 3, not 4"),))], Effort(), tmp_path)

    assert "- no figures for bankmodel-serving: it answers 3, not 4" in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"load_share": 0.99}, "the load generator's core was full (99%)"),
        ({"others_share": 0.3}, "other processes took 30% of the server's core"),
    ],
    ids=["load generator full", "core shared"],
)
def test_the_table_says_what_speaks_against_a_figure(tmp_path: Path, change: dict[str, float], says: str) -> None:
    text = report.write([_result(replace(_OURS, **change))], Effort(), tmp_path)

    assert says in text
    assert says not in report.write([_result()], Effort(), tmp_path)


def test_the_json_has_what_the_table_has(tmp_path: Path) -> None:
    report.write([_result()], Effort(rounds=5), tmp_path)
    document = json.loads((tmp_path / "serving.json").read_text())

    assert 5 == document["effort"]["rounds"]
    assert [1000, 410] == [row["figures"]["per_s"] for row in document["results"][0]["rows"]]


def test_the_picture_has_a_bar_for_each_contender(tmp_path: Path) -> None:
    report.write([_result()], Effort(), tmp_path)
    drawn = ElementTree.fromstring((tmp_path / "serving.svg").read_text())
    widths = [float(each.attrib["width"]) for each in drawn.iter() if each.attrib.get("height") == "20"]

    assert [420.0, 172.2] == widths
