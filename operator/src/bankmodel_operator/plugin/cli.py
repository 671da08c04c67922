"""`kubectl bankmodel rollout status | promote | abort | pause | resume | retry | history`: the commands.

Each reads one BankModel, and those that order something write it by one patch and say what Git would say instead.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from bankmodel_operator.api.duration import parse_duration
from bankmodel_operator.plugin import orders
from bankmodel_operator.plugin.drawing import draw, headline
from bankmodel_operator.plugin.errors import PluginError, Unreachable
from bankmodel_operator.plugin.history import draw_history
from bankmodel_operator.plugin.progress import reasons_to_wait, standing
from bankmodel_operator.plugin.seen import Seen, seen
from bankmodel_operator.plugin.watch import Clock, Ending, follow

if TYPE_CHECKING:
    from bankmodel_operator.plugin.connection import Models

__all__ = ["app", "run"]

_PIPE_WIDTH = 320
"""Wide enough that no row of a table breaks where somebody greps."""
_FORGOTTEN_S = 30.0
"""How long the operator may take to see that a used order is gone."""
_USAGE = 64
"""Exit code of a command that is written wrongly: 2 is for a time-out."""
_NAMES = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="kubectl bankmodel",
    help="Look at the rollout of a BankModel, and give it orders.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=_NAMES,
)
rollout = typer.Typer(
    help="Look at a rollout, and give it orders: they stand above the spec, and Git does not take them away.",
    no_args_is_help=True,
)
app.add_typer(rollout, name="rollout")

_out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A BankModel.", show_default=False)]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Its namespace; default: that of the context.", show_default=False),
]
Context = Annotated[
    str | None,
    typer.Option("--context", help="A context of the kubeconfig; default: the current one.", show_default=False),
]
Kubeconfig = Annotated[
    str | None,
    typer.Option("--kubeconfig", help="Default: KUBECONFIG, then ~/.kube/config.", metavar="FILE", show_default=False),
]


def run() -> None:
    """One command; a refusal becomes one message and an exit code."""
    try:
        code = app(prog_name="kubectl bankmodel", standalone_mode=False)
    except PluginError as refusal:
        _fail(str(refusal))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except Exception as problem:
        if not hasattr(problem, "show"):  # how typer marks a command that was written wrongly
            raise
        problem.show()
        sys.exit(_USAGE)
    sys.exit(code if isinstance(code, int) else 0)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kubectl-bankmodel {installed_version('bankmodel')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Takes --version."""


@rollout.command(
    epilog="Exit codes: 0 done, 1 failed or stuck, 2 --timeout passed, 3 still moving (without --watch), 64 wrong command."
)
def status(
    name: Name,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it until it is done or has failed.")] = False,
    timeout: Annotated[
        str, typer.Option("--timeout", help="End then, as in 90s or 1h; 0s: never. Implies --watch.", metavar="TIME")
    ] = "0s",
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show the steps, the checks with their numbers, how long it takes, and what it waits for."""
    try:
        timeout_s = parse_duration(timeout).total_seconds()
    except ValueError as problem:
        raise typer.BadParameter(f"--timeout: {problem}") from problem
    models = _connect(kubeconfig, context, namespace)
    if not (watch or timeout_s):
        model = seen(models.get(name))
        _out.print(draw(model, _now()))
        raise typer.Exit(standing(model).value)
    ending = _follow(lambda: seen(models.get(name)), timeout_s)
    if ending is Ending.TIMED_OUT:
        _err.print(Text.assemble(("error: ", "bold red"), f"{name} was not done after {timeout}; it goes on by itself"))
    raise typer.Exit(ending)


@rollout.command()
def promote(name: Name, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Give the canary all requests without the rest of the ladder; in bake: end the bake."""
    models = _connect(kubeconfig, context, namespace)
    model = seen(models.get(name))
    used = orders.lift_used_promotion(model)
    if used:
        models.patch(name, used.patch)
        _out.print("Wrote:", *used.wrote)
        model = _until_forgotten(models, name)
    _give(models, name, orders.promote(model))


@rollout.command()
def abort(name: Name, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Take the canary back at once; in bake: return to the revision before."""
    models = _connect(kubeconfig, context, namespace)
    _give(models, name, orders.abort(seen(models.get(name))))


@rollout.command()
def pause(
    name: Name,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; everybody sees it.")] = "by kubectl bankmodel",
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Keep the weight from rising until `resume`. A failed check still takes the canary back."""
    models = _connect(kubeconfig, context, namespace)
    _give(models, name, orders.pause(seen(models.get(name)), reason))


@rollout.command()
def resume(name: Name, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Let a paused rollout go on."""
    models = _connect(kubeconfig, context, namespace)
    _give(models, name, orders.resume(seen(models.get(name))))


@rollout.command()
def retry(
    name: Name,
    *,
    token: Annotated[
        str, typer.Option("--token", help="Such as a ticket number; default: the time.", show_default=False)
    ] = "",
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Try a model that was taken back once more, from the first step. Writes spec.rollout.retry."""
    models = _connect(kubeconfig, context, namespace)
    _give(models, name, orders.retry(seen(models.get(name)), token, _now()))


@rollout.command()
def history(name: Name, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Show what was stable and when, what was taken back and why, and the last lead time."""
    _out.print(draw_history(seen(_connect(kubeconfig, context, namespace).get(name)), _now()))


def _connect(kubeconfig: str | None, context: str | None, namespace: str | None) -> Models:
    from bankmodel_operator.plugin.connection import connect  # half a second, and --help needs none of it

    return connect(kubeconfig, context, namespace)


def _give(models: Models, name: str, order: orders.Order) -> None:
    models.patch(name, order.patch)
    _out.print(Text.assemble((name, "bold"), f": {order.effect}"))
    _say("Wrote", order.wrote)
    _say("In Git", order.in_git)
    for note in order.notes:
        _out.print(Text.assemble(("Note", "bold yellow"), f"    {note}"))
    where = f" -n {models.namespace}"
    _say("Then", (f"kubectl bankmodel rollout status {name}{where} --watch",))


def _say(heading: str, lines: tuple[str, ...]) -> None:
    for index, line in enumerate(lines):
        _out.print(Text.assemble((f"{'' if index else heading:<8}", "bold"), line))


def _until_forgotten(models: Models, name: str) -> Seen:
    clock = Clock()
    until = clock.now_s() + _FORGOTTEN_S
    while clock.now_s() < until:
        model = seen(models.get(name))
        if not model.status.rollout.promotion_ordered:
            return model
        clock.sleep(1.0)
    raise Unreachable(
        f"the operator has not seen within {_FORGOTTEN_S:.0f} s that the used order is gone: see whether it runs, "
        "then say promote again"
    )


def _follow(read: Callable[[], Seen], timeout_s: float) -> Ending:
    if not sys.stdout.isatty():
        lines = _Lines()
        return follow(read, lines.show, timeout_s=timeout_s, clock=Clock())
    with Live(console=_out, auto_refresh=False, transient=False) as live:
        return follow(read, lambda model: live.update(_drawn(model), refresh=True), timeout_s=timeout_s, clock=Clock())


def _drawn(model: Seen) -> RenderableType:
    return draw(model, _now())


class _Lines:
    """Where nobody can draw: a line whenever something happened."""

    def __init__(self) -> None:
        self._last: tuple[str, ...] = ()

    def show(self, model: Seen) -> None:
        now = _now()
        line = headline(model, now)
        verdicts = tuple(f"{each.name} {each.verdict}" for each in model.status.rollout.verdicts)
        if (line, *verdicts) == self._last:
            return
        self._last = (line, *verdicts)
        waits = "; ".join(reasons_to_wait(model, now))
        typer.echo(f"{now:%H:%M:%SZ} {line}{f' Waits for: {waits}.' if waits and waits not in line else ''}")


def _fail(message: str) -> None:
    _err.print(Text.assemble(("error: ", "bold red"), message))
    sys.exit(1)


def _now() -> datetime:
    return datetime.now(UTC)
