"""The client against a scripted apiserver on loopback: what is sent, what answers become, and that the guard stops writes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from bankmodel_operator.cluster.client import Api
from bankmodel_operator.cluster.errors import (
    ClusterError,
    Conflict,
    Forbidden,
    LeaseLost,
    NotServed,
    Refused,
    Unavailable,
    raised,
)
from bankmodel_operator.cluster.resources import PODS, RESOURCES, Ref
from support.answering import answering

pytestmark = pytest.mark.asyncio

SERVICE = Ref(RESOURCES["Service"], "lending", "mortgage")
BODY = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "mortgage", "namespace": "lending"}}
Answer = tuple[int, dict[str, Any]]


class Script:
    """Answers in this order, then the last one for ever; remembers what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []
        self.counted: list[tuple[str, str, int]] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append((request.method, request.path_qs, json.loads(body) if body else None))
        code, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(answer, status=code)

    def count(self, verb: str, kind: str, code: int) -> None:
        self.counted.append((verb, kind, code))


@asynccontextmanager
async def api(script: Script, guard: Callable[[], None] = lambda: None) -> AsyncIterator[Api]:
    async with answering(web.route("*", "/{path:.*}", script.answer)) as port:
        async with ApiClient(Configuration(host=f"http://127.0.0.1:{port}")) as client:
            yield Api(client, guard=guard, observer=script.count)


def shut() -> None:
    raise LeaseLost("shut")


async def test_an_object_that_is_not_there_is_none() -> None:
    async with api(Script((404, {}))) as client:
        assert await client.get(SERVICE) is None


async def test_a_list_follows_its_pages_and_names_the_kind() -> None:
    script = Script(
        (200, {"metadata": {"continue": "more"}, "items": [{"metadata": {"name": "a"}}]}),
        (200, {"metadata": {}, "items": [{"metadata": {"name": "b"}}]}),
    )
    async with api(script) as client:
        found = await client.list(PODS, "lending", "x=y")

    assert [(item["kind"], item["metadata"]["name"]) for item in found] == [("Pod", "a"), ("Pod", "b")]
    assert script.asked[1][1] == "/api/v1/namespaces/lending/pods?limit=500&labelSelector=x%3Dy&continue=more"


async def test_a_kind_that_is_not_installed_has_no_objects() -> None:
    async with api(Script((404, {}))) as client:
        assert await client.list(RESOURCES["PodMonitor"], "lending") == ()


async def test_an_apply_is_forced_strict_and_under_our_name() -> None:
    script = Script((200, BODY))
    async with api(script) as client:
        await client.apply(BODY)

    method, path, body = script.asked[0]
    assert (method, body) == ("PATCH", BODY)
    assert path.endswith("/services/mortgage?fieldManager=bankmodel-operator&fieldValidation=Strict&force=true")


async def test_a_delete_names_the_very_object_that_was_seen() -> None:
    script = Script((200, {}))
    async with api(script) as client:
        await client.delete(SERVICE, uid="u-1", resource_version="42")

    assert script.asked[0][2]["preconditions"] == {"uid": "u-1", "resourceVersion": "42"}


async def test_deleting_what_is_gone_is_fine() -> None:
    async with api(Script((404, {}))) as client:
        await client.delete(SERVICE, uid="u-1", resource_version="42")


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda client: client.create(BODY), id="create"),
        pytest.param(lambda client: client.apply(BODY), id="apply"),
        pytest.param(lambda client: client.put(BODY, "status"), id="put"),
        pytest.param(lambda client: client.merge(SERVICE, {}), id="merge"),
        pytest.param(lambda client: client.delete(SERVICE, uid="u", resource_version="1"), id="delete"),
    ],
)
async def test_no_write_leaves_the_process_without_the_lease(write: Callable[[Api], Awaitable[Any]]) -> None:
    script = Script((200, BODY))
    async with api(script, shut) as client:
        with pytest.raises(LeaseLost):
            await write(client)

    assert script.asked == []


async def test_reading_needs_no_lease() -> None:
    async with api(Script((200, BODY)), shut) as client:
        assert await client.get(SERVICE) == BODY


async def test_every_request_is_counted_with_its_code() -> None:
    script = Script((409, {"message": "changed"}))
    async with api(script) as client:
        with pytest.raises(Conflict):
            await client.apply(BODY)

    assert script.counted == [("patch", "Service", 409)]


async def test_no_answer_is_unavailable_and_counted_as_zero() -> None:
    script = Script((200, {}))
    settings = Configuration(host="http://127.0.0.1:1")
    async with ApiClient(settings) as client:
        with pytest.raises(Unavailable, match="no answer"):
            await Api(client, guard=shut, observer=script.count).get(SERVICE)

    assert script.counted == [("get", "Service", 0)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Refused),
        (401, Unavailable),
        (403, Forbidden),
        (404, Conflict),
        (409, Conflict),
        (410, Conflict),
        (413, Refused),
        (422, Refused),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_answers_become_errors_that_say_what_to_do(code: int, kind: type[ClusterError]) -> None:
    error = raised("apply", "Service lending/mortgage", code, {"message": "the apiserver's words"})

    assert type(error) is kind
    assert str(code) in str(error)
    assert "Service lending/mortgage" in str(error)
    assert error.words == "the apiserver's words"


async def test_a_create_without_its_kind_or_namespace_is_told_apart_from_an_object_that_is_gone() -> None:
    assert type(raised("create", "PodMonitor lending/mortgage", 404, {})) is NotServed


async def test_long_answers_are_cut() -> None:
    assert len(raised("get", "x", 500, {"message": "y" * 5000}).words) == 200
