"""The difference between what must be and what is: nothing idle, nothing foreign, nothing without a fence."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bankmodel_operator.core.plan import Plan, differs, plan

OWNER = {"metadata": {"uid": "u1"}}
OURS = [{"kind": "BankModel", "name": "m", "uid": "u1", "controller": True}]


def a_service(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "m", "ownerReferences": OURS, "labels": {"a": "1"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"type": "ClusterIP", **spec}}


def stored(body: Any, **metadata: Any) -> dict[str, Any]:
    live = copy.deepcopy(dict(body))
    live["metadata"] |= {"uid": "s1", "resourceVersion": "7", **metadata}
    return live


def made(body: dict[str, Any]) -> Any:
    """The body as it is sent, with its mark."""
    return plan([body], [], owner=OWNER, prune=True).create[0]


def test_what_is_missing_is_created() -> None:
    todo = plan([a_service()], [], owner=OWNER, prune=True)

    assert [body["metadata"]["name"] for body in todo.create] == ["m"]
    assert not todo.apply
    assert not todo.delete


def test_what_is_as_it_was_sent_is_left_alone() -> None:
    live = stored(made(a_service(ports=[{"name": "http", "port": 80}])))
    live["spec"] |= {"clusterIP": "10.0.0.1", "ports": [{"name": "http", "port": 80, "nodePort": 0}]}
    live["metadata"]["labels"]["somebody"] = "else"

    assert plan([a_service(ports=[{"name": "http", "port": 80}])], [live], owner=OWNER, prune=True).is_empty


def test_a_change_is_applied_with_uid_and_resource_version() -> None:
    todo = plan([a_service(type="NodePort")], [stored(made(a_service()))], owner=OWNER, prune=True)

    metadata = todo.apply[0].body["metadata"]
    assert (metadata["uid"], metadata["resourceVersion"]) == ("s1", "7")


def test_a_field_that_is_sent_no_more_is_noticed() -> None:
    live = stored(made(a_service(selector={"a": "1"})))

    assert len(plan([a_service()], [live], owner=OWNER, prune=True).apply) == 1


def test_a_selector_with_a_label_too_many_is_repaired() -> None:
    body = a_service(selector={"a": "1"})
    live = stored(made(body))
    live["spec"]["selector"]["typo"] = "2"

    assert len(plan([body], [live], owner=OWNER, prune=True).apply) == 1


def test_what_is_ours_and_not_wanted_is_deleted_with_preconditions() -> None:
    todo = plan([], [stored(a_service())], owner=OWNER, prune=True)

    assert [(each.ref.kind, each.uid, each.resource_version) for each in todo.delete] == [("Service", "s1", "7")]


@pytest.mark.parametrize(
    "owners",
    [[], [{**OURS[0], "uid": "other"}], [{**OURS[0], "controller": False}]],
    ids=["nobody's", "a namesake's", "not controlled"],
)
def test_what_is_not_ours_is_never_deleted(owners: list[Any]) -> None:
    assert plan([], [stored(a_service(), ownerReferences=owners)], owner=OWNER, prune=True).is_empty


def test_without_prune_nothing_is_deleted() -> None:
    assert plan([], [stored(a_service())], owner=OWNER, prune=False).is_empty


def test_what_is_being_deleted_is_left_to_its_end() -> None:
    leaving = stored(a_service(), deletionTimestamp="2026-11-24T08:00:00Z")

    assert plan([a_service(type="NodePort")], [leaving], owner=OWNER, prune=True).is_empty
    assert plan([], [leaving], owner=OWNER, prune=True).is_empty


def test_the_version_an_object_was_read_in_does_not_matter() -> None:
    scaler = {**a_service(), "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    live = stored(made(scaler)) | {"apiVersion": "autoscaling/v1"}

    todo = plan([scaler], [live], owner=OWNER, prune=True)

    assert (len(todo.create), len(todo.delete)) == (0, 0)


def test_the_same_name_in_another_group_is_another_object() -> None:
    wanted, live = (
        {**a_service(), "apiVersion": f"{group}/v1", "kind": "Route"} for group in ("a.example", "b.example")
    )

    todo = plan([wanted], [stored(live)], owner=OWNER, prune=True)

    assert (len(todo.create), len(todo.apply), len(todo.delete)) == (1, 0, 1)


@pytest.mark.parametrize(
    "todo",
    [
        plan([a_service()], [], owner=OWNER, prune=True),
        plan([a_service(type="NodePort")], [stored(made(a_service()))], owner=OWNER, prune=True),
        plan([], [stored(a_service())], owner=OWNER, prune=True),
    ],
    ids=["create", "apply", "delete"],
)
def test_one_write_is_something_to_do(todo: Plan) -> None:
    assert not todo.is_empty


SAME = {
    "defaults are added": ({"a": 1, "b": 2}, {"a": 1}),
    "an empty map is not kept": ({}, {"a": {}}),
    "an empty text is not kept": ({}, {"a": ""}),
    "named items in another order": (
        {"a": [{"name": "y"}, {"name": "x", "v": 1}]},
        {"a": [{"name": "x"}, {"name": "y"}]},
    ),
    "a list of what has no name": ({"a": [{"v": 1, "given": 0}, {"v": 2}]}, {"a": [{"v": 1}, {"v": 2}]}),
    "a text that is the name of none": ({"a": ["name", "x"]}, {"a": ["name", "x"]}),
    "an empty selector": ({"selector": {"app": "theirs"}}, {"selector": {}}),
    "named items of others": ({"a": [{"name": "x"}, {"name": "theirs"}]}, {"a": [{"name": "x"}]}),
}
OTHER = {
    "another value": ({"a": 1}, {"a": 2}),
    "missing": ({}, {"a": 2}),
    "false is not absent": ({}, {"a": False}),
    "a named item is missing": ({"a": [{"name": "x"}]}, {"a": [{"name": "x"}, {"name": "y"}]}),
    "one argument more": ({"a": ["x", "y"]}, {"a": ["x"]}),
    "arguments in another order": ({"a": ["x", "y"]}, {"a": ["y", "x"]}),
    "what has no name in another order": ({"a": [{"v": 1}, {"v": 2}]}, {"a": [{"v": 2}, {"v": 1}]}),
    "one of what has no name is missing": ({"a": [{"v": 1}]}, {"a": [{"v": 1}, {"v": 2}]}),
    "other texts, one of them a name": ({"a": ["name", "x"]}, {"a": ["name", "y"]}),
    "another text of one length": ({"a": "yes"}, {"a": "not"}),
    "a list for a number": ({"a": [1]}, {"a": 1}),
    "a list for a text": ({"a": ["x"]}, {"a": "x"}),
    "a number for a list": ({"a": 1}, {"a": [1]}),
    "another type": ({"a": "text"}, {"a": {"b": 1}}),
}


@pytest.mark.parametrize(("live", "sent"), SAME.values(), ids=SAME)
def test_these_do_not_differ(live: Any, sent: Any) -> None:
    assert not differs(sent, live)


@pytest.mark.parametrize(("live", "sent"), OTHER.values(), ids=OTHER)
def test_these_differ(live: Any, sent: Any) -> None:
    assert differs(sent, live)
