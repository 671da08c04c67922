"""Copies of requests to a canary that answers nobody: sent after the answer has left, compared, and dropped when late.

A caller can't notice it: what is done before the answer is to keep one column of scores, and the queue is short in number and
in bytes.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

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

    def offer(self, copy: Copy) -> None:
        """Queue a copy, or drop it where too many wait."""
        if len(self._waiting) >= _MOST_WAITING or self._bytes + len(copy.body) > _MOST_BYTES:
            self._count(Result.DROPPED)
            return
        self._waiting.append(copy)
        self._bytes += len(copy.body)
        if len(self._workers) < _AT_ONCE:
            worker = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    def close(self) -> None:
        """What waits is dropped."""
        while self._waiting:
            self._waiting.popleft()
            self._count(Result.DROPPED)
        self._bytes = 0
        self.link.close()

    async def _work(self) -> None:
        while self._waiting:
            copy = self._waiting.popleft()
            self._bytes -= len(copy.body)
            try:
                await self._send(copy)
            except Exception:
                _LOG.exception("a copy could not be compared")

    async def _send(self, copy: Copy) -> None:
        found = await self.link.ask(head_of(copy.path, copy.headers, len(copy.body), own=self._own), copy.body)
        result = judge(found, self._to)
        self._count(result)
        if result is Result.OK and isinstance(found, PeerAnswer) and found.status == 200:
            self._compare(copy, found)

    def _compare(self, copy: Copy, found: PeerAnswer) -> None:
        if self.score is None or copy.scores is None:
            return
        output = copy.read(found, self.score.name)
        compared = None if output is None else compare(copy.scores, self.score.of(output), self.cutoff)
        if compared is None:
            return
        self._tally.differed(self._to, compared.differences)
        if compared.flips is not None:
            self._tally.compared[self._to] += len(compared.differences)
            self._tally.flips[self._to] += compared.flips

    def _count(self, result: Result) -> None:
        self._tally.copies[(self._to, result)] += 1
