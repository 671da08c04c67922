"""What a body may weigh once it is parsed, and that it says each thing once. Pure; the decoder asks before and after parsing.

4 MB of `[],[],[],` become 1.4 million lists: 130 MB and seconds, in a pod of 256 MiB. Brackets are counted before a body
is parsed; strings may hold some too, so what is beyond the limit is counted again without them.

orjson takes the last of two equal keys, others take the first: a request that says both is refused. Every key has a
colon behind it, so as many colons as keys found means that none was lost.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from bankmodel_serving.errors import BadRequest

__all__ = ["refuse_heavy", "refuse_repeated_keys"]

_LIGHT_BYTES = 64 << 10  # whatever such a body holds, it is 3 MB at most
_LISTS_PER_ROW = 25
_LEAST_LISTS = 10_000
_MAX_OBJECTS = 10_000  # tensors and their parameters
_MAX_KEYS = 100_000
_NUMBERS = (float, int)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')


def refuse_heavy(body: bytes, max_rows: int) -> None:
    """Raise if the body would become more lists or objects than an honest one of `max_rows` rows, each value in a list."""
    if len(body) <= _LIGHT_BYTES:
        return
    for bracket, limit, what in (
        (b"[", max(_LEAST_LISTS, _LISTS_PER_ROW * max_rows), "lists"),
        (b"{", _MAX_OBJECTS, "objects"),
        (b":", _MAX_KEYS, "keys"),
    ):
        if body.count(bracket) > limit and _has_more_outside_strings(body, bracket, limit):
            raise BadRequest(f"the body has more than {limit} {what}; send data flat, and each input as one tensor")


def _has_more_outside_strings(body: bytes, bracket: bytes, limit: int) -> bool:
    count = at = 0
    for string in _STRING.finditer(body):
        count += body.count(bracket, at, string.start())
        at = string.end()
        if count > limit:
            return True
    return count + body.count(bracket, at) > limit


def refuse_repeated_keys(body: bytes, document: dict[str, Any]) -> None:
    """Raise if some object of the body has a key twice. `document` is what the body was parsed to."""
    colons = body.count(b":")
    if colons == _count_plain_keys(document):
        return
    has_escaped_colon = b"003a" in body or b"003A" in body
    if has_escaped_colon or colons != _count_colons(document):
        repeated = _find_repeated(body)
        if repeated is not None:
            raise BadRequest(f"key {repeated[:60]} is there twice in one object of the body")


def _count_plain_keys(document: dict[str, Any]) -> int:
    """The keys of a request as most are, without objects inside of tensors; of any other too few, or it is refused later."""
    inputs, outputs = document.get("inputs"), document.get("outputs")
    try:
        return len(document) + sum(map(len, inputs or ())) + sum(map(len, outputs or ()))
    except TypeError:
        return 0


def _count_colons(document: dict[str, Any]) -> int:
    """One for each key and each colon in a string. Lists that begin with a number are not looked into: too few, at worst."""
    count = 0
    left: list[Any] = [document]
    while left:
        item = left.pop()
        if type(item) is dict:
            count += len(item)
            if ":" in "".join(item):
                count += "".join(item).count(":")
            values: Iterable[Any] = item.values()
        elif not item or type(item[0]) in _NUMBERS:
            continue
        else:
            values = item
        for value in values:
            kind = type(value)
            if kind is str:
                if ":" in value:
                    count += value.count(":")
            elif kind is dict or kind is list:
                left.append(value)
    return count


def _find_repeated(body: bytes) -> str | None:
    found: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) != len(pairs):
            found.append(Counter(key for key, _ in pairs).most_common(1)[0][0])

    try:
        json.loads(body, object_pairs_hook=note)
    except RecursionError:
        raise BadRequest("the body is nested deeper than can be checked") from None
    return found[0] if found else None
