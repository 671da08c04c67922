"""Checks: what people write is read to the digit, and written back the same."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from bankmodel_operator.api.limits import (
    format_number,
    format_percent,
    format_short_time,
    parse_number,
    parse_percent,
    parse_short_time,
)
from bankmodel_operator.api.structural import structural
from bankmodel_operator.api.v1alpha1.checks import DEFAULT_CHECKS, Check, OnNoData

WRITTEN: list[dict[str, Any]] = [
    {"name": "errors", "errorRate": {"max": "1%"}, "critical": True},
    {"name": "latency", "latency": {"quantile": "0.99", "max": "20ms", "maxRatioToStable": "1.5"}},
    {"name": "scores", "scoreShift": {"against": "Card", "maxPSI": "0.2"}},
    {"name": "flips", "decisionFlips": {"max": "2%", "cutoff": "0.5"}},
    {"name": "fallbacks", "fallbackRate": {"max": "0.125%"}},
    {"name": "missing", "missingRate": {"max": "5%", "inputs": ["income"]}, "minRequests": 50},
    {"name": "custom", "prometheus": {"address": "https://p.example", "query": "up", "min": "-1.5", "max": "2"}},
]


@pytest.mark.parametrize("written", WRITTEN, ids=lambda each: each["name"])
def test_a_check_is_written_back_as_it_was_read(written: dict[str, Any]) -> None:
    check = Check.model_validate(written)

    assert written == check.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def test_limits_are_exact() -> None:
    assert Decimal("0.005") == parse_percent("0.5%")
    assert Decimal("1.5") == parse_number("1.5")
    assert timedelta(milliseconds=20) == parse_short_time("20ms")


@pytest.mark.parametrize("value", [0.01, 1, "0.01", "1 %", "101%", "-1%", "100.5%", "", None, "1%\n"], ids=repr)
def test_what_is_no_percentage_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="such as 1% or"):
        parse_percent(value)


@pytest.mark.parametrize("value", [1.5, 1, True, "1e3", "NaN", "inf", ".5", "", None], ids=repr)
def test_what_is_no_number_in_quotes_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="in quotes"):
        parse_number(value)


@pytest.mark.parametrize("value", [20, "20", "20m", "1.5s", "-1s", ""], ids=repr)
def test_what_is_no_short_time_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="such as 20ms"):
        parse_short_time(value)


@given(st.integers(0, 100_000))
def test_percentages_read_back(thousandths: int) -> None:
    share = Decimal(thousandths) / 100_000

    assert share == parse_percent(format_percent(share))


@given(st.decimals(-(10**12) + 1, 10**12 - 1, places=6))
def test_numbers_read_back(number: Decimal) -> None:
    assert number == parse_number(format_number(number))


@given(st.integers(1, 999_999))
def test_short_times_read_back(microseconds: int) -> None:
    value = timedelta(microseconds=microseconds)

    assert value == parse_short_time(format_short_time(value))


def test_the_defaults_are_an_error_rate_and_a_latency_relative_to_stable() -> None:
    expected = [
        {"name": "errors", "errorRate": {"max": "1%"}},
        {"name": "latency", "latency": {"quantile": "0.95", "maxRatioToStable": "1.5"}},
    ]

    assert expected == [each.model_dump(mode="json", by_alias=True, exclude_defaults=True) for each in DEFAULT_CHECKS]


def test_without_data_a_rollout_holds() -> None:
    assert (timedelta(hours=24), "Hold") == (OnNoData().after, OnNoData().action)


def test_a_float_of_yaml_is_no_limit() -> None:
    with pytest.raises(ValidationError, match="in quotes"):
        Check.model_validate({"name": "x", "scoreShift": {"against": "Card", "maxPSI": 0.2}})


def test_the_schema_is_structural() -> None:
    schema = structural(Check.model_json_schema())

    assert {"name"} == set(schema["required"])
    assert "maxPSI" in schema["properties"]["scoreShift"]["properties"]
