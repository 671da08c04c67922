"""Stops trying a peer that fails, and tries it again one request at a time. Pure: times are given."""

__all__ = ["Breaker"]

_THRESHOLD = 5
_OPEN_S = 1.0


class Breaker:
    """Five failures in a row open it for a second; then one request may try while the others go on being refused."""

    __slots__ = ("_failures", "_is_probing", "_until")

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0
        self._is_probing = False

    def allows(self, now: float) -> bool:
        """Ask before each attempt; who is allowed says afterwards how it went."""
        if self._failures < _THRESHOLD:
            return True
        if now < self._until or self._is_probing:
            return False
        self._is_probing = True
        return True

    def succeeded(self) -> None:
        self._failures = 0
        self._is_probing = False

    def failed(self, now: float) -> None:
        self._failures += 1
        self._is_probing = False
        if self._failures >= _THRESHOLD:
            self._until = now + _OPEN_S

    def left(self) -> None:
        """The attempt was given up by who asked for it, and says nothing about the peer."""
        self._is_probing = False
