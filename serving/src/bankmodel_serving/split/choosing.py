"""Which requests are the canary's: precise without a key, and the same for the same key with one. Pure."""

from collections.abc import Callable
from hashlib import blake2b

__all__ = ["Spread", "is_chosen"]

_BLOCK = 100  # weights are percent
_STEP = 61  # the golden section of 100, and prime to it: neighbours in the sequence are far from each other


class Spread:
    """Of every hundred requests exactly `weight` are chosen, as far from each other as that goes.

    Each hundred begins elsewhere (`draw` gives 0 to 99), so that a caller with a rhythm of its own does not always meet the same
    revision with the same kind of request.
    """

    __slots__ = ("_at", "_draw", "_shift")

    def __init__(self, draw: Callable[[], int]) -> None:
        self._draw = draw
        self._at = 0
        self._shift = 0

    def chooses(self, weight: int) -> bool:
        """Whether the next request is chosen."""
        if self._at == 0:
            self._shift = self._draw()
        place = (self._at * _STEP + self._shift) % _BLOCK
        self._at = (self._at + 1) % _BLOCK
        return place < weight


def is_chosen(key: str, salt: str, weight: int) -> bool:
    """Whether this key is among the `weight` percent. A higher weight only adds keys; another salt chooses others."""
    digest = blake2b(f"{salt}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) * _BLOCK < weight << 64
