"""Asks serving pods, on their metrics port, what only they know.

That is the routing generation they obey, what they forward and count, their open connections, their certificate, why they are
unready, and what their file needs and gives.

Whatever goes wrong makes the answer unknown (None), never an exception: a silent pod is a fact to decide on.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bankmodel_operator.core.observation import Report
from bankmodel_operator.telemetry.certificates import parse_certificate, parse_peers, read_number
from bankmodel_operator.telemetry.described import parse_described
from bankmodel_operator.telemetry.exposition import read_flag, read_least, read_sample

__all__ = ["Scraper", "parse_gauges", "parse_unready"]

_PORT = 9090
_DEADLINE_S = 1.0
_LARGEST = 4 * 1024 * 1024
_AT_ONCE = 32
_GAUGE = re.compile(r"^(bankmodel_routing_generation|bankmodel_connections)(?:\{[^}]*\})?\s+(\S+)", re.MULTILINE)


def _now() -> datetime:
    return datetime.now(UTC)


class Scraper:
    """Holds the connections to the pods; `close` ends them."""

    def __init__(self, port: int = _PORT, clock: Callable[[], datetime] = _now) -> None:
        self._port = port
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    async def reports(self, addresses: Mapping[str, str], *, describe: Collection[str] = ()) -> dict[str, Report]:
        """The reports of these pods (name to IP address), asked all at the same time; those in `describe` for their file, too."""
        answers = await asyncio.gather(*(self._report(ip, describe=name in describe) for name, ip in addresses.items()))
        return dict(zip(addresses, answers, strict=True))

    async def _report(self, address: str, *, describe: bool) -> Report:
        host = f"[{address}]" if ":" in address else address
        paths = ("metrics", "readyz", *(("model",) if describe else ()))
        metrics, readyz, *model = await asyncio.gather(*(self._get(host, path) for path in paths))
        generation, connections = parse_gauges(metrics)
        reason, message = parse_unready(readyz)
        return Report(
            generation,
            connections,
            reason,
            message,
            parse_certificate(metrics),
            peers=parse_peers(metrics),
            sample=read_sample(metrics, self._clock()),
            effective_weight=read_least(metrics, "routing_effective_weight"),
            is_mirroring=read_flag(metrics, "routing_mirroring"),
            described=parse_described(model[0]) if model else None,
        )

    async def _get(self, host: str, path: str) -> str:
        if self._session is None:
            # No proxies from the environment: pods are asked directly or not at all.
            self._session = aiohttp.ClientSession(trust_env=False)
        try:
            async with self._slots, asyncio.timeout(_DEADLINE_S):
                async with self._session.get(f"http://{host}:{self._port}/{path}", allow_redirects=False) as response:
                    return await _whole(response)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            return ""


async def _whole(response: aiohttp.ClientResponse) -> str:
    """The body to its end (`read(n)` would stop at what has arrived); empty where it is too long, for a part says nothing."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LARGEST:
            return ""
    return body.decode(errors="replace")


def parse_gauges(exposition: str) -> tuple[int | None, int | None]:
    """Generation (the least, if several processes report) and open connections (their sum)."""
    found: dict[str, list[int]] = {}
    for name, value in _GAUGE.findall(exposition):
        number = read_number(value)
        if number is None:
            return None, None  # half a report is none
        found.setdefault(name, []).append(number)
    generations = found.get("bankmodel_routing_generation")
    connections = found.get("bankmodel_connections")
    return (min(generations) if generations else None), (sum(connections) if connections else None)


def parse_unready(answer: str) -> tuple[str | None, str | None]:
    """Reason and message of an unready pod's /readyz; None for a ready one and for anything else."""
    try:
        said: Any = json.loads(answer)
    except ValueError:
        return None, None
    if not isinstance(said, dict) or said.get("ready") is not False:
        return None, None
    return str(said.get("reason") or "Unready"), str(said.get("message") or "")[:200]
