"""The difference between the children that must exist and those that do, as a list of writes.

Nothing here is written without a fence: an apply carries the uid and resourceVersion that were observed,
a delete has them as preconditions, so that a leader which froze cannot undo its successor's work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bankmodel_operator.core import names
from bankmodel_operator.core.names import ObjectRef, ref_of
from bankmodel_operator.core.observation import Manifest
from bankmodel_operator.core.revision import canonical_json

_WHOLE = frozenset({"selector", "podSelector", "labelSelector", "nodeSelector"})


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of `body`, which holds metadata.uid and metadata.resourceVersion."""

    body: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    ref: ObjectRef
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Writes in the order to make them: creates, applies, deletes."""

    create: tuple[Manifest, ...] = ()
    apply: tuple[Apply, ...] = ()
    delete: tuple[Delete, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.create or self.apply or self.delete)


def plan(desired: Iterable[Manifest], owned: Iterable[Manifest], *, owner: Manifest, prune: bool) -> Plan:
    """The writes that make `owned` what is `desired`. `owner`: the live BankModel; with `prune` its other
    children go. Objects that are already being deleted are left to their end."""
    live = {_key(manifest): manifest for manifest in owned if is_controlled_by(manifest, owner["metadata"]["uid"])}
    wanted = {_key(manifest): _with_mark(manifest) for manifest in desired}
    present = [(body, live[key]) for key, body in wanted.items() if key in live]
    spare = [manifest for key, manifest in live.items() if key not in wanted]
    return Plan(
        create=tuple(body for key, body in wanted.items() if key not in live),
        apply=tuple(_fenced(body, found) for body, found in present if not is_leaving(found) and differs(body, found)),
        delete=tuple(_deletion(manifest) for manifest in spare if prune and not is_leaving(manifest)),
    )


def is_controlled_by(manifest: Manifest, uid: str) -> bool:
    references = manifest["metadata"].get("ownerReferences") or ()
    return any(reference.get("controller") and reference.get("uid") == uid for reference in references)


def is_leaving(manifest: Manifest) -> bool:
    return "deletionTimestamp" in manifest["metadata"]


def differs(body: Manifest, live: Manifest) -> bool:
    """Whether a field that we send is not so in the live object, or one that we sent before is sent no more."""
    return not _covers(live, body)


def _key(manifest: Manifest) -> tuple[str, str, str]:
    """Group, kind and name: the version an object was read in does not matter."""
    ref = ref_of(manifest)
    return ref.api_version.rpartition("/")[0], ref.kind, ref.name


def _with_mark(body: Manifest) -> Manifest:
    """The body with the hash of itself: a field we stop sending changes the hash, so it is noticed."""
    digest = hashlib.sha256(canonical_json(body).encode()).hexdigest()[:16]
    metadata = body["metadata"]
    annotations = {**metadata.get("annotations", {}), names.ANNOTATION_APPLIED: digest}
    return {**body, "metadata": {**metadata, "annotations": annotations}}


def _fenced(body: Manifest, live: Manifest) -> Apply:
    observed = {key: live["metadata"][key] for key in ("uid", "resourceVersion")}
    return Apply({**body, "metadata": {**body["metadata"], **observed}})


def _deletion(live: Manifest) -> Delete:
    return Delete(ref_of(live), live["metadata"]["uid"], live["metadata"]["resourceVersion"])


def _covers(live: Any, sent: Any) -> bool:
    """Deep subset: defaults and other writers' fields in `live` do not count as a difference."""
    if live == sent:
        return True  # most of it is, most of the time, and this is the fast way to know
    if live is None:
        return sent in ("", {}, [], ())  # the API server does not keep what is empty
    if isinstance(sent, Mapping):
        return isinstance(live, Mapping) and all(_covers_field(live.get(key), key, sent[key]) for key in sent)
    if isinstance(sent, Sequence) and not isinstance(sent, str):
        return isinstance(live, Sequence) and _covers_list(live, sent)
    return False


def _covers_field(live: Any, key: str, sent: Any) -> bool:
    # one label more in a selector and it selects nothing, so a selector is compared as a whole
    return bool(live == sent) if key in _WHOLE and sent else _covers(live, sent)


def _covers_list(live: Sequence[Any], sent: Sequence[Any]) -> bool:
    """Items with a name are told apart by it, as the API server merges them; other lists are one value."""
    if sent and all(isinstance(item, Mapping) and "name" in item for item in sent):
        by_name = {item.get("name"): item for item in live}
        return all(_covers(by_name.get(item["name"]), item) for item in sent)
    return len(live) == len(sent) and all(_covers(found, item) for found, item in zip(live, sent, strict=True))
