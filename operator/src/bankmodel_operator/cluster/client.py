"""The apiserver as a handful of verbs over plain dicts; everything in `cluster` goes through `Api`.

Dicts and raw requests rather than the client's models: one code path for every kind, unknown fields survive, and the
models alone cost 28 MB of memory. Every request has a deadline. Every request that changes something first asks the
guard whether this process may still write (see `lease`). Answers become values, or the errors of `errors`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.exceptions import ApiException

from bankmodel_operator.cluster.errors import Unavailable, raised
from bankmodel_operator.cluster.resources import RESOURCES, Ref, Resource
from bankmodel_operator.core import names

__all__ = ["Api", "Object", "Observer", "reference"]

Object = dict[str, Any]
Observer = Callable[[str, str, int], None]
"""Told the verb, the kind and the status code (0: no answer) of every request."""

_DEADLINE_S = 10.0
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON = "application/json"
_YAML = "application/yaml"
_OWNED = (("fieldManager", names.FIELD_MANAGER), ("fieldValidation", "Strict"))
_PAGE = "500"


def reference(body: Mapping[str, Any]) -> Ref:
    """Which object a body describes."""
    metadata = body["metadata"]
    return Ref(RESOURCES[body["kind"]], metadata["namespace"], metadata["name"])


def _forget(_verb: str, _kind: str, _code: int) -> None:
    """Nobody wants to know."""


class Api:
    """The verbs. `guard` raises when writing is not allowed any more; `observer` counts requests."""

    def __init__(self, client: ApiClient, *, guard: Callable[[], None], observer: Observer = _forget) -> None:
        self._client = client
        self._guard = guard
        self._observer = observer

    async def get(self, ref: Ref) -> Object | None:
        """The live object; None when there is none. A quorum read: no resourceVersion is sent."""
        code, answer = await self._request("get", ref.resource.kind, "GET", _path(ref))
        return None if code == 404 else _checked("get", str(ref), code, answer)

    async def list(self, resource: Resource, namespace: str = "", selector: str = "") -> tuple[Object, ...]:
        """All objects of a kind, of one namespace or of all; none where the kind itself is unknown."""
        found: list[Object] = []
        page = [("limit", _PAGE), *([("labelSelector", selector)] if selector else [])]
        token = ""
        while True:
            query = [*page, *([("continue", token)] if token else [])]
            code, answer = await self._request("list", resource.kind, "GET", resource.path(namespace), query=query)
            if code == 404:
                return ()
            _checked("list", f"{resource.plural} in {namespace or 'all namespaces'}", code, answer)
            found += ({"apiVersion": resource.api_version, "kind": resource.kind, **item} for item in answer["items"])
            token = answer["metadata"].get("continue", "")
            if not token:
                return tuple(found)

    async def create(self, body: Object) -> Object:
        """POST; an object of that name that is there already is a Conflict.

        Sent as YAML (which JSON is), so that the apiserver writes it anew in its own form. As JSON it would keep our bytes of a
        ControllerRevision's data, and then refuse every later apply, which rewrites them, as a change of what is immutable.
        """
        ref = reference(body)
        path, text = ref.resource.path(ref.namespace), json.dumps(body)
        code, answer = await self._write(
            "create", ref.resource.kind, "POST", path, query=_OWNED, body=text, content_type=_YAML
        )
        return _checked("create", str(ref), code, answer)

    async def apply(self, body: Object) -> Object:
        """Server-side apply as our field manager; uid and resourceVersion in the body are preconditions."""
        ref = reference(body)
        query = (*_OWNED, ("force", "true"))
        code, answer = await self._write(
            "patch", ref.resource.kind, "PATCH", _path(ref), query=query, body=body, content_type=_APPLY
        )
        return _checked("apply", str(ref), code, answer)

    async def merge(self, ref: Ref, body: Object) -> Object | None:
        """JSON merge patch; None when the object is gone."""
        query = (("fieldManager", names.FIELD_MANAGER),)
        code, answer = await self._write(
            "patch", ref.resource.kind, "PATCH", _path(ref), query=query, body=body, content_type=_MERGE
        )
        return None if code == 404 else _checked("patch", str(ref), code, answer)

    async def put(self, body: Object, subresource: str = "") -> Object:
        """Replace the object (or its status); the resourceVersion in the body is the precondition."""
        ref = reference(body)
        query = (("fieldManager", names.FIELD_MANAGER),)
        code, answer = await self._write(
            "update", ref.resource.kind, "PUT", _path(ref, subresource), query=query, body=body
        )
        return _checked(f"update {subresource} of".replace("  ", " "), str(ref), code, answer)

    async def delete(self, ref: Ref, *, uid: str, resource_version: str) -> None:
        """Delete exactly the object that was observed; one that is gone already is fine."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
        }
        code, answer = await self._write("delete", ref.resource.kind, "DELETE", _path(ref), body=body)
        if code != 404:
            _checked("delete", str(ref), code, answer)

    async def read(self, path: str) -> Object | None:
        """A document of the API itself (discovery, version, schema); None when the path is unknown."""
        code, answer = await self._request("get", "discovery", "GET", path)
        return None if code == 404 else _checked("get", path, code, answer)

    async def _write(self, verb: str, kind: str, method: str, path: str, **rest: Any) -> tuple[int, Object]:
        self._guard()
        return await self._request(verb, kind, method, path, **rest)

    async def _request(
        self,
        verb: str,
        kind: str,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: Object | str | None = None,
        content_type: str = _JSON,
    ) -> tuple[int, Object]:
        code = 0
        started = time.monotonic()
        try:
            async with asyncio.timeout(_DEADLINE_S):
                request = await self._client.param_serialize(
                    method,
                    path,
                    query_params=list(query),
                    header_params={"Content-Type": content_type, "Accept": _JSON},
                    body=body,
                    auth_settings=["BearerToken"],
                )
                response = await self._client.call_api(*request, _request_timeout=_DEADLINE_S)
                code = response.status
                return code, _parsed(await response.response.read())
        except (TimeoutError, aiohttp.ClientError, ApiException, OSError) as error:
            waited_s = time.monotonic() - started
            reason = f"{type(error).__name__} {error}".strip()
            raise Unavailable(f"{verb} {path}: no answer after {waited_s:.1f} s ({reason})", target=path) from error
        finally:
            self._observer(verb, kind, code)


def _path(ref: Ref, subresource: str = "") -> str:
    return ref.resource.path(ref.namespace, ref.name, subresource)


def _parsed(payload: bytes) -> Object:
    try:
        answer = json.loads(payload)
    except ValueError:
        return {"message": payload[:200].decode(errors="replace")}
    return answer if isinstance(answer, dict) else {"message": str(answer)[:200]}


def _checked(verb: str, target: str, code: int, answer: Object) -> Object:
    if code < 300:
        return answer
    raise raised(verb, target, code, answer)
