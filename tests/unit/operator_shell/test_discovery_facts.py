"""What the cluster offers, from the documents it serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from bankmodel_operator.cluster.client import Api, Object
from bankmodel_operator.cluster.discovery import Discovery, missing_fields, resource_fault
from bankmodel_operator.cluster.errors import Unavailable

pytestmark = pytest.mark.asyncio


class Documents:
    """The API's own documents; counts how often they are read."""

    def __init__(self, **documents: Object) -> None:
        self.documents = documents
        self.reads = 0

    async def read(self, path: str) -> Object | None:
        self.reads += 1
        return next((body for name, body in self.documents.items() if name in path.replace(".", "_")), None)


def facts_of(documents: Documents, clock: list[float] | None = None) -> Discovery:
    moments = clock or [0.0]
    return Discovery(cast(Api, documents), clock=lambda: moments[0])


@pytest.mark.parametrize(
    ("major", "minor", "expected"),
    [("1", "34", False), ("1", "35", True), ("1", "35+", True), ("1", "37", True), ("2", "0", True), ("", "", False)],
)
async def test_image_volumes_need_1_35(major: str, minor: str, expected: bool) -> None:
    facts = await facts_of(Documents(version={"major": major, "minor": minor, "gitVersion": "v"})).facts()

    assert facts.image_volumes is expected


async def test_pod_monitors_are_found_when_installed() -> None:
    found = Documents(monitoring_coreos_com={"resources": [{"name": "podmonitors"}]})

    assert (await facts_of(found).facts()).pod_monitor is True


async def test_the_group_alone_is_not_the_kind() -> None:
    found = Documents(monitoring_coreos_com={"resources": [{"name": "servicemonitors"}]})

    assert (await facts_of(found).facts()).pod_monitor is False


async def test_facts_are_read_once_a_minute() -> None:
    documents, clock = Documents(), [0.0]
    discovery = facts_of(documents, clock)
    await discovery.facts()
    await discovery.facts()
    assert documents.reads == 2
    clock[0] = 61.0
    await discovery.facts()

    assert documents.reads == 4


async def test_facts_are_read_again_when_told() -> None:
    documents = Documents()
    discovery = facts_of(documents)
    await discovery.facts()
    discovery.invalidate()
    await discovery.facts()

    assert documents.reads == 4


class Late(Documents):
    """An API server that lists the kind of the Prometheus Operator only from the nth read on."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self._nth = nth

    async def read(self, path: str) -> Object | None:
        await super().read(path)
        return {"resources": [{"name": "podmonitors"}]} if self.reads >= self._nth else None


class Silent(Documents):
    """An API server that does not answer."""

    async def read(self, path: str) -> Object | None:
        await super().read(path)
        raise Unavailable("no answer")


@asynccontextmanager
async def followed(discovery: Discovery) -> AsyncIterator[asyncio.Event]:
    changed = asyncio.Event()
    following = asyncio.create_task(discovery.follow(changed.set))
    try:
        await asyncio.sleep(0)  # it has begun, and knows what was given out before
        yield changed
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@pytest.mark.parametrize("nth", [3, 5, 12], ids=["at once", "one look later", "some looks later"])
async def test_a_kind_is_found_though_it_is_listed_later_than_it_is_told_of(nth: int) -> None:
    discovery = Discovery(cast(Api, Late(nth)), soon_s=0.001)
    assert (await discovery.facts()).pod_monitor is False

    async with followed(discovery) as changed:
        discovery.invalidate()
        await asyncio.wait_for(changed.wait(), 30)

        assert (await discovery.facts()).pod_monitor is True


@pytest.mark.parametrize("documents", [Documents(), Silent()], ids=["the same", "unread"])
async def test_facts_that_stay_the_same_or_are_not_read_disturb_nobody(documents: Documents) -> None:
    discovery = Discovery(cast(Api, documents), soon_s=0.001)

    async with followed(discovery) as changed:
        discovery.invalidate()
        async with asyncio.timeout(30):
            while documents.reads < 10:
                await asyncio.sleep(0.001)

        assert not changed.is_set()


def schema(*fields: str) -> dict[str, Any]:
    spec = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    return {"type": "object", "properties": {"spec": spec}}


def served(*fields: str) -> Documents:
    kind = {"group": "serving.bankmodel.io", "version": "v1alpha1", "kind": "BankModel"}
    body = {**schema(*fields), "x-kubernetes-group-version-kind": [kind]}
    return Documents(openapi={"components": {"schemas": {"io.bankmodel.BankModel": body}}})


async def test_a_missing_crd_is_named_with_its_remedy() -> None:
    fault = await resource_fault(cast(Api, Documents()), schema("owner"))

    assert "is not installed; run: kubectl apply --server-side -f crds/" in fault


async def test_an_older_crd_is_named_with_what_it_lacks() -> None:
    fault = await resource_fault(cast(Api, served("owner")), schema("owner", "steps"))

    assert "older than this operator: it lacks spec.steps; run: kubectl apply" in fault


@pytest.mark.parametrize("installed", [("owner",), ("owner", "fromTheFuture")], ids=["the same", "a newer one"])
async def test_a_crd_that_has_all_that_is_needed_fits(installed: tuple[str, ...]) -> None:
    assert await resource_fault(cast(Api, served(*installed)), schema("owner")) == ""


async def test_fields_inside_lists_are_compared_too() -> None:
    def listed(*names: str) -> dict[str, Any]:
        item: dict[str, Any] = {"properties": {name: {} for name in names}}
        return {"properties": {"env": {"type": "array", "items": item}}}

    assert list(missing_fields(listed("name", "value"), listed("name"))) == ["env[].value"]
