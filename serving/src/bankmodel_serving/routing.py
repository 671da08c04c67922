"""The routing table: parse it, and say what this pod is in it. Pure; the file itself is watched by `routing_file`.

For now a pod learns from it whether it is superseded; who gets which share of the requests comes with the canary.
"""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bankmodel_serving.errors import RoutingError

__all__ = ["NO_TABLE", "Role", "RoutingTable", "accept", "parse_table", "role_of"]

API_VERSION = "serving.bankmodel.io/routing.v1"


class Role(Enum):
    """What this pod's revision is in the table."""

    ALONE = "alone"  # there is no table: nobody routes here, as outside of Kubernetes
    STABLE = "stable"
    SUPERSEDED = "superseded"
    UNLISTED = "unlisted"  # coming up: not named yet

    @property
    def closes_connections(self) -> bool:
        """Callers should reconnect, and reach the stable revision by that."""
        return self is Role.SUPERSEDED


@dataclass(frozen=True)
class RoutingTable:
    """One generation of the table. Empty strings where the table says nothing."""

    model: str = ""
    generation: int = 0
    stable: str = ""
    superseded: frozenset[str] = frozenset()
    owner: str = ""
    tier: str = ""
    purpose: str = ""


NO_TABLE = RoutingTable()


def parse_table(text: str | bytes, model: str) -> RoutingTable:
    """Read a table for `model`; unknown keys are ignored. Raises RoutingError saying what is wrong."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RoutingError("Unreadable", f"routing table of {model} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise RoutingError("Unreadable", f"routing table of {model} is not a JSON object")
    if document.get("apiVersion") != API_VERSION:
        raise RoutingError("Version", f"routing table has apiVersion {document.get('apiVersion')}, not {API_VERSION}")
    if document.get("model") != model:
        raise RoutingError("OtherModel", f"routing table is for model {document.get('model')}, this pod serves {model}")
    table = RoutingTable(
        model=model,
        generation=_generation(document.get("generation")),
        stable=_text(document, "stable"),
        superseded=_revisions(document.get("superseded")),
        owner=_text(document, "owner"),
        tier=_text(document, "tier"),
        purpose=_text(document, "purpose"),
    )
    if table.stable in table.superseded:
        raise RoutingError("Invalid", f"routing table names {table.stable} as stable and as superseded")
    return table


def accept(current: RoutingTable, offered: RoutingTable) -> RoutingTable:
    """The table to use from now on. Generations only grow: a lower one comes from a leader that was replaced."""
    if offered.generation < current.generation:
        raise RoutingError(
            "LowerGeneration",
            f"routing table has generation {offered.generation}, this pod already follows {current.generation}",
        )
    return offered


def role_of(table: RoutingTable, revision: str) -> Role:
    """What a pod of `revision` is under `table`."""
    if table is NO_TABLE:
        return Role.ALONE
    if revision in table.superseded:
        return Role.SUPERSEDED
    return Role.STABLE if revision and revision == table.stable else Role.UNLISTED


def _generation(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RoutingError(
            "Invalid", f"routing table has generation {str(value)[:40]}, not a whole number of 0 or more"
        )
    return value


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str | None):
        raise RoutingError("Invalid", f"routing table has {key} {str(value)[:40]}, not a string")
    return value or ""


def _revisions(value: Any) -> frozenset[str]:
    found = [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise RoutingError("Invalid", f"routing table has superseded {str(value)[:40]}, not a list of revisions")
    return frozenset(found)
