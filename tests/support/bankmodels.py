"""BankModels for tests: the least that is valid, with overrides laid over it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["DIGEST", "OTHER_DIGEST", "a_bankmodel"]

DIGEST = "9f2c4b1d0a6e7f3358c1b2d49e0f7a6c5d8b3e2190a4f6c7d1e8b5a29037c46f"
OTHER_DIGEST = "1b7e6a0c95d2f84433e9a1c07b58d6f2490e3c8a7d15b6f02c94e8d37a60b51e"


def a_bankmodel(*, name: str = "mortgage-approval", namespace: str = "lending", **spec: Any) -> dict[str, Any]:
    """Return the minimal BankModel as a plain object, with `spec` merged in key by key; None takes a key out.

    a_bankmodel(serving={"replicas": 3}, model={"source": {"image": None, "http": {"url": "https://m.example/m.onnx"}}})
    """
    minimal = {
        "owner": "mortgage-risk",
        "tier": "High",
        "model": {
            "version": "2026.11",
            "sha256": DIGEST,
            "source": {"image": {"reference": "registry.example/lending/mortgage:2026.11"}},
        },
    }
    return {
        "apiVersion": "serving.bankmodel.io/v1alpha1",
        "kind": "BankModel",
        "metadata": {"name": name, "namespace": namespace},
        "spec": _merged(minimal, spec),
    }


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            below = result.get(key)
            result[key] = _merged(below if isinstance(below, Mapping) else {}, value)
        else:
            result[key] = value
    return result
