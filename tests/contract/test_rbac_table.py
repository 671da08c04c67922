"""The rights in the manifests are exactly those in `support.rights`, which says why for each."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from bankmodel_operator.cluster.resources import RESOURCES
from support.rights import NEEDED

_MANIFESTS = Path(__file__).parents[2] / "manifests"
_CLUSTER_WIDE = _MANIFESTS / "base" / "clusterrole.yaml"
_WATCHED = _MANIFESTS / "namespaced" / "watched" / "role.yaml"
_OWN = _MANIFESTS / "operator" / "role.yaml"

Granted = set[tuple[str, str, str, str]]


def test_cluster_role_grants_exactly_what_is_needed() -> None:
    assert _needed("watched", "cluster") == _granted(_CLUSTER_WIDE)


def test_namespaced_role_grants_exactly_what_is_needed() -> None:
    assert _needed("watched") == _granted(_WATCHED)


def test_role_in_the_own_namespace_grants_exactly_what_is_needed() -> None:
    assert _needed("own") == _granted(_OWN)


def test_each_right_says_why() -> None:
    assert [] == [str(right) for right in NEEDED if len(right.why) < 10]


def test_each_kind_the_operator_calls_is_granted() -> None:
    granted = {(right.group, right.resource) for right in NEEDED}

    assert {(kind.group, kind.plural) for kind in RESOURCES.values()} <= granted


def test_nothing_is_granted_by_wildcard() -> None:
    words = {word for path in (_CLUSTER_WIDE, _WATCHED, _OWN) for right in _granted(path) for word in right}

    assert "*" not in words


def _needed(*scopes: str) -> Granted:
    return {(right.group, right.resource, right.name, right.verb) for right in NEEDED if right.scope in scopes}


def _granted(path: Path) -> Granted:
    documents = list(yaml.safe_load_all(path.read_text()))
    rules = [rule for document in documents for rule in document.get("rules", ())]
    return {right for rule in rules for right in _of_rule(rule)}


def _of_rule(rule: Mapping[str, Any]) -> Iterable[tuple[str, str, str, str]]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for name in rule.get("resourceNames", [""]):
                yield from ((group, resource, name, verb) for verb in rule["verbs"])
