"""Kubernetes quantities in their canonical form.

`1000m` and `1` ask for the same, so they must give the same revision and the same applied object. The rules are those
of `k8s.io/apimachinery/pkg/api/resource`: the mantissa is the least whole number, the suffix the greatest that allows
it, and the family (binary, decimal, exponent) is the one the user wrote. Used by the models when they read, so that
everything above sees canonical values only; compared with the real API server in `tests/control_plane`.
"""

import re
from decimal import ROUND_UP, Decimal
from typing import Final

__all__ = ["LARGEST", "MAX_LENGTH", "amount", "normalise"]

MAX_LENGTH: Final = 32
"""Characters; no sensible quantity is longer, and the API server's cost estimate needs a bound."""

LARGEST: Final = 2**63 - 1

_FORM: Final = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?", re.ASCII
)
_BINARY: Final = {"": 0, "Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_NANO: Final = Decimal("1e-9")


def normalise(text: str) -> str:
    """Return the canonical form: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`; ValueError if it is none."""
    suffix = _parse(text)[1]
    value = amount(text)
    # Below 1Ki, or with a fraction of a byte, Kubernetes leaves the binary family.
    if suffix.endswith("i") and abs(value) >= 1024 and value == value.to_integral_value():
        return _binary(value)
    exponent, mantissa = _decimal(value)
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_decimal_suffix(exponent)}"


def amount(text: str) -> Decimal:
    """Return the number a quantity stands for, rounded up to a billionth as Kubernetes does; ValueError if too big."""
    number, suffix = _parse(text)
    value = Decimal(number) * _scale(suffix)
    if abs(value) > LARGEST:
        raise ValueError(f"{text!r} is more than Kubernetes counts: write at most {LARGEST}")
    return value.quantize(_NANO, rounding=ROUND_UP) + 0


def _parse(text: str) -> tuple[str, str]:
    found = _FORM.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise ValueError(f"{text[:MAX_LENGTH]!r} is no Kubernetes quantity: write a number such as 250m, 2 or 256Mi")
    return found["number"], found["suffix"] or ""


def _scale(suffix: str) -> Decimal:
    if suffix in _DECIMAL:
        return Decimal(10) ** _DECIMAL[suffix]
    if suffix in _BINARY:
        return Decimal(1024) ** _BINARY[suffix]
    return Decimal(10) ** int(suffix[1:])


def _binary(value: Decimal) -> str:
    mantissa, power = int(value), 0
    while mantissa % 1024 == 0 and power < 6:
        mantissa, power = mantissa // 1024, power + 1
    return f"{mantissa}{list(_BINARY)[power]}"


def _decimal(value: Decimal) -> tuple[int, int]:
    """Return exponent (a multiple of three, -9 to 18) and whole mantissa of the shortest exact form."""
    billionths = int(value / _NANO)
    exponent = -9
    while billionths and billionths % 1000 == 0 and exponent < 18:
        billionths, exponent = billionths // 1000, exponent + 3
    return (exponent, billionths) if billionths else (0, 0)


def _decimal_suffix(exponent: int) -> str:
    return next(suffix for suffix, power in _DECIMAL.items() if power == exponent)
