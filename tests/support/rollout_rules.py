"""What must never be seen of a rollout, asked at every single write that the API server took. Used by tests and by `make verify-rollout`.

The judge knows nothing of the operator's code: only objects, in the order of their versions. What pods did is judged by `pod_rules`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from support.history import Change

__all__ = ["broken_rules", "routing_table"]

_MODEL, _REVISION = "serving.bankmodel.io/model", "serving.bankmodel.io/revision"
_ON_TRIAL = ("Preparing", "Climbing", "Withdrawing", "Baking", "Draining", "Progressing")
Object = Mapping[str, Any]


def broken_rules(changes: Iterable[Change]) -> list[str]:
    """A sentence for each write that was not allowed; empty as it should be."""
    seen: dict[tuple[str, str], Object] = {}
    found: list[str] = []
    for change in changes:
        before = seen.get((change.kind, change.name), {})
        found += [f"{change.version} {change.kind} {change.name}: {said}" for said in _said(change, before, seen)]
        if change.after is None:
            seen.pop((change.kind, change.name), None)
        else:
            seen[change.kind, change.name] = change.after
    return found


def _said(change: Change, before: Object, seen: Mapping[tuple[str, str], Object]) -> Iterator[str]:
    after = change.after or {}
    # of a model that is gone nothing is asked: a pass that had begun may write once more, and the garbage collector takes it away
    name = ((after or before).get("metadata", {}).get("labels") or {}).get(_MODEL, change.name)
    model = seen.get(("BankModel", name), {})
    match change.kind:
        case "ConfigMap" if change.name.endswith("-routing") and after and model:
            yield from _of_table(routing_table(before), routing_table(after), model, seen)
        case "Deployment" if model:
            yield from _of_capacity(before, after, model, seen)
        case "Service" if change.name == name and after and model:
            yield from _of_selector(before, after, model, seen)
        case "BankModel" if before and after and not after["metadata"].get("deletionTimestamp"):
            yield from _of_status(before.get("status") or {}, after.get("status") or {})


def _of_table(before: Object, table: Object, model: Object, seen: Mapping[tuple[str, str], Object]) -> Iterator[str]:
    status = model.get("status") or {}
    if table["generation"] < before.get("generation", 0):
        yield f"the generation falls from {before['generation']} to {table['generation']}"
    if before and table["generation"] == before["generation"] and _lasting(table) != _lasting(before):
        yield "another content under the same generation"
    grant = table.get("canary") or {}
    if not (grant.get("weight") or grant.get("mirror")):
        return
    canary, weight, name = grant["revision"], grant["weight"], model["metadata"]["name"]
    if canary in [each["revision"] for each in status.get("rejected", ()) if not each.get("again")]:
        yield f"grants {weight} % to {canary}, which is rejected"
    rollout = status.get("rollout") or {}
    if (rollout.get("state"), rollout.get("weight")) != ("Climbing", weight):
        yield f"grants {weight} % while status says {rollout.get('state')} with {rollout.get('weight')} %"
    if (status.get("canary") or {}).get("revision") != canary:
        yield f"grants {weight} % to {canary}, which is not the canary in status"
    had = before.get("canary") or {}
    is_raised = weight > (had.get("weight", 0) if had.get("revision") == canary else 0)
    if is_raised and not _ready(name, canary, seen):
        yield f"raises {canary} to {weight} % without a ready pod of it"
    whole, has = (_replicas(name, revision, seen) for revision in (table["stable"], canary))
    if has < max(1, math.ceil(whole * weight / 100)):
        yield f"grants {weight} % of what {whole} pods do to {has} pods"


def _of_capacity(before: Object, after: Object, model: Object, seen: Mapping[tuple[str, str], Object]) -> Iterator[str]:
    name, labels = model["metadata"]["name"], (after or before)["metadata"]["labels"]
    revision, now = labels.get(_REVISION, ""), (after.get("spec") or {}).get("replicas", 0)
    was = (before.get("spec") or {}).get("replicas", 0)
    if now >= was or model["metadata"].get("deletionTimestamp"):
        return
    table = routing_table(seen.get(("ConfigMap", f"{name}-routing"), {}))
    grant, state = table.get("canary") or {}, ((model.get("status") or {}).get("rollout") or {}).get("state")
    if not after and revision in (table.get("stable"), *table.get("superseded", ())):
        yield "is deleted while the table says that it answers"
    if not after and _selected(name, seen) == revision:
        yield "is deleted while the Service selects it"
    if grant.get("revision") == revision and (grant.get("weight") or grant.get("mirror")):
        yield f"shrinks from {was} to {now} while it has {grant.get('weight')} %"
    if after and table.get("stable") == revision and state in _ON_TRIAL:
        yield f"shrinks from {was} to {now} in {state}, and all traffic may return to it"


def _of_selector(before: Object, after: Object, model: Object, seen: Mapping[tuple[str, str], Object]) -> Iterator[str]:
    name = after["metadata"]["name"]
    was, now = (((each.get("spec") or {}).get("selector") or {}).get(_REVISION, "") for each in (before, after))
    if not now or now == was:
        return
    if not _ready(name, now, seen):
        yield f"selects {now}, of which no pod is ready"
    if now in [each["revision"] for each in (model.get("status") or {}).get("rejected", ()) if not each.get("again")]:
        yield f"selects {now}, which is rejected"
    table = routing_table(seen.get(("ConfigMap", f"{name}-routing"), {}))
    if was and table.get("stable") != now:
        yield f"selects {now} before the table says so"


def _of_status(before: Object, after: Object) -> Iterator[str]:
    was, now = before.get("rollout") or {}, after.get("rollout") or {}
    if now and now.get("generation", 0) < was.get("generation", 0):
        yield f"the saved generation falls from {was['generation']} to {now.get('generation')}"
    if (was.get("state"), now.get("state")) != ("Climbing", "Climbing") or now["step"] <= was["step"]:
        return
    if now.get("promotionOrdered"):
        return
    if now["step"] != was["step"] + 1:
        yield f"goes from step {was['step']} to {now['step']}"
    verdicts = [each["verdict"] for each in was.get("verdicts", ())]
    if not verdicts or set(verdicts) != {"PASS"}:
        yield f"rises from {was['weight']} to {now['weight']} % with the verdicts {verdicts}"


def routing_table(config_map: Object) -> Object:
    """What a routing ConfigMap says; empty when there is none."""
    table: Object = json.loads((config_map.get("data") or {}).get("table.json", "{}"))
    return table


def _lasting(table: Object) -> Object:
    canary = {key: value for key, value in (table.get("canary") or {}).items() if key != "notAfter"}
    return {**table, "canary": canary}


def _ready(model: str, revision: str, seen: Mapping[tuple[str, str], Object]) -> int:
    pods = [each for (kind, _), each in seen.items() if kind == "Pod" and "deletionTimestamp" not in each["metadata"]]
    mine = [each for each in pods if each["metadata"]["labels"].get(_REVISION) == revision]
    return sum(
        any(one["type"] == "Ready" and one["status"] == "True" for one in each["status"].get("conditions", ()))
        for each in mine
        if each["metadata"]["labels"].get(_MODEL) == model
    )


def _replicas(model: str, revision: str, seen: Mapping[tuple[str, str], Object]) -> int:
    return int(seen.get(("Deployment", f"{model}-{revision}"), {}).get("spec", {}).get("replicas", 0))


def _selected(model: str, seen: Mapping[tuple[str, str], Object]) -> str:
    selector = (seen.get(("Service", model), {}).get("spec") or {}).get("selector") or {}
    return str(selector.get(_REVISION, ""))
