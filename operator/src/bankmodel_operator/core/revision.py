"""A revision: what the spec asks of a pod, normalised, and the name made from it.

Replicas, autoscaling, callers, monitoring, owner, tier and purpose are not in it: changing them
restarts nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bankmodel_operator.api.v1alpha1 import BankModelSpec

NAME_LENGTH = 10
"""Hexadecimal characters: a model would need a million revisions for a one in two chance of a clash."""


def inputs_of(spec: BankModelSpec) -> dict[str, Any]:
    """The revision inputs as written, without what equals a default: a field that comes later changes no revision.

    The defaults themselves are therefore for life; a test pins them.
    """
    model = spec.model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    serving = spec.serving.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, include={"image", "resources", "pod", "tls", "workers"}
    )
    return {"model": model, "serving": serving}


def name_of(inputs: Mapping[str, Any]) -> str:
    """The revision's name, for example `3f8a02c61d`."""
    return hashlib.sha256(canonical_json(inputs).encode()).hexdigest()[:NAME_LENGTH]


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
