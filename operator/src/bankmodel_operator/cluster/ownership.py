"""Which fields the apiserver takes for ours; used by `apply`.

What a POST made belongs to our manager's *updates*, and a later apply removes only what an earlier *apply* wrote: a field
that we stop sending would stay for ever. So before the first apply of an object its entries are put under one apply, as
client-go's csaupgrade does. Objects are made by POST all the same: an apply would take over somebody else's of that name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bankmodel_operator.core import names

__all__ = ["as_applied"]

Entry = Mapping[str, Any]


def as_applied(entries: Sequence[Entry]) -> list[Entry] | None:
    """The `managedFields` in which all of ours was applied; None where that is so already."""
    made = [entry for entry in entries if _is_ours(entry, "Update")]
    if not made:
        return None
    ours = [*(entry for entry in entries if _is_ours(entry, "Apply")), *made]
    fields: Mapping[str, Any] = {}
    for entry in ours:
        fields = _united(fields, entry.get("fieldsV1") or {})
    applied = {**ours[0], "operation": "Apply", "fieldsV1": fields}
    return [*(entry for entry in entries if entry not in ours), applied]


def _is_ours(entry: Entry, operation: str) -> bool:
    is_whole = not entry.get("subresource")
    return is_whole and (entry.get("manager"), entry.get("operation")) == (names.FIELD_MANAGER, operation)


def _united(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Every path of both: `fieldsV1` is a tree whose leaves are empty."""
    return {key: _united(one.get(key, {}), other.get(key, {})) for key in dict.fromkeys([*one, *other])}
