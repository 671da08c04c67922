"""Read the sample of data that an export is judged on: CSV or Parquet, or a DataFrame as it is."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bankmodel.errors import UsageError

__all__ = ["Sample", "is_text", "read_sample"]

_ROWS_MIN = 2


@dataclass(frozen=True)
class Sample:
    """Rows to compare and count, and the digest of what they were read from."""

    frame: pd.DataFrame
    sha256: str


def read_sample(source: pd.DataFrame | str | Path, *, text: Sequence[str] = ()) -> Sample:
    """The sample in `source`; the columns in `text` are kept as text although they look like numbers ("007")."""
    if isinstance(source, pd.DataFrame):
        frame, digest = source, _frame_digest(source)
    else:
        frame, digest = _read_file(Path(source), text)
    if len(frame) < _ROWS_MIN:
        raise UsageError(f"the sample has {len(frame)} rows; give at least {_ROWS_MIN}, better a few hundred")
    _refuse_odd_columns(frame)
    return Sample(frame.reset_index(drop=True), digest)


def is_text(column: pd.Series) -> bool:
    """Whether the column holds words rather than numbers or booleans."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return not pd.api.types.is_numeric_dtype(column.cat.categories)
    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _read_file(path: Path, text: Sequence[str]) -> tuple[pd.DataFrame, str]:
    if not path.is_file():
        raise UsageError(f"sample {path} does not exist; give a .csv or .parquet file")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix not in (".csv", ".parquet", ".pq"):
        raise UsageError(f"sample {path} ends in {path.suffix!r}; give a .csv or .parquet file")
    try:
        frame = pd.read_csv(path, dtype=dict.fromkeys(text, "str")) if path.suffix == ".csv" else pd.read_parquet(path)
    except ImportError as error:
        raise UsageError(f"reading {path} needs pyarrow: pip install pyarrow, or give the sample as .csv") from error
    except (
        ValueError
    ) as error:  # an empty file, a broken row, another encoding: all of pandas' complaints about content
        raise UsageError(
            f"sample {path} can't be read: {str(error)[:200]}; give comma-separated UTF-8 with a header line, or .parquet"
        ) from error
    return frame, digest


def _refuse_odd_columns(frame: pd.DataFrame) -> None:
    if not frame.columns.is_unique:
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        raise UsageError(f"the sample has columns of the same name: {', '.join(twice)}; rename or drop one of each")
    for name in frame.columns:
        if pd.api.types.is_datetime64_any_dtype(frame[name]):
            raise UsageError(
                f"column {name!r} holds dates; a model file takes numbers and text: give days since a date"
            )


def _frame_digest(frame: pd.DataFrame) -> str:
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
