"""Asks a Prometheus, or anything with its HTTP API, for one number. Called by the shell for `prometheus` checks, before a decision.

A value or a reason, never an exception: what can't be asked is UNKNOWN. It is asked without credentials, and redirects are not followed; of an
answer only the number and Prometheus's own error text come back, so that a check can't be used to read other servers.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, Final

import aiohttp

from bankmodel_operator.api.v1alpha1 import PrometheusQuery
from bankmodel_operator.core.analysis.verdicts import Answer

__all__ = ["Prometheus", "read_answer"]

_DEADLINE_S: Final = 5.0
_LARGEST: Final = 1024 * 1024
_LONGEST: Final = 120


class Prometheus:
    """Holds the connections; `close` ends them."""

    def __init__(self, deadline_s: float = _DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    async def answers(self, queries: Mapping[str, PrometheusQuery], at: datetime) -> dict[str, Answer]:
        """Of each query its value at the time `at`, or why there is none; asked all at the same time."""
        found = await asyncio.gather(*(self.ask(query.address, query.query, at) for query in queries.values()))
        return dict(zip(queries, found, strict=True))

    async def ask(self, address: str, query: str, at: datetime) -> Answer:
        """One of them."""
        try:
            async with asyncio.timeout(self._deadline_s):
                status, body = await self._get(address, query, at)
        except TimeoutError:
            return Answer(at, None, f"no answer within {self._deadline_s:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(at, None, f"can't be asked: {type(error).__name__}")
        return read_answer(status, body, at)

    async def _get(self, address: str, query: str, at: datetime) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        url = re.split("[?#]", address)[0].rstrip("/") + "/api/v1/query"
        wanted = {"query": query, "time": f"{at.timestamp():.3f}", "timeout": f"{self._deadline_s:g}s"}
        async with self._session.get(url, params=wanted, allow_redirects=False) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _LARGEST:
                    raise ValueError("the answer is too long")
            return response.status, bytes(body)


def read_answer(status: int, body: bytes, at: datetime) -> Answer:
    """The one number in an answer of the API, or why there is none."""
    try:
        said: Any = json.loads(body)
        if not isinstance(said, dict) or said.get("status") != "success":
            return Answer(at, None, _refusal(status, said))
        return _value(said["data"]["resultType"], said["data"]["result"], at)
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return Answer(at, None, f"HTTP status {status} and no answer of a Prometheus")


def _refusal(status: int, said: Any) -> str:
    error = said.get("error") if isinstance(said, dict) and said.get("status") == "error" else None
    return f"HTTP status {status}" + (f": {error[:_LONGEST]}" if isinstance(error, str) else "")


def _value(kind: str, result: Any, at: datetime) -> Answer:
    if kind == "vector":
        if len(result) != 1:
            return Answer(
                at,
                None,
                f"{len(result)} series, one is wanted" if result else "empty: no series, or no data at that time",
            )
        result = result[0]["value"]
    elif kind != "scalar":
        return Answer(at, None, f"a {kind[:_LONGEST]}, one number is wanted")
    value = float(result[1])
    return Answer(at, value) if isfinite(value) else Answer(at, None, f"{value}, which is no number to compare")
