"""Asks a Prometheus, or anything with its HTTP API, for one number. Called by the shell for `prometheus` checks, before a decision.

A value or a reason, never an exception: what can't be asked is UNKNOWN. Redirects are not followed, for the token would go along; of an
answer only the number and Prometheus's own error text come back, so that a check can't be used to read other servers.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Final

import aiohttp

from bankmodel_operator.core.analysis.verdicts import Answer

__all__ = ["Prometheus", "Question", "read_answer"]

_DEADLINE_S: Final = 5.0
_LARGEST: Final = 1024 * 1024
_LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask and where. `token`: sent as bearer token; `ca`: certificate authorities in PEM to trust instead of the usual ones."""

    address: str
    query: str
    token: str | None = None
    ca: str | None = None

    def __repr__(self) -> str:
        return f"Question({self.address!r}, {self.query!r})"  # the token is nobody's business


class Prometheus:
    """Holds the connections; `close` ends them."""

    def __init__(self, deadline_s: float = _DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, question: Question, at: datetime) -> Answer:
        """The query's value at the time `at`, or why there is none."""
        try:
            trusted = _trusted(question.ca)
        except (ssl.SSLError, ValueError):
            return Answer(
                at, None, "the certificate authorities can't be read: PEM certificates are wanted under ca.crt"
            )
        try:
            async with asyncio.timeout(self._deadline_s):
                status, body = await self._get(question, at, trusted)
        except TimeoutError:
            return Answer(at, None, f"no answer within {self._deadline_s:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(at, None, f"can't be asked: {type(error).__name__}")
        return read_answer(status, body, at)

    async def _get(self, question: Question, at: datetime, trusted: ssl.SSLContext | bool) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        url = re.split("[?#]", question.address)[0].rstrip("/") + "/api/v1/query"
        wanted = {"query": question.query, "time": f"{at.timestamp():.3f}", "timeout": f"{self._deadline_s:g}s"}
        headers = {} if question.token is None else {"Authorization": f"Bearer {question.token}"}
        async with self._session.get(
            url, params=wanted, headers=headers, ssl=trusted, allow_redirects=False
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _LARGEST:
                    raise ValueError("the answer is too long")
            return response.status, bytes(body)


def _trusted(ca: str | None) -> ssl.SSLContext | bool:
    return True if ca is None else ssl.create_default_context(cadata=ca)


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
