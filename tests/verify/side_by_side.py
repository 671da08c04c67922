"""Several works at once, each in a thread of its own: waiting for a cluster costs no processor."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

__all__ = ["side_by_side"]

_DEADLINE_S = 3600.0
"""Between two results."""
T = TypeVar("T")
Work = Callable[[], Iterator[T]]


def side_by_side(works: Sequence[Work[T]], *, at_once: int) -> Iterator[T]:
    """What all of them yield, as it comes. One that raises does not disturb the others; the first exception is raised after them."""
    found = queue.SimpleQueue[tuple[T] | Exception | None]()
    left = iter(works)
    for _ in range(min(at_once, len(works))):
        # daemons: who is stopped in the middle does not wait for them
        threading.Thread(target=_work, args=(left, found), daemon=True).start()
    errors = list[Exception]()
    for _ in range(min(at_once, len(works))):
        while (each := found.get(timeout=_DEADLINE_S)) is not None:
            if isinstance(each, Exception):
                errors.append(each)
            else:
                yield each[0]
    if errors:
        raise errors[0]


def _work(left: Iterator[Work[T]], found: "queue.SimpleQueue[tuple[T] | Exception | None]") -> None:
    for work in left:
        try:
            for each in work():
                found.put((each,))
        except Exception as error:  # told by side_by_side, where the others are through
            found.put(error)
    found.put(None)
