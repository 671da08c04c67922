"""What `bankmodel export` shows: progress and the report of the comparison. On a rich console; nothing here decides."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress as Bars, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bankmodel.exporting.parity import Comparison, Difference, HardParity, Parity
from bankmodel.progress import Progress

__all__ = ["progress_on", "show_parity"]


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """A line with a bar on a terminal, of which nothing remains; one line per stage in a log."""
    if not console.is_terminal:
        yield _lines_on(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("starting", total=None)

        def report(doing: str, done: int = 0, total: int = 0) -> None:
            bars.update(task, description=doing, completed=done, total=total or None)

        yield report


def show_parity(console: Console, parity: Parity) -> None:
    """What differs, by how much, and which decisions flip; on the sample, by rounding alone, on hard rows."""
    console.print(f"{parity.rows:,} rows compared: {_finding(parity.sample, parity)}", highlight=False, soft_wrap=True)
    rounding = parity.rounding
    if rounding.rows_off or rounding.flips:
        console.print(
            f"rounding the inputs to float32 alone moves {_count(rounding.rows_off, 'row')} of the pipeline by more than "
            f"{parity.within}, at most by {rounding.worst:.2g}{_flips(rounding.flips, parity.cutoff)}; --numbers FP64 lets callers send doubles",
            highlight=False,
            soft_wrap=True,
        )
    _show_differences(console, parity.sample, "row of the sample")
    if parity.hard is not None:
        _show_hard(console, parity.hard, parity)
    if parity.rows_off and parity.is_met:
        console.print(f"taken with --accept {parity.accepted:g}, as the card says", style="yellow", soft_wrap=True)


def _show_hard(console: Console, hard: HardParity, parity: Parity) -> None:
    found = hard.found
    if not found.rows:
        why = "none were asked for" if not hard.asked else "none are of a kind that a pod and the pipeline take"
        console.print(f"no hard rows were tried: {why}; the card says so", style="yellow", soft_wrap=True)
    else:
        is_good = not found.rows_off and not found.flips
        said = f"{found.rows:,} hard rows compared: {_finding(found, parity)}"
        console.print(said, style="" if is_good else "yellow", highlight=False, soft_wrap=True)
        _show_differences(console, found, "hard row")
    for name, which in hard.refused.items():
        console.print(f"  left out, for the pipeline refuses them: {name}, {which}", highlight=False, markup=False)
    if hard.rows_refused:
        console.print(
            f"  left out, for the pipeline refuses them: {_count(hard.rows_refused, 'hard row')}", highlight=False
        )


def _show_differences(console: Console, found: Comparison, heading: str) -> None:
    if not found.differences:
        return
    few = len(found.differences) < max(found.rows_off, found.flips)
    which = f"the first {len(found.differences)}" if few else "all of them"
    console.print(f"{which}, flipped decisions before large differences:", highlight=False, soft_wrap=True)
    console.print(_differences(found, heading))


def _lines_on(console: Console) -> Progress:
    shown: list[str] = []

    def report(doing: str, done: int = 0, total: int = 0) -> None:
        if doing not in shown:
            shown.append(doing)
            console.print(f"{doing} …", highlight=False, soft_wrap=True)

    return report


def _finding(found: Comparison, parity: Parity) -> str:
    flips = _flips(found.flips, parity.cutoff)
    if not found.rows_off:
        same = f"pipeline and ONNX file agree within {parity.within} on all (largest difference {found.worst:.2g})"
        return same + flips if found.flips else same
    return f"{_count(found.rows_off, 'row')} differ by more than {parity.within}, at most by {found.worst:.2g}{flips}"


def _flips(flips: int, cutoff: float | None) -> str:
    return "" if cutoff is None else f"; {_count(flips, 'decision')} flipped at cutoff {cutoff:g}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _differences(found: Comparison, heading: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for each in (heading, "pipeline", "ONNX file", "difference", "decision"):
        table.add_column(each, justify="right")
    for item in found.differences:
        table.add_row(*_cells(item))
    return table


def _cells(item: Difference) -> tuple[str, ...]:
    scores = f"{item.original:.6f}", f"{item.converted:.6f}", f"{item.converted - item.original:+.2g}"
    return str(item.row), *scores, "flips" if item.is_flip else "same"
