"""What only the author of a step knows, told to the export: `monotone`. It is believed nowhere: the export looks."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from bankmodel.errors import UsageError

__all__ = ["monotone", "turns_of"]

_Declared = TypeVar("_Declared", bound=Callable[..., Any])
_MARK = "__bankmodel_turns__"


@overload
def monotone(what: _Declared, /) -> _Declared: ...
@overload
def monotone(*, turns: Iterable[float]) -> Callable[[_Declared], _Declared]: ...
def monotone(what: Any = None, /, *, turns: Iterable[float] = ()) -> Any:
    """Declare that a function, or a transformer of this class, maps each column by itself and never turns back.

    Use it as a decorator, or call it with somebody else's function or class. `turns` are the values of the column at which
    it may turn, or begins to take numbers: `@monotone(turns=(0.0,))` for a logarithm. Between them it only rises, or only falls.
    """
    if what is None:
        return lambda given: _marked(given, tuple(map(float, turns)))
    return _marked(what, ())


def turns_of(what: Any) -> tuple[float, ...] | None:
    """Where something that was declared monotone turns; None where nothing was declared."""
    turns: tuple[float, ...] | None = getattr(what, _MARK, None)
    return turns


def _marked(what: Any, turns: tuple[float, ...]) -> Any:
    if not callable(what):
        raise UsageError(
            f"a {type(what).__name__} can't be declared monotone; give a function, or a transformer's class"
        )
    try:
        setattr(what, _MARK, turns)
    except (AttributeError, TypeError) as error:
        name = getattr(what, "__name__", type(what).__name__)
        raise UsageError(f"{name} takes no mark; write a function that calls it, and declare that monotone") from error
    return what
