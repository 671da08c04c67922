"""Objects of an API that cannot be changed where they are: whoever tries fails, so nobody needs a copy of his own.

Used by the simulated cluster: what it hands out is what it holds, and a decision that changed what it was given would be found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

__all__ = ["frozen"]


def frozen(value: Any) -> Any:
    """The same in dicts and lists that refuse changes, all the way down; what is frozen already is not copied."""
    if isinstance(value, _Dict | _List | str):
        return value
    if isinstance(value, Mapping):
        return _Dict((key, frozen(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return _List(map(frozen, value))
    return value


def _refused(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("what was observed is not to be changed")


class _Dict(dict[str, Any]):
    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refused


class _List(list[Any]):
    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = _refused
    pop = remove = reverse = sort = _refused
