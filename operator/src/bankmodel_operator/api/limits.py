"""Limits as people write them: shares in percent (`0.5%`), plain numbers (`1.5`) and short times (`20ms`).

Strings, never floats: YAML would make `0.1` of what was typed, and 1 could be one percent or all. `Decimal` inside, so that
what was written is what is shown and compared. Used by the models; the patterns are RE2 and Python alike.
"""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

__all__ = [
    "NUMBER_PATTERN",
    "PERCENT_PATTERN",
    "SHORT_TIME_PATTERN",
    "format_number",
    "format_percent",
    "format_short_time",
    "parse_number",
    "parse_percent",
    "parse_short_time",
]

PERCENT_PATTERN: Final = "^(100|[0-9]{1,2}([.][0-9]{1,3})?)%$"
NUMBER_PATTERN: Final = "^-?[0-9]{1,12}([.][0-9]{1,6})?$"
SHORT_TIME_PATTERN: Final = "^[0-9]{1,6}(us|ms|s)$"

_MICROSECONDS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}


def parse_percent(value: Any) -> Decimal:
    """Return the share (`1%` is 0.01); a Decimal passes through. Raise ValueError for anything else."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or re.fullmatch(PERCENT_PATTERN, value) is None:
        raise ValueError(f"{str(value)[:32]!r} is no share: write a percentage from 0% to 100%, such as 1% or 0.5%")
    return Decimal(value[:-1]) / 100


def format_percent(share: Decimal) -> str:
    return f"{format_number(share * 100)}%"


def parse_number(value: Any) -> Decimal:
    """Return the number; a Decimal passes through. Raise ValueError for anything else, a YAML number included."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or re.fullmatch(NUMBER_PATTERN, value) is None:
        raise ValueError(f"{str(value)[:32]!r} is no limit: write a number in quotes, such as '1.5' or '0.2'")
    return Decimal(value)


def format_number(number: Decimal) -> str:
    """The shortest way to write it, without exponent."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_short_time(value: Any) -> timedelta:
    """Return the time; a `timedelta` passes through. Raise ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or re.fullmatch(SHORT_TIME_PATTERN, value) is None:
        raise ValueError(f"{str(value)[:32]!r} is no time: write a number with us, ms or s, such as 20ms")
    number, unit = re.findall("[0-9]+|[a-z]+", value)
    return timedelta(microseconds=int(number) * _MICROSECONDS[unit])


def format_short_time(value: timedelta) -> str:
    """In the greatest unit that leaves a whole number: `20ms`, `1s`, `250us`."""
    whole = value // timedelta(microseconds=1)
    return next(f"{whole // size}{unit}" for unit, size in _MICROSECONDS.items() if whole % size == 0)
