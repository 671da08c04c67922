"""The routing ConfigMap: the table by which pods know their role, with a generation that only grows.

A canary's part of it is a grant: it ends by itself at `notAfter`, which is renewed in good time without a new generation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.observation import Manifest, format_time, parse_time
from bankmodel_operator.core.revision import canonical_json

Table = Mapping[str, Any]

GRANT = timedelta(minutes=10)
"""How far ahead `notAfter` is: without a word from an operator, no canary answers longer than that."""
_RENEWED_BEFORE = timedelta(minutes=6)
"""A kubelet takes up to two minutes to bring a table that nobody hurries."""


def table(
    parent: Parent,
    *,
    stable: str | None,
    superseded: tuple[str, ...],
    peers: Mapping[str, str] | None = None,
    canary: Mapping[str, Any] | None = None,
) -> Table:
    """The table's content; generation and `notAfter` are added when it is written."""
    return {
        "apiVersion": names.ROUTING_API_VERSION,
        "model": parent.name,
        "stable": stable,
        "superseded": list(superseded),
        "owner": parent.owner,
        "tier": parent.tier,
        "purpose": parent.purpose,
        **({"peers": dict(peers)} if peers else {}),
        **({"canary": dict(canary)} if canary else {}),
    }


def routing(parent: Parent, content: Table, generation: int, *, not_after: datetime | None = None) -> Manifest:
    written = {**content, "generation": generation}
    if not_after is not None and "canary" in written:
        written["canary"] = {**written["canary"], "notAfter": format_time(not_after)}
    metadata = parent.metadata(names.routing_configmap(parent.name))
    data = {names.ROUTING_KEY: canonical_json(written)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def read_table(live: Manifest | None) -> tuple[Table | None, int]:
    """Content and generation of a live table; (None, 0) where there is none or it cannot be read."""
    try:
        content = json.loads((live or {})["data"][names.ROUTING_KEY])
        generation = int(content.pop("generation"))
        (content.get("canary") or {}).pop("notAfter", None)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None, 0
    return content, generation


def granted_until(live: Manifest | None) -> datetime | None:
    """`notAfter` of a live table; None where it grants nothing."""
    try:
        return parse_time(json.loads((live or {})["data"][names.ROUTING_KEY])["canary"]["notAfter"])
    except (KeyError, TypeError, ValueError):
        return None


def grant(live: Manifest | None, now: datetime) -> datetime:
    """The `notAfter` to write: the live one as long as it is far enough ahead, so that an idle pass writes nothing."""
    until = granted_until(live)
    return until if until is not None and now + _RENEWED_BEFORE < until <= now + GRANT else now + GRANT
