"""Traffic as a year brings it, in minutes: scores, mistakes, callers that come, go and break off. Measures memory by it."""

import asyncio
import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from support.scoring_process import DEADLINE_S, ScoringProcess, matrix, post

__all__ = ["Memory", "soak"]

_CALLERS = 16
_AHEAD = 40  # requests a caller sends before it reads the answers
_WARM_UP = 0.2
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
_PAGE_MIB = 4096 / 2**20


@dataclass
class Memory:
    """MiB that the server's process held, by the requests it had answered."""

    at: list[tuple[int, float]] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def growth_mib(self) -> float:
        """From the most of the warm-up (a fifth of the requests) to the end."""
        last, _ = self.at[-1]
        return self.at[-1][1] - max(mib for count, mib in self.at if count <= _WARM_UP * last)


def soak(server: ScoringProcess, requests: int, show: Callable[[int, float], None] = lambda count, mib: None) -> Memory:
    """Send about so many requests to a server of `tiny_models.dense`; `show` is called now and then with what is held."""
    memory = Memory()
    asyncio.run(_send_all(server, requests, memory, show))
    return memory


async def _send_all(server: ScoringProcess, requests: int, memory: Memory, show: Callable[[int, float], None]) -> None:
    steps = 20
    for step in range(steps):
        count = requests // steps // _CALLERS
        await asyncio.gather(
            *(_call(server.port, count, step * _CALLERS + caller, memory) for caller in range(_CALLERS))
        )
        memory.at.append((sum(memory.statuses.values()), _held_mib(server)))
        show(*memory.at[-1])


def _held_mib(server: ScoringProcess) -> float:
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * _PAGE_MIB


async def _call(port: int, count: int, seed: int, memory: Memory) -> None:
    """One caller's share, over several connections: some end in the middle of a request or of an answer."""
    chance = random.Random(seed)
    kinds = list(_kinds(chance))
    done = 0
    while done < count:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for _ in range(chance.randint(1, 20)):
                writer.write(b"".join(chance.choice(kinds) for _ in range(_AHEAD)))
                for _ in range(_AHEAD):
                    async with asyncio.timeout(DEADLINE_S):
                        status = await _answer(reader)
                    memory.statuses[status] = memory.statuses.get(status, 0) + 1
                done += _AHEAD
                if done >= count:
                    break
            if chance.random() < 0.5:
                writer.write(kinds[0] * 3 + kinds[0][:80])
                writer.transport.abort()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def _kinds(chance: random.Random) -> Iterator[bytes]:
    """Most are scores of one row; some are large, wrong or for somebody else."""
    for _ in range(40):
        yield post(json.dumps({"inputs": [matrix(1, chance.randrange(1000))]}).encode())
    yield post(json.dumps({"id": f"soak-{chance.random()}", "inputs": [matrix(33, 7)]}).encode())
    yield post(json.dumps({"inputs": [matrix(100, 7)]}).encode())
    yield post(json.dumps({"inputs": [matrix(1, 1), {"name": f"n{chance.random()}", "data": []}]}).encode())
    yield post(json.dumps({"inputs": [{"name": f"n{chance.random()}"}]}).encode())
    yield post(b'{"inputs":[' + b"[" * 30 + b"]" * 30 + b"]}")
    yield post(b'{"inputs":NaN}', b"x-request-id: a-%d\r\n" % chance.randrange(10**9))
    yield b"GET /v2/models/n%d HTTP/1.1\r\nhost: x\r\n\r\n" % chance.randrange(10**9)
    yield b"GET /v2/models/m HTTP/1.1\r\nhost: x\r\nx-%d: y\r\n\r\n" % chance.randrange(10**9)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    assert length is not None
    await reader.readexactly(int(length[1]))
    return int(head[9:12])
