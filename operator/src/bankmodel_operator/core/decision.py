"""What one pass decided, as data: the shell saves `status`, then makes the cluster look like `desired`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bankmodel_operator.core.analysis.window import Window
from bankmodel_operator.core.observation import Event, Manifest, Nudge
from bankmodel_operator.core.states import State


@dataclass(frozen=True, slots=True)
class Decision:
    """`status` is whole, and equal to the saved one when nothing changed. `desired` is every child that
    must exist, in the order to write them; `prune`: owned objects not in it are deleted afterwards.
    `wants_scrape`: the next pass should read the pods' own reports. `window`: the evidence, to be kept in memory."""

    state: State
    status: Mapping[str, Any]
    desired: tuple[Manifest, ...] = ()
    prune: bool = False
    nudges: tuple[Nudge, ...] = ()
    wants_scrape: bool = False
    requeue_after: timedelta | None = None
    events: tuple[Event, ...] = ()
    window: Window | None = None

    @property
    def state_name(self) -> str:
        """The label of the rollout-state metric."""
        return type(self.state).__name__
