"""Gathers one Observation; nothing else reads the cluster for a decision. Every read is live: no cache can be stale.

A pass over a healthy model costs one GET and one LIST a kind, all lists at the same time; where something is missing, a few GETs more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from pydantic import ValidationError

from bankmodel_operator.api.v1alpha1 import BankModel
from bankmodel_operator.cluster.client import Api, Object
from bankmodel_operator.cluster.errors import Unreadable
from bankmodel_operator.cluster.queue import Key
from bankmodel_operator.cluster.resources import CHILDREN, MODELS, POD_MONITORS, PODS, RESOURCES, Ref
from bankmodel_operator.core import names, pods, rollout
from bankmodel_operator.core.attention import wants_descriptions
from bankmodel_operator.core.memory import decode
from bankmodel_operator.core.observation import ClusterFacts, Observation, PodSeen, Refusal, Report

__all__ = ["Ask", "observe"]


class Ask(Protocol):
    """Asks pods (name to IP address) for their reports; with `describe` also what their file needs and gives."""

    def __call__(
        self, addresses: Mapping[str, str], /, *, describe: Collection[str] = ()
    ) -> Awaitable[Mapping[str, Report]]: ...


async def observe(
    api: Api, key: Key, *, facts: ClusterFacts, ask: Ask, ask_all: bool = False, refusals: tuple[Refusal, ...] = ()
) -> tuple[Object, Observation] | None:
    """The live object and all that was seen of it; None when there is no such model. Raises Unreadable.

    Pods that run but are not ready are always asked for their reason, the others when `ask_all`, and where TLS is asked
    for: nobody else knows how long their certificates last.
    """
    live = await api.get(Ref(MODELS, *key))
    if live is None:
        return None
    model = _parsed(live)
    children, seen = await asyncio.gather(_children(api, key, facts), _pods(api, key))
    uid = live["metadata"]["uid"]
    owned = tuple(child for child in children if _is_owned(child, uid))
    observation = Observation(
        model=model,
        status=live.get("status") or {},
        owned=owned,
        pods=await _asked(
            seen,
            ask,
            ask_all or model.spec.serving.tls is not None,
            describe=wants_descriptions(decode(live.get("status") or {})),
        ),
        cluster=facts,
        refusals=refusals,
    )
    missing = _not_listed(key[0], observation)
    named = await _present(api, missing)
    if missing and not await _is_still_there(api, key, uid):
        return None  # its children were missing because it was deleted meanwhile: they must not be made anew
    strays = tuple(each for each in named if _is_owned(each, uid))  # ours, but somebody took their label away
    foreign = tuple(each for each in named if not _is_owned(each, uid))
    return live, replace(observation, owned=(*owned, *strays), foreign=foreign)


async def _children(api: Api, key: Key, facts: ClusterFacts) -> tuple[Object, ...]:
    kinds = (*CHILDREN, POD_MONITORS) if facts.pod_monitor else CHILDREN
    lists = await asyncio.gather(*(api.list(kind, key[0], _labelled(key)) for kind in kinds))
    return tuple(item for items in lists for item in items)


async def _pods(api: Api, key: Key) -> tuple[PodSeen, ...]:
    return tuple(pods.see(pod) for pod in await api.list(PODS, key[0], _labelled(key)))


async def _asked(seen: tuple[PodSeen, ...], ask: Ask, ask_all: bool, *, describe: bool) -> tuple[PodSeen, ...]:
    addresses = {pod.name: pod.ip for pod in seen if pod.ip and pod.is_running and (ask_all or not pod.ready)}
    if not addresses:
        return seen
    reports = await ask(addresses, describe=addresses if describe else ())
    return tuple(replace(pod, report=reports.get(pod.name)) for pod in seen)


def _not_listed(namespace: str, observation: Observation) -> tuple[Ref, ...]:
    """The names we need and no owned object has; asked for one by one."""
    ours = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in observation.owned}
    wanted = (ref for ref in rollout.needed(observation) if (ref.kind, ref.name) not in ours)
    return tuple(Ref(RESOURCES[ref.kind], namespace, ref.name) for ref in wanted)


async def _is_still_there(api: Api, key: Key, uid: str) -> bool:
    live = await api.get(Ref(MODELS, *key))
    return live is not None and live["metadata"]["uid"] == uid


async def _present(api: Api, refs: Iterable[Ref]) -> tuple[Object, ...]:
    found = await asyncio.gather(*(api.get(ref) for ref in refs))
    return tuple(item for item in found if item is not None)


def _labelled(key: Key) -> str:
    return f"{names.LABEL_MODEL}={key[1]}"


def _is_owned(child: Object, uid: str) -> bool:
    owners = child["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and owner.get("uid") == uid for owner in owners)


def _parsed(live: Object) -> BankModel:
    try:
        return BankModel.model_validate({"metadata": live["metadata"], "spec": live["spec"]})
    except ValidationError as error:
        target = f"{MODELS.kind} {live['metadata']['namespace']}/{live['metadata']['name']}"
        faults = "; ".join(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()[:3])
        message = (
            f"{target} cannot be read: {faults}; apply the CRD of this operator's version, then the resource again"
        )
        raise Unreadable(message, live=live, target=target, words=faults) from error
