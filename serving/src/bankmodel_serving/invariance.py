"""May requests be scored together? Only if a row's answer is the same, to the bit, whatever stands beside it. Start-up.

Tree ensembles pass, and linear models as `bankmodel export` writes them; a LinearClassifier node may differ by 1.8e-7 between
one row and many. A model that fails is served all the same, one request at a time.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bankmodel_serving.errors import InferenceFailed
from bankmodel_serving.tensors import Array, InputSpec, Schema

__all__ = ["holds_in_batches_of", "is_batch_invariant"]

_ROWS = 256  # the most that are ever scored together: --batch-rows allows no more
_SIZES = (2, 3, 4, 5, 7, 8, 16, 33, 64, 100, 128, 255, 256)
_SEED = 20_261_124  # fixed: the same file gets the same verdict at every start
Run = Callable[[Sequence[Array]], Sequence[Array]]


def is_batch_invariant(schema: Schema, run: Run, golden: Sequence[Array] | None = None) -> bool:
    """Score 256 rows one by one and in batches, and compare the bytes. `golden`: known rows to mix in, if any."""
    if not schema.has_rows or any(spec.row_shape is None for spec in schema.inputs):
        return False
    columns = [_sample(spec, None if golden is None else golden[i]) for i, spec in enumerate(schema.inputs)]
    try:
        single = [_bytes_of(run([column[row : row + 1] for column in columns])) for row in range(_ROWS)]
        return all(_agrees(columns, single, run, size) for size in _SIZES)
    except InferenceFailed:
        return False


def holds_in_batches_of(rows: int, schema: Schema, run: Run, golden: Sequence[Array] | None = None) -> bool:
    """Whether the same 256 rows answer alike in a batch of this many: some kernels change with size. For batch scoring."""
    columns = [_sample(spec, None if golden is None else golden[i]) for i, spec in enumerate(schema.inputs)]
    places = np.arange(rows) % _ROWS
    try:
        single = [run([column[row : row + 1] for column in columns]) for row in range(_ROWS)]
        expected = [np.concatenate(arrays)[places] for arrays in zip(*single, strict=True)]
        found = run([column[places] for column in columns])
    except InferenceFailed:
        return False
    return _bytes_of(found) == _bytes_of(expected)


def _agrees(columns: Sequence[Array], single: Sequence[list[Any]], run: Run, size: int) -> bool:
    start = _ROWS - size  # another place in the batch than the rows had in the smaller ones
    outputs = run([column[start:] for column in columns])
    if any(len(array) != size for array in outputs):
        return False
    return all(_bytes_of([array[row : row + 1] for array in outputs]) == single[start + row] for row in range(size))


def _bytes_of(outputs: Sequence[Array]) -> list[Any]:
    # Bytes, not ==: NaN must equal NaN, and 0.0 must not equal -0.0.
    return [array.tolist() if array.dtype == object else (array.shape, array.tobytes()) for array in outputs]


def _sample(spec: InputSpec, golden: Array | None) -> Array:
    random = np.random.default_rng(_SEED)
    shape = (_ROWS, *(spec.row_shape or ()))
    rows = _invented(spec, shape, random)
    if golden is not None and len(golden):
        known = golden[np.arange(_ROWS // 2) % len(golden)]
        rows[::2] = known
    return rows


def _invented(spec: InputSpec, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    match spec.kind.family:
        case "float":
            numbers = random.normal(size=shape) * 10.0 ** random.integers(-1, 4, size=shape)
            return numbers.astype(spec.kind.dtype)
        case "integer":
            return random.integers(0, 100, size=shape).astype(spec.kind.dtype)
        case "bool":
            return random.integers(0, 2, size=shape).astype(np.bool_)
        case _:
            return random.choice(np.array(["", "a", "b", "other"], dtype=object), size=shape)
