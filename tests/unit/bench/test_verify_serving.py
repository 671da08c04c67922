"""How the bars of scoring are judged, on figures made up here: what was not seen is never ok."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.campaign import LIMIT, Case, Refusal, Result, Row
from bench.errors import BenchError
from bench.generator import Quantiles, Seen
from bench.wires import Figures
from verify import __main__ as command, serving
from verify.lines import Kept, Line

_CALM = Seen(2, 100, 0, 0, 1, {"200": Quantiles(100, 500, 1000, 1100, 1200)})


def _twice(**answers: Quantiles) -> Seen:
    return Seen(2, 2000, 0, 0, 1, {code.removeprefix("s"): seen for code, seen in answers.items()})


_ACCEPTED, _REFUSED = Quantiles(1000, 4000, 9000, 9900, 12000), Quantiles(1000, 700, 4900, 6000, 7000)
_SLOW, _LATE = Quantiles(1000, 4000, 11000, 12000, 12000), Quantiles(1000, 700, 5100, 6000, 7000)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (_twice(s200=_ACCEPTED, s503=_REFUSED), [True, True, True]),
        (_twice(s200=_SLOW, s503=_REFUSED), [True, False, True]),
        (_twice(s200=_ACCEPTED, s503=_LATE), [True, True, False]),
        (_twice(s200=_ACCEPTED), [False, True, False]),
        (_twice(s503=_REFUSED), [False, False, True]),
        (_twice(s200=_ACCEPTED, s503=_REFUSED, s500=_REFUSED), [False, True, True]),
        (Seen(2, 2000, 5, 0, 1, {"200": _ACCEPTED, "503": _REFUSED}), [False, True, True]),
        (Seen(2, 2000, 0, 1, 1, {"200": _ACCEPTED, "503": _REFUSED}), [False, True, True]),
    ],
    ids=["met", "accepted slow", "refused late", "none refused", "none accepted", "errors", "unsent", "broken"],
)
def test_overload_is_judged_by_what_came_back(seen: Seen, expected: list[bool]) -> None:
    lines = serving.judge_overload(_CALM, seen, "8,000/s")

    assert expected == [line.is_ok for line in lines]


def test_a_contender_without_figures_breaks_the_item_off(tmp_path: Path) -> None:
    figures = Figures(1000, 10, 20, 30, 10)
    result = Result(
        "boosting", (Row(LIMIT, Case(1, 0), figures),), {}, {}, (Refusal("mlserver", None, "it answers 3, not 4"),)
    )

    def item() -> Iterator[Line]:
        """One that fails."""
        yield Line("before", "1", "1", True)
        serving.figures_of(result, "mlserver", Case(1, 32))

    with pytest.raises(BenchError, match="it answers 3, not 4"):
        list(item())
    lines = command.measured("1", item, Kept(tmp_path), again=False)
    assert [True, False] == [line.is_ok for line in lines]
    assert "it answers 3, not 4" in lines[-1].what
    assert Kept(tmp_path).read("1") is None  # measured again the next time


def test_an_item_that_was_good_is_not_measured_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.write("1", [Line("good", "1", "1", True)])

    def item() -> Iterator[Line]:
        """Not to be asked."""
        raise AssertionError

    assert ["good"] == [line.what for line in command.measured("1", item, kept, again=False)]


def test_every_bar_is_described_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "verification.md").read_text().partition("## Scoring")[2]

    assert [] == [item for item in serving.SERVING if f"\n| {item} |" not in page]


@pytest.mark.parametrize(
    ("named", "expected"), [(None, ["1", "2a", "2b"]), ("2", ["2a", "2b"]), ("2b", ["2b"]), ("1", ["1"]), ("3", [])]
)
def test_an_item_is_named_whole_or_by_its_part(named: str | None, expected: list[str]) -> None:
    assert expected == command.chosen_of(["1", "2a", "2b"], named)
