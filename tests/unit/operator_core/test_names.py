"""Names fit into what Kubernetes allows, and one object is one object whatever version it is read in."""

from __future__ import annotations

import re

import pytest

from bankmodel_operator.core import names
from bankmodel_operator.core.revision import NAME_LENGTH

LONGEST = "m" * 48
REVISION = "f" * NAME_LENGTH
MADE = {
    "revision": names.revision_object(LONGEST, REVISION),
    "routing": names.routing_configmap(LONGEST),
    "model": LONGEST,
}


@pytest.mark.parametrize("name", MADE.values(), ids=MADE)
def test_every_name_made_from_the_longest_model_name_is_a_dns_label(name: str) -> None:
    assert len(name) <= 63
    assert re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name)


LABELS = {
    "pod": names.pod_labels(LONGEST, REVISION),
    "child": names.child_labels(LONGEST, "o" * 63, "Medium"),
    "selector": names.selector(LONGEST, REVISION),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_every_label_value_fits(labels: dict[str, str]) -> None:
    assert all(len(value) <= 63 for value in labels.values())


def test_pods_carry_neither_owner_nor_tier() -> None:
    labels = names.pod_labels("mortgage", REVISION)

    assert names.LABEL_OWNER not in labels
    assert names.LABEL_TIER not in labels


def test_the_selector_finds_the_pods() -> None:
    assert names.selector("mortgage", REVISION).items() <= names.pod_labels("mortgage", REVISION).items()


def test_the_url_is_the_stable_services() -> None:
    assert names.url("mortgage", "lending") == "http://mortgage.lending.svc/v2/models/mortgage/infer"
