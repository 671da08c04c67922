"""Durations: read as written, written as short as can be."""

from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from bankmodel_operator.api.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"), [("10m", 600), ("90s", 90), ("1h30m", 5400), ("0s", 0), ("24h", 86400), ("1h0m5s", 3605)]
)
def test_duration_is_read(written: str, seconds: int) -> None:
    assert timedelta(seconds=seconds) == parse_duration(written)


@pytest.mark.parametrize("written", ["", "10", "10 m", "1.5h", "-1m", "PT10M", "1d", "10ms", 600, None])
def test_what_is_no_duration_is_refused_by_name(written: object) -> None:
    with pytest.raises(ValueError, match="is no duration: write hours, minutes and seconds such as"):
        parse_duration(written)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**8).map(lambda seconds: timedelta(seconds=seconds)))
def test_written_duration_reads_back(value: timedelta) -> None:
    assert value == parse_duration(format_duration(value))
