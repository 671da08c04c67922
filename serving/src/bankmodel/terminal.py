"""What the CLI shows: progress, the report of a comparison, a card. All of it on a rich console, none of it decides."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress as Bars, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bankmodel.exporting.parity import Parity
from bankmodel.onnx_file import Put
from bankmodel.progress import Progress
from bankmodel_serving.card import Card, Feature, Histogram

__all__ = ["Listing", "progress_on", "show_file", "show_parity"]

_BARS = " ▁▂▃▄▅▆▇█"


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """A line with a bar while long work runs; nothing remains of it, and nothing is drawn where nobody looks."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("starting", total=None)

        def report(doing: str, done: int = 0, total: int = 0) -> None:
            bars.update(task, description=doing, completed=done, total=total or None)

        yield report


def show_parity(console: Console, parity: Parity) -> None:
    """What differs, by how much, and which decisions flip."""
    same = parity.rows - parity.rows_off
    console.print(
        f"compared on {parity.rows} rows: {same} equal within {parity.tolerance:g}, {parity.rows_off} not, "
        f"largest difference {parity.worst:.3g}{_flips(parity.flips, parity.cutoff)}"
    )
    rounding = parity.rounding
    console.print(
        f"rounding the inputs to float32 alone changes {rounding.rows_off} rows by more than {parity.tolerance:g}, "
        f"at most by {rounding.worst:.3g}{_flips(rounding.flips, parity.cutoff)}",
        style="dim",
    )
    if parity.differences:
        console.print(_differences(parity))


def _flips(flips: int, cutoff: float | None) -> str:
    return "" if cutoff is None else f"; {flips} decisions flip at cutoff {cutoff:g}"


def _differences(parity: Parity) -> Table:
    table = Table(
        title=f"largest differences ({len(parity.differences)} of {parity.rows_off} rows)", title_justify="left"
    )
    for heading in ("row of the sample", "pipeline", "ONNX file", "difference", "decision"):
        table.add_column(heading, justify="right")
    for item in parity.differences:
        table.add_row(
            str(item.row),
            f"{item.original:.6f}",
            f"{item.converted:.6f}",
            f"{item.converted - item.original:+.3g}",
            "flips" if item.is_flip else "same",
        )
    return table


class Listing:
    """An ONNX file as `inspect` shows it."""

    def __init__(
        self, path: Path, sha256: str, *, inputs: tuple[Put, ...], outputs: tuple[Put, ...], card: Card | None
    ):
        self.path, self.sha256 = path, sha256
        self.inputs, self.outputs, self.card = inputs, outputs, card


def show_file(console: Console, listing: Listing) -> None:
    """The file's digest, inputs and outputs, and all of its card that fits a screen."""
    console.print(f"[bold]{escape(str(listing.path))}[/]  sha256 {listing.sha256}", soft_wrap=True)
    if listing.card is None:
        console.print("no card in this file; `bankmodel card FILE --sample DATA` gives it one", style="yellow")
        console.print(_puts("inputs", listing.inputs), _puts("outputs", listing.outputs))
        return
    _show_provenance(console, listing.card)
    console.print(_features(listing.card.features))
    _show_score(console, listing.card)
    _show_evidence(console, listing.card)
    console.print(_puts("outputs", listing.outputs))


def _puts(title: str, puts: tuple[Put, ...]) -> Table:
    table = Table("name", "type", "shape", title=title, title_justify="left")
    for put in puts:
        shape = ", ".join("any" if size is None else str(size) for size in put.shape)
        table.add_row(escape(put.name), put.datatype or "no tensor", shape)
    return table


def _show_provenance(console: Console, card: Card) -> None:
    known = dict(card.provenance)
    libraries = known.pop("libraries", {})
    for key, value in known.items():
        if value not in (None, []):
            console.print(f"[dim]{escape(key)}[/] {escape(str(value))}", highlight=False)
    if libraries:
        versions = ", ".join(f"{name} {version}" for name, version in libraries.items())
        console.print(f"[dim]libraries[/] {escape(versions)}", highlight=False)


def _features(features: tuple[Feature, ...]) -> Table:
    table = Table("input", "type", "missing", "range or words", "baseline", title="inputs", title_justify="left")
    for feature in features:
        token = "" if feature.missing_token is None else f" as {feature.missing_token!r}"
        table.add_row(
            escape(feature.name),
            feature.datatype,
            f"{feature.on_missing}{escape(token)}",
            escape(_range(feature.baseline)),
            _sparkline(feature.baseline),
        )
    return table


def _range(histogram: Histogram | None) -> str:
    if histogram is None:
        return ""
    if histogram.categories:
        shown = ", ".join(histogram.categories[:4])
        return shown if len(histogram.categories) <= 4 else f"{shown}, …"
    return f"{histogram.edges[0]:g} … {histogram.edges[-1]:g}" if histogram.edges else "only missing"


def _sparkline(histogram: Histogram | None) -> str:
    if histogram is None or not histogram.counts:
        return ""
    highest = max(*histogram.counts, 1)
    bars = "".join(_BARS[round(count / highest * (len(_BARS) - 1))] for count in histogram.counts)
    return f"{bars} {histogram.missing} missing" if histogram.missing else bars


def _show_score(console: Console, card: Card) -> None:
    if card.score is None:
        return
    of_class = "" if card.score.class_index is None else f"[{card.score.class_index}]"
    cutoff = "" if card.score.cutoff is None else f", decides at {card.score.cutoff:g}"
    line = f"{card.score.output}{of_class}{cutoff}  {_sparkline(card.score.baseline)}"
    console.print(f"[dim]score[/] {escape(line)}", highlight=False)


def _show_evidence(console: Console, card: Card) -> None:
    if card.golden is not None:
        rows = len(next(iter(card.golden.outputs.values()), ()))
        line = f"{rows} rows, rtol {card.golden.rtol:g}, atol {card.golden.atol:g}"
        console.print(f"[dim]golden vectors[/] {line}", highlight=False)
    if card.parity:
        figures = ", ".join(f"{key} {value}" for key, value in card.parity.items() if not isinstance(value, dict))
        console.print(f"[dim]parity[/] {escape(figures)}", highlight=False)
