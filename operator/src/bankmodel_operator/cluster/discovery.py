"""What this cluster offers, and whether it knows our resource: read at start, then once a minute and after being told."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bankmodel_operator.cluster.client import Api, Object
from bankmodel_operator.cluster.errors import ClusterError
from bankmodel_operator.cluster.resources import MODELS, POD_MONITORS
from bankmodel_operator.core.observation import ClusterFacts

__all__ = ["Discovery", "missing_fields", "resource_fault"]

log = logging.getLogger(__name__)

_FRESH_S = 60.0
_SOON_S = 0.5
_IMAGE_VOLUMES_SINCE = (1, 35)
_REMEDY = "run: kubectl apply --server-side -f crds/bankmodels.serving.bankmodel.io.yaml"
_MOST_NAMED = 3


class Discovery:
    """The cluster's facts, cached. `soon_s`: how long after being told the first look again is."""

    def __init__(self, api: Api, clock: Callable[[], float] = time.monotonic, *, soon_s: float = _SOON_S) -> None:
        self._api = api
        self._clock = clock
        self._soon_s = soon_s
        self._told = asyncio.Event()
        self._facts: ClusterFacts | None = None
        self._read_at = -math.inf

    def invalidate(self) -> None:
        """Something changed: read again before the next pass, and some more times after it."""
        self._read_at = -math.inf
        self._told.set()

    async def follow(self, on_change: Callable[[], None]) -> None:
        """Until cancelled: look again by itself and call `on_change` when the facts are others.

        At first and after `invalidate` in growing steps up to a minute: the API server tells of a new kind before it
        lists it.
        """
        known, wait_s = self._facts, self._soon_s
        while True:
            try:
                await asyncio.wait_for(self._told.wait(), wait_s)
                self._told.clear()
                wait_s = self._soon_s
            except TimeoutError:
                wait_s = min(2 * wait_s, _FRESH_S)
            before, known = known, await self._looked(known)
            if before is not None and known != before:
                on_change()

    async def _looked(self, known: ClusterFacts | None) -> ClusterFacts | None:
        self._read_at = -math.inf
        try:
            return await self.facts()
        except ClusterError as error:
            log.warning("what the cluster offers was not read", extra={"error": str(error)})
            return known

    async def facts(self) -> ClusterFacts:
        """What the cluster offers now."""
        if self._facts is None or self._clock() > self._read_at + _FRESH_S:
            version, monitors = await asyncio.gather(
                self._api.read("/version"), self._api.read(f"/apis/{POD_MONITORS.api_version}")
            )
            self._facts = ClusterFacts(
                pod_monitor=_offers(monitors, POD_MONITORS.plural),
                image_volumes=_number(version) >= _IMAGE_VOLUMES_SINCE,
                version=str((version or {}).get("gitVersion", "unknown")),
            )
            self._read_at = self._clock()
        return self._facts


async def resource_fault(api: Api, needed: Mapping[str, Any]) -> str:
    """Why this operator cannot work with the installed CRD, and what to apply; empty when it can.

    Looked up in the API's own schema documents, which every account may read: a namespaced operator may not see CRDs.
    """
    schema = _schema(await api.read(f"/openapi/v3/apis/{MODELS.api_version}") or {})
    crd = f"CRD {MODELS.plural}.{MODELS.group}"
    if schema is None:
        return f"the {crd} is not installed; {_REMEDY}"
    missing = sorted(missing_fields(needed, schema))
    if not missing:
        return ""
    named = ", ".join(missing[:_MOST_NAMED]) + (", …" if len(missing) > _MOST_NAMED else "")
    return f"the installed {crd} is older than this operator: it lacks {named}; {_REMEDY}"


def missing_fields(needed: Mapping[str, Any], served: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths of the fields that the needed schema has and the served one has not."""
    for name, field in needed.get("properties", {}).items():
        there = served.get("properties", {}).get(name)
        if there is None:
            yield f"{path}.{name}".lstrip(".")
        else:
            yield from missing_fields(field, there, f"{path}.{name}")
    if "items" in needed and "items" in served:
        yield from missing_fields(needed["items"], served["items"], f"{path}[]")


def _schema(document: Object) -> Mapping[str, Any] | None:
    wanted = {"group": MODELS.group, "version": MODELS.version, "kind": MODELS.kind}
    for schema in document.get("components", {}).get("schemas", {}).values():
        if wanted in schema.get("x-kubernetes-group-version-kind", ()):
            found: Mapping[str, Any] = schema
            return found
    return None


def _offers(group: Object | None, plural: str) -> bool:
    return any(resource["name"] == plural for resource in (group or {}).get("resources", ()))


def _number(version: Object | None) -> tuple[int, int]:
    # minor may read "35+" on hosted clusters
    found = [re.match(r"\d+", str((version or {}).get(part, ""))) for part in ("major", "minor")]
    major, minor = (int(match.group()) if match else 0 for match in found)
    return major, minor
