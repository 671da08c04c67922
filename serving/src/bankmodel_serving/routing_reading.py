"""The text of a routing table to its values; what is wrong is refused with a reason. Pure; called by `routing_file`."""

import json
from datetime import datetime
from ipaddress import ip_address
from math import isfinite
from typing import Any, NoReturn

from bankmodel_serving.errors import RoutingError
from bankmodel_serving.routing import Address, Canary, RoutingTable, Sticky

__all__ = ["parse_table"]

API_VERSION = "serving.bankmodel.io/routing.v1"
_PEER_PORT = 8082


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
        superseded=frozenset(_texts(document, "superseded")),
        owner=_text(document, "owner"),
        tier=_text(document, "tier"),
        purpose=_text(document, "purpose"),
        peers=_peers(document.get("peers")),
        canary=_canary(document.get("canary")),
    )
    _refuse_contradictions(table)
    return table


def _refuse_contradictions(table: RoutingTable) -> None:
    if table.stable in table.superseded:
        raise RoutingError("Invalid", f"routing table names {table.stable} as stable and as superseded")
    canary = table.canary
    if canary is None:
        return
    if canary.revision == table.stable or canary.revision in table.superseded:
        raise RoutingError("Invalid", f"routing table names {canary.revision} as canary and as stable or superseded")
    if canary.mirror and canary.weight:
        raise RoutingError("Invalid", f"routing table mirrors to a canary of weight {canary.weight}; only 0 fits")
    if (canary.mirror or canary.weight) and canary.revision not in table.peers:
        raise RoutingError("Invalid", f"routing table has no peer for its canary {canary.revision}")


def _canary(value: Any) -> Canary | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        _refuse("canary", value, "an object")
    revision, sticky, salt = _text(value, "revision"), _sticky(value.get("sticky")), _text(value, "salt")
    if not revision:
        _refuse("canary.revision", revision, "a revision")
    if sticky and not salt:
        _refuse("canary.salt", salt, "the salt that a sticky canary needs")
    return Canary(
        revision=revision,
        weight=_weight(value.get("weight")),
        mirror=_flag(value.get("mirror")),
        not_after=_moment(value.get("notAfter")),
        salt=salt,
        sticky=sticky,
        awaits=tuple(_texts(value, "awaits")),
        cutoff=_cutoff(value.get("cutoff")),
    )


def _generation(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        _refuse("generation", value, "a whole number of 0 or more")
    return value


def _weight(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
        _refuse("canary.weight", value, "a whole number from 0 to 100")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool | None):
        _refuse("canary.mirror", value, "true or false")
    return bool(value)


def _moment(value: Any) -> float:
    """Unix time. A canary without an end would outlive its supervisor, so there is no default."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        _refuse("canary.notAfter", value, "a time such as 2026-11-25T10:00:00Z")
    if found.tzinfo is None:
        _refuse("canary.notAfter", value, "a time with its zone, such as 2026-11-25T10:00:00Z")
    return found.timestamp()


def _cutoff(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        _refuse("canary.cutoff", value, "a number")
    return float(value)


def _sticky(value: Any) -> Sticky | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        _refuse("canary.sticky", value, "an object")
    found = Sticky(_text(value, "parameter"), _text(value, "input"))
    if bool(found.parameter) == bool(found.input):
        _refuse("canary.sticky", value, "either a parameter or an input")
    return found


def _peers(value: Any) -> dict[str, Address]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        _refuse("peers", value, "an object")
    return {revision: _address(text) for revision, text in value.items()}


def _address(text: Any) -> Address:
    """`10.0.0.1`, `10.0.0.1:8082`, `fd00::1` or `[fd00::1]:8082`. No names: nobody waits for DNS here."""
    host, port = text, str(_PEER_PORT)
    if isinstance(text, str) and text.startswith("["):
        host, _, port = text[1:].partition("]:")
    elif isinstance(text, str) and text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address, number = ip_address(host), int(port) if port.isascii() and port.isdigit() else 0
    except ValueError:
        _refuse("peers", text, "an IP address, with or without a port")
    if isinstance(host, int) or not 0 < number < 65536:
        _refuse("peers", text, "an IP address, with or without a port")
    return Address(str(address), number)


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str | None):
        _refuse(key, value, "a string")
    return value or ""


def _texts(document: dict[str, Any], key: str) -> list[str]:
    value = document.get(key)
    found = [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        _refuse(key, value, "a list of strings")
    return found


def _refuse(key: str, value: Any, expected: str) -> NoReturn:
    raise RoutingError("Invalid", f"routing table has {key} {str(value)[:40]}, not {expected}")
