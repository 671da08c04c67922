"""numpy's functions as operations of ONNX in double: what is done to a number, then a factor and a shift."""

import math

from bankmodel.exporting.additive.features import Kind, Operation

__all__ = ["FUNCTIONS"]

_ONE_MORE = Operation(Kind.AFFINE, (1.0, 1.0))
_LOG, _EXP = Operation(Kind.LOG), Operation(Kind.EXP)

FUNCTIONS: dict[str, tuple[tuple[Operation, ...], float, float]] = {
    "log": ((_LOG,), 1.0, 0.0),
    "log2": ((_LOG,), 1 / math.log(2), 0.0),
    "log10": ((_LOG,), 1 / math.log(10), 0.0),
    "log1p": ((_ONE_MORE, _LOG), 1.0, 0.0),
    "exp": ((_EXP,), 1.0, 0.0),
    "exp2": ((Operation(Kind.AFFINE, (math.log(2), 0.0)), _EXP), 1.0, 0.0),
    "expm1": ((_EXP,), 1.0, -1.0),
    "sqrt": ((Operation(Kind.SQRT),), 1.0, 0.0),
    "tanh": ((Operation(Kind.TANH),), 1.0, 0.0),
    "square": ((Operation(Kind.POWER, (2.0,)),), 1.0, 0.0),
    "negative": ((), -1.0, 0.0),
}
