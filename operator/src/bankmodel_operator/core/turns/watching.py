"""Time on a rung, or in bake: it counts only while somebody watched."""

from __future__ import annotations

from datetime import datetime, timedelta

from bankmodel_operator.core.states import Watched

SAVED_EVERY = timedelta(minutes=1)
"""How often the time on a rung is saved: a crash may lose that much of it, and never counts it twice."""
_LOOKED_AWAY = timedelta(minutes=2)
"""A longer gap between two looks does not count as watched."""


def held(watched: Watched, now: datetime) -> timedelta:
    """Watched time up to now; a gap in which nobody looked counts for nothing."""
    since = max(now - watched.seen, timedelta(0))
    return watched.held + (since if since <= _LOOKED_AWAY else timedelta(0))


def looked(watched: Watched, now: datetime) -> Watched:
    """The same, up to now."""
    return Watched(held(watched, now), max(now, watched.seen))
