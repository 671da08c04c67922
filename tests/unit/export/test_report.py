"""The report: one page that stands by itself, says the verdict first, draws the evidence and escapes what others named."""

import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from bankmodel.errors import ParityError, UsageError
from bankmodel.exporting.export import export
from bankmodel.exporting.report.charts import difference_chart, score_chart
from support.command import Command
from support.fitted import applications, decisions, fitted

_SVG = ".//svg"


def _parsed(page: str) -> ElementTree.Element:
    """Every element is closed, every attribute quoted: whatever reads HTML or XML sees the same page."""
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def _words(page: str) -> str:
    return " ".join(" ".join(_parsed(page).find("body").itertext()).split())  # type: ignore[union-attr]  # it has one


def _exported(folder: Path) -> str:
    """The page of an export that was judged good."""
    export(
        fitted("histogram boosting", scaled=True),
        applications(),
        folder / "model.onnx",
        name="mortgage-approval",
        version="2026.11",
        trained_at=datetime(2026, 11, 1, tzinfo=UTC),
        hard_rows=2_000,
        report=folder / "report.html",
    )
    return (folder / "report.html").read_text()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _exported(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "refused.html"
    with pytest.raises(ParityError):
        export(fitted("voting", scaled=True), applications(), path.with_suffix(".onnx"), report=path)
    return path.read_text()


@pytest.fixture(scope="module", params=["good", "refused"])
def page(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_page_needs_nothing_from_elsewhere_and_runs_nothing(page: str) -> None:
    names = {each.tag for each in _parsed(page).iter()}
    attributes = {name for each in _parsed(page).iter() for name in each.attrib}

    assert set() == names & {"script", "img", "link", "iframe", "object", "embed", "base"}
    assert set() == attributes & {"src", "href", "srcset", "style", "onload", "onclick"}
    assert not re.search(r"url\(|@import|https?:", page)
    assert "default-src 'none'" in page


def test_every_picture_is_told_in_words(page: str) -> None:
    pictures = _parsed(page).findall(_SVG)

    assert pictures
    assert [] == [each for each in pictures if each.find("title") is None or not each.find("desc").text]  # type: ignore[union-attr]  # just asked
    assert {"img"} == {each.get("role") for each in pictures}


def test_page_is_made_for_paper_and_for_the_night(page: str) -> None:
    assert "size: A4" in page
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize(
    "said",
    [
        "mortgage-approval 2026.11",
        "The ONNX file scores as the pipeline does",
        "all 2,000 hard rows are alike",
        "exact trees",
        "Rounding the inputs as they are sent moves 951 rows of the pipeline alone, at most by 0.41",
        "sample: pipeline and file 1,989 0",
        "scikit-learn",
        "loanamt FP32 imputed 0",
        "property BYTES imputed 181",
    ],
)
def test_good_page_says(said: str, good: str) -> None:
    assert said in _words(good)


def test_verdict_comes_first(good: str, refused: str) -> None:
    assert "The ONNX file scores as the pipeline does" in _words(good)[:200]
    assert "Refused: nothing was written" in _words(refused)[:200]


def test_refused_page_shows_the_rows_that_flip_with_what_was_put_in(refused: str) -> None:
    rows = [each for each in _parsed(refused).iter("tr") if each.find(".//span[@class='inputs']") is not None]
    first = " ".join("".join(rows[0].itertext()).split())

    assert 20 == len(rows)
    assert first.endswith("flips")
    assert "loanamt" in first
    assert "Hard rows were not tried" in _words(refused)


def test_number_of_rings_is_the_number_of_rows_that_are_off() -> None:
    scores = np.linspace(0, 1, 50)
    answered = np.where(np.arange(50) < 7, scores + 0.1, scores)
    drawn = ElementTree.fromstring(
        score_chart("x", scores, answered, is_off=answered != scores, cutoff=0.5, reach=(0, 1))
    )

    assert 7 == len(drawn.findall("circle"))
    assert "7 are off" in str(drawn.findtext("desc"))


def test_each_difference_is_counted_once_and_those_beyond_the_tolerance_are_marked() -> None:
    sizes = np.array([0, 0, 0, 5e-10, 2e-8, 1e-5, 1.1e-5, 0.5, 3.0, np.inf])
    drawn = ElementTree.fromstring(difference_chart("x", sizes, 1e-5))
    said = str(drawn.findtext("desc"))
    beyond = [each for each in drawn.findall("rect") if each.get("class") == "beyond" and float(each.get("height", 0))]

    assert "0: 3, 1e-9: 1, 1e-7: 1, 1e-5: 1, 1e-4: 1, 1: 1, more: 2" in said
    assert 3 == len(beyond)


def test_names_that_look_like_markup_are_text(tmp_path: Path) -> None:
    odd = '<script>alert("x")</script>'
    frame = pd.DataFrame({odd: applications()["price"], "b & c": applications()["loanamt"]})
    pipeline = LogisticRegression(solver="liblinear").fit(frame, decisions())
    report = tmp_path / "report.html"
    export(pipeline, frame, tmp_path / "model.onnx", name="<b>bold</b>", hard_rows=100, report=report)

    assert "<script" not in report.read_text()
    assert f"{odd} FP32" in _words(report.read_text())
    assert "<b>bold</b>" in _words(report.read_text())


def test_regressor_has_a_page_too(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    export(fitted("regression"), applications(), tmp_path / "model.onnx", hard_rows=500, report=report)

    assert "the prediction" in _words(report.read_text())
    assert "no decisions are taken" in _words(report.read_text())


def test_same_export_gives_the_same_page(good: str, tmp_path: Path) -> None:
    assert good == _exported(tmp_path)


def test_command_writes_it_and_says_where(bankmodel: Command, script: Path, sample: Path, tmp_path: Path) -> None:
    report = tmp_path / "refused.html"
    found = bankmodel(
        *("export", f"{script}:scaled_trees", "--sample", sample, "-o", tmp_path / "model.onnx", "--report", report)
    )

    assert 4 == found.code
    assert f"report {report}" in found.err
    assert "Refused" in report.read_text()


def test_place_that_can_t_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give a --report in a directory"):
        export(fitted("logistic"), applications(), tmp_path / "m.onnx", hard_rows=10, report="/proc/none/report.html")
