"""`bankmodel export | card | inspect | pack | manifest | score`: from a fitted pipeline to what a cluster serves.

Answers go to standard output, everything else to standard error, so that each command can be piped.
"""

import json
import sys
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

from bankmodel.batch.command import SCORE_EXIT_CODES, score
from bankmodel.errors import BankModelError, ParityError, UsageError

__all__ = ["app", "main"]

EXIT_CODES = "Exit codes: 0 done, 2 correct what was given, 3 a step has no ONNX form, 4 scores differ."

app = typer.Typer(
    name="bankmodel",
    help="Turn a fitted scikit-learn pipeline into one ONNX file that a bank can serve, and into the resource that serves it; "
    "score files as its pods would.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_out = Console(soft_wrap=False)
_err = Console(stderr=True)

_EXTRA_OF = {"pyarrow": "batch", "onnxruntime": "batch", "numpy": "batch", "orjson": "batch"}

File = Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX file.", show_default=False)]
SampleOption = Annotated[
    Path, typer.Option("--sample", help="Rows the model is judged on, .csv or .parquet.", show_default=False)
]
NameOption = Annotated[str | None, typer.Option("--name", help="What the model is called; default: the file's name.")]
VersionOption = Annotated[str | None, typer.Option("--version", help="What people call this version, e.g. 2026.11.")]
TextOption = Annotated[
    list[str] | None, typer.Option(help="Column to read as text although it looks like numbers; may be repeated.")
]
NumbersOption = Annotated[
    Literal["FP32", "FP64"], typer.Option(help="What callers send numbers as; FP64 needs an exact model.")
]
TargetOption = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The ONNX file to write.")]
PositiveOption = Annotated[
    str | None, typer.Option(help="Class whose probability is the score; default: the second of two.")
]
AcceptOption = Annotated[
    float | None,
    typer.Option(help="Take scores that differ by up to this; recorded in the card.", show_default=False),
]
HardRowsOption = Annotated[
    int, typer.Option(min=0, help="Rows made to hurt, on which both are compared as well; the card says how many.")
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.html",
        help="Draw the evidence as a page for those who sign it, when refused as well; it holds rows of the sample.",
        show_default=False,
    ),
]
CutoffHelp = "Score from which the decision is positive; flips are counted there."
TimeOption = Annotated[
    str | None,
    typer.Option(
        "--trained-at",
        envvar="SOURCE_DATE_EPOCH",
        help="ISO time or seconds since 1970 to record; default: now. Give it to get the same digest again.",
    ),
]


def main() -> None:
    """The `bankmodel` command: runs one subcommand; a refusal becomes one message and an exit code."""
    try:
        app(prog_name="bankmodel")
    except BankModelError as refusal:
        _err.print(f"[bold red]error:[/] {escape(str(refusal))}", highlight=False, soft_wrap=True)
        sys.exit(refusal.exit_code)
    except ModuleNotFoundError as absent:
        extra = _EXTRA_OF.get(absent.name or "", "train")
        _err.print(f"[bold red]error:[/] {absent}; pip install 'bankmodel\\[{extra}]'", highlight=False, soft_wrap=True)
        sys.exit(UsageError.exit_code)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bankmodel {installed_version('bankmodel')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Options before the subcommand."""


@app.command(epilog=EXIT_CODES)
def export(
    pipeline: Annotated[
        str,
        typer.Argument(
            metavar="PIPELINE",
            help="module:attribute or path/to/train.py:attribute, the fitted pipeline or a function that returns it.",
        ),
    ],
    *,
    sample: SampleOption,
    output: TargetOption = Path("model.onnx"),
    name: NameOption = None,
    version: VersionOption = None,
    positive: PositiveOption = None,
    cutoff: Annotated[float, typer.Option(help=CutoffHelp)] = 0.5,
    accept: AcceptOption = None,
    text: TextOption = None,
    numbers: NumbersOption = "FP32",
    trained_at: TimeOption = None,
    hard_rows: HardRowsOption = 100_000,
    report: ReportOption = None,
) -> None:
    """Write a fitted pipeline as ONNX with its card inside, if both score the sample alike.

    Example: bankmodel export train.py:version_1 --sample sample.csv -o model.onnx --name mortgage --version 2026.11
    """
    from bankmodel.exporting.export import export as export_pipeline
    from bankmodel.pipelines import load_pipeline
    from bankmodel.terminal import progress_on, show_parity

    when = _moment(trained_at)
    try:
        with progress_on(_err) as progress:
            progress("loading the pipeline")
            made = export_pipeline(
                load_pipeline(pipeline),
                sample,
                output,
                name=name,
                version=version,
                positive=positive,
                cutoff=cutoff,
                accept=accept,
                text=text or (),
                numbers=numbers,
                trained_at=when,
                hard_rows=hard_rows,
                report=report,
                progress=progress,
            )
    except ParityError as refusal:
        show_parity(_err, refusal.parity)
        _say_reported(report)
        raise
    show_parity(_err, made.parity)
    _say_reported(report)
    _say_written(made.path, made.sha256)


@app.command(epilog=EXIT_CODES)
def card(
    file: File,
    *,
    sample: SampleOption,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; default: in place.")] = None,
    name: NameOption = None,
    version: VersionOption = None,
    output_name: Annotated[
        str | None, typer.Option(help="The output that is the score; default: the only float one.")
    ] = None,
    class_index: Annotated[int | None, typer.Option(min=0, help="Its column; default: 1 of two.")] = None,
    cutoff: Annotated[float | None, typer.Option(help=CutoffHelp, show_default=False)] = None,
    missing_token: Annotated[str | None, typer.Option(help="Text this model takes for a missing text.")] = None,
    made_at: TimeOption = None,
) -> None:
    """Give a card to an ONNX file made elsewhere.

    Golden vectors are the file's own answers, baselines are counted on the sample; there is no original to compare with.
    """
    from bankmodel.cards import add_card

    made = add_card(
        file,
        sample,
        output,
        name=name,
        version=version,
        score_output=output_name,
        class_index=class_index,
        cutoff=cutoff,
        missing_token=missing_token,
        made_at=_moment(made_at),
    )
    _say_written(made.path, made.sha256)


@app.command(epilog=EXIT_CODES)
def inspect(
    file: File, *, as_json: Annotated[bool, typer.Option("--json", help="The whole card, for programs.")] = False
) -> None:
    """Show what an ONNX file takes, answers, and says about itself."""
    from bankmodel import onnx_file
    from bankmodel.listing import Listing, as_document, show_file

    model = onnx_file.load(file)
    listing = Listing(
        file,
        onnx_file.sha256_of(file),
        inputs=onnx_file.inputs_of(model),
        outputs=onnx_file.outputs_of(model),
        card=onnx_file.card_in(model),
    )
    if as_json:
        typer.echo(json.dumps(as_document(listing), indent=2, ensure_ascii=False))
    else:
        show_file(_out, listing)


@app.command(epilog=EXIT_CODES)
def pack(
    file: File,
    *,
    tag: Annotated[str, typer.Option("--tag", "-t", help="The image's name, e.g. localhost/mortgage:1.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The archive; default: FILE with .tar.")] = None,
    path: Annotated[str, typer.Option(help="Where the file is inside the image.")] = "model.onnx",
    architecture: Annotated[str, typer.Option(help="Of the nodes that mount it.")] = "amd64",
) -> None:
    """Write the file as an OCI archive for the `image` source and print NAME@sha256:…"""
    from bankmodel.pack import pack as pack_file

    target = output or file.with_suffix(".tar")
    packed = pack_file(file, tag, target, path=path, architecture=architecture)
    _err.print(f"written {escape(str(target))}", highlight=False, soft_wrap=True)
    typer.echo(packed.reference)


@app.command(epilog=EXIT_CODES)
def manifest(
    file: File,
    *,
    owner: Annotated[str, typer.Option(help="Who answers for the model.")],
    tier: Annotated[str, typer.Option(help="Materiality: High, Medium or Low.")],
    name: Annotated[str | None, typer.Option(help="The resource's name; default: the one in the card.")] = None,
    version: Annotated[str | None, typer.Option(help="Default: the one in the card.")] = None,
    image: Annotated[str | None, typer.Option(help="Source: an image reference, better with digest.")] = None,
    archive: Annotated[Path | None, typer.Option(help="Source: the image in this packed archive.")] = None,
    http: Annotated[str | None, typer.Option(help="Source: a URL.")] = None,
    s3: Annotated[str | None, typer.Option(help="Source: BUCKET/KEY.")] = None,
    volume: Annotated[str | None, typer.Option(help="Source: CLAIM/PATH of a PersistentVolumeClaim.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="With --s3: the service's URL, when not AWS.")] = None,
    region: Annotated[str | None, typer.Option(help="With --s3.")] = None,
    secret: Annotated[str | None, typer.Option(help="With --http or --s3: the Secret with the credentials.")] = None,
    ca_bundle: Annotated[str | None, typer.Option(help="With --http or --s3: the ConfigMap with ca.crt.")] = None,
    image_path: Annotated[str | None, typer.Option(help="With --image: where the file is inside.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What it decides, in a sentence.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Default: left to kubectl.")] = None,
    replicas: Annotated[int | None, typer.Option(min=1, max=100, help="Default: the resource's own, 2.")] = None,
) -> None:
    """Print the BankModel for the file, with the digests filled in: … | kubectl apply -f -"""
    from bankmodel.manifest import manifest as write_manifest

    places: dict[str, str | None] = {
        "image": image,
        "archive": str(archive) if archive else None,
        "http": http,
        "s3": s3,
        "volume": volume,
    }
    options = {
        "endpoint": endpoint,
        "region": region,
        "secretRef": secret and {"name": secret},
        "caBundleRef": ca_bundle and {"name": ca_bundle},
        "path": image_path,
    }
    origin = _origin(places, {key: value for key, value in options.items() if value})
    text = write_manifest(
        file,
        origin,
        owner=owner,
        tier=tier,
        name=name,
        version=version,
        purpose=purpose,
        namespace=namespace,
        replicas=replicas,
    )
    typer.echo(text, nl=False)


app.command(epilog=SCORE_EXIT_CODES)(score)


def _origin(places: dict[str, str | None], options: dict[str, Any]) -> Any:
    from bankmodel.manifest import origin_of

    return origin_of({kind: value for kind, value in places.items() if value}, options)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromtimestamp(int(text), UTC) if text.isdigit() else datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"time {text!r} is not one; write it as 2026-11-01T00:00:00Z or as seconds since 1970"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _say_reported(path: Path | None) -> None:
    if path is not None:
        _err.print(f"report {escape(str(path))}", highlight=False, soft_wrap=True)


def _say_written(path: Path, sha256: str) -> None:
    _err.print(f"written {escape(str(path))}", highlight=False, soft_wrap=True)
    typer.echo(f"sha256:{sha256}")
