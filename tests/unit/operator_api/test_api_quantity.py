"""Quantities: canonical, exact, and refused where they are none."""

from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from bankmodel_operator.api.quantity import LARGEST, amount, normalise

_SUFFIXES = ("", "n", "u", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "e3", "E-3", "e1", "e+2")
_NUMBERS = st.one_of(
    st.integers(0, 8000).map(str),
    st.decimals(0, 8000, places=3, allow_nan=False).map(lambda number: format(number, "f")),
)
_QUANTITIES = st.builds(str.__add__, _NUMBERS, st.sampled_from(_SUFFIXES))


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("0.1Mi", "104857600m"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("+1", "1"),
        ("-1500m", "-1500m"),
        ("1e4", "10e3"),
        ("2e2", "200"),
        ("0Ki", "0"),
        ("0.1n", "1n"),
        ("9223372036854775807", "9223372036854775807"),
    ],
)
def test_one_amount_has_one_form(written: str, canonical: str) -> None:
    assert canonical == normalise(written)


@pytest.mark.parametrize("text", ["", "a lot", "256MB", "1 Gi", "1,5", "0x10", "1e", "Gi", "٣", "1\n", "1" * 33])
def test_what_is_no_quantity_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="no Kubernetes quantity: write a number such as"):
        normalise(text)


@pytest.mark.parametrize("text", [str(LARGEST + 1), "10E", "8Ei", "1e99", "-8Ei"])
def test_what_kubernetes_cannot_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than Kubernetes counts"):
        normalise(text)


@settings(max_examples=100, deadline=None)
@given(_QUANTITIES)
def test_canonical_form_stands_for_the_same_amount(written: str) -> None:
    assert amount(written) == amount(normalise(written))


@settings(max_examples=100, deadline=None)
@given(_QUANTITIES)
def test_canonical_form_is_its_own(written: str) -> None:
    assert normalise(written) == normalise(normalise(written))


@settings(max_examples=100, deadline=None)
@given(st.integers(-(10**12), 10**12), st.sampled_from(["", "m", "k", "Ki", "Mi"]))
def test_amount_is_exact(number: int, suffix: str) -> None:
    scale = {"": Decimal(1), "m": Decimal("0.001"), "k": Decimal(1000), "Ki": Decimal(1024), "Mi": Decimal(1024**2)}

    assert number * scale[suffix] == amount(f"{number}{suffix}")
