"""What `rollout history` shows: who was stable and when, what was taken back and why, and how long the last change took."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bankmodel_operator.api.v1alpha1 import LeadTime
from bankmodel_operator.plugin.drawing import add, moment, table
from bankmodel_operator.plugin.progress import span
from bankmodel_operator.plugin.seen import Seen

__all__ = ["draw_history"]


def draw_history(model: Seen, now: datetime) -> RenderableType:
    """Newest first."""
    return Group(*_parts(model, now))


def _parts(model: Seen, now: datetime) -> Iterator[RenderableType]:
    yield from (Text("Stable", style="bold"), _stable(model, now))
    yield from (Text(), Text("Taken back", style="bold"))
    yield _rejected(model) if model.status.rejected else Text("nothing")
    lead = model.status.lead_time
    if lead is not None and lead.applied is not None:
        yield from (Text(), Text("Lead time of the last change", style="bold"), _lead_time(lead, lead.applied))


def _stable(model: Seen, now: datetime) -> RenderableType:
    status, made = model.status, table("revision", "version", "digest", "from", "until", "for")
    if status.stable is not None and status.stable.since is not None:
        stable, since = status.stable, status.stable.since
        add(made, stable.revision, stable.version, stable.sha256[:12], moment(since), "now", span(now - since))
    for each in status.history:
        length = span(each.until - each.from_) if each.until and each.from_ else "-"
        about = (each.revision, each.version, each.sha256[:12])
        add(made, *about, moment(each.from_), moment(each.until), length)
    return made if made.row_count else Text("nothing yet")


def _rejected(model: Seen) -> Table:
    made = table("revision", "version", "digest", "at", "cause", "reason", "message")
    for each in model.status.rejected:
        about = (each.revision, each.version, each.sha256[:12], moment(each.at), each.cause, each.reason)
        add(made, *about, each.message)
    return made


def _lead_time(lead: LeadTime, applied: datetime) -> Table:
    made = table("revision", "applied", "ready", "first traffic", "promoted")
    reached = (lead.ready, lead.first_traffic, lead.promoted)
    add(made, lead.revision, moment(applied), *(f"+{span(at - applied)}" if at else "-" for at in reached))
    return made
