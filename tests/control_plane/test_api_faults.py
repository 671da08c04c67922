"""Every kind of trouble between operator and apiserver, at every fourth write of a model's life: it converges all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from cluster.api_only import ApiOnlyCluster
from support.proxy import Fault, Write
from support.shapes import differences, renamed, shape
from support.stage import Stage, a_model, stage

_FAULTS: Mapping[str, Fault] = {
    "steady": Fault(),
    "delayed": Fault(delay_s=1.0),
    "conflicting": Fault(refuse=409),
    "throttled": Fault(refuse=429),
    "broken": Fault(refuse=500),
    "unreached": Fault(refuse=503),
    "unanswered": Fault(lose_answer=True),
}
"""By the name of the model whose writes they meet; the first is for comparison."""
_FIRST, _EVERY = 1, 4


@dataclass
class _Trouble:
    """Counts the writes of each model, and lets the fault meet every fourth."""

    seen: dict[str, int]
    met: dict[str, int]

    def __call__(self, write: Write) -> Fault:
        name = next((name for name in _FAULTS if f"/{name}" in write.path or name.encode() in write.body), "")
        self.seen[name] = self.seen.get(name, 0) + 1
        if not name or self.seen[name] % _EVERY != _FIRST:
            return Fault()
        self.met[name] = self.met.get(name, 0) + 1
        return _FAULTS[name]


@dataclass(frozen=True)
class _Lived:
    """What was there of each model at the end, and how many faults it met."""

    made: Mapping[str, Any]
    met: Mapping[str, int]


@pytest.fixture(scope="module")
def lived(
    api: ApiOnlyCluster,
    kubectl: Callable[..., Any],
    module_namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[_Lived]:
    """All models are made and updated at the same time, each under its own fault."""
    with stage(api, kubectl, module_namespace, tmp_path_factory.mktemp("faults"), BANKMODEL_WORKERS="8") as it:
        trouble = _Trouble({}, {})
        it.proxy.fault = trouble
        for version in ("1", "2"):
            for name in _FAULTS:
                it.apply(a_model(name, it.namespace, version=version))
            for name in _FAULTS:
                it.reaches(name, version, deadline_s=90)
        it.settles()
        yield _Lived({name: _made(it, name) for name in _FAULTS}, trouble.met)


def _made(it: Stage, name: str) -> Any:
    return renamed(shape(it.children(name)), name)


@pytest.mark.parametrize("fault", [name for name in _FAULTS if name != "steady"])
def test_it_ends_the_same_as_without(lived: _Lived, fault: str) -> None:
    assert differences(lived.made["steady"], lived.made[fault]) == []


@pytest.mark.parametrize("fault", [name for name in _FAULTS if name != "steady"])
def test_the_fault_was_met(lived: _Lived, fault: str) -> None:
    """Else the test above would prove nothing."""
    assert lived.met[fault] >= 5
