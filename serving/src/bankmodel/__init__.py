"""What a data scientist imports: turn a fitted pipeline into one ONNX file that a bank can serve.

`bankmodel.export(pipeline, sample, "model.onnx")` is the function under `bankmodel export`. Names resolve on first use,
so that `bankmodel --version` does not wait for scikit-learn.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bankmodel.cards import add_card
    from bankmodel.declared import monotone
    from bankmodel.errors import BankModelError
    from bankmodel.exporting.export import Exported, export
    from bankmodel.exporting.parity import Parity
    from bankmodel.manifest import manifest
    from bankmodel.pack import pack

__all__ = ["BankModelError", "Exported", "Parity", "add_card", "export", "manifest", "monotone", "pack"]

_HOMES = {
    "BankModelError": "bankmodel.errors",
    "Exported": "bankmodel.exporting.export",
    "Parity": "bankmodel.exporting.parity",
    "add_card": "bankmodel.cards",
    "export": "bankmodel.exporting.export",
    "manifest": "bankmodel.manifest",
    "monotone": "bankmodel.declared",
    "pack": "bankmodel.pack",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bankmodel' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
