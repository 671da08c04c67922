"""The watches: kopf tells which objects changed, and each change puts the model's key on the work queue. No more. What it only lists when a
watch begins, after an error too, is queued behind what changed.

The models' watch comes first, alone: kopf works off the lists of all watches at the same time, and an edit is heard of behind the last
object of them. With all twelve kinds at once that took an operator 41 s among 300 models.

kopf writes nothing: only `on.event` handlers are used, so user objects get no finalizer and no annotation.
Used by `process` when it leads.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import kopf

from bankmodel_operator.cluster.queue import Lane, WorkQueue
from bankmodel_operator.cluster.resources import CHILDREN, MODELS, POD_MONITORS, PODS
from bankmodel_operator.core import names
from bankmodel_operator.core.attention import is_at_rest

__all__ = ["News", "key_of_child", "watch_children", "watch_models"]

_OURS = f"{names.LABEL_MANAGED_BY}={names.FIELD_MANAGER}"
_CRDS = ("apiextensions.k8s.io", "v1", "customresourcedefinitions")
# Only for peering, which is off; left out, kopf asks for the name of a user, and a container's has none.
_IDENTITY: Any = names.FIELD_MANAGER
_POD_MONITOR_CRD = f"{POD_MONITORS.plural}.{POD_MONITORS.group}"


@dataclass(frozen=True)
class _Patience:
    """Endless back-offs: an apiserver that is away for an hour is ridden out. Iterable any number of times."""

    longest_s: float = 30.0

    def __iter__(self) -> Iterator[float]:
        delay_s = 1.0
        while True:
            yield delay_s * random.uniform(0.8, 1.2)
            delay_s = min(delay_s * 2, self.longest_s)


async def watch_models(namespaces: Collection[str], queue: WorkQueue, news: News) -> Collection[asyncio.Task[None]]:
    """Start watching BankModels, in these namespaces or (empty) everywhere; the tasks run until one of them fails.

    kopf takes over SIGTERM and SIGINT in here and in `watch_children`: the caller puts its own handlers back.
    """
    registry = kopf.OperatorRegistry()
    _watch_models(registry, queue, news)
    return await _spawned(registry, namespaces)


async def watch_children(
    namespaces: Collection[str], queue: WorkQueue, on_scrapers_changed: Callable[[], None]
) -> Collection[asyncio.Task[None]]:
    """Start watching all else, as above.

    `on_scrapers_changed` is called when the PodMonitor kind comes or goes, which only a cluster-wide operator may see.
    """
    registry = kopf.OperatorRegistry()
    _watch_children(registry, queue)
    if not namespaces:
        _watch_pod_monitor_kind(registry, on_scrapers_changed)
    return await _spawned(registry, namespaces)


def key_of_child(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """The model an object belongs to: by its controller, else by its label (pods belong to ReplicaSets)."""
    metadata = body.get("metadata", {})
    namespace = metadata.get("namespace", "")
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller") and owner.get("kind") == names.KIND:
            return namespace, owner["name"]
    name = (metadata.get("labels") or {}).get(names.LABEL_MODEL)
    return (namespace, name) if name else None


class News:
    """Tells edits of models from what else is heard of them: most of that is the operator's own status."""

    def __init__(self) -> None:
        self._seen: dict[str, object] = {}
        self._more = asyncio.Event()

    async def heard_of(self, count: int, *, within_s: float) -> None:
        """Returns once so many models were listed, or after `within_s`: some may have been deleted meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while len(self._seen) < count:
                    self._more.clear()
                    await self._more.wait()

    def lane(self, event: str | None, body: Mapping[str, Any]) -> Lane:
        """How urgent it is. What is listed when a watch begins (no event) is no news, unless the model says that it is on its way."""
        metadata = body["metadata"]
        before = self._seen.get(metadata["uid"])
        # a deletion moves the generation as well
        self._seen[metadata["uid"]] = now = (metadata["generation"], _orders(metadata.get("annotations") or {}))
        self._more.set()
        if event == "DELETED":
            del self._seen[metadata["uid"]]
        if event is None and is_at_rest(body):
            return Lane.ROUTINE
        return Lane.MOVING if event is None or now == before else Lane.EDITED


def _orders(annotations: Mapping[str, str]) -> Mapping[str, str]:
    """Only those: a client's `last-applied-configuration` is as long as the spec, and would be kept of a thousand models."""
    return {name: value for name, value in annotations.items() if name.startswith(f"{names.GROUP}/")}


async def _spawned(registry: kopf.OperatorRegistry, namespaces: Collection[str]) -> Collection[asyncio.Task[None]]:
    kopf.on.login(registry=registry)(_login)
    return await kopf.spawn_tasks(
        registry=registry,
        settings=_settings(bool(namespaces)),
        identity=_IDENTITY,
        clusterwide=not namespaces,
        namespaces=namespaces,
    )


def _watch_models(registry: kopf.OperatorRegistry, queue: WorkQueue, news: News) -> None:
    @kopf.on.event(MODELS.group, MODELS.version, MODELS.plural, registry=registry, id="model")
    async def model(*, type: str | None, body: Mapping[str, Any], namespace: str | None, name: str, **_: Any) -> None:
        queue.add((namespace or "", name), news.lane(type, body))


def _watch_children(registry: kopf.OperatorRegistry, queue: WorkQueue) -> None:
    async def child(*, type: str | None, body: Mapping[str, Any], **_: Any) -> None:
        key = key_of_child(body)
        if key is not None:
            queue.add(key, Lane.MOVING if type else Lane.ROUTINE)

    for kind in (*CHILDREN, POD_MONITORS, PODS):
        kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, id=kind.kind.lower())(child)


def _watch_pod_monitor_kind(registry: kopf.OperatorRegistry, on_scrapers_changed: Callable[[], None]) -> None:
    @kopf.on.event(*_CRDS, registry=registry, id="podmonitorkind")
    async def kind(**_: Any) -> None:
        on_scrapers_changed()


class _NothingKept(kopf.DiffBaseStorage):
    """kopf compares an object with what it was when last handled, which we never ask: copies for it took up to 0.5 ms an event."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


def _login(**facts: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**facts) or kopf.login_with_kubeconfig(**facts)


def _settings(namespaced: bool) -> kopf.OperatorSettings:
    """Endless patience with the apiserver, streams renewed every 5 minutes, children filtered on the server, no writes."""
    settings = kopf.OperatorSettings()
    settings.networking.error_backoffs = _Patience()
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.watching.connect_timeout = 10
    settings.watching.server_timeout = 290
    settings.watching.client_timeout = 330
    for kind in (*CHILDREN, POD_MONITORS, PODS):
        settings.watching.label_selectors[kind.group, kind.version, kind.plural] = _OURS
    settings.watching.field_selectors[_CRDS] = f"metadata.name={_POD_MONITOR_CRD}"
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.process.ultimate_exiting_timeout = None
    settings.persistence.finalizer = "kopf.invalid/unused"
    settings.persistence.diffbase_storage = _NothingKept()
    settings.scanning.disabled = namespaced  # else it reads CRDs, for which a namespaced operator has no right
    return settings
