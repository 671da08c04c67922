"""What `rollout status` shows: the steps, the checks with their numbers, what it waits for and for how long.

Pure: a BankModel and the time become something that rich prints. Words carry all of it, colours only repeat them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bankmodel_operator.api.duration import format_duration
from bankmodel_operator.api.v1alpha1.status import RevisionStatus, VerdictStatus
from bankmodel_operator.core.ladder import Ladder, Rung
from bankmodel_operator.core.states import Baking, Climbing, Preparing
from bankmodel_operator.core.turns.watching import held
from bankmodel_operator.plugin.progress import (
    Standing,
    earliest_end,
    latest_end,
    left_of_bake,
    left_of_hold,
    reasons_to_wait,
    span,
    standing,
)
from bankmodel_operator.plugin.seen import Seen

__all__ = ["add", "draw", "headline", "moment", "table"]

_BAR = 20
_DONE = "done"
_PROMOTED = "over, promoted by order"
_STYLE_OF_STANDING = {Standing.DONE: "bold green", Standing.FAILED: "bold red", Standing.MOVING: "bold cyan"}
_STYLE_OF_VERDICT = {"PASS": "green", "FAIL": "bold red", "UNKNOWN": "yellow"}


def draw(model: Seen, now: datetime) -> RenderableType:
    """The whole picture."""
    return Group(*_parts(model, now))


def headline(model: Seen, now: datetime) -> str:
    """One line, for logs: it changes when something happened, not when time passes."""
    ready = model.condition("Ready")
    if not model.is_current:
        return f"{model.name}: {reasons_to_wait(model, now)[0]}"
    if ready is None:
        return f"{model.name}: nothing is known of it yet; if that lasts, see whether the operator runs"
    return f"{model.name}: {ready.reason}: {ready.message}"


def table(*columns: str) -> Table:
    """A table as kubectl draws them: no lines, and two blanks between columns."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(column.upper(), overflow="fold")
    return made


def add(made: Table, *cells: str | Text, style: str = "") -> None:
    """A row of it. What comes from the cluster is never read as markup."""
    made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells), style=style)


def moment(at: datetime | None) -> str:
    """To the minute, in UTC, as banks log."""
    return at.strftime("%Y-%m-%d %H:%MZ") if at else "-"


def _parts(model: Seen, now: datetime) -> Iterator[RenderableType]:
    yield _title(model, now)
    yield Text()
    yield _revisions(model, now)
    steps = _steps(model, now)
    if steps is not None:
        yield from (Text(), steps)
    if model.status.rollout.verdicts:
        yield from (Text(), _checks(model.status.rollout.verdicts))
    facts = _facts(model, now)
    if facts.row_count:
        yield from (Text(), facts)


def _title(model: Seen, now: datetime) -> Text:
    ready, style = model.condition("Ready"), _STYLE_OF_STANDING[standing(model)]
    title = Text.assemble((model.name, "bold"), f"  {model.namespace}  ")
    if ready is None or not model.is_current:
        return title + Text(reasons_to_wait(model, now)[0] if not model.is_current else "nothing is known of it yet")
    return title + Text.assemble((ready.reason, style), f"\n{ready.message}")


def _revisions(model: Seen, now: datetime) -> Table:
    status, made = model.status, table("", "revision", "version", "digest", "since")
    roles = (
        ("stable", status.stable),
        ("canary", status.canary),
        ("target", status.rollout.target),
        ("before", status.rollout.before),
    )
    for role, revision in roles:
        if revision is not None:
            add(made, role, *_revision(revision, now))
    return made


def _revision(revision: RevisionStatus, now: datetime) -> tuple[str, ...]:
    since = f"{moment(revision.since)} ({span(now - revision.since)})" if revision.since else "-"
    return revision.revision, revision.version, revision.sha256[:12], since


def _steps(model: Seen, now: datetime) -> Table | None:
    """None where no ladder is climbed."""
    state, made = model.state, table("step", "asks for", "hold", "held")
    match state:
        case Preparing():
            _rungs(made, state.ladder, -1)
            add(made, "bake", "everything", format_duration(model.spec.rollout.bake), "next")
        case Climbing():
            _rungs(made, state.ladder, state.rung, _held(state, now))
            add(made, "bake", "everything", format_duration(model.spec.rollout.bake), "next")
        case Baking():
            passed, left = held(state.watched, now), left_of_bake(model, state, now)
            bake = model.spec.rollout.bake
            if state.ladder is not None:
                _rungs(made, state.ladder, len(state.ladder.rungs), over=_PROMOTED if state.is_ordered else _DONE)
            add(made, "bake", "everything", format_duration(bake), _bar(passed, bake, left), style="bold")
        case _:
            return None
    return made


def _rungs(made: Table, ladder: Ladder, present: int, on_it: str = "", *, over: str = _DONE) -> None:
    """`present`: the rung it is on, -1 before the first; `on_it`: how it stands there; `over`: what those before are."""
    for index, rung in enumerate(ladder.rungs):
        hold = format_duration(rung.hold) if rung.hold else "until in force"
        if index == present:
            add(made, str(index + 1), _share(rung), hold, on_it, style="bold")
        else:
            add(made, str(index + 1), _share(rung), hold, over if index < present else "next")


def _held(state: Climbing, now: datetime) -> str:
    if state.watched is None:
        return "not in force yet"
    passed = held(state.watched, now)
    return _bar(passed, state.on.hold, left_of_hold(state, now)) if state.on.hold else "in force"


def _bar(passed: timedelta, whole: timedelta, left: timedelta) -> str:
    full = _BAR if not left else min(int(_BAR * (passed / whole)), _BAR)
    told = f"{span(left)} left" if left else "held"
    return f"[{'#' * full}{'.' * (_BAR - full)}] {span(passed)} of {format_duration(whole)}, {told}"


def _share(rung: Rung) -> str:
    return "copies of all" if rung.is_shadow else f"{rung.weight} %"


def _checks(verdicts: tuple[VerdictStatus, ...]) -> Table:
    made = table("check", "verdict", "value", "limit", "requests", "meaning")
    for each in verdicts:
        verdict = Text(each.verdict, style=_STYLE_OF_VERDICT.get(each.verdict, ""))
        numbers = (each.value or "-", each.limit or "-", str(each.requests))
        add(made, each.name, verdict, *numbers, each.message)
    return made


def _facts(model: Seen, now: datetime) -> Table:
    """Name and value: requests, times, and why it waits."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False, show_edge=False)
    for name, value in (*_amounts(model, now), *_times(model, now)):
        add(made, Text(name, style="bold"), value)
    ready = model.condition("Ready")
    reasons = [each for each in reasons_to_wait(model, now) if ready is None or each != ready.message]
    for index, reason in enumerate(reasons):
        add(made, Text("waits for" if not index else "", style="bold"), reason)
    return made


def _amounts(model: Seen, now: datetime) -> Iterator[tuple[str, str]]:
    canary, state = model.status.canary, model.state
    if canary is None or not isinstance(state, Climbing) or state.watched is None:
        return
    needed = f" of {canary.needed} needed" if canary.needed else ""
    is_open = canary.eta is not None and canary.eta > now
    expected = f", expected {moment(canary.eta)} (in {span(canary.eta - now)})" if is_open and canary.eta else ""
    yield "requests", f"{canary.requests}{needed}{expected}"


def _times(model: Seen, now: datetime) -> Iterator[tuple[str, str]]:
    earliest, latest = earliest_end(model, now), latest_end(model)
    if earliest is not None:
        yield "done", f"in {span(earliest - now)} at the earliest ({moment(earliest)})"
    if latest is not None:
        yield "given up", f"in {span(latest - now)} ({moment(latest)}, spec.rollout.deadline)"
    judged = model.status.rollout.judged
    if judged is not None:
        yield "figures", f"taken {span(now - judged)} ago"
