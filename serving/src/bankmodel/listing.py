"""`bankmodel inspect`: an ONNX file and its card on one screen, or whole as a document for programs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bankmodel.onnx_file import Put
from bankmodel_serving import card as cards
from bankmodel_serving.card import Card, Feature, Histogram

__all__ = ["Listing", "as_document", "show_file"]

_BARS = "▁▂▃▄▅▆▇█"
_WORDS_SHOWN = 3
_PIPELINE_SHOWN = 160


@dataclass(frozen=True)
class Listing:
    """What is known of a file from itself alone."""

    path: Path
    sha256: str
    inputs: tuple[Put, ...]
    outputs: tuple[Put, ...]
    card: Card | None


def as_document(listing: Listing) -> dict[str, Any]:
    """Everything, the whole card included."""
    return {
        "file": str(listing.path),
        "sha256": listing.sha256,
        "inputs": _put_documents(listing.inputs),
        "outputs": _put_documents(listing.outputs),
        "card": None if listing.card is None else json.loads(cards.write(listing.card)),
    }


def show_file(console: Console, listing: Listing) -> None:
    """What the model is, how it was judged, what it takes and what it answers."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(listing):
        facts.add_row(name, escape(value))
    console.print(facts, highlight=False)
    if listing.card is None:
        console.print("no card in this file; `bankmodel card FILE --sample DATA` gives it one", style="yellow")
        console.print(_puts("inputs", listing.inputs))
    else:
        console.print(_features(listing.card.features))
    console.print(_puts("outputs", listing.outputs))


def _put_documents(puts: tuple[Put, ...]) -> list[dict[str, Any]]:
    return [{"name": put.name, "datatype": put.datatype, "shape": list(put.shape)} for put in puts]


def _facts(listing: Listing) -> Iterator[tuple[str, str]]:
    yield "file", str(listing.path)
    yield "sha256", listing.sha256
    if listing.card is None:
        return
    yield from _origin_facts(listing.card.provenance)
    yield from _score_facts(listing.card)
    yield from _missing_facts(listing.card)
    yield from _evidence_facts(listing.card)


def _origin_facts(known: Any) -> Iterator[tuple[str, str]]:
    yield "model", " ".join(str(known[key]) for key in ("name", "version") if known.get(key)) or "unnamed"
    for key, label in (("trainedAt", "trained"), ("cardedAt", "card made"), ("producer", "written by")):
        if known.get(key):
            yield label, str(known[key])
    if known.get("rows"):
        yield "sample", f"{known['rows']:,} rows, sha256 {known.get('sampleSha256', 'unknown')}"
    if known.get("pipeline"):
        text = str(known["pipeline"])
        yield "pipeline", text if len(text) <= _PIPELINE_SHOWN else f"{text[: _PIPELINE_SHOWN - 1]}…"
    if known.get("libraries"):
        yield "libraries", ", ".join(f"{name} {version}" for name, version in known["libraries"].items())


def _score_facts(card: Card) -> Iterator[tuple[str, str]]:
    if card.score is None:
        return
    column = "" if card.score.class_index is None else f", column {card.score.class_index}"
    positive = card.provenance.get("positiveClass")
    meaning = "" if positive is None else f": probability of class {positive}"
    cutoff = "" if card.score.cutoff is None else f", decides at {card.score.cutoff:g}"
    yield "score", f"{card.score.output}{column}{meaning}{cutoff}"
    if card.score.baseline:
        yield "score baseline", f"{_range(card.score.baseline)}  {_sparkline(card.score.baseline)}"


def _missing_facts(card: Card) -> Iterator[tuple[str, str]]:
    tokens = sorted({str(feature.missing_token) for feature in card.features if feature.missing_token is not None})
    if tokens:
        yield "missing text", f"a caller sends null, the model gets {', '.join(tokens)}"


def _evidence_facts(card: Card) -> Iterator[tuple[str, str]]:
    if card.golden is not None:
        rows = len(next(iter(card.golden.outputs.values()), ()))
        yield "golden vectors", f"{rows} rows, rtol {card.golden.rtol:g}, atol {card.golden.atol:g}"
    if card.parity:
        yield from _parity_facts(card.parity)


def _parity_facts(parity: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    accepted = "" if parity.get("accepted") is None else f"; accepted up to {parity['accepted']:g}"
    yield "parity", f"{_compared(parity, _within(parity), 'rows')}{accepted}"
    alone = parity["rounding"]
    yield "float32 inputs", f"alone move {alone['rowsOff']:,} rows of the pipeline; {alone['flips']} decisions flip"
    if "hard" in parity:  # cards of before have none
        yield "hard rows", "; ".join(_hard_words(parity["hard"] or {}, _within(parity)))
    if parity.get("conversion"):
        because = parity["conversion"].get("because")
        deciding = ", decides in double" if "decisions" in parity["conversion"] else ""
        yield "conversion", f"{parity['conversion']['way']}{deciding}{f', because {because}' if because else ''}"


def _within(parity: Mapping[str, Any]) -> str:
    return f"{parity['tolerance']:g}{' of the score' if parity.get('relative') else ''}"


def _hard_words(hard: Mapping[str, Any], within: str) -> Iterator[str]:
    if not hard.get("rows"):
        yield f"none were tried of {hard.get('asked', 0):,} asked for"
    else:
        yield _compared(hard, within, "rows on thresholds, missing, unknown and extreme")
    left_out = hard.get("leftOut", {})
    if left_out.get("rows"):
        yield f"{left_out['rows']:,} left out, which the pipeline refuses"
    yield from (f"not tried in {name}: {which}" for name, which in left_out.get("values", {}).items())


def _compared(found: Mapping[str, Any], within: str, rows: str) -> str:
    worst = "one of them to no number at all" if found["worst"] is None else f"at most by {found['worst']:.2g}"
    return (
        f"{found['rowsOff']:,} of {found['rows']:,} {rows} differ from the pipeline by more than {within}, "
        f"{worst}; {found['flips']:,} decisions flip"
    )


def _puts(title: str, puts: tuple[Put, ...]) -> Table:
    table = _table(title, "type", "shape")
    for put in puts:
        shape = ", ".join("any" if size is None else str(size) for size in put.shape)
        table.add_row(escape(put.name), put.datatype or "no tensor", shape)
    return table


def _features(features: tuple[Feature, ...]) -> Table:
    table = _table("inputs", "type", "if missing", "missing", "baseline", "range or words")
    for feature in features:
        baseline = feature.baseline
        missing = f"{baseline.missing:,}" if baseline and baseline.missing else ""
        bars, words = _sparkline(baseline), escape(_range(baseline))
        table.add_row(escape(feature.name), feature.datatype, feature.on_missing, missing, bars, words)
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, no_wrap=heading == "baseline", justify="right" if heading == "missing" else "left")
    return table


def _range(histogram: Histogram | None) -> str:
    if histogram is None:
        return ""
    if histogram.categories:
        shown = ", ".join(histogram.categories[:_WORDS_SHOWN])
        more = len(histogram.categories) - _WORDS_SHOWN
        return f"{shown}, {more} more" if more > 0 else shown
    return f"{_short(histogram.edges[0])} … {_short(histogram.edges[-1])}" if histogram.edges else "only missing"


def _short(number: float) -> str:
    return f"{number:,.0f}" if 1_000 <= abs(number) < 1e12 else f"{number:.4g}"


def _sparkline(histogram: Histogram | None) -> str:
    """A bar for each bin, a dot for an empty one."""
    if histogram is None or not histogram.counts:
        return ""
    highest = max(*histogram.counts, 1)
    heights = [ceil(count / highest * len(_BARS)) for count in histogram.counts]
    return "".join(_BARS[height - 1] if height else "·" for height in heights)
