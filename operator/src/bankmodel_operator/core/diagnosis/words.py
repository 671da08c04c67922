"""Somebody else's words, made fit for one sentence of ours. Used by the other modules of this package."""

from __future__ import annotations

import re

QUOTE_LIMIT = 200
"""Characters of somebody else's message that we repeat."""

_REFERENCE = re.compile(r"(secret|configmap|serviceaccount) \"[^\"]+\" not found|couldn't find key", re.IGNORECASE)


def quoted(text: str, limit: int = QUOTE_LIMIT) -> str:
    """On one line, bounded, without its full stop."""
    words = " ".join(text.split()).rstrip(".")
    return words if len(words) <= limit else f"{words[:limit]}…"


def is_about_a_reference(text: str) -> bool:
    """Whether it says that a Secret, ConfigMap or ServiceAccount, or a key in one, is not there."""
    return bool(_REFERENCE.search(text))
