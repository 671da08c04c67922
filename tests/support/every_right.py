"""A course of events in which the operator uses each of its rights at least once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bankmodel_operator.cluster.resources import CHILDREN, Resource
from support.operator_process import eventually
from support.stage import Stage, a_model

__all__ = ["use_every_right"]

_MODEL = "busy"
_SCALING = {"serving": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}, "monitoring": {"scrape": "PodMonitor"}}
_BARE = {"serving": {"replicas": 1}, "monitoring": {"scrape": "Disabled"}, "revisionHistoryLimit": 0}
_SPECS: Mapping[str, Mapping[str, Any]] = {
    "ConfigMap": {"data": {}},
    "NetworkPolicy": {"spec": {"podSelector": {}}},
}
"""Kinds of which a model has one for life; a stray one, as an operator of another version may have left, is removed."""


def use_every_right(it: Stage) -> None:
    """Make a model, change everybody's labels, replace it twice each way, take away what is optional, leave strays, delete it."""
    _apply(it, "1", _SCALING)
    _apply(it, "1", _SCALING | {"owner": "retail-risk"})
    for version in ("2", "1", "2", "1"):  # the same turning points again: a series of events
        _apply(it, version, _SCALING)
    _apply(it, "1", _BARE)
    for kind in (kind for kind in CHILDREN if kind.kind in _SPECS):
        _leave_stray(it, kind)
    _apply(it, "2", _BARE)
    it.kubectl("delete", "bankmodel", _MODEL, "-n", it.namespace)


def _apply(it: Stage, version: str, spec: Mapping[str, Any]) -> None:
    it.apply(a_model(_MODEL, it.namespace, version=version, **spec))
    revision = it.reaches(_MODEL, version)["status"]["stable"]["revision"]
    eventually(lambda: _deployments(it) == {f"{_MODEL}-{revision}"}, what="one revision is left")
    it.settles(quiet_s=0.5)


def _deployments(it: Stage) -> set[str]:
    return {child["metadata"]["name"] for child in it.children(_MODEL, "deployments")}


def _leave_stray(it: Stage, kind: Resource) -> None:
    (example, *_) = it.children(_MODEL, kind.plural)
    metadata = {key: example["metadata"][key] for key in ("namespace", "labels", "ownerReferences")}
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {**metadata, "name": "stray"}}
    it.kubectl("create", "-f", "-", body={**body, **_SPECS[kind.kind]})
    eventually(lambda: not it.get(kind.kind, "stray"), what=f"the stray {kind.kind} is removed")
