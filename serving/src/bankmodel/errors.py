"""What can go wrong on the data scientist's side; the CLI turns each branch into an exit code.

BankModelError
├── UsageError          an argument, a file or a sample needs correcting          exit 2
├── ConversionError     the pipeline has a step that cannot become ONNX           exit 3
├── ParityError         it became ONNX, but does not score as the original does   exit 4
├── GoldenError         the file no longer gives the answers in its card          exit 4
└── ScoringFailed       scoring a file broke off; nothing was written             exit 1
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bankmodel.exporting.parity import Parity

__all__ = ["BankModelError", "ConversionError", "GoldenError", "ParityError", "ScoringFailed", "UsageError"]


class BankModelError(Exception):
    """Every refusal of this package; the message says what to do next."""

    exit_code = 1


class UsageError(BankModelError):
    """What was given (a path, a column, a name) has to be corrected."""

    exit_code = 2


class ConversionError(BankModelError):
    """No ONNX equivalent is known for a step of the pipeline."""

    exit_code = 3


class ParityError(BankModelError):
    """The ONNX file answers otherwise than the pipeline; `parity` has the rows, the size and the flipped decisions."""

    exit_code = 4

    def __init__(self, message: str, parity: Parity) -> None:
        super().__init__(message)
        self.parity = parity


class GoldenError(BankModelError):
    """The model scores otherwise here than on the day it was approved."""

    exit_code = 4


class ScoringFailed(BankModelError):
    """A disk, an input file or a process gave way in the middle."""
