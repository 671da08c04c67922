"""What a sample may be: a file with a header and rows, or a DataFrame; everything else is refused with a remedy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bankmodel.errors import UsageError
from bankmodel.samples import is_text, read_sample

_REFUSED = {
    "empty": (b"", "can't be read: No columns to parse from file; give comma-separated UTF-8 with a header line"),
    "another encoding": ("a,b\nMünchen,1\n".encode("utf-16"), "can't be read: 'utf-8' codec"),
    "a broken row": (b"a,b\n1,2\n1,2,3\n", "can't be read: Error tokenizing data"),
    "a header alone": (b"a,b\n", "the sample has 0 rows; give at least 2"),
}


@pytest.mark.parametrize(("content", "message"), _REFUSED.values(), ids=_REFUSED)
def test_unreadable_file_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_bytes(content)
    with pytest.raises(UsageError) as refusal:
        read_sample(tmp_path / "sample.csv")

    assert message in str(refusal.value)


def test_columns_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="columns of the same name: a; rename or drop"):
        read_sample(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]))


def test_dates_are_refused() -> None:
    with pytest.raises(UsageError, match="column 'day' holds dates"):
        read_sample(pd.DataFrame({"day": pd.to_datetime(["2026-01-01", "2026-01-02"])}))


def test_named_columns_stay_text(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text("branch,amount\n007,1\n,2\n")
    frame = read_sample(tmp_path / "sample.csv", text=["branch", "elsewhere"]).frame

    assert ["007", True] == [frame["branch"][0], pd.isna(frame["branch"][1])]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.Series(["a", None]), True),
        (pd.Series(["a", "b"], dtype="category"), True),
        (pd.Series([1, 2], dtype="category"), False),
        (pd.Series([True, False]), False),
        (pd.Series([1.5, np.nan]), False),
    ],
    ids=["text", "categories of text", "categories of numbers", "booleans", "numbers"],
)
def test_text_is_told_from_numbers(values: pd.Series, expected: bool) -> None:
    assert expected == is_text(values)
