"""What this process does about the routing table in force. The ticker makes it follow; the ways in ask it per request.

Where there is nothing to do it is idle, and nobody asks: the stable path of a model without a canary costs one look.
"""

import random
from collections.abc import Callable
from time import time

from bankmodel_serving.observation import ScoreTally
from bankmodel_serving.routing import (
    Address,
    AnswerSelf,
    Mirror,
    PassOn,
    RoutingTable,
    Share,
    Task,
    awaited_inputs,
    task_of,
)
from bankmodel_serving.split.choosing import Spread, is_chosen
from bankmodel_serving.split.forwarder import Forwarder
from bankmodel_serving.split.keys import Content, Keyless, key_of
from bankmodel_serving.split.link import Link
from bankmodel_serving.split.shadow import Shadow
from bankmodel_serving.split.tally import SplitTally

__all__ = ["Split"]

Connect = Callable[[Address], Link]


class Split:
    """For a pod of revision `own`. `score` and `cutoff` are the card's, for comparing with a mirrored canary."""

    def __init__(
        self,
        own: str,
        connect: Connect,
        *,
        tally: SplitTally,
        score: ScoreTally | None = None,
        cutoff: float | None = None,
        now: Callable[[], float] = time,
    ) -> None:
        self._own = own
        self._connect = connect
        self._tally = tally
        self._score = score
        self._cutoff = cutoff
        self._now = now
        self._task: Task = AnswerSelf()
        self._awaited: tuple[str, ...] = ()
        self._forwarder: Forwarder | None = None
        self._shadow: Shadow | None = None
        self._spread = _new_spread()

    @property
    def is_idle(self) -> bool:
        """There is nothing to ask before a request is scored."""
        return isinstance(self._task, AnswerSelf) and not self._awaited

    def follow(self, table: RoutingTable) -> None:
        """Do from now on as the table says; also to be called when only time has passed."""
        self._awaited = awaited_inputs(table, self._own)
        before, self._task = self._task, task_of(table, self._own, self._now())
        if _destination(before) != _destination(self._task):
            self.close()
            self._open()
        if self._shadow is not None and isinstance(self._task, Mirror):
            set_cutoff = self._task.canary.cutoff
            self._shadow.cutoff = self._cutoff if set_cutoff is None else set_cutoff
        if _share(before) != _share(self._task):
            self._spread = _new_spread()
        for each in (self._forwarder, self._shadow):
            if each is not None:
                each.link.sweep()

    def forwarder_for(self, content: Callable[[], Content]) -> Forwarder | None:
        """Who answers the next request; None: this pod. `content` is called only where a request must be looked into."""
        task = self._task
        seen = self._look(content()) if self._awaited else None
        if isinstance(task, PassOn):
            return self._forwarder
        if not isinstance(task, Share) or self._now() >= task.canary.not_after:
            return None
        canary = task.canary
        if canary.sticky is None:
            return self._forwarder if self._spread.chooses(canary.weight) else None
        key = key_of(seen or content(), canary.sticky)
        if isinstance(key, Keyless):
            self._tally.unkeyed[key.value] += 1
            return None
        return self._forwarder if is_chosen(key, canary.salt, canary.weight) else None

    @property
    def shadow(self) -> Shadow | None:
        """Who gets a copy of what this pod answers now."""
        return self._shadow if self.mirrors else None

    @property
    def mirrors(self) -> bool:
        return isinstance(self._task, Mirror) and self._now() < self._task.canary.not_after

    @property
    def effective_weight(self) -> int:
        """The percent of requests that this process really sends on to the canary now."""
        task = self._task
        return task.canary.weight if isinstance(task, Share) and self._now() < task.canary.not_after else 0

    def close(self) -> None:
        """Nothing more is sent; what is under way goes on."""
        if self._forwarder is not None:
            self._forwarder.link.close()
        if self._shadow is not None:
            self._shadow.close()
        self._forwarder = self._shadow = None

    def _open(self) -> None:
        own, tally = self._own, self._tally
        match self._task:
            case PassOn(at, to):
                self._forwarder = Forwarder(self._connect(at), own=own, to=to, tally=tally)
            case Share(at, canary):
                self._forwarder = Forwarder(self._connect(at), own=own, to=canary.revision, tally=tally)
            case Mirror(at, canary):
                link = self._connect(at)
                self._shadow = Shadow(link, own=own, to=canary.revision, tally=tally, score=self._score)
            case AnswerSelf():
                pass

    def _look(self, content: Content) -> Content:
        sent = content.inputs()
        self._tally.looked_for([name for name in self._awaited if name not in sent])
        return content


def _destination(task: Task) -> tuple[type[Task], Address, str] | None:
    """What connections depend on; a raised weight or a later end changes nothing about them."""
    match task:
        case PassOn(at, to):
            return PassOn, at, to
        case Share(at, canary) | Mirror(at, canary):
            return type(task), at, canary.revision
        case AnswerSelf():
            return None


def _share(task: Task) -> tuple[str, int] | None:
    return (task.canary.revision, task.canary.weight) if isinstance(task, Share) else None


def _new_spread() -> Spread:
    return Spread(lambda: random.randrange(100))
