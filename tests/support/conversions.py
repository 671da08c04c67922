"""`make docs`: docs/conversions.md, what converts and what does not, from the very tables that tests run. Fits nothing.

`python -m support.conversions` (with PYTHONPATH=tests) prints the page.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from support.exact_pairs import PAIRS
from support.fitted import SCORERS
from support.linear_models import CALIBRATED, LINEAR_CLASSIFIERS, LINEAR_REGRESSORS, LINEAR_STEPS
from support.linear_pairs import CARD_PAIRS, LINEAR_PAIRS
from support.refusals import NOT_CONVERTED, NOT_EXACT
from support.tree_models import BOOSTERS, BOOSTING_REGRESSORS, CLASSIFIERS, REGRESSORS
from support.tree_steps import NUMBER_STEPS, PASSING_MISSING, WORD_STEPS

__all__ = ["page"]

Table = Mapping[str, Callable[[], Any]]

_SIZES = {"n_jobs", "random_state", "verbose", "n_estimators", "max_iter", "max_depth", "tol", "n_quantiles"}
"""Settings of no matter for whether something converts."""


def page() -> str:
    """The page, as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "<!-- Generated from the tables of tests/support. Do not edit: run `make docs`. -->"
    yield "# What converts, as it is tested"
    yield ""
    yield "Each line is tried by a test; what that means, and its limits: [export](export.md)."
    yield from _section("Trees that are exact", CLASSIFIERS, BOOSTERS, REGRESSORS, BOOSTING_REGRESSORS)
    yield "The classifiers also within `CalibratedClassifierCV`, by `sigmoid`, `isotonic` and `temperature`."
    yield from _section("Steps in front of exact trees", NUMBER_STEPS, PASSING_MISSING, WORD_STEPS)
    yield from _section("Linear models that are exact", LINEAR_CLASSIFIERS, CALIBRATED, LINEAR_REGRESSORS)
    yield from _section("Steps in front of exact linear models", LINEAR_STEPS, WORD_STEPS)
    yield from _section("Others, the standard way or exactly", SCORERS)
    yield from _refusals()
    yield from _pairs()


def _section(title: str, *tables: Table) -> Iterator[str]:
    yield from ("", f"## {title}", "", "| in the tests | what it is |", "|---|---|")
    for table in tables:
        for name, make in table.items():
            yield f"| {name} | `{_told(make())}` |"
    yield ""


def _refusals() -> Iterator[str]:
    yield from ("", "## What is not exact, or does not convert, and what to do", "")
    yield "Words of the refusal, or of `card.parity.conversion.because`: where the step stands, and why."
    yield from ("", "| what | why | what to do |", "|---|---|---|")
    for name, case in {**NOT_EXACT, **NOT_CONVERTED}.items():
        yield f"| {name} | `{case.where.strip()}` … {case.reason} | {case.way_out} |"


def _pairs() -> Iterator[str]:
    yield from ("", "## Pairs of preparation and model that `make verify-export` counts", "")
    for pair in (*PAIRS, *LINEAR_PAIRS, *CARD_PAIRS):
        yield f"- {pair.name.replace('|', '/')}"


def _told(step: Any) -> str:
    """An estimator in one line, without what is as by default."""
    if isinstance(step, Pipeline):
        return " > ".join(_told(part) for _, part in step.steps)
    if isinstance(step, FeatureUnion):
        return " beside ".join(_told(part) for _, part in step.transformer_list)
    if isinstance(step, ColumnTransformer):
        return ", ".join(f"{_told(part)} of {len(columns)} columns" for _, part, columns in step.transformers)
    if not hasattr(step, "get_params"):
        return str(getattr(step, "__name__", step))
    usual, own = type(step)().get_params(deep=False) if _has_defaults(step) else {}, step.get_params(deep=False)
    changed = [
        f"{name}={_value(own[name])}"
        for name in own
        if name not in _SIZES and _value(own[name]) != _value(usual.get(name))
    ]
    return f"{type(step).__name__}({', '.join(changed)})"


def _has_defaults(step: Any) -> bool:
    try:
        type(step)()
    except TypeError:
        return False
    return True


def _value(value: Any) -> str:
    if hasattr(value, "get_params"):
        return _told(value)
    return str(getattr(value, "__name__", None) or repr(value))


if __name__ == "__main__":
    print(page(), end="")
