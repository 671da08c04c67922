"""How a model's inputs travel together: one matrix per datatype instead of an array per column. Pure.

A credit model has 20 to 60 named columns. Making, checking and copying an array for each, per request, cost 166 µs at 20
columns, five times what the model itself took. Columns of one datatype are therefore packed together in the request
(by the codec), joined into one matrix per batch (by the runner) and only then cut into the arrays that the model takes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from bankmodel_serving.tensors import Array, Kind, TensorSpec

__all__ = ["Content", "Group", "Packed", "Piece", "columns_of", "groups_of", "matrices_of", "pieces_of"]

_COLUMN_SHAPES = ((), (1,))
Piece = bytes | list[str]


@dataclass(frozen=True)
class Group:
    """Columns of one datatype, as a matrix (columns, rows); or one input with wider rows, as (rows, *row shape).

    `positions` are places in the model's inputs. A piece is one request's part of the matrix, in the same order of
    values: bytes in the machine's own format, or a list of strings.
    """

    kind: Kind
    row_shape: tuple[int, ...]
    positions: tuple[int, ...]

    @property
    def is_wide(self) -> bool:
        return self.row_shape not in _COLUMN_SHAPES

    @property
    def is_text(self) -> bool:
        return self.kind.family == "string"

    @property
    def values_per_row(self) -> int:
        width = 1
        for size in self.row_shape:
            width *= size
        return width * len(self.positions)

    def shape(self, rows: int) -> tuple[int, ...]:
        """The matrix's shape for so many rows."""
        return (rows, *self.row_shape) if self.is_wide else (len(self.positions), rows)

    def first_rows(self, matrix: Array, rows: int) -> Array:
        """A view of the first rows."""
        return matrix[:rows] if self.is_wide else matrix[:, :rows]

    def join(self, pieces: Sequence[Piece], rows: int) -> Array:
        """One matrix of the pieces of several requests, `rows` rows together."""
        if not self.is_wide and len(pieces) == rows > 1:
            return np.ascontiguousarray(self._values(pieces).reshape(rows, -1).T)  # one row a request: the common case
        if self.is_wide or len(pieces) == 1:
            return self._values(pieces).reshape(self.shape(rows))
        return np.concatenate([self._values([piece]).reshape(len(self.positions), -1) for piece in pieces], axis=1)

    def _values(self, pieces: Sequence[Piece]) -> Array:
        if self.is_text:
            words = list(chain.from_iterable(pieces))
            values = np.empty(len(words), object)
            values[:] = words
            return values
        return np.frombuffer(b"".join(pieces), self.kind.dtype)  # type: ignore[arg-type]  # is_text tells which

    def columns(self, matrix: Array, rows: int) -> Iterable[Array]:
        """The arrays of this group's inputs, as the model takes them: views, each in one piece of memory."""
        return (matrix,) if self.is_wide else matrix.reshape(len(self.positions), rows, *self.row_shape)


@dataclass(slots=True)
class Packed:
    """One request's inputs: a piece for each group. Not frozen, as one is made per request."""

    groups: Sequence[Group]
    pieces: Sequence[Piece]
    rows: int

    def columns(self) -> list[Array]:
        """The same as one array per input, in the model's order."""
        return columns_of(self.groups, matrices_of(self.groups, [self.pieces], self.rows), self.rows)


Content = Sequence[Array] | Packed


def groups_of(specs: Sequence[TensorSpec]) -> tuple[Group, ...] | None:
    """The groups of a model's inputs, or None where a row's shape varies or rows can't be told."""
    places: dict[tuple[str, tuple[int, ...], int], list[int]] = {}
    for position, spec in enumerate(specs):
        row = spec.row_shape
        if row is None:
            return None
        alone = 0 if row in _COLUMN_SHAPES else position
        places.setdefault((spec.kind.datatype, row, alone), []).append(position)
    return tuple(Group(specs[positions[0]].kind, row, tuple(positions)) for (_, row, _), positions in places.items())


def matrices_of(groups: Sequence[Group], parts: Sequence[Sequence[Piece]], rows: int) -> list[Array]:
    """One matrix per group from the pieces of several requests."""
    return [group.join(pieces, rows) for group, pieces in zip(groups, zip(*parts, strict=True), strict=True)]


def columns_of(groups: Sequence[Group], matrices: Sequence[Array], rows: int) -> list[Array]:
    """One array per input, in the model's order; views of the matrices."""
    found: dict[int, Array] = {}
    for group, matrix in zip(groups, matrices, strict=True):
        found.update(zip(group.positions, group.columns(matrix, rows), strict=True))
    return [found[position] for position in range(len(found))]


def pieces_of(groups: Sequence[Group], columns: Sequence[Array]) -> list[Piece]:
    """Arrays in the model's order as one request's pieces."""
    pieces: list[Piece] = []
    for group in groups:
        own = [columns[position].reshape(-1) for position in group.positions]
        values = own[0] if len(own) == 1 else np.concatenate(own)
        pieces.append(values.tolist() if group.is_text else np.ascontiguousarray(values).tobytes())
    return pieces
