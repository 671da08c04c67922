"""What `bankmodel score` shows while it runs and at its end. Nothing here decides."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress as Bars, TaskID, TextColumn

from bankmodel.batch.score import Progress, Report

__all__ = ["progress_on", "show_report", "status_line"]

_LINE_EVERY_S = 10.0


@contextmanager
def progress_on(console: Console, *, quiet: bool) -> Iterator[Progress]:
    """A bar on a terminal, of which nothing remains; a line every ten seconds in a log."""
    if quiet:
        yield _silent
    elif console.is_terminal:
        with Bars(TextColumn("scoring"), BarColumn(), TextColumn("{task.fields[line]}"), console=console) as bars:
            yield _Bar(bars, bars.add_task("scoring", total=None, line=""))
    else:
        yield _Lines(console)


def status_line(rows: int, share: float, *, rate: float, left_s: float | None) -> str:
    """`1,200,000 rows, 40 %, 98,000 rows/s, 0:18 left`."""
    if left_s is None:
        return f"{rows:,} rows"
    hours, minutes, seconds = int(left_s) // 3600, int(left_s) // 60 % 60, int(left_s) % 60
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{rows:,} rows, {share * 100:.0f} %, {rate:,.0f} rows/s, {clock} left"


class _Pace:
    """Rate and time left, counted from the first rows that came back: starting the processes is no scoring."""

    def __init__(self) -> None:
        self._first: tuple[float, int, float] | None = None

    def line(self, now: float, *, rows: int, done: int, total: int) -> str:
        share = done / total if total else 1.0
        started, first_rows, first_share = self._first = self._first or (now, rows, share)
        elapsed, gained = now - started, share - first_share
        if elapsed <= 0 or gained <= 0:
            return status_line(rows, share, rate=0.0, left_s=None)
        return status_line(rows, share, rate=(rows - first_rows) / elapsed, left_s=elapsed * (1 - share) / gained)


def show_report(console: Console, report: Report, target: str) -> None:
    """What was written, and what was not and why."""
    say = console.print
    written = f"{report.rows - report.rejected:,} of {report.rows:,} rows scored: {escape(target)}"
    say(f"{written} (model sha256:{report.sha256})", highlight=False, soft_wrap=True)
    if report.rows_per_run == 1:
        say(
            "one row at a time: this model answers otherwise in batches, and a pod scores each request alone",
            soft_wrap=True,
        )
    if report.absent:
        say(f"not in the file, filled in as the card says: {escape(', '.join(report.absent))}", soft_wrap=True)
    if report.undeclared:
        say(
            f"columns of the file that are no inputs of the model: {report.undeclared}", highlight=False, soft_wrap=True
        )
    if report.rejected:
        say(f"[yellow]{report.rejected:,} rows rejected[/], the first:", highlight=False, soft_wrap=True)
        for number, reason in report.examples:
            say(f"  row {number}: {escape(reason)}", highlight=False, soft_wrap=True)


def _silent(*, rows: int, done: int, total: int) -> None:
    """Show nothing."""


class _Bar:
    def __init__(self, bars: Bars, task: TaskID) -> None:
        self._bars = bars
        self._task = task
        self._pace = _Pace()

    def __call__(self, *, rows: int, done: int, total: int) -> None:
        line = self._pace.line(monotonic(), rows=rows, done=done, total=total)
        self._bars.update(self._task, completed=done, total=total, line=line)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._pace = _Pace()
        self._shown = monotonic()

    def __call__(self, *, rows: int, done: int, total: int) -> None:
        now = monotonic()
        line = self._pace.line(now, rows=rows, done=done, total=total)
        if now - self._shown >= _LINE_EVERY_S:
            self._shown = now
            self._console.print(line, highlight=False, soft_wrap=True)
