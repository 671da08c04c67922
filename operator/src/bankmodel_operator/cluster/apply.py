"""Carries out a plan: creates, applies, deletes, then nudges; one after the other, in the order the core gave.

An object the apiserver does not take stops neither the others nor the deletions (which may be what frees the quota);
it comes back as a Refusal for the next decision to explain. A conflict stops everything: what was observed is not true
any more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Any

from bankmodel_operator.cluster.client import Api, Object
from bankmodel_operator.cluster.errors import GiveUp, Refused
from bankmodel_operator.cluster.resources import PODS, RESOURCES, Ref
from bankmodel_operator.core import names
from bankmodel_operator.core.names import ObjectRef, ref_of
from bankmodel_operator.core.observation import Nudge, Refusal
from bankmodel_operator.core.plan import Plan

__all__ = ["converge"]


async def converge(api: Api, namespace: str, plan: Plan, nudges: Iterable[Nudge]) -> tuple[Refusal, ...]:
    """Make the cluster what was decided; answers what was refused."""
    refused: list[Refusal | None] = []
    for body in plan.create:
        refused.append(await _taken(ref_of(body), api.create(dict(body))))
    for change in plan.apply:
        refused.append(await _taken(ref_of(change.body), api.apply(dict(change.body))))
    for removal in plan.delete:
        ref = Ref(RESOURCES[removal.ref.kind], namespace, removal.ref.name)
        deletion = api.delete(ref, uid=removal.uid, resource_version=removal.resource_version)
        refused.append(await _taken(removal.ref, deletion))
    for nudge in nudges:
        ref = Ref(PODS, namespace, nudge.pod)
        refused.append(await _taken(ObjectRef("v1", "Pod", nudge.pod), api.merge(ref, _annotation(nudge))))
    return tuple(refusal for refusal in refused if refusal is not None)


async def _taken(ref: ObjectRef, write: Awaitable[Any]) -> Refusal | None:
    try:
        await write
    except GiveUp as error:
        return Refusal(ref, error.words, is_invalid=isinstance(error, Refused))
    return None


def _annotation(nudge: Nudge) -> Object:
    # the uid makes this a conflict when another pod has the name by now
    return {"metadata": {"uid": nudge.uid, "annotations": {names.ANNOTATION_ROUTING_GENERATION: nudge.value}}}
