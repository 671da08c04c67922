"""Copies of requests to a canary that answers nobody: sent after the answer has left, compared, and dropped when late.

A caller can't notice it: what is done before the answer is to keep one column of scores, and the queue is short in number and
in bytes. Copies go together and are compared together: each by itself woke the loop twice, which cost as much as the request.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bankmodel_serving.observation import ScoreTally
from bankmodel_serving.split.comparing import ReadOutput, compare
from bankmodel_serving.split.forwarder import Result, head_of, judge
from bankmodel_serving.split.link import Link
from bankmodel_serving.split.peer_connection import PeerAnswer
from bankmodel_serving.split.tally import SplitTally
from bankmodel_serving.tensors import Array

__all__ = ["Copy", "Shadow"]

_LOG = logging.getLogger(__name__)
_MOST_WAITING = 64
_MOST_BYTES = 8 << 20  # bodies are up to 4 MB each
_AT_ONCE = 4
_GATHER_S = 0.02
_TOGETHER, _BYTES_TOGETHER = 16, 1 << 20  # few enough that handling their answers holds up nobody


@dataclass(slots=True)
class Copy:
    """One answered request. `scores` are those answered; None where this model has no score output."""

    path: bytes
    body: bytes
    scores: Array | None
    read: ReadOutput
    headers: Mapping[bytes, bytes] = field(default_factory=dict)


class Shadow:
    """To one canary. `cutoff` is where a decision flips, `score` which output is the score."""

    def __init__(self, link: Link, *, own: str, to: str, tally: SplitTally, score: ScoreTally | None) -> None:
        self.link = link
        self.cutoff: float | None = None
        self.score = score
        self._own = b"x-bankmodel-from: %s\r\nx-bankmodel-shadow: 1\r\n" % own.encode()
        self._to = to
        self._tally = tally
        self._waiting: deque[Copy] = deque()
        self._bytes = 0
        self._workers: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, copy: Copy) -> None:
        """Queue a copy, or drop it where too many wait."""
        if len(self._waiting) >= _MOST_WAITING or self._bytes + len(copy.body) > _MOST_BYTES:
            self._count(Result.DROPPED)
            return
        self._waiting.append(copy)
        self._bytes += len(copy.body)
        if len(self._waiting) >= _TOGETHER:
            self._start()
        else:
            self._start_later()

    def close(self) -> None:
        """What waits is dropped."""
        while self._waiting:
            self._waiting.popleft()
            self._count(Result.DROPPED)
        self._bytes = 0
        self.link.close()

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and len(self._workers) < _AT_ONCE:
            worker = self._loop.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    def _start_later(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(_GATHER_S, self._start)

    async def _work(self) -> None:
        copies = self._next()
        while copies:
            try:
                await self._send(copies)
            except Exception:
                _LOG.exception("copies could not be compared")
            copies = self._next() if len(self._waiting) >= _TOGETHER else []
        if self._waiting:
            self._start_later()

    def _next(self) -> list[Copy]:
        """Those that have waited longest."""
        copies: list[Copy] = []
        room = _BYTES_TOGETHER
        while self._waiting and len(copies) < _TOGETHER and (room > 0 or not copies):
            copies.append(self._waiting.popleft())
            room -= len(copies[-1].body)
        self._bytes -= _BYTES_TOGETHER - room
        return copies

    async def _send(self, copies: Sequence[Copy]) -> None:
        found, lost = await self.link.ask_all([(self._head(copy), copy.body) for copy in copies])
        if lost is not None:
            self._lost(Result(lost.value), len(copies) - len(found))
        results = [judge(each, self._to) for each in found]
        for result in results:
            self._count(result)
        answered = zip(copies, found, results, strict=False)
        self._compare([(copy, each) for copy, each, result in answered if result is Result.OK and each.status == 200])

    def _head(self, copy: Copy) -> bytes:
        return head_of(copy.path, copy.headers, len(copy.body), own=self._own)

    def _lost(self, result: Result, count: int) -> None:
        """Behind one that came too late, the canary has not begun with the others."""
        self._count(result)
        self._count(Result.DROPPED if result is Result.TIMEOUT else result, count - 1)

    def _compare(self, answered: Sequence[tuple[Copy, PeerAnswer]]) -> None:
        if self.score is None:
            return
        pairs = [pair for copy, found in answered if (pair := _pair(self.score, copy, found)) is not None]
        if not pairs:
            return
        own, theirs = (np.concatenate(side) for side in zip(*pairs, strict=True))
        compared = compare(own, theirs, self.cutoff)
        self._tally.differed(self._to, compared.differences)
        if compared.flips is not None:
            self._tally.compared[self._to] += len(compared.differences)
            self._tally.flips[self._to] += compared.flips

    def _count(self, result: Result, count: int = 1) -> None:
        if count:
            self._tally.copies[(self._to, result)] += count


def _pair(score: ScoreTally, copy: Copy, found: PeerAnswer) -> tuple[Array, Array] | None:
    """Both revisions' scores of the same rows; None where there is nothing to compare."""
    if copy.scores is None:
        return None
    output = copy.read(found, score.name)
    theirs = None if output is None else score.of(output)
    return None if theirs is None or theirs.shape != copy.scores.shape else (copy.scores, theirs)
