"""What makes a new revision, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel, ImageSource, Serving
from bankmodel_operator.core.revision import inputs_of, name_of
from support.bankmodels import OTHER_DIGEST, a_bankmodel


def revision(**spec: Any) -> str:
    return name_of(inputs_of(BankModel.model_validate(a_bankmodel(**spec)).spec))


UNCHANGED: dict[str, dict[str, Any]] = {
    "replicas": {"serving": {"replicas": 7}},
    "autoscaling": {"serving": {"autoscaling": {"minReplicas": 1, "maxReplicas": 4}}},
    "callers": {"serving": {"callers": []}},
    "monitoring": {"monitoring": {"scrape": "Disabled"}},
    "owner": {"owner": "retail-risk"},
    "tier": {"tier": "Low"},
    "purpose": {"purpose": "Approve or refer"},
    "rollout": {"rollout": {"progressDeadline": "1h"}},
    "a default written out": {"serving": {"pod": {"terminationGracePeriodSeconds": 30}}},
    "the default resources in other words": {
        "serving": {"resources": {"requests": {"cpu": "0.25", "memory": "256Mi"}, "limits": {"memory": "262144Ki"}}}
    },
    "a field of a later version": {"serving": {"ofTomorrow": 3}},
}
CHANGED: dict[str, dict[str, Any]] = {
    "digest": {"model": {"sha256": OTHER_DIGEST, "version": "2"}},
    "version": {"model": {"version": "2"}},
    "source": {"model": {"source": {"image": {"reference": "registry.example/other:1"}}}},
    "image": {"serving": {"image": "registry.example/serving:9"}},
    "resources": {"serving": {"resources": {"requests": {"cpu": "1"}}}},
    "workers": {"serving": {"workers": 3}},
    "workers, though as many as without": {"serving": {"workers": 1}},
    "tls": {"serving": {"tls": {"secretName": "mortgage-tls"}}},
    "pod": {"serving": {"pod": {"env": [{"name": "TZ", "value": "UTC"}]}}},
}


@pytest.mark.parametrize("spec", UNCHANGED.values(), ids=UNCHANGED)
def test_this_keeps_the_revision(spec: dict[str, Any]) -> None:
    assert revision() == revision(**spec)


@pytest.mark.parametrize("spec", CHANGED.values(), ids=CHANGED)
def test_this_makes_a_new_revision(spec: dict[str, Any]) -> None:
    assert revision() != revision(**spec)


def test_a_name_is_ten_hexadecimal_characters_and_stays() -> None:
    # pinned: a change of this value would replace every model pod in the world
    inputs = {
        "model": {
            "version": "2026.11",
            "sha256": "9f2c4b1d0a6e7f3358c1b2d49e0f7a6c5d8b3e2190a4f6c7d1e8b5a29037c46f",
            "source": {"image": {"reference": "registry.example/lending/mortgage:2026.11"}},
        },
        "serving": {},
    }

    assert inputs == inputs_of(BankModel.model_validate(a_bankmodel()).spec)
    assert name_of(inputs) == "8873475cde"


def test_a_model_with_many_cores_keeps_its_revision_though_new_ones_get_workers() -> None:
    # pinned from before there were workers: an upgrade must not replace the pods of who has asked for two cores
    resources = {"requests": {"cpu": "2", "memory": "1Gi"}}

    assert revision(serving={"resources": resources}) == "b8dcffa00a"


def test_the_defaults_of_what_makes_a_revision_are_for_life() -> None:
    # The API server writes defaults into stored objects: with another default an old object would say what it did not,
    # and its pods would be replaced. A better default needs a new field or a new version of the resource.
    pod = Serving().pod.model_dump(mode="json", by_alias=True)
    unset: tuple[object, ...] = ({}, [], None)

    assert Serving().image == ""
    assert Serving().resources.model_dump() == {
        "requests": {"cpu": "250m", "memory": "256Mi"},
        "limits": {"memory": "256Mi"},
    }
    assert {"terminationGracePeriodSeconds": 30} == {key: value for key, value in pod.items() if value not in unset}
    assert ImageSource(reference="registry.example/m:1").path == "model.onnx"
