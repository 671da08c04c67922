"""`bankmodel score` on the command line: reads the options, runs, and says by its exit code what a scheduler must know."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from bankmodel.errors import UsageError

__all__ = ["SCORE_EXIT_CODES", "score"]

SCORE_EXIT_CODES = (
    "Exit codes: 0 scored, 1 broke off and wrote nothing, 2 correct what was given, 4 the model no longer gives the answers "
    "in its card, 5 scored and written, but more rows rejected than --max-rejected, 130 or 143 stopped by a signal."
)
_TOO_MANY_REJECTED = 5
_SHA256_LENGTH = 64
_MOST_WORKERS = 256
_MOST_ROWS = 1_000_000


Model = Annotated[Path, typer.Argument(metavar="FILE", help="The ONNX file, as a pod serves it.", show_default=False)]
Source = Annotated[Path, typer.Option("--in", help="Rows to score: .parquet, .csv or .csv.gz.", show_default=False)]
Target = Annotated[Path, typer.Option("--out", help="Where scores go, by the same suffixes.", show_default=False)]
Sha256 = Annotated[str | None, typer.Option(help="The digest the model must have, as in the BankModel.")]
Rejected = Annotated[Path | None, typer.Option(help="Where rejected rows go, each with its number and reason.")]
MaxRejected = Annotated[
    str, typer.Option(metavar="COUNT|PERCENT%", help="More rejected rows than this end with exit code 5.")
]
Keep = Annotated[
    str, typer.Option(help="Columns to hand through, as a,b,c, or all. Default: the row's number.", show_default=False)
]
Columns = Annotated[
    str,
    typer.Option(
        help="For a model with one matrix as input: its columns in the model's order, as a,b,c. "
        "Default: all numeric columns of the file but those kept by name.",
        show_default=False,
    ),
]
AllOutputs = Annotated[bool, typer.Option("--all-outputs", help="Every output, not only the score and single values.")]
Workers = Annotated[
    int | None, typer.Option(min=1, max=_MOST_WORKERS, help="Scoring processes. Default: the cores there are.")
]
BatchRows = Annotated[int, typer.Option(min=1, max=_MOST_ROWS, help="Rows that travel together.")]
Delimiter = Annotated[str, typer.Option(help="Between the fields of a CSV file to score.")]
Force = Annotated[bool, typer.Option("--force", help="Replace results that exist.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


def score(
    model: Model,
    *,
    source: Source,
    target: Target,
    sha256: Sha256 = None,
    rejected: Rejected = None,
    max_rejected: MaxRejected = "0",
    keep: Keep = "",
    columns: Columns = "",
    all_outputs: AllOutputs = False,
    workers: Workers = None,
    batch_rows: BatchRows = 8192,
    delimiter: Delimiter = ",",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Score a file of rows as the pods would: same engine, same checks, same rules for missing values.

    Example: bankmodel score mortgage.onnx --in applications.parquet --out scores.parquet --keep application_id
    """
    from bankmodel.batch.display import progress_on, show_report
    from bankmodel.batch.score import Request, score_file

    allowed = _limit(max_rejected)
    request = Request(
        model=model,
        source=source,
        target=target,
        rejected=rejected,
        sha256=_digest(sha256),
        keep=_names(keep),
        columns=_names(columns),
        all_outputs=all_outputs,
        workers=workers,
        batch_rows=batch_rows,
        delimiter=_character(delimiter),
        force=force,
    )
    console = Console(stderr=True)
    with _stoppable(), progress_on(console, quiet=quiet) as progress:
        report = score_file(request, progress)
    if not quiet:
        show_report(console, report, str(target))
    if report.rejected > allowed * (report.rows if max_rejected.endswith("%") else 1):
        raise typer.Exit(_TOO_MANY_REJECTED)


def _limit(text: str) -> float:
    """A count, or a share between 0 and 1 where it ends in %."""
    number = text.removesuffix("%")
    if not number.replace(".", "", 1).isdigit() or (number == text and "." in text):
        raise UsageError(f"--max-rejected {text!r} is no count and no percentage; write 100 or 0.5%")
    return float(number) if number == text else float(number) / 100


def _digest(text: str | None) -> str | None:
    if text is None:
        return None
    digest = text.removeprefix("sha256:").lower()
    if len(digest) != _SHA256_LENGTH or set(digest) - set("0123456789abcdef"):
        raise UsageError(f"--sha256 must be {_SHA256_LENGTH} hexadecimal characters, got {text[:80]!r}")
    return digest


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in text.split(",") if name))


def _character(text: str) -> str:
    text = "\t" if text == "\\t" else text
    if len(text) != 1 or text in '"\r\n' or not text.isascii():
        raise UsageError(f"--delimiter must be one character such as ; or \\t, got {text[:20]!r}")
    return text


@contextmanager
def _stoppable() -> Iterator[None]:
    """A signal ends the run from inside, so that no half-written file stays."""

    def end(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
