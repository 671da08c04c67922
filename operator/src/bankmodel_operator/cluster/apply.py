"""Carries out a plan: creates, applies, deletes, one after the other, in the order the core gave; then nudges, all at once.

An object the apiserver does not take stops neither the others nor the deletions (which may be what frees the quota);
it comes back as a Refusal for the next decision to explain. A conflict stops everything: what was observed is not true
any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

from bankmodel_operator.cluster.client import Api, Object, reference
from bankmodel_operator.cluster.errors import Conflict, GiveUp, Refused
from bankmodel_operator.cluster.ownership import as_applied
from bankmodel_operator.cluster.resources import PODS, RESOURCES, Ref
from bankmodel_operator.core import names
from bankmodel_operator.core.names import ObjectRef, ref_of
from bankmodel_operator.core.observation import Manifest, Nudge, Refusal
from bankmodel_operator.core.plan import Plan

__all__ = ["converge"]


async def converge(
    api: Api, namespace: str, plan: Plan, nudges: Iterable[Nudge], *, owned: Iterable[Manifest]
) -> tuple[Refusal, ...]:
    """Make the cluster what was decided from `owned`; answers what was refused."""
    live = {manifest["metadata"]["uid"]: manifest for manifest in owned}
    refused: list[Refusal | None] = []
    for body in plan.create:
        refused.append(await _taken(ref_of(body), api.create(dict(body))))
    for change in plan.apply:
        write = _apply(api, dict(change.body), live[change.body["metadata"]["uid"]])
        refused.append(await _taken(ref_of(change.body), write))
    for removal in plan.delete:
        ref = Ref(RESOURCES[removal.ref.kind], namespace, removal.ref.name)
        deletion = api.delete(ref, uid=removal.uid, resource_version=removal.resource_version)
        refused.append(await _taken(removal.ref, deletion))
    refused += await _nudged(api, namespace, nudges)
    return tuple(refusal for refusal in refused if refusal is not None)


async def _nudged(api: Api, namespace: str, nudges: Iterable[Nudge]) -> list[Refusal | None]:
    """All at once, or with many pods the last would read the table late. Every request has ended before an error is raised."""
    writes = (
        _taken(ObjectRef("v1", "Pod", nudge.pod), api.merge(Ref(PODS, namespace, nudge.pod), _annotation(nudge)))
        for nudge in nudges
    )
    ended = await asyncio.gather(*writes, return_exceptions=True)
    taken: list[Refusal | None] = []
    for each in ended:
        if isinstance(each, BaseException):
            raise each
        taken.append(each)
    return taken


async def _apply(api: Api, body: Object, live: Manifest) -> None:
    """Both writes carry what was observed; the second what the first made of it."""
    metadata, fields = body["metadata"], as_applied(live["metadata"].get("managedFields") or ())
    if fields is not None:
        fence = {key: metadata[key] for key in ("uid", "resourceVersion")}
        changed = await api.merge(reference(body), {"metadata": {**fence, "managedFields": fields}})
        if changed is None:
            raise Conflict(f"{ref_of(body)} is gone", target=str(ref_of(body)))
        metadata = {**metadata, "resourceVersion": changed["metadata"]["resourceVersion"]}
    await api.apply({**body, "metadata": metadata})


async def _taken(ref: ObjectRef, write: Awaitable[Any]) -> Refusal | None:
    try:
        await write
    except GiveUp as error:
        return Refusal(ref, error.words, is_invalid=isinstance(error, Refused))
    return None


def _annotation(nudge: Nudge) -> Object:
    # the uid makes this a conflict when another pod has the name by now
    return {"metadata": {"uid": nudge.uid, "annotations": {names.ANNOTATION_ROUTING_GENERATION: nudge.value}}}
