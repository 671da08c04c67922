"""The parts of a card as frozen values, and the names they have in the file. Pure; read and written by its neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["CARD_VERSION", "DATATYPES", "KEY", "Card", "Feature", "Golden", "Histogram", "OnMissing", "Score"]

KEY = "bankmodel.card"
CARD_VERSION = 1
DATATYPES = (
    *("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"),
    *("FP16", "FP32", "FP64", "BYTES"),
)
OnMissing = Literal["Impute", "Reject"]


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts of one column. Numeric: bins [e_i, e_i+1), the last one closed. Text: one count per category.

    `outside` is below the first or above the last edge, or any other text. `missing` is NaN, null or the missing token.
    """

    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    missing: int = 0
    outside: int = 0


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One model input. `on_missing` governs a JSON null and an absent input alike.

    Impute: NaN for floats, `missing_token` for strings and integers. Reject: the request is refused with 400.
    """

    name: str
    datatype: str
    on_missing: OnMissing = "Impute"
    missing_token: str | int | None = None
    baseline: Histogram | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """Which output is the score (`class_index` picks the column of a matrix), its bins, and where a decision flips."""

    output: str
    class_index: int | None = None
    edges: tuple[float, ...] = ()
    cutoff: float | None = None
    baseline: Histogram | None = None


@dataclass(frozen=True, kw_only=True)
class Golden:
    """Known answers, scored at start-up. Columns as tuples, matrices as tuples of row tuples, None is missing."""

    inputs: Mapping[str, tuple[Any, ...]]
    outputs: Mapping[str, tuple[Any, ...]]
    rtol: float = 1e-5
    atol: float = 1e-6


@dataclass(frozen=True, kw_only=True)
class Card:
    """The whole card. `provenance` and `parity` are for people and records; scoring does not depend on them."""

    features: tuple[Feature, ...] = ()
    score: Score | None = None
    golden: Golden | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] = field(default_factory=dict)
