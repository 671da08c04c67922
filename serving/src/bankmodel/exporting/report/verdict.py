"""What the page says first. Pure."""

from dataclasses import dataclass
from typing import Literal

from bankmodel.exporting.parity import Parity

__all__ = ["Verdict", "rounding_moves", "verdict_on"]


@dataclass(frozen=True)
class Verdict:
    """A word, a sentence, and how it is coloured."""

    kind: Literal["good", "warn", "bad"]
    word: str
    because: str


def verdict_on(parity: Parity, refusal: str | None) -> Verdict:
    """Refused, written with differences that somebody has to judge, or alike on all rows."""
    if refusal is not None:
        return Verdict("bad", "Refused: nothing was written", f"{refusal[:1].upper()}{refusal[1:]}.")
    hard = parity.hard
    if parity.rows_off:
        return Verdict(
            "warn",
            f"Written with differences that were accepted up to {parity.accepted:g}",
            f"{parity.rows_off:,} of {parity.rows:,} rows of the sample differ, at most by {parity.worst:.2g}; "
            f"{parity.flips:,} decisions flip.",
        )
    if hard is None or not hard.found.rows:
        return Verdict(
            "warn", "Alike on the sample; no hard rows were tried", f"All {parity.rows:,} rows of the sample are alike."
        )
    if hard.found.rows_off or hard.found.flips or parity.flips:
        return Verdict(
            "warn",
            "Alike on the sample, not on all hard rows",
            f"All {parity.rows:,} rows of the sample are scored alike within {parity.tolerance:g}. Of {hard.found.rows:,} "
            f"hard rows {hard.found.rows_off:,} differ, at most by {hard.found.worst:.2g}; {hard.found.flips:,} decisions "
            f"flip. Whether such rows come is for the validator to judge.",
        )
    return Verdict(
        "good",
        "The ONNX file scores as the pipeline does",
        f"All {parity.rows:,} rows of the sample and all {hard.found.rows:,} hard rows are alike within "
        f"{parity.tolerance:g} (largest difference {max(parity.worst, hard.found.worst):.2g}). {rounding_moves(parity)}",
    )


def rounding_moves(parity: Parity) -> str:
    """What rounding the inputs does to the pipeline alone; empty where it does nothing."""
    rounding = parity.rounding
    if not rounding.rows_off and not rounding.flips:
        return ""
    flips = "" if parity.cutoff is None else f", and flips {rounding.flips:,} of its decisions"
    return (
        f"Rounding the inputs as they are sent moves {rounding.rows_off:,} rows of the pipeline alone, at most by "
        f"{rounding.worst:.2g}{flips}."
    )
