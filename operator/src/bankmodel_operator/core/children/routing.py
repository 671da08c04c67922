"""The routing ConfigMap: the table by which pods know their role, with a generation that only grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.children.parent import Parent
from bankmodel_operator.core.observation import Manifest
from bankmodel_operator.core.revision import canonical_json

Table = Mapping[str, Any]


def table(parent: Parent, *, stable: str | None, superseded: tuple[str, ...]) -> Table:
    """The table's content; the generation is added when it is written."""
    return {
        "apiVersion": names.ROUTING_API_VERSION,
        "model": parent.name,
        "stable": stable,
        "superseded": list(superseded),
        "owner": parent.owner,
        "tier": parent.tier,
        "purpose": parent.purpose,
    }


def routing(parent: Parent, content: Table, generation: int) -> Manifest:
    text = canonical_json({**content, "generation": generation})
    metadata = parent.metadata(names.routing_configmap(parent.name))
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {names.ROUTING_KEY: text}}


def read_table(live: Manifest | None) -> tuple[Table | None, int]:
    """Content and generation of a live table; (None, 0) where there is none or it cannot be read."""
    try:
        content = json.loads((live or {})["data"][names.ROUTING_KEY])
        generation = int(content.pop("generation"))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None, 0
    return content, generation
