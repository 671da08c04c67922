"""What can go wrong between us and the apiserver, sorted by what to do about it.

ClusterError
├── Retry            try the pass again, later
│   ├── Conflict         somebody wrote first: read again and decide again, at once
│   ├── NotServed        the kind or the namespace is not there: read again what the cluster offers
│   ├── Unavailable      no answer, too slow, 429 or 5xx: with back-off
│   └── LeaseLost        we may not write now: this process ends, unless a renewal was only late
└── GiveUp           trying again changes nothing until somebody acts
    ├── Forbidden        a right is missing
    ├── Refused          the apiserver does not take this object
    └── Unreadable       the spec is not what this operator understands
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "ClusterError",
    "Conflict",
    "Forbidden",
    "GiveUp",
    "LeaseLost",
    "NotServed",
    "Refused",
    "Retry",
    "Unavailable",
    "Unreadable",
    "raised",
]

_MOST_WORDS = 200


class ClusterError(Exception):
    """Base of all; `target` names the object, as "Deployment lending/mortgage-0a1b2c3d4e"."""

    def __init__(self, message: str, *, target: str = "", words: str = "") -> None:
        super().__init__(message)
        self.target = target
        self.words = words


class Retry(ClusterError):
    """Trying again may help."""


class Conflict(Retry):
    """The object is not the one that was observed any more, or is gone."""


class NotServed(Retry):
    """What a create needs, its kind or its namespace, is not there any more."""


class Unavailable(Retry):
    """The apiserver did not answer, or asked for patience."""


class LeaseLost(Retry):
    """The lease may belong to another replica by now; nothing may be written until a renewal succeeds."""


class GiveUp(ClusterError):
    """Trying again helps only after somebody changed something."""


class Forbidden(GiveUp):
    """The operator's role lacks a right, or an admission policy says no."""


class Refused(GiveUp):
    """The apiserver does not accept the object as it is."""


class Unreadable(GiveUp):
    """The spec can't be read; `live` is the object it is in, so that its status can say so."""

    def __init__(self, message: str, *, live: dict[str, Any], target: str, words: str) -> None:
        super().__init__(message, target=target, words=words)
        self.live = live


def raised(verb: str, target: str, code: int, answer: Mapping[str, Any]) -> ClusterError:
    """The error for an unexpected answer of the apiserver."""
    words = str(answer.get("message") or answer.get("reason") or "no message")[:_MOST_WORDS]
    message = f"{verb} {target}: {code} {words}"
    if code == 404 and verb == "create":
        return NotServed(message, target=target, words=words)
    if code in (404, 409, 410):
        return Conflict(message, target=target, words=words)
    if code == 429 or code >= 500:
        return Unavailable(message, target=target, words=words)
    if code == 403:
        return Forbidden(message, target=target, words=words)
    if code == 401:
        return Unavailable(f"{message}; the credentials are read again", target=target, words=words)
    return Refused(message, target=target, words=words)
