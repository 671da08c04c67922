"""What makes a new revision, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from bankmodel_operator.api.v1alpha1 import BankModel
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
    "a field of a later version": {"serving": {"workers": 3}},
}
CHANGED: dict[str, dict[str, Any]] = {
    "digest": {"model": {"sha256": OTHER_DIGEST, "version": "2"}},
    "version": {"model": {"version": "2"}},
    "source": {"model": {"source": {"image": {"reference": "registry.example/other:1"}}}},
    "image": {"serving": {"image": "registry.example/serving:9"}},
    "resources": {"serving": {"resources": {"requests": {"cpu": "1"}}}},
    "pod": {"serving": {"pod": {"env": [{"name": "TZ", "value": "UTC"}]}}},
}


@pytest.mark.parametrize("spec", UNCHANGED.values(), ids=UNCHANGED)
def test_this_keeps_the_revision(spec: dict[str, Any]) -> None:
    assert revision() == revision(**spec)


@pytest.mark.parametrize("spec", CHANGED.values(), ids=CHANGED)
def test_this_makes_a_new_revision(spec: dict[str, Any]) -> None:
    assert revision() != revision(**spec)


def test_a_name_is_ten_hexadecimal_characters_and_stays() -> None:
    # pinned: a change of this value would restart every model pod in the world
    assert revision() == "7a4ad5fc5b"
