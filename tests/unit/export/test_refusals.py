"""Every refusal says which step it is about and where that stands, what is wrong, and what to do."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bankmodel.errors import BankModelError
from bankmodel.exporting.export import export
from support.fitted import applications, decisions
from support.refusals import COLUMNS, NOT_CONVERTED, NOT_EXACT, Refused


@pytest.mark.parametrize("case", NOT_EXACT.values(), ids=NOT_EXACT)
def test_what_is_not_exact_says_where_why_and_what_to_do(case: Refused, tmp_path: Path) -> None:
    """FP64 takes an exact form alone, so that the reason there is none is a refusal."""
    said = _refusal(case, tmp_path, "FP64")

    assert [] == [part for part in ("only exact", case.where, case.reason, case.way_out) if part not in said]


@pytest.mark.parametrize("case", NOT_CONVERTED.values(), ids=NOT_CONVERTED)
def test_what_can_t_be_converted_says_where_why_and_what_to_do(case: Refused, tmp_path: Path) -> None:
    said = _refusal(case, tmp_path, "FP32")

    assert [] == [part for part in (case.where, case.reason, case.way_out) if part not in said]


def _refusal(case: Refused, folder: Path, numbers: Any) -> str:
    frame: pd.DataFrame = applications()[COLUMNS]
    with pytest.raises(BankModelError) as refusal:
        export(case.make().fit(frame, decisions()), frame, folder / "model.onnx", numbers=numbers)
    return str(refusal.value)
